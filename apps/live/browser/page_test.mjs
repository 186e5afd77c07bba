// The live page in a real browser against the real server, with a film as camera (docs/live.md).
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { movingFilm, stillFilm } from './film.mjs';
import { answered, ask, connected, fakeCamera, launch, openPage, overlayAt, results, runAll, SAMPLES, scratch, sleep, startServer, test, text, until, useCamera } from './harness.mjs';

const still = join(scratch, 'still.y4m'), moving = join(scratch, 'moving.y4m');
stillFilm(still);
movingFilm(moving);

const server = await startServer();
const withStill = await launch(fakeCamera(still)), withMoving = await launch(fakeCamera(moving));

test('the page asks nobody but its server, and nothing is wrong with it', async () => {
  const page = await openPage(withMoving, server.url);
  await connected(page);
  await useCamera(page);
  await answered(page, 2);
  for (const url of page.requests) assert.ok(url.startsWith(server.url) || url.startsWith('blob:') || url.startsWith('data:'), url);
  assert.deepEqual(page.errors, []);
  const reply = await fetch(server.url + '/live');
  assert.match(reply.headers.get('content-security-policy'), /default-src 'self'/);
  await page.context().close();
});

test('with the network blocked to all but the server it works', async () => {
  const page = await openPage(withMoving, 'about:blank');
  await page.context().route((url) => url.host !== `127.0.0.1:${server.port}` && url.protocol.startsWith('http'), (route) => route.abort());
  await page.goto(server.url);
  await connected(page);
  await useCamera(page);
  await answered(page);
  await page.context().close();
});

test('what the camera shows is answered, with the figures of the server', async () => {
  const page = await openPage(withMoving, server.url);
  await connected(page);
  await ask(page, 'caption');
  await useCamera(page);
  await answered(page, 3);
  const result = results(page).at(-1);
  await until('the answer stands there', async () => results(page).some(({ answer }) => answer === undefined ? false : answer.trim() !== ''));
  await until('figures', async () => /ms|s/.test(await text(page, 'f-latency')));
  assert.ok(result.timing.ttft_ms > 0);
  // The first of them may be known to the server from an earlier test.
  await until('a picture of the film is encoded', () => results(page).some(({ timing }) => timing.encode_ms > 0));
  assert.match(await text(page, 'f-encode'), /^\d+ ms$/);
  assert.match(await text(page, 'f-decode'), /tok\/s$/);
  assert.match(await text(page, 'engine'), /starter.*threads/);
  await until('counts', async () => Number(await text(page, 'f-answered')) >= 3);
  assert.ok(Number(await text(page, 'f-sent')) >= Number(await text(page, 'f-answered')));
  await page.context().close();
});

test('the frame that is sent is a JPEG of at most 640 pixels behind its header', async () => {
  const page = await openPage(withMoving, server.url);
  await connected(page);
  await useCamera(page);
  await answered(page);
  const message = page.frames_[0], length = message.readUInt32LE(0);
  const header = JSON.parse(message.subarray(4, 4 + length));
  assert.deepEqual([header.w, header.h, header.rev], [320, 240, page.sent.find(({ t }) => t === 'task').rev]);
  assert.deepEqual([...message.subarray(4 + length, 6 + length)], [0xff, 0xd8]);
  await page.context().close();
});

