// Checks a stand-in with npm's `@anthropic-ai/sdk`: the SDK must behave as against the real API.
//
// Usage: judge.mjs BASE_URL CONTROL_URL KEY [HTTPS_BASE_URL CA_FILE] (the CA in NODE_EXTRA_CA_CERTS).
// Ends with `N passed, N failed`.
import { readFileSync } from 'node:fs';
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';

const [BASE, CONTROL, KEY, HTTPS] = process.argv.slice(2);
const MODEL = 'claude-haiku-4-5';
const ASK = { model: MODEL, max_tokens: 64, messages: [{ role: 'user', content: 'Count from 1 to 20.' }] };
const TEXT = Array.from({ length: 20 }, (_, i) => i + 1).join('\n');
const beside = (file) => readFileSync(new URL(file, import.meta.url), 'utf8');
const VERSION = JSON.parse(beside('./node_modules/@anthropic-ai/sdk/package.json')).version;

async function control(method, path, body) {
  const reply = await fetch(`${CONTROL}/_standin/${path}`, { method, body: body && JSON.stringify(body) });
  assert.ok(reply.ok, `${method} ${path}: ${reply.status}`);
  return reply.json();
}

/** Runs `act` with the fault in force; returns what it gave and the requests that arrived meanwhile. */
async function withFault(fault, rule, act) {
  const log = await control('GET', 'requests');
  const since = log.at(-1)?.sequence ?? 0;
  await control('POST', 'faults', { fault, ...rule });
  try {
    const result = await act();
    return [result, await control('GET', `requests?since=${since}`)];
  } finally {
    await control('DELETE', 'faults');
  }
}

const client = (options) => new Anthropic({ baseURL: BASE, apiKey: KEY, maxRetries: 0, timeout: 30_000, ...options });
const header = (request, name) => request.headers.filter(([have]) => have === name).map(([, value]) => value);

async function raised(act) {
  let result;
  try {
    result = await act();
  } catch (error) {
    return error;
  }
  assert.fail(`nothing was thrown, but ${JSON.stringify(result)} given`);
}

async function drain(stream, types = []) {
  for await (const event of stream) types.push(event.type);
  return types;
}

async function judgeError(expected) {
  for (const stream of [false, true]) {
    const [error, arrived] = await withFault(expected.fault, { route: 'messages' }, () =>
      raised(() => client({ maxRetries: 'retried' in expected ? 1 : 0 }).messages.create({ ...ASK, stream })),
    );
    assert.ok(error instanceof Anthropic.APIError, `${error}`);
    assert.ok(error instanceof Anthropic[expected.class], `${error.constructor.name} is no ${expected.class}`);
    assert.equal(error.constructor.name, expected.typed ?? expected.class);
    assert.equal(error.status, expected.status);
    assert.equal(error.type ?? undefined, expected.type);
    assert.equal(error.errorCode ?? undefined, expected.code);
    if (expected.message) assert.ok(error.message.includes(expected.message), error.message);
    assert.equal(error.requestID == null, expected.edge ?? false, 'no request id');
    if (!expected.edge) assert.equal(error.requestID, arrived.at(-1).reply.request_id);
    if (expected.fault.edge !== 'error522') assert.equal(error.headers.get('retry-after') ?? undefined, expected.retry_after);
    if ('retried' in expected) assert.equal(arrived.length, expected.retried ? 2 : 1, 'requests');
  }
}

