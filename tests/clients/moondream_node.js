// npm moondream against two servers: ADDRESS, ADDRESS that wants the key "right", PICTURE.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { vl } from 'moondream';

const [openToAll, locked, picture] = process.argv.slice(2);
const version = process.env.CLIENT_VERSION;
const old = version === '0.0.5';
const image = fs.readFileSync(picture);
const client = (address, apiKey) =>
  new vl({ [old ? 'apiUrl' : 'endpoint']: address, ...(apiKey ? { apiKey } : {}) });
const all = async (stream) => {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return pieces;
};

const model = client(openToAll + '/v1');

const { caption } = await model.caption({ image });
assert.ok(typeof caption === 'string' && caption.length > 0);
for (const length of ['short', 'normal', 'long'])
  assert.ok((await model.caption({ image, length })).caption.length > 0);
let pieces = await all((await model.caption({ image, length: 'short', stream: true })).caption);
assert.ok(pieces.length > 2 && pieces.every((piece) => typeof piece === 'string'));

const question = 'How many apples are there?';
assert.ok((await model.query({ image, question })).answer.length > 0);
pieces = await all((await model.query({ image, question, stream: true })).answer);
assert.ok(pieces.join('').length > 0);
if (!old) assert.ok((await model.query({ question: 'What is red?' })).answer.length > 0);

const { objects } = await model.detect({ image, object: 'apple' });
assert.ok(objects.length > 0);
for (const box of objects) {
  assert.deepEqual(Object.keys(box).sort(), ['x_max', 'x_min', 'y_max', 'y_min']);
  for (const value of Object.values(box)) assert.ok(value >= 0 && value <= 1);
}
const { points } = await model.point({ image, object: 'apple' });
assert.ok(points.length > 0 && points.every(({ x, y }) => x >= 0 && x <= 1 && y >= 0 && y <= 1));
assert.deepEqual((await client(openToAll + '/v1/').point({ image, object: 'apple' })).points, points);
assert.ok((await client(openToAll).caption({ image })).caption.length > 0);

const refused = async (status, call) => assert.rejects(call, new RegExp(`status: ${status}`));
await refused(404, () => client(openToAll + '/v9').caption({ image }));
await refused(401, () => client(locked + '/v1').caption({ image }));
await refused(401, () => client(locked + '/v1', 'wrong').caption({ image }));
assert.ok((await client(locked + '/v1', 'right').caption({ image })).caption.length > 0);
await refused(400, () => model.caption({ image, length: 'endless' }));
await refused(400, () => model.caption({ image: { imageUrl: 'https://example.invalid/x.jpg' } }));
await refused(400, () => model.query({ image, question: ' ' }));
if (!old) {
  await refused(400, () => model.query({ image, question, reasoning: true }));
  await refused(501, () => model.segment({ image, object: 'apple' }));
  assert.ok((await model.query({ image, question, variant: 'of-nobody' })).answer.length > 0);
}
console.log(`moondream ${version}: ${caption}`);