/// The first box of the last result, and whether its outline is drawn where it belongs.
async function outlineIsAt(page, mirrored) {
  await until('a box', () => results(page).some(({ objects }) => objects?.length > 0));
  // Held still, so that the overlay is that of the result which is looked at.
  await page.keyboard.press('f');
  await until('frozen', async () => (await text(page, 'badge')) === 'Frozen');
  await until('nothing under way', async () => { const count = results(page).length; await sleep(300); return count === results(page).length; });
  const [{ x_min, y_min, x_max, y_max }] = results(page).filter(({ objects }) => objects?.length).at(-1).objects;
  const left = mirrored ? 1 - x_max : x_min, right = mirrored ? 1 - x_min : x_max, middle = (y_min + y_max) / 2;
  const is = ([r, g, b, a], [R, G, B]) => a > 200 && Math.abs(r - R) < 12 && Math.abs(g - G) < 12 && Math.abs(b - B) < 12;
  const first = [0xff, 0xd1, 0x66];
  assert.ok(is(await overlayAt(page, left, middle), first), `left edge at ${left}: ${await overlayAt(page, left, middle)}`);
  assert.ok(is(await overlayAt(page, right, middle), first), `right edge at ${right}`);
  assert.equal((await overlayAt(page, (left + right) / 2, middle))[3], 0, 'nothing inside');
  return { left, right };
}

test('boxes are drawn where they belong, mirrored with the picture and without', async () => {
  const page = await openPage(withStill, server.url);
  await connected(page);
  await ask(page, 'detect', 'circle');
  await useCamera(page);
  assert.equal(await page.evaluate(() => document.getElementById('view').classList.contains('mirrored')), true, 'a camera without a direction is a front camera');
  const mirrored = await outlineIsAt(page, true);
  assert.ok(mirrored.left > 0.45, 'the circle is on the left of the film, so on the right of its mirror image');
  await page.keyboard.press('f');
  await page.click('#source');
  await page.uncheck('#mirror');
  await page.keyboard.press('Escape');
  const before = results(page).length;
  await ask(page, 'detect', 'red circle');
  await until('another answer', () => results(page).length > before);
  const plain = await outlineIsAt(page, false);
  assert.ok(plain.right < 0.55);
  assert.match(await text(page, 'found'), /left/, 'the overlay in words');
  await page.context().close();
});

test('points are drawn with their numbers', async () => {
  const page = await openPage(withStill, server.url);
  await connected(page);
  await ask(page, 'point', 'circle');
  await useCamera(page);
  await until('a point', () => results(page).some(({ points }) => points?.length > 0));
  await page.keyboard.press('f');
  await until('frozen', async () => (await text(page, 'badge')) === 'Frozen');
  const [{ x, y }] = results(page).filter(({ points }) => points?.length).at(-1).points;
  const size = await page.evaluate(() => document.getElementById('overlay').clientWidth);
  const [r, g, b, a] = await overlayAt(page, 1 - x - 7 / size, y);
  assert.ok(a > 200 && Math.abs(r - 0xff) < 12 && Math.abs(g - 0xd1) < 12 && Math.abs(b - 0x66) < 12, `${[r, g, b, a]}`);
  await page.context().close();
});

test('overlays of a live picture fade when no answer follows', async () => {
  const page = await openPage(withMoving, server.url);
  await connected(page);
  await ask(page, 'detect', 'circle');
  await useCamera(page);
  await until('a box', () => results(page).some(({ objects }) => objects?.length > 0));
  await page.keyboard.press(' ');
  await until('faded', () => page.evaluate(() => document.getElementById('overlay').dataset.alpha === '0'));
  await page.context().close();
});

test('another question has a higher rev and is answered without a stop', async () => {
  const page = await openPage(withMoving, server.url);
  await connected(page);
  await ask(page, 'query', 'Is there a circle?');
  await useCamera(page);
  await answered(page);
  const before = results(page).at(-1).rev;
  await ask(page, 'query', 'Is there a dog?');
  await until('an answer to it', () => results(page).some(({ rev }) => rev > before));
  const task = page.sent.filter(({ t }) => t === 'task').at(-1);
  assert.equal(task.question, 'Is there a dog?');
  assert.ok(task.rev > before);
  const first = results(page).findIndex(({ rev }) => rev === task.rev);
  assert.ok(results(page).slice(first).every(({ rev }) => rev === task.rev), 'no answer to the old one after that');
  await page.context().close();
});

