// npm openai against two servers: ADDRESS, ADDRESS that wants the key "right", PICTURE.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import OpenAI from 'openai';

const [openToAll, locked, picture] = process.argv.slice(2);
const url = 'data:image/png;base64,' + fs.readFileSync(picture).toString('base64');
const client = (address, apiKey = 'any') => new OpenAI({ baseURL: address + '/v1', apiKey });
const body = (text, more = {}) => ({
  model: 'moondream2',
  temperature: 0,
  messages: [
    {
      role: 'user',
      content: [{ type: 'image_url', image_url: { url } }, ...(text ? [{ type: 'text', text }] : [])],
    },
  ],
  ...more,
});
const model = client(openToAll);
const ask = async (text, more, of = model) => of.chat.completions.create(body(text, more));

const listed = (await model.models.list()).data;
assert.equal(listed.length, 1);
assert.equal((await model.models.retrieve(listed[0].id)).id, listed[0].id);

const got = await ask('How many apples are there?');
const answer = got.choices[0].message.content;
assert.ok(answer.length > 0);
assert.equal(got.choices[0].finish_reason, 'stop');
assert.ok(got.usage.prompt_tokens > 49);
assert.ok(got._request_id.length > 0);
const caption = (await ask()).choices[0].message.content;
assert.ok(caption.length > 0 && caption !== answer);

const chunks = [];
const stream = await ask('How many apples are there?', { stream: true, stream_options: { include_usage: true } });
for await (const chunk of stream) chunks.push(chunk);
assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''), answer);
assert.deepEqual(chunks.at(-1).usage, got.usage);
const helper = model.chat.completions.stream(body('How many apples are there?'));
assert.equal((await helper.finalChatCompletion()).choices[0].message.content, answer);

const schema = {
  type: 'object',
  properties: { colour: { type: 'string' }, count: { type: 'integer' } },
  required: ['colour', 'count'],
  additionalProperties: false,
};
const told = await ask('What colour is the apple?', {
  max_tokens: 60,
  response_format: { type: 'json_schema', json_schema: { name: 'out', strict: true, schema } },
});
assert.deepEqual(Object.keys(JSON.parse(told.choices[0].message.content)), ['colour', 'count']);
for (const [skill, key] of [['detect', 'objects'], ['point', 'points']]) {
  const found = await ask(undefined, { moondream: { skill, object: 'apple' } });
  assert.ok(JSON.parse(found.choices[0].message.content)[key].length > 0);
}

const refused = (status, call) =>
  assert.rejects(call, (error) => {
    assert.equal(error.status, status);
    assert.ok(error.code && error.type && error.requestID);
    return true;
  });
await refused(400, () => ask('What?', { n: 2 }));
await refused(400, () => ask('What?', { top_p: 2, stream: true }));
await refused(404, () => model.models.retrieve('other'));
await refused(404, () => model.responses.create({ model: 'x', input: 'x' }));
await refused(401, () => ask('What?', {}, client(locked, 'wrong')));
assert.equal((await ask(undefined, {}, client(locked, 'right'))).choices[0].message.content, caption);

// A server that takes one request a second, and only by its model's name.
const strict = client(process.env.STRICT);
const name = { model: listed[0].id };
for (let i = 0; i < 3; ++i)
  assert.equal((await ask(undefined, name, strict)).choices[0].message.content, caption);
await refused(404, () => ask(undefined, { model: 'gpt-4o-mini' }, strict));
console.log(`openai: ${answer} ${caption}`);
