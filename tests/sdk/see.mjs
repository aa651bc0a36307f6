// What @anthropic-ai/sdk shows of each failure. Usage: see.mjs FILE, as see.py.
import { readFileSync } from 'node:fs';
import Anthropic from '@anthropic-ai/sdk';

const ASK = { model: 'claude-haiku-4-5', max_tokens: 64, messages: [{ role: 'user', content: 'Count from 1 to 20.' }] };

async function answered(client, how) {
  if (how === 'helper') return `(no exception: stop_reason is ${(await client.messages.stream(ASK).finalMessage()).stop_reason})`;
  if (how === 'stream') {
    const types = [];
    for await (const event of await client.messages.create({ ...ASK, stream: true })) types.push(event.type);
    return `(answered: ${types.at(-1)})`;
  }
  return `(answered: ${(await client.messages.create(ASK)).content[0].text.slice(0, 1)})`;
}

async function shown({ base, key, how }) {
  try {
    return await answered(new Anthropic({ baseURL: base, apiKey: key, maxRetries: 0, timeout: 3000 }), how);
  } catch (error) {
    const root = error instanceof Anthropic.APIConnectionError ? error.cause?.cause : undefined;
    return `${error.constructor.name}: ${error.message}${root ? ` ← ${root.code}: ${root.message}` : ''}`;
  }
}

const all = {};
for (const one of JSON.parse(readFileSync(process.argv[2], 'utf8'))) all[one.name] = await shown(one);
console.log(JSON.stringify(all));
process.exit(0);