test('a question takes effect while it is typed, after a pause', async () => {
  const page = await openPage(withMoving, server.url);
  await connected(page);
  await ask(page, 'query', 'Is there a circle?');
  await useCamera(page);
  await answered(page);
  await page.focus('#prompt');
  await page.fill('#prompt', 'How many circles are there?');
  await until('sent', () => page.sent.some(({ question }) => question === 'How many circles are there?'));
  await page.context().close();
});

test('a slow server drops frames and stays within two answers of the camera', async () => {
  const slow = await startServer({ env: { MOONBEAM_TEST_LIVE_DELAY_MS: '600' } });
  const page = await openPage(withMoving, slow.url);
  await connected(page);
  await ask(page, 'caption');
  await useCamera(page);
  await answered(page, 4);
  await until('dropped', async () => Number(await text(page, 'f-dropped')) > 0);
  const last = results(page).at(-1);
  const service = last.timing.total_ms - last.timing.queue_ms;
  const latency = await page.evaluate(() => answer.latest.latency);
  assert.ok(latency < 2 * service + 300, `${latency} ms against ${service} ms of service`);
  await page.context().close();
  await slow.stop();
});

test('two pages have questions and answers of their own', async () => {
  const one = await openPage(withMoving, server.url), two = await openPage(withStill, server.url);
  for (const page of [one, two]) await connected(page);
  await ask(one, 'query', 'Is there a dog?');
  await ask(two, 'detect', 'circle');
  for (const page of [one, two]) await useCamera(page);
  await answered(one, 2);
  await answered(two, 1);
  assert.ok(results(one).every(({ objects }) => objects === undefined));
  assert.ok(results(two).every(({ answer }) => answer === undefined));
  await until('both are counted', async () => Number(await text(one, 'f-sessions')) >= 2);
  await one.context().close();
  await two.context().close();
});

test('a scene that stands still is not sent again, and its overlay stays', async () => {
  const page = await openPage(withStill, server.url);
  await connected(page);
  await ask(page, 'detect', 'circle');
  await useCamera(page);
  await answered(page);
  await until('no change', async () => (await text(page, 'badge')) === 'No change');
  const sent = page.frames_.length;
  await sleep(2500);
  assert.ok(page.frames_.length - sent <= 2, `${page.frames_.length - sent} sent`);
  assert.ok(Number(await text(page, 'f-unchanged')) > 3);
  // Each unchanged frame makes it whole again; between two that come late it may have begun to fade.
  const alpha = () => page.evaluate(() => document.getElementById('overlay').dataset.alpha);
  await until('whole', async () => await alpha() === '1');
  await page.context().close();
});

test('when the server goes and comes back the page goes on by itself', async () => {
  let own = await startServer();
  const page = await openPage(withMoving, own.url);
  await connected(page);
  await useCamera(page);
  await answered(page);
  await own.stop();
  await until('it is missed', async () => /Server gone/.test(await text(page, 'link')));
  assert.equal(await page.isVisible('#again'), true);
  own = await startServer({ port: own.port });
  const before = results(page).length;
  await until('answers go on', () => results(page).length > before, 30_000);
  assert.match(await text(page, 'link'), /Connected/);
  await page.context().close();
  assert.equal(await own.stop(), 0);
});

const samples = readdirSync(SAMPLES).filter((name) => /^s\d\.png$/.test(name)).sort().map((name) => join(SAMPLES, name));

test('a picture is uploaded and answered once', async () => {
  const page = await openPage(withMoving, server.url);
  await connected(page);
  await ask(page, 'caption');
  await page.setInputFiles('#files', samples[0]);
  await answered(page);
  await until('it is shown', () => page.isVisible('#still'));
  await sleep(800);
  assert.equal(results(page).length, 1);
  await ask(page, 'query', 'Is there a dog?');
  await answered(page, 2);
  assert.equal(results(page)[1].rev, page.sent.filter(({ t }) => t === 'task').at(-1).rev);
  await page.context().close();
});

