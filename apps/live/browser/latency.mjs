// Frame to first token in the page: from the capture of a camera's frame of 640 pixels to the first piece of its
// answer, in Chromium, against `moonbeam live` on two threads. Pictures are not cached between frames.
//   MOONBEAM=build/ci/apps/cli/moonbeam MODEL=... PLAYWRIGHT=build/ci/apps/live/browser node latency.mjs [ANSWERS]
import { join } from 'node:path';
import { movingFilm } from './film.mjs';
import { ask, connected, fakeCamera, launch, openPage, results, scratch, startServer, until, useCamera } from './harness.mjs';

const count = Number(process.argv[2] ?? 200);
const film = join(scratch, 'film.y4m');
movingFilm(film, { scale: 2, rate: 30 });
const server = await startServer({ args: ['--image-cache', '0'] });
const browser = await launch(fakeCamera(film));
const page = await openPage(browser, server.url);
await connected(page);
await ask(page, 'query', 'Is there a dog?');
await page.evaluate(() => {
  window.firsts = [];
  const at = new Map(), { tok, result } = heard;
  heard.tok = (message) => { if (!at.has(message.seq)) at.set(message.seq, performance.now()); tok.call(heard, message); };
  heard.result = (message) => { window.firsts.push([at.get(message.seq) - message.ts, message.timing.ttft_ms, message.timing.encode_ms]); result.call(heard, message); };
});
await useCamera(page);
await until(count + ' answers', () => results(page).length >= count, 600_000);
const rows = (await page.evaluate(() => window.firsts)).slice(5);
const at = (column, share) => { const all = rows.map((row) => row[column]).sort((a, b) => a - b); return all[Math.floor(share * (all.length - 1))].toFixed(0); };
console.log(`${await page.textContent('#engine')}; ${rows.length} answers`);
console.log(`capture to first token: p50 ${at(0, .5)} ms, p95 ${at(0, .95)} ms`);
console.log(`of that on the server:  p50 ${at(1, .5)} ms, p95 ${at(1, .95)} ms; encoding and prefix p50 ${at(2, .5)} ms`);
await browser.close();
await server.stop();
