// What the tests of the page share: a server of their own, browsers with a pretended camera, waiting.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, existsSync, rmSync } from 'node:fs';
import { get as getTls } from 'node:https';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const { MOONBEAM, MODEL, PLAYWRIGHT, CHROMIUM = '/usr/bin/chromium', SAMPLES } = process.env;
export const { chromium } = createRequire(resolve(PLAYWRIGHT) + '/')('playwright-core');
export const scratch = mkdtempSync(join(tmpdir(), 'moonbeam-browser-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export async function until(what, condition, ms = 20_000) {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(25)) if (await condition()) return;
  throw new Error('not within ' + ms / 1000 + ' s: ' + what);
}

const isHealthy = (url) => !url.startsWith('https:')
  ? fetch(url + '/health').then(({ status }) => status === 200, () => false)
  : new Promise((done) => {
      getTls(url + '/health', { rejectUnauthorized: false }, (answer) => { answer.resume(); done(answer.statusCode === 200); }).on('error', () => done(false));
    });

/// `moonbeam live` on a port of its own.
export async function startServer({ args = [], env = {}, port = 0, tls = false } = {}) {
  const portFile = join(scratch, 'port-' + Math.random());
  const child = spawn(MOONBEAM, ['live', '-m', MODEL, '-t', '2', '--port', String(port), '--port-file', portFile, '--no-log', ...(tls ? ['--tls-self-signed'] : []), ...args],
    { env: { ...process.env, XDG_STATE_HOME: join(scratch, 'state'), ...env }, stdio: ['ignore', 'inherit', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text) => { said += text; });
  const server = {
    child,
    get said() { return said; },
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode) return child.exitCode;
      child.kill(signal);
      await once(child, 'exit');
      return child.exitCode;
    },
  };
  await until('the server listens\n' + said, () => {
    if (child.exitCode !== null) throw new Error('the server ended: ' + said);
    return existsSync(portFile);
  });
  server.port = Number(readFileSync(portFile, 'utf8'));
  server.url = `${tls ? 'https' : 'http'}://127.0.0.1:${server.port}`;
  await until('the model is loaded', () => isHealthy(server.url));
  return server;
}

const kFlags = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
export const fakeCamera = (film) => ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', ...(film ? [`--use-file-for-fake-video-capture=${film}`] : [])];
export const launch = (flags = []) => chromium.launch({ executablePath: CHROMIUM, args: [...kFlags, ...flags] });

/// A page at `url`, with all that it asked for and all that it said to the console.
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.requests = [];
  page.errors = [];
  page.sent = [];   // texts over the WebSocket
  page.heard = [];
  page.frames_ = [];
  page.on('request', (request) => page.requests.push(request.url()));
  page.on('console', (message) => message.type() === 'error' && page.errors.push(message.text()));
  page.on('pageerror', (error) => page.errors.push(String(error)));
  page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => typeof payload === 'string' ? page.sent.push(JSON.parse(payload)) : page.frames_.push(payload));
    socket.on('framereceived', ({ payload }) => typeof payload === 'string' && page.heard.push(JSON.parse(payload)));
  });
  await page.goto(url);
  return page;
}

export const text = (page, id) => page.textContent('#' + id);
export const connected = (page) => until('connected', async () => (await text(page, 'link')).includes('Connected'));
export const results = (page) => page.heard.filter((message) => message.t === 'result');

/// Chooses a task and its text.
export async function ask(page, skill, words) {
  await page.click('#tab-' + skill);
  if (words !== undefined) {
    await page.fill('#prompt', words);
    await page.press('#prompt', 'Enter');
  }
  await page.evaluate(() => document.activeElement.blur());
}
export async function useCamera(page) {
  await page.click('text=Use the camera');
  await until('the camera shows', () => page.evaluate(() => document.getElementById('video').readyState >= 2));
}
export async function answered(page, count = 1) {
  try {
    await until(count + ' answers', () => results(page).length >= count);
  } catch (error) {
    const { seq, running, waiting, wanted, encoding } = await page.evaluate(() => frames);
    error.message += ` ${JSON.stringify({ seq, running, waiting, wanted, encoding })}; link: ${await text(page, 'link')}; place: ${await text(page, 'place')}; notice: ${await text(page, 'notice')}; errors: ${page.errors}; heard: ${page.heard.slice(-6).map((message) => message.t + ' ' + (message.seq ?? ''))}`;
    throw error;
  }
}

/// Colour [r, g, b, a] of the overlay at a place of the picture in [0, 1].
export const overlayAt = (page, x, y) => page.evaluate(([x, y]) => {
  const canvas = document.getElementById('overlay');
  return [...canvas.getContext('2d').getImageData(Math.round(x * canvas.width), Math.round(y * canvas.height), 1, 1).data];
}, [x, y]);

const all = [];
export const test = (name, act) => all.push([name, act]);
/// Runs them one after the other; those whose names contain an argument of the command line, if there is one.
export async function runAll() {
  let failed = 0;
  const wanted = process.argv[2];
  for (const [name, act] of all) {
    if (wanted && !name.includes(wanted)) continue;
    const begin = Date.now();
    try {
      await act();
      console.log(`ok      ${name} (${Date.now() - begin} ms)`);
    } catch (error) {
      failed++;
      console.log(`FAILED  ${name}\n        ${String(error.stack).split('\n').join('\n        ')}`);
    }
  }
  console.log(failed ? `${failed} failed` : 'all passed');
  process.exitCode = failed ? 1 : 0;
}