test('pictures of a folder are turned by the arrows', async () => {
  const page = await openPage(withMoving, server.url);
  await connected(page);
  await ask(page, 'caption');
  await page.setInputFiles('#files', samples.slice(0, 3));
  await answered(page);
  assert.equal(await text(page, 'place'), '1 / 3');
  await page.keyboard.press('ArrowRight');
  await answered(page, 2);
  assert.equal(await text(page, 'place'), '2 / 3');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await until('the last one', async () => (await text(page, 'place')) === '3 / 3');
  await answered(page, 3);
  await page.context().close();
});

/// Files by drop or paste, as a browser hands them over.
const hand = (page, how, bytes, type, name) => page.evaluate(([how, bytes, type, name]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], name, { type }));
  document.dispatchEvent(how === 'drop' ? new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }) : new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true }));
}, [how, [...bytes], type, name]);

test('pictures are dropped and pasted, and files that are none are told apart', async () => {
  const page = await openPage(withMoving, server.url);
  await connected(page);
  await ask(page, 'caption');
  await hand(page, 'drop', readFileSync(samples[1]), 'image/png', 's2.png');
  await answered(page);
  await hand(page, 'paste', readFileSync(samples[2]), 'image/png', 's3.png');
  await answered(page, 2);
  await hand(page, 'drop', Buffer.from('hello'), 'text/plain', 'notes.txt');
  assert.match(await text(page, 'notice'), /Nothing to look at/);
  await hand(page, 'drop', Buffer.from('not a picture'), 'image/png', 'broken.png');
  await until('it says so', async () => /cannot be read/.test(await text(page, 'notice')));
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('keys pause, step, freeze, choose tasks, focus and help', async () => {
  const page = await openPage(withMoving, server.url);
  await connected(page);
  await page.keyboard.press('c');
  await until('the camera is on', () => page.evaluate(() => document.getElementById('video').readyState >= 2));
  await page.keyboard.press('1');
  await answered(page, 2);
  await page.keyboard.press(' ');
  await until('paused', async () => (await text(page, 'badge')) === 'Paused');
  await sleep(700);
  const paused = results(page).length;
  await sleep(700);
  assert.equal(results(page).length, paused, 'nothing comes while it is paused');
  await page.keyboard.press('.');
  await answered(page, paused + 1);
  await sleep(700);
  assert.equal(results(page).length, paused + 1, 'a step is one answer');
  await page.keyboard.press(' ');
  await answered(page, paused + 2);
  for (const [key, skill] of [['2', 'query'], ['3', 'detect'], ['4', 'point'], ['1', 'caption']]) {
    await page.keyboard.press(key);
    assert.equal(await page.getAttribute('#tab-' + skill, 'aria-selected'), 'true');
  }
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'prompt');
  await page.keyboard.type('1 f c? .');
  assert.equal(await page.inputValue('#prompt'), '1 f c? .', 'keys are letters while one types');
  await page.fill('#prompt', 'Is there a dog?');
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  assert.equal(await page.isVisible('#help'), true);
  await page.keyboard.press('Escape');
  assert.equal(await page.isVisible('#help'), false);
  // A browser without a screen may take its time over it, or let a wish pass that came in the middle of another
  // change of its window: who sees nothing happen presses the key again.
  for (let tries = 3; ; --tries) {
    await page.keyboard.press('x');
    const full = until('full screen', () => page.evaluate(() => document.fullscreenElement?.id === 'stage'), 8000);
    if (tries === 1 || await full.then(() => true, () => false)) { await full; break; }
  }
  await page.keyboard.press('x');
  await page.keyboard.press('c');
  await until('the camera is off', async () => /Show it something/.test(await text(page, 'notice')));
  await page.context().close();
});

test('freeze shows the very frame that was analysed, and a new question is asked of it', async () => {
  const page = await openPage(withMoving, server.url);
  await connected(page);
  await ask(page, 'caption');
  await useCamera(page);
  await answered(page, 2);
  await page.keyboard.press('f');
  await until('it is shown', () => page.isVisible('#still'));
  const shown = await page.evaluate(async () => new Uint8Array(await (await fetch(document.getElementById('still').src)).arrayBuffer()).length).catch(() => null);
  const frozen = await page.evaluate(() => answer.latest.blob.size);
  const last = page.frames_.map((message) => message.length - 4 - message.readUInt32LE(0));
  assert.ok(last.includes(frozen), 'byte for byte one that was sent');
  if (shown !== null) assert.equal(shown, frozen);
  const before = results(page).length;
  await sleep(600);
  assert.ok(results(page).length <= before + 1, 'nothing else is asked meanwhile');
  await ask(page, 'query', 'Is there a circle?');
  await until('it is asked again', () => results(page).at(-1).rev === page.sent.filter(({ t }) => t === 'task').at(-1).rev);
  assert.equal(await text(page, 'badge'), 'Frozen');
  await page.keyboard.press('f');
  assert.equal(await page.isVisible('#video'), true);
  await page.context().close();
});

test('answers are kept with thumbnails, copied and written as lines of JSON', async () => {
  const page = await openPage(withMoving, server.url, { permissions: ['clipboard-read', 'clipboard-write'] });
  await connected(page);
  await ask(page, 'caption');
  await page.setInputFiles('#files', samples.slice(0, 2));
  await answered(page);
  await page.keyboard.press('ArrowRight');
  await answered(page, 2);
  await until('both stand there', async () => (await page.locator('#entries li').count()) >= 1);
  const entries = await page.locator('#entries li').count();
  assert.ok(await page.evaluate(() => [...document.querySelectorAll('#entries img')].every((image) => image.naturalWidth > 0 || !image.complete)));
  await page.locator('#entries .text').first().click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), results(page)[1].answer.trim());
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save')]);
  const lines = readFileSync(await download.path(), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  assert.equal(lines.length, entries);
  assert.equal(lines[0].answer, results(page)[1].answer);
  assert.equal(lines[0].model, 'starter');
  await page.locator('#entries .open').last().click();
  await until('the old frame is back', async () => (await text(page, 'badge')) === 'Frozen');
  await page.click('#clear');
  assert.equal(await page.isVisible('#history'), false);
  await page.context().close();
});

