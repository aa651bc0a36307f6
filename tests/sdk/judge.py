"""PyPI's `anthropic`, major 1 or 2, judges a stand-in: it must behave as against the real API.

Usage: judge.py BASE_URL CONTROL_URL KEY [HTTPS_BASE_URL CA_FILE]. Ends with `N passed, N failed`.
"""

import asyncio
import contextlib
import functools
import json
import pathlib
import ssl
import sys
import traceback
import urllib.request

import anthropic

BASE, CONTROL, KEY, *HTTPS = sys.argv[1:]
MAJOR = int(anthropic.__version__.split(".")[0])
MODEL = "claude-haiku-4-5"
ASK = {"model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": "Count from 1 to 20."}]}
TEXT = "\n".join(str(n) for n in range(1, 21))
# What the newest major calls by another name than the last one.
OLD_NAMES = {
    "PaymentRequiredError": "APIStatusError",
    "GatewayTimeoutError": "InternalServerError",
    "ContentTooLargeError": "RequestTooLargeError",
}
ERRORS = json.loads((pathlib.Path(__file__).parent / "errors.json").read_text())
TRIALS = []


def trial(function):
    TRIALS.append((function.__name__.replace("_", " "), function))
    return function


def control(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{CONTROL}/_standin/{path}", data=data, method=method)
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


@contextlib.contextmanager
def fault(what, **rule):
    """The fault is in force inside; yields a function that gives the requests since its beginning."""
    log = control("GET", "requests")
    since = log[-1]["sequence"] if log else 0
    control("POST", "faults", {"fault": what, **rule})
    try:
        yield lambda: control("GET", f"requests?since={since}")
    finally:
        control("DELETE", "faults")


@functools.lru_cache
def client(**options):
    """A client with these options; made once, for each reads the system's CAs anew."""
    return anthropic.Anthropic(**{"base_url": BASE, "api_key": KEY, "max_retries": 0, "timeout": 30, **options})


def same(have, want, what=""):
    assert have == want, f"{what}: {have!r} is not {want!r}"


def raised(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__} was raised")


def header(request, name):
    return [value for have, value in request["headers"] if have == name]


def drain(stream):
    return [event.type for event in stream]


@trial
def a_message_is_parsed_and_its_request_is_what_this_major_sends():
    with fault({"delay": {"ms": 0}}) as requests:
        message = client().messages.create(**ASK)
    same(message.content[0].text, TEXT)
    same((message.model, message.stop_reason, message.role), ("claude-haiku-4-5-20251001", "end_turn", "assistant"))
    same(message.usage.output_tokens, 39)
    [request] = requests()
    same(message._request_id, request["reply"]["request_id"])
    same(header(request, "anthropic-version"), ["2026-10-21" if MAJOR >= 2 else "2023-06-01"])
    auth_header = ("authorization", f"Bearer {KEY}") if MAJOR >= 2 else ("x-api-key", KEY)
    same(header(request, auth_header[0]), [auth_header[1]])


@trial
def both_auth_headers_are_accepted():
    bearer = anthropic.Anthropic(base_url=BASE, auth_token=KEY, max_retries=0)
    same(bearer.messages.create(**ASK).content[0].text, TEXT)
    by_key = client().with_options(default_headers={"X-Api-Key": KEY})
    same(by_key.messages.create(**ASK).content[0].text, TEXT)


@trial
def a_stream_comes_in_order_to_its_end():
    types = drain(client().messages.create(**ASK, stream=True))
    same(types[:3], ["message_start", "content_block_start", "content_block_delta"])
    same(types[-3:], ["content_block_stop", "message_delta", "message_stop"])


@trial
def the_stream_helper_builds_the_message():
    with client().messages.stream(**ASK) as stream:
        same("".join(stream.text_stream), TEXT)
        message = stream.get_final_message()
    same((message.stop_reason, message.usage.output_tokens, message.content[0].text), ("end_turn", 39, TEXT))


@trial
def the_asynchronous_client_streams_too():
    async def run():
        async with anthropic.AsyncAnthropic(base_url=BASE, api_key=KEY, max_retries=0) as asynchronous:
            async with asynchronous.messages.stream(**ASK) as stream:
                return (await stream.get_final_message()).content[0].text

    same(asyncio.run(run()), TEXT)


@trial
def a_model_that_thinks_streams_its_thinking():
    with client().messages.stream(**{**ASK, "model": "claude-haiku-5-5", "max_tokens": 100}) as stream:
        message = stream.get_final_message()
    same([block.type for block in message.content], ["thinking", "text"])
    quiet = client().messages.create(**{**ASK, "model": "claude-haiku-5-5"}, thinking={"type": "disabled"})
    same([block.type for block in quiet.content], ["text"])


@trial
def counted_tokens_are_those_of_the_message():
    counted = client().messages.count_tokens(model=MODEL, messages=ASK["messages"]).input_tokens
    same(counted, client().messages.create(**ASK).usage.input_tokens)


@trial
def models_are_listed_page_by_page_and_found_by_alias():
    ids = [model.id for model in client().models.list(limit=2)]
    assert len(ids) == len(set(ids)) > 4, ids
    same(client().models.retrieve("claude-haiku-4-5").id, "claude-haiku-4-5-20251001")
    error = raised(anthropic.NotFoundError, lambda: client().models.retrieve("none"))
    assert "model: none" in str(error), error


@trial
def no_output_is_a_message_without_content():
    message = client().messages.create(**{**ASK, "max_tokens": 0})
    same((message.content, message.stop_reason), ([], "max_tokens"))


@trial
def wrong_requests_are_refused_with_what_arrived():
    def refused(part, **options):
        error = raised(anthropic.BadRequestError, lambda: client().messages.create(**{**ASK, **options}))
        assert part in str(error), error
        assert error.request_id.startswith("req_"), error.request_id

    refused('anthropic-version: "1999-01-01" is not a valid version', extra_headers={"anthropic-version": "1999-01-01"})
    refused("Unexpected value(s) `probe-1` for the `anthropic-beta` header", extra_headers={"anthropic-beta": "probe-1"})
    refused("x_probe: Extra inputs are not permitted", extra_body={"x_probe": 1})
    if MAJOR >= 2:
        refused("temperature: Extra inputs are not permitted", extra_body={"temperature": 0.5})
    else:
        client().messages.create(**ASK, extra_body={"temperature": 0.5})
    error = raised(anthropic.NotFoundError, lambda: client().messages.create(**{**ASK, "model": "none"}))
    assert "model: none" in str(error), error


@trial
def a_wrong_key_is_refused_once():
    with fault({"delay": {"ms": 0}}) as requests:
        error = raised(anthropic.AuthenticationError, lambda: client(api_key="sk-ant-api03-wrong", max_retries=2).messages.create(**ASK))
        same(len(requests()), 1, "requests")
    assert ("Invalid bearer token" if MAJOR >= 2 else "invalid x-api-key") in str(error), error
    same(error.response.headers.get("anthropic-organization-id"), None)


def judge_error(case):
    name = case["class"] if MAJOR >= 2 else OLD_NAMES.get(case["class"], case["class"])
    retries = 1 if "retried" in case else 0
    for stream in (False, True):
        with fault(case["fault"], route="messages") as requests:
            error = raised(anthropic.APIStatusError, lambda: client(max_retries=retries).messages.create(**ASK, stream=stream))
            arrived = requests()
        assert isinstance(error, getattr(anthropic, name)), f"{type(error).__name__} is no {name}"
        same(error.status_code, case["status"])
        same(error.type, case.get("type"), "type")
        if "message" in case:
            assert case["message"] in str(error), error
        if MAJOR >= 2:
            same(error.error_code, case.get("code"), "error_code")
            same(type(error).__name__, case.get("typed", name))
        same(error.request_id is None, case.get("edge", False), "no request id")
        if not case.get("edge"):
            same(error.request_id, arrived[-1]["reply"]["request_id"])
            same(error.body["request_id"], error.request_id, "request id in the body")
        if case["fault"].get("edge") != "error522":
            same(error.response.headers.get("retry-after"), case.get("retry_after"), "retry-after")
        if "retried" in case:
            same(len(arrived), 2 if case["retried"] else 1, "requests")


for _case in ERRORS:
    TRIALS.append((f"error {json.dumps(_case['fault'])}", lambda case=_case: judge_error(case)))


@trial
def a_retry_recovers_and_says_so():
    with fault({"error": "overloaded"}, times=1) as requests:
        same(client(max_retries=2).messages.create(**ASK).content[0].text, TEXT)
        arrived = requests()
    same([header(request, "x-stainless-retry-count") for request in arrived], [["0"], ["1"]])
    same(len({request["body_sha256"] for request in arrived}), 1, "bodies")


@trial
def a_clean_end_before_message_stop_goes_unnoticed_by_the_iterator():
    with fault({"cut": {"after_events": 6, "how": "clean"}}):
        types = drain(client().messages.create(**ASK, stream=True))
    assert types[0] == "message_start" and "message_stop" not in types, types


@trial
def every_other_cut_is_an_error_of_the_connection():
    for how in ("fin", "mid_chunk", "reset"):
        seen = []

        def read(seen=seen):
            for event in client().messages.create(**ASK, stream=True):
                seen.append(event.type)

        with fault({"cut": {"after_events": 6, "how": how}}):
            error = raised(Exception, read)
        assert type(error).__name__ in ("RemoteProtocolError", "ReadError", "APIConnectionError"), f"{how}: {error!r}"
        assert "message_stop" not in seen, seen


@trial
def an_error_inside_a_stream_is_a_status_error_with_status_200():
    with fault({"stream_error": {"after_events": 5, "error": "overloaded"}}):
        error = raised(anthropic.APIStatusError, lambda: drain(client().messages.create(**ASK, stream=True)))
    same((error.status_code, error.type), (200, "overloaded_error"))
    assert error.request_id.startswith("req_"), error.request_id


@trial
def silence_and_closed_connections_have_their_classes():
    with fault("hang"):
        raised(anthropic.APITimeoutError, lambda: client(timeout=0.5).messages.create(**ASK))
    for how in ("fin", "reset"):
        with fault({"close": how}):
            raised(anthropic.APIConnectionError, lambda: client().messages.create(**ASK))
    with fault({"silence": {"after_events": 5, "ms": 600_000}}):
        error = raised(Exception, lambda: drain(client(timeout=0.5).messages.create(**ASK, stream=True)))
    assert "imeout" in type(error).__name__, repr(error)


@trial
def https_under_the_standins_own_authority_works():
    base, authority = HTTPS
    context = ssl.create_default_context(cafile=authority)
    trusting = client(base_url=base, http_client=anthropic.DefaultHttpxClient(verify=context))
    same(trusting.messages.create(**ASK).content[0].text, TEXT)
    raised(anthropic.APIConnectionError, lambda: client(base_url=base).messages.create(**ASK))


def main():
    failed = 0
    for name, function in TRIALS:
        try:
            function()
            print(f"ok    {name}", flush=True)
        except Exception:
            failed += 1
            print(f"FAIL  {name}\n{traceback.format_exc()}", flush=True)
    print(f"anthropic {anthropic.__version__}: {len(TRIALS) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