const trials = {
  'a message is parsed and its request is what this major sends': async () => {
    const [message, [request]] = await withFault({ delay: { ms: 0 } }, {}, () => client().messages.create(ASK));
    assert.equal(message.content[0].text, TEXT);
    assert.deepEqual([message.model, message.stop_reason, message.usage.output_tokens], ['claude-haiku-4-5-20251001', 'end_turn', 39]);
    assert.equal(message._request_id, request.reply.request_id);
    assert.deepEqual(header(request, 'anthropic-version'), ['2026-10-21']);
    assert.deepEqual(header(request, 'authorization'), [`Bearer ${KEY}`]);
  },
  'both auth headers are accepted': async () => {
    const byKey = client({ defaultHeaders: { 'X-Api-Key': KEY } });
    assert.equal((await byKey.messages.create(ASK)).content[0].text, TEXT);
    const bearer = new Anthropic({ baseURL: BASE, apiKey: null, authToken: KEY, maxRetries: 0 });
    assert.equal((await bearer.messages.create(ASK)).content[0].text, TEXT);
  },
  'a stream comes in order to its end': async () => {
    const types = await drain(await client().messages.create({ ...ASK, stream: true }));
    assert.deepEqual(types.slice(0, 3), ['message_start', 'content_block_start', 'content_block_delta']);
    assert.deepEqual(types.slice(-3), ['content_block_stop', 'message_delta', 'message_stop']);
  },
  'the stream helper builds the message': async () => {
    const stream = client().messages.stream(ASK);
    let text = '';
    stream.on('text', (delta) => (text += delta));
    const message = await stream.finalMessage();
    assert.deepEqual([text, message.content[0].text, message.stop_reason, message.usage.output_tokens], [TEXT, TEXT, 'end_turn', 39]);
  },
  'a model that thinks streams its thinking': async () => {
    const message = await client().messages.stream({ ...ASK, model: 'claude-haiku-5-5', max_tokens: 100 }).finalMessage();
    assert.deepEqual(message.content.map((block) => block.type), ['thinking', 'text']);
  },
  'counted tokens are those of the message': async () => {
    const counted = await client().messages.countTokens({ model: MODEL, messages: ASK.messages });
    assert.equal(counted.input_tokens, (await client().messages.create(ASK)).usage.input_tokens);
  },
  'models are listed page by page and found by alias': async () => {
    const ids = [];
    for await (const model of client().models.list({ limit: 2 })) ids.push(model.id);
    assert.ok(ids.length > 4 && new Set(ids).size === ids.length, `${ids}`);
    assert.equal((await client().models.retrieve('claude-haiku-4-5')).id, 'claude-haiku-4-5-20251001');
    const error = await raised(() => client().models.retrieve('none'));
    assert.ok(error instanceof Anthropic.NotFoundError && error.message.includes('model: none'), `${error}`);
  },
  'wrong requests are refused with what arrived': async () => {
    const refused = async (part, body, headers) => {
      const error = await raised(() => client().messages.create({ ...ASK, ...body }, { headers }));
      assert.ok(error instanceof Anthropic.BadRequestError && error.message.includes(part), `${error}`);
    };
    await refused('is not a valid version', {}, { 'anthropic-version': '1999-01-01' });
    await refused('Unexpected value(s) `probe-1`', {}, { 'anthropic-beta': 'probe-1' });
    await refused('x_probe: Extra inputs are not permitted', { x_probe: 1 });
    await refused('temperature: Extra inputs are not permitted', { temperature: 0.5 });
  },
  'a wrong key is refused once': async () => {
    const wrong = client({ apiKey: 'sk-ant-api03-wrong', maxRetries: 2 });
    const [error, arrived] = await withFault({ delay: { ms: 0 } }, {}, () => raised(() => wrong.messages.create(ASK)));
    assert.ok(error instanceof Anthropic.AuthenticationError && error.message.includes('Invalid bearer token'), `${error}`);
    assert.equal(arrived.length, 1);
  },
  'a retry recovers and is reported': async () => {
    const [message, arrived] = await withFault({ error: 'overloaded' }, { times: 1 }, () => client({ maxRetries: 2 }).messages.create(ASK));
    assert.equal(message.content[0].text, TEXT);
    assert.deepEqual(arrived.map((request) => header(request, 'x-stainless-retry-count')), [['0'], ['1']]);
  },
  'a clean end before message_stop is noticed by the helper only': async () => {
    const cut = { cut: { after_events: 6, how: 'clean' } };
    const [types] = await withFault(cut, {}, async () => drain(await client().messages.create({ ...ASK, stream: true })));
    assert.ok(types[0] === 'message_start' && !types.includes('message_stop'), `${types}`);
    const [error] = await withFault(cut, {}, () => raised(() => client().messages.stream(ASK).finalMessage()));
    assert.match(error.message, /without producing a Message|before receiving "message_stop"|ended without/);
  },
  'every other cut is an error of the connection': async () => {
    for (const how of ['fin', 'mid_chunk', 'reset']) {
      const types = [];
      const [error] = await withFault({ cut: { after_events: 6, how } }, {}, () =>
        raised(async () => drain(await client().messages.create({ ...ASK, stream: true }), types)),
      );
      assert.ok(/terminated|connection/i.test(`${error.message} ${error.cause?.message}`), `${how}: ${error}`);
      assert.ok(!types.includes('message_stop'), `${types}`);
    }
  },
  'an error inside a stream is an error of the API': async () => {
    const [error] = await withFault({ stream_error: { after_events: 5, error: 'overloaded' } }, {}, () =>
      raised(async () => drain(await client().messages.create({ ...ASK, stream: true }))),
    );
    assert.ok(error instanceof Anthropic.APIError, `${error}`);
    assert.equal(error.type, 'overloaded_error');
    assert.match(error.requestID, /^req_/);
  },
  'silence and closed connections have their classes': async () => {
    const [hung] = await withFault('hang', {}, () => raised(() => client({ timeout: 500 }).messages.create(ASK)));
    assert.ok(hung instanceof Anthropic.APIConnectionTimeoutError, `${hung}`);
    for (const how of ['fin', 'reset']) {
      const [closed] = await withFault({ close: how }, {}, () => raised(() => client().messages.create(ASK)));
      assert.ok(closed instanceof Anthropic.APIConnectionError, `${closed}`);
    }
  },
  "https under the stand-in's own authority works": async () => {
    assert.equal((await client({ baseURL: HTTPS }).messages.create(ASK)).content[0].text, TEXT);
  },
};
for (const expected of JSON.parse(beside('./errors.json'))) {
  trials[`error ${JSON.stringify(expected.fault)}`] = () => judgeError(expected);
}

let failed = 0;
for (const [name, trial] of Object.entries(trials)) {
  try {
    await trial();
    console.log(`ok    ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}\n${error.stack}`);
  }
}
console.log(`@anthropic-ai/sdk ${VERSION}: ${Object.keys(trials).length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