test('a screen reader hears each answer once, whole', async () => {
  const page = await openPage(withMoving, server.url);
  await connected(page);
  await page.evaluate(() => {
    window.spoken = [];
    new MutationObserver(() => window.spoken.push(document.getElementById('spoken').textContent)).observe(document.getElementById('spoken'), { childList: true, characterData: true, subtree: true });
  });
  assert.equal(await page.getAttribute('#spoken', 'aria-live'), 'polite');
  await ask(page, 'caption');
  await page.setInputFiles('#files', samples[0]);
  await answered(page);
  await until('it was said', () => page.evaluate(() => window.spoken.length > 0));
  assert.deepEqual(await page.evaluate(() => window.spoken), [results(page)[0].answer.trim()]);
  assert.equal(await page.evaluate(() => document.querySelectorAll('[aria-live]').length), 1, 'tokens are not read out');
  await page.context().close();
});

/// What an accessibility checker would look for, by hand.
const accessibility = () => {
  const wrong = [], shown = (element) => element.offsetParent !== null || element.closest('dialog[open]');
  const name = (element) => element.getAttribute('aria-label') || document.getElementById(element.getAttribute('aria-labelledby'))?.textContent || element.labels?.[0]?.textContent || element.textContent.trim() || element.getAttribute('alt');
  for (const element of document.querySelectorAll('button, input:not([type=file]), select, dialog, [role]')) {
    if (shown(element) && element.id !== 'notice' && element.id !== 'link' && !name(element)) wrong.push('no name: ' + element.outerHTML.slice(0, 80));
  }
  for (const element of document.querySelectorAll('img')) if (!element.hasAttribute('alt')) wrong.push('no alt: ' + element.id);
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push('twice: ' + id);
  for (const attribute of ['aria-labelledby', 'aria-controls', 'for'])
    for (const element of document.querySelectorAll(`[${attribute}]`)) if (!document.getElementById(element.getAttribute(attribute))) wrong.push(`${attribute} leads nowhere: ${element.outerHTML.slice(0, 80)}`);
  if (!document.documentElement.lang || !document.title || document.querySelectorAll('h1, main').length !== 2) wrong.push('lang, title, h1 or main');
  // Contrast of texts against the nearest ground that is not transparent.
  const rgb = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  for (const element of document.querySelectorAll('h1, p, dt, dd, button:not(:disabled), label, b, small, h2, li, legend')) {
    if (!shown(element) || !element.textContent.trim() || getComputedStyle(element).clipPath !== 'none' || element.closest('#view, #found b')) continue;
    let under = element;
    while (under && (rgb(getComputedStyle(under).backgroundColor)[3] ?? 1) < 1) under = under.parentElement;
    const a = light(rgb(getComputedStyle(element).color)), b = light(under ? rgb(getComputedStyle(under).backgroundColor) : [255, 255, 255]);
    const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (contrast < 4.5) wrong.push(`contrast ${contrast.toFixed(2)}: ${element.textContent.trim().slice(0, 40)}`);
  }
  return wrong;
};
/// Things to press that are smaller than a finger.
const smallTargets = () => [...document.querySelectorAll('button, select, input:not([type=file], [type=radio], [type=checkbox]), label:has(input)')]
  .filter((element) => element.offsetParent !== null && (element.offsetWidth < 44 || element.offsetHeight < 44)).map((element) => `${element.outerHTML.slice(0, 60)} ${element.offsetWidth}x${element.offsetHeight}`);
