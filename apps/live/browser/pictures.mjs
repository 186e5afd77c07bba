// The pictures of the page in docs/: a sample picture as a film that sways a little, in dark, in light, and on a phone.
//   MOONBEAM=build/ci/apps/cli/moonbeam MODEL=models/tiny PLAYWRIGHT=build/ci/apps/live/browser node pictures.mjs PICTURE.png FOLDER
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFilm } from './film.mjs';
import { ask, connected, fakeCamera, launch, openPage, results, scratch, startServer, until, useCamera } from './harness.mjs';

const [picture, folder] = process.argv.slice(2);
const film = join(scratch, 'film.y4m'), width = 640, height = 480;

async function pixelsOf(path) {
  const browser = await launch(), page = await browser.newPage();
  const url = 'data:image/png;base64,' + readFileSync(path).toString('base64');
  const bytes = await page.evaluate(async ([url, width, height]) => {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0, width, height);
    return [...context.getImageData(0, 0, width, height).data];
  }, [url, width, height]);
  await browser.close();
  return bytes;
}

const pixels = await pixelsOf(picture);
writeFilm(film, { width, height, rate: 10, frames: 40, draw(frame, x, y) {
  const shift = Math.round(6 * Math.sin((frame / 40) * 2 * Math.PI));
  const at = 4 * (Math.min(Math.max(y + shift, 0), height - 1) * width + x);
  return pixels.slice(at, at + 3);
} });

const server = await startServer();
const browser = await launch(fakeCamera(film));
const shots = [
  { name: 'live-dark.png', options: { colorScheme: 'dark' }, asks: [['detect', 'banana', 16], ['detect', 'dog', 22]] },
  { name: 'live-light.png', options: { colorScheme: 'light' }, asks: [['query', 'Is there a dog?', 4], ['query', 'What is the leftmost object?', 27]] },
  { name: 'live-phone.png', options: { colorScheme: 'dark', viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 }, asks: [['point', 'dog', 12]] },
];
for (const { name, options, asks } of shots) {
  const page = await openPage(browser, server.url, options);
  await connected(page);
  await ask(page, ...asks[0]);
  await useCamera(page);
  await page.evaluate(() => mirror.click());
  await page.click('text=Clear');
  for (const [skill, words, count] of asks) {
    await ask(page, skill, words);
    const before = results(page).length;
    await until(count + ' answers', () => results(page).length >= before + count);
  }
  await page.screenshot({ path: join(folder, name) });
  await page.context().close();
}
await browser.close();
await server.stop();
