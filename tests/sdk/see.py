"""What PyPI's `anthropic` shows of each failure.

Usage: see.py FILE. FILE is JSON: [{"name", "base", "key", "how": "message" | "stream" | "helper"}]. Prints {name: what is shown}.
"""

import json
import pathlib
import sys

import anthropic

ASK = {"model": "claude-haiku-4-5", "max_tokens": 64, "messages": [{"role": "user", "content": "Count from 1 to 20."}]}


def answered(client, how):
    if how == "helper":
        with client.messages.stream(**ASK) as stream:
            return f"(no exception: stop_reason is {stream.get_final_message().stop_reason})"
    if how == "stream":
        return f"(answered: {[event.type for event in client.messages.create(**ASK, stream=True)][-1]})"
    return f"(answered: {client.messages.create(**ASK).content[0].text[:1]})"


def shown(case):
    options = {"base_url": case["base"], "api_key": case["key"], "max_retries": 0, "timeout": 3}
    try:
        return answered(anthropic.Anthropic(**options), case["how"])
    except Exception as error:
        cause = f" ← {error.__cause__}" if isinstance(error, anthropic.APIConnectionError) and error.__cause__ else ""
        return f"{type(error).__name__}: {error}{cause}"


print(json.dumps({case["name"]: shown(case) for case in json.loads(pathlib.Path(sys.argv[1]).read_text())}))