const tooWide = () => document.documentElement.scrollWidth > document.documentElement.clientWidth ||
  [...document.querySelectorAll('#panel > *')].some((part) => part.offsetWidth > part.parentElement.clientWidth);

test('names, contrast, targets and widths hold, light and dark, down to 320 pixels', async () => {
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1440, 768, 360, 320]) {
      const page = await openPage(withMoving, server.url, { viewport: { width, height: 740 }, colorScheme });
      await connected(page);
      const look = async (where) => {
        assert.deepEqual(await page.evaluate(accessibility), [], `${where}, ${colorScheme}, ${width}`);
        assert.deepEqual(await page.evaluate(smallTargets), [], `${where}, ${colorScheme}, ${width}`);
        assert.equal(await page.evaluate(tooWide), false, `${where}, ${colorScheme}, ${width}: wider than the screen`);
      };
      await look('empty');
      await page.click('#source');
      await look('sources');
      await page.keyboard.press('Escape');
      await ask(page, 'caption');
      await page.setInputFiles('#files', samples[0]);
      await answered(page);
      await look('answered');
      await ask(page, 'query', 'Is there a large blue square with a wide border to the left of the small red circle?');
      await answered(page, 2);
      await look('asked at length');
      await page.context().close();
    }
  }
});

test('who wants less motion gets none', async () => {
  const page = await openPage(withMoving, server.url, { reducedMotion: 'reduce' });
  await connected(page);
  await useCamera(page);
  await answered(page);
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
  await page.context().close();
});

