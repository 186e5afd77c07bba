// npm ollama against two servers: ADDRESS, ADDRESS that wants the key "right", PICTURE.
import assert from 'node:assert/strict';
import { Ollama } from 'ollama';

const [openToAll, locked, picture] = process.argv.slice(2);
const client = new Ollama({ host: openToAll });
const model = 'moondream';
const all = async (stream) => {
  const lines = [];
  for await (const line of stream) lines.push(line);
  return lines;
};

assert.equal((await client.list()).models[0].model, 'moondream:latest');
assert.equal((await client.ps()).models.length, 1);
assert.ok((await client.show({ model })).capabilities.includes('vision'));
assert.equal((await client.pull({ model })).status, 'success');

const prompt = 'How many apples are there?';
const got = await client.generate({ model, prompt, images: [picture] });
assert.ok(got.response.length > 0 && got.done && got.prompt_eval_count > 49);
let lines = await all(await client.generate({ model, prompt, images: [picture], stream: true }));
assert.equal(lines.map((line) => line.response).join(''), got.response);
const messages = [{ role: 'user', content: prompt, images: [picture] }];
assert.equal((await client.chat({ model, messages })).message.content, got.response);
lines = await all(await client.chat({ model, messages, stream: true }));
assert.equal(lines.map((line) => line.message.content).join(''), got.response);
assert.equal(lines.at(-1).done_reason, 'stop');
assert.equal((await client.generate({ model, prompt: '', keep_alive: 0 })).done_reason, 'unload');

const format = {
  type: 'object',
  properties: { colour: { type: 'string' }, count: { type: 'integer' } },
  required: ['colour', 'count'],
};
const told = await client.chat({ model, messages, format, options: { num_predict: 60 } });
assert.deepEqual(Object.keys(JSON.parse(told.message.content)), ['colour', 'count']);
for (const [skill, key] of [['detect', 'objects'], ['point', 'points']]) {
  const found = await client.generate({
    model,
    prompt: '',
    images: [picture],
    options: { moondream: { skill, object: 'apple' } },
  });
  assert.ok(JSON.parse(found.response)[key].length > 0);
}

const refused = (status, call) => assert.rejects(call, (error) => error.status_code === status && error.error.length > 0);
await refused(400, () => client.generate({ model, prompt, options: { top_p: 2 } }));
await refused(400, () => client.chat({ model, messages, tools: [{ type: 'function', function: { name: 'f' } }] }));
await refused(404, () => client.pull({ model: 'llava' }));
await refused(501, () => client.embed({ model, input: 'x' }));
await refused(401, () => new Ollama({ host: locked }).list());
const withKey = new Ollama({ host: locked, headers: { Authorization: 'Bearer right' } });
assert.equal((await withKey.generate({ model, prompt, images: [picture] })).response, got.response);
console.log(`ollama: ${got.response}`);