test('a page that is not looked at sends nothing', async () => {
  const page = await openPage(withMoving, server.url);
  await connected(page);
  await useCamera(page);
  await answered(page);
  await page.evaluate(() => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await sleep(500);
  const sent = page.frames_.length;
  await sleep(800);
  assert.equal(page.frames_.length, sent);
  await page.evaluate(() => {
    delete document.hidden;
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await until('it goes on', () => page.frames_.length > sent);
  await page.context().close();
});

test('on a page that is not secure it says why, and what helps', async () => {
  const own = await startServer({ args: ['--allowed-host', 'cam.test'] });
  const browser = await launch(['--host-resolver-rules=MAP cam.test 127.0.0.1']);
  const page = await openPage(browser, `http://cam.test:${own.port}`);
  await connected(page);
  await page.click('text=Use the camera');
  const said = await text(page, 'notice');
  assert.match(said, /needs a secure page/);
  for (const help of ['localhost:' + own.port, 'ssh -L', '--tls-self-signed', `https://cam.test:${own.port}`, '--tls-cert', '--tls-key', 'Open files']) assert.ok(said.includes(help), help);
  await page.setInputFiles('#files', samples[0]);
  await answered(page);
  await browser.close();
  await own.stop();
});

test('through TLS the camera is there under any name', async () => {
  const own = await startServer({ tls: true, args: ['--allowed-host', 'cam.test'] });
  const browser = await launch(['--host-resolver-rules=MAP cam.test 127.0.0.1', ...fakeCamera(moving)]);
  const page = await openPage(browser, `https://cam.test:${own.port}`, { ignoreHTTPSErrors: true });
  await connected(page);
  assert.equal(await page.evaluate(() => isSecureContext), true);
  await useCamera(page);
  await answered(page, 2);
  assert.deepEqual(page.errors, []);
  await browser.close();
  assert.equal(await own.stop(), 0);
});

test('without a camera, and without leave, it says so and tries again', async () => {
  for (const [flags, title] of [[[], /No camera was found/], [['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream=deny'], /was refused/]]) {
    const browser = await launch(flags);
    const page = await openPage(browser, server.url);
    await connected(page);
    await page.click('text=Use the camera');
    await until('it says so', async () => title.test(await text(page, 'notice')));
    assert.match(await text(page, 'spoken'), title);
    await page.click('text=Try again');
    await until('again', async () => title.test(await text(page, 'notice')));
    assert.deepEqual(page.errors, []);
    await browser.close();
  }
});

test('a camera that is unplugged is missed', async () => {
  const page = await openPage(withMoving, server.url);
  await connected(page);
  await useCamera(page);
  await answered(page);
  await page.evaluate(() => document.getElementById('video').srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended')));
  await until('it says so', async () => /camera is gone/.test(await text(page, 'notice')));
  await page.click('text=Try again');
  const before = results(page).length;
  await until('it goes on', () => results(page).length > before);
  await page.context().close();
});

test('a key is asked for, refused and taken', async () => {
  const own = await startServer({ args: ['--api-key', 'moonlight'] });
  const page = await openPage(withMoving, own.url);
  await until('it asks', () => page.isVisible('#key'));
  await page.fill('#key-text', 'guess');
  await page.press('#key-text', 'Enter');
  await until('it refuses', async () => /does not know/.test(await text(page, 'key-wrong')));
  await page.fill('#key-text', 'moonlight');
  await page.press('#key-text', 'Enter');
  await connected(page);
  await page.setInputFiles('#files', samples[0]);
  await answered(page);
  await page.context().close();
  await own.stop();
});

test('where no WebSocket comes through, POST and events do', async () => {
  const page = await openPage(withMoving, 'about:blank');
  await page.addInitScript(() => {
    window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.({ code: 1006 }), 10); } close() {} };
  });
  await page.goto(server.url);
  await connected(page);
  await ask(page, 'caption');
  await page.setInputFiles('#files', samples[0]);
  await until('an answer', async () => (await page.locator('#entries li').count()) > 0);
  assert.ok(page.requests.some((url) => url.includes('/live/events')) && page.requests.some((url) => url.includes('/live/frame')));
  await page.context().close();
});

test('the server\'s own source is shown to all who look, with one inference', async () => {
  const own = await startServer({ args: ['--source', SAMPLES] });
  const one = await openPage(withMoving, own.url), two = await openPage(withMoving, own.url);
  for (const page of [one, two]) {
    await connected(page);
    await until('the source is shown', () => page.evaluate(() => document.getElementById('feed').naturalWidth > 0));
    await ask(page, 'caption');
  }
  for (const page of [one, two]) await until('answers', () => results(page).length >= 2, 30_000);
  const [a, b] = [results(one), results(two)].map((all) => new Map(all.map((result) => [result.seq, result.answer])));
  const shared = [...a.keys()].filter((seq) => b.has(seq));
  assert.ok(shared.length > 0);
  for (const seq of shared) assert.equal(a.get(seq), b.get(seq));
  await one.keyboard.press('f');
  await until('the frame that was analysed', () => one.evaluate(() => document.getElementById('still').naturalWidth > 0));
  await one.context().close();
  await two.context().close();
  assert.equal(await own.stop(), 0);
});

test('ten thousand frames in a hurry leave one in work and one waiting', async () => {
  const count = Number(process.env.MOONBEAM_LIVE_FRAMES ?? 1000);
  const page = await openPage(withMoving, server.url);
  await connected(page);
  const outcome = await page.evaluate(async (count) => {
    const canvas = document.createElement('canvas');
    canvas.width = 64; canvas.height = 48;
    const context = canvas.getContext('2d'), pictures = [];
    for (let i = 0; i < 8; i++) {
      context.fillStyle = `hsl(${i * 45} 80% 50%)`;
      context.fillRect(0, 0, 64, 48);
      pictures.push(new Uint8Array(await (await new Promise((done) => canvas.toBlob(done, 'image/jpeg'))).arrayBuffer()));
    }
    const socket = new WebSocket(location.origin.replace('http', 'ws') + '/live/ws', 'moonbeam.live.1');
    const open = new Set(), held = new Set(), ended = { drop: 0, result: 0, error: 0 };
    let most = 0;
    socket.onmessage = ({ data }) => {
      if (typeof data !== 'string') return;
      const message = JSON.parse(data);
      // The server says `wait` when it has a frame, and its end when it has it no more.
      if (message.t === 'wait') most = Math.max(most, held.add(message.seq).size);
      if (message.t in ended && message.seq !== undefined) { ended[message.t]++; open.delete(message.seq); held.delete(message.seq); }
    };
    await new Promise((done) => { socket.onopen = done; });
    socket.send(JSON.stringify({ t: 'hello', v: 1 }));
    socket.send(JSON.stringify({ t: 'task', skill: 'query', question: 'Is there a dog?', rev: 1 }));
    const begin = performance.now();
    for (let seq = 1; seq <= count; seq++) {
      const header = new TextEncoder().encode(JSON.stringify({ seq, rev: 1, ts: performance.now(), w: 64, h: 48 }));
      const length = new DataView(new ArrayBuffer(4));
      length.setUint32(0, header.length, true);
      open.add(seq);
      socket.send(new Blob([length, header, pictures[seq % 8]]));
      const wait = begin + seq * 10 - performance.now();
      if (wait > 0) await new Promise((done) => setTimeout(done, wait));
    }
    const seconds = (performance.now() - begin) / 1000;
    await new Promise((done) => setTimeout(done, 3000));
    socket.close();
    return { ended, left: open.size, most, seconds };
  }, count);
  assert.equal(outcome.left, 0, 'each has its end');
  assert.equal(outcome.ended.drop + outcome.ended.result + outcome.ended.error, count);
  assert.ok(outcome.ended.result > 5, JSON.stringify(outcome));
  assert.ok(outcome.most <= 2, `${outcome.most} with the server at once`);
  console.log(`        ${count} frames in ${outcome.seconds.toFixed(1)} s: ${outcome.ended.result} answered, ${outcome.ended.drop} dropped, at most ${outcome.most} with the server`);
  await page.context().close();
});

await runAll();
await Promise.all([withStill.close(), withMoving.close()]);
await server.stop();
