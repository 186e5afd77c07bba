// The live page: a picture source, a standing question, the newest frame to the server and its answer back.
// The protocol is moonbeam.live.1 (docs/live.md). Parts, from here down: link, task, figures, overlay,
// answers, history, frames, sources, notices, controls.
'use strict';

const $ = (id) => document.getElementById(id);
const make = (tag, fields = {}, ...children) => {
  const out = Object.assign(document.createElement(tag), fields);
  out.append(...children);
  return out;
};
const now = () => performance.now();
const facts = (...all) => all.filter(Boolean).join(' · ');
const on = (target, event, act) => target.addEventListener(event, act);
const icon = (name) => {
  const out = make('template', { innerHTML: `<svg><use href="#i-${name}"/></svg>` });
  return out.content.firstChild;
};
const stored = (name, otherwise) => { try { return localStorage.getItem('moonbeam.' + name) ?? otherwise; } catch { return otherwise; } };
const store = (name, value) => { try { localStorage.setItem('moonbeam.' + name, value); } catch { /* private mode */ } };

// --- Link: WebSocket, or POST and server-sent events where that does not come through ----------------------

const kProtocol = 'moonbeam.live.1';
const kFirstDelay = 500, kLastDelay = 8000;

const link = {
  state: 'connecting',  // connecting, open, gone
  hello: null,
  key: sessionStorage.getItem('moonbeam.key') ?? '',
  socket: null, events: null,
  delay: kFirstDelay, timer: 0, failures: 0, worked: false,

  get buffered() { return this.socket ? this.socket.bufferedAmount : this.events ? this.events.pending : 0; },
  get open() { return this.state === 'open'; },

  connect() {
    clearTimeout(this.timer);
    this.close();
    this.show(this.worked ? 'gone' : 'connecting', 'Connecting');
    // A proxy that lets no WebSocket through looks like a server that is not there: try both in turn.
    if (!this.worked && this.failures % 3 === 2) return this.connectEvents();
    const socket = new WebSocket(location.origin.replace(/^http/, 'ws') + '/live/ws', kProtocol);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.greet();
    socket.onmessage = (message) => typeof message.data === 'string' ? this.hear(message.data) : showServerFrame(message.data);
    socket.onclose = (event) => this.socket === socket && this.lost(event.code);
    this.socket = socket;
  },

  async connectEvents() {
    const events = { session: [...crypto.getRandomValues(new Uint32Array(4))].join('-'), pending: 0, abort: new AbortController(), chain: Promise.resolve() };
    this.events = events;
    try {
      const answer = await fetch('/live/events?session=' + events.session, { headers: this.headers(events), signal: events.abort.signal });
      if (!answer.ok) throw new Error(answer.status);
      this.greet();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let text = ''; ;) {
        const { value, done } = await reader.read();
        if (done) break;
        const lines = (text + value).split('\n');
        text = lines.pop();
        for (const line of lines) if (line.startsWith('data: ')) this.hear(line.slice(6));
      }
    } catch { /* lost, below */ }
    if (this.events === events) this.lost(0);
  },

  // The digest keeps a session at one of several servers behind a balancer.
  headers(events, type) {
    const out = { 'X-Image-Digest': events.session };
    if (type) out['Content-Type'] = type;
    if (this.key) out.Authorization = 'Bearer ' + this.key;
    return out;
  },
  post(body, type) {
    const events = this.events, size = body.byteLength ?? body.length;
    events.pending += size;
    events.chain = events.chain
      .then(() => fetch('/live/frame?session=' + events.session, { method: 'POST', headers: this.headers(events, type), body, signal: events.abort.signal }))
      .catch(() => {})
      .finally(() => { events.pending -= size; });
  },

  say(message) {
    const text = JSON.stringify(message);
    if (this.socket?.readyState === 1) this.socket.send(text);
    else if (this.events) this.post(text, 'application/json');
  },
  send(frame) {
    if (this.socket?.readyState === 1) this.socket.send(frame);
    else if (this.events) this.post(frame, 'application/octet-stream');
  },
  greet() { this.say(this.key ? { t: 'hello', v: 1, key: this.key } : { t: 'hello', v: 1 }); },
  hear(text) { const message = JSON.parse(text); heard[message.t]?.(message); },

  close() {
    const { socket, events } = this;
    this.socket = this.events = null;
    socket?.close();
    events?.abort.abort();
  },
  lost(code) {
    this.close();
    this.failures++;
    frames.forget();
    if (this.state === 'key') return;
    this.show('gone', `Server ${code === 1013 ? 'busy' : 'gone'}, again in ${this.delay / 1000} s`);
    this.timer = setTimeout(() => this.connect(), this.delay);
    this.delay = Math.min(this.delay * 2, kLastDelay);
    refresh();
  },
  show(state, text) {
    this.state = state;
    $('link').dataset.state = state;
    $('link').firstChild.replaceWith(make('span', { textContent: text }));
    $('again').hidden = state !== 'gone';
  },
};

const heard = {
  hello(message) {
    link.hello = message;
    link.delay = kFirstDelay;
    link.failures = 0;
    link.worked = true;
    link.show('open', 'Connected');
    $('engine').textContent = facts(message.model, message.dtype, message.mode !== message.dtype && message.mode, message.isa, message.threads + (message.threads === 1 ? ' thread' : ' threads'));
    $('engine').title = 'Moonbeam ' + message.version;
    for (const skill of kSkills) $('tab-' + skill).disabled = !message.skills.includes(skill);
    if (!message.skills.includes(task.skill)) task.choose('caption');
    task.showLengths();
    task.tell();
    if (paused) link.say({ t: 'pause' });
    if (source?.kind === 'server') source.watch();
    else if (!source && message.source) openServer();
    refresh();
    frames.want();
  },
  wait({ seq }) { frames.received(seq); },
  start({ seq }) { frames.started(seq); },
  tok({ seq, s }) { if (seq === frames.running) answer.grow(s); },
  result(message) { frames.ended(message.seq, (frame) => frame && message.rev === task.rev && answer.complete(message, frame)); figures.counts(message.counts); },
  drop({ seq, why }) {
    frames.ended(seq, (frame) => {
      if (why === 'unchanged') answer.unchanged();
      else if (why !== 'newer') frames.sent = frames.analysed = null;
      if (frame && why === 'stale') frames.want();
    });
  },
  error(message) {
    if (/_api_key$/.test(message.code)) return askForKey(message.code === 'invalid_api_key');
    if (message.seq !== undefined) frames.ended(message.seq, () => { frames.sent = frames.analysed = null; });
    if (message.code === 'source_failed') return notice.show({ title: 'The server’s source failed', text: message.message, actions: [['Try again', () => source?.watch?.(), true], ['Other source', openSources]] });
    answer.fail(message.message);
  },
  status(message) { figures.counts(message); figures.status(message); },
};

function askForKey(wrong) {
  link.close();
  link.show('key', 'Key needed');
  $('key-wrong').textContent = wrong ? 'The server does not know that key.' : '';
  if (!$('key').open) $('key').showModal();
}

// --- Task: what is asked of every frame --------------------------------------------------------------------

const kSkills = ['caption', 'query', 'detect', 'point'];
const kPrompts = {
  query: ['Standing question', 'What do you see?'],
  detect: ['Draw boxes round each', 'cup'],
  point: ['Point at each', 'face'],
};

const task = {
  skill: stored('skill', 'caption'),
  question: stored('question', ''),
  object: stored('object', ''),
  length: 'short',
  rev: 0,
  told: '',

  get text() { return this.skill === 'query' ? this.question : this.object; },
  get asked() { return { skill: this.skill, prompt: this.skill === 'caption' ? '' : this.text }; },
  get ready() { return this.skill === 'caption' || this.text !== ''; },
  fields() {
    const out = { skill: this.skill, skip_unchanged: $('skip').checked };
    if (this.skill === 'caption') Object.assign(out, { length: this.length, max_tokens: { short: 64, normal: 160, long: 400 }[this.length] });
    else if (this.skill === 'query') out.question = this.question;
    else out.object = this.object;
    return out;
  },
  choose(skill) {
    this.apply();
    this.skill = skill;
    store('skill', skill);
    this.show();
    this.change();
  },
  /// What stands in the field becomes the task, if it is another.
  apply() {
    const text = $('prompt').value.trim();
    if (this.skill === 'caption' || text === this.text) return;
    if (this.skill === 'query') store('question', this.question = text);
    else store('object', this.object = text);
    this.change();
  },
  change() {
    if (JSON.stringify(this.fields()) === this.told) return;
    answer.outdated();
    this.tell(true);
    frames.want();
    refresh();
  },
  tell(changed = false) {
    if (changed) this.rev++;
    this.told = JSON.stringify(this.fields());
    if (link.open && this.ready) link.say({ t: 'task', ...this.fields(), rev: this.rev });
  },
  show() {
    for (const skill of kSkills) {
      $('tab-' + skill).setAttribute('aria-selected', skill === this.skill);
      $('tab-' + skill).tabIndex = skill === this.skill ? 0 : -1;
    }
    $('ask').setAttribute('aria-labelledby', 'tab-' + this.skill);
    const prompt = kPrompts[this.skill];
    $('prompt').hidden = $('prompt-label').hidden = !prompt;
    $('lengths').hidden = this.skill !== 'caption';
    if (!prompt) return;
    $('prompt-label').textContent = prompt[0];
    $('prompt').placeholder = prompt[1];
    $('prompt').value = this.text;
  },
  showLengths() {
    const names = link.hello?.lengths?.length ? link.hello.lengths : ['normal'];
    if (!names.includes(this.length)) this.length = names[0];
    $('lengths').replaceChildren($('lengths').querySelector('legend'), ...names.map((name) =>
      make('label', {}, make('input', { type: 'radio', name: 'length', value: name, checked: name === this.length, onchange: () => { this.length = name; this.change(); } }),
        name[0].toUpperCase() + name.slice(1))));
  },
};

// --- Figures: the server's, and what this page captured and sent -------------------------------------------

const ms = (value) => value >= 10_000 ? (value / 1000).toFixed(1) + ' s' : Math.round(value) + ' ms';

const kFigures = { latency: 'Latency', first: 'First token', decode: 'Decode', encode: 'Encode', prefill: 'Prefill', queue: 'Queue', captured: 'Captured', sent: 'Sent', answered: 'Answered', dropped: 'Dropped', unchanged: 'Unchanged', sessions: 'Viewers' };
for (const id in kFigures) $('figures').append(make('div', {}, make('dt', { textContent: kFigures[id] }), make('dd', { id: 'f-' + id, textContent: '–' })));

const figures = {
  captured: 0, sent: 0, skipped: 0, unchangedThere: 0,
  set(name, value) { $('f-' + name).textContent = value; },
  own() {
    this.set('captured', this.captured);
    this.set('sent', this.sent);
    this.set('unchanged', this.skipped + this.unchangedThere);
  },
  counts(counts) {
    this.set('answered', counts.answered);
    this.set('dropped', counts.dropped);
    this.unchangedThere = counts.unchanged;
    this.own();
  },
  status(status) {
    this.set('queue', status.queued);
    this.set('sessions', status.sessions);
  },
  timing(timing, latency) {
    this.set('latency', ms(latency));
    this.set('first', ms(timing.ttft_ms));
    this.set('encode', ms(timing.encode_ms));
    this.set('prefill', ms(timing.prefill_ms));
    this.set('decode', timing.tok_s ? Math.round(timing.tok_s) + ' tok/s' : '–');
  },
};
setInterval(() => figures.own(), 500);

// --- Overlay: boxes and points of the frame they were found in ---------------------------------------------

const kColours = ['#ffd166', '#6fd3ff', '#ff8fa3', '#9be37f', '#c9a7ff', '#ffa85c', '#5fe0c5', '#ff9be8', '#d7e05f', '#8fb4ff', '#ffb9a0', '#b5c4c9'];
const colour = (i) => kColours[i % kColours.length];

const overlay = {
  found: null,  // {objects|points, label, mirrored, at, life}
  frame: 0,

  set(found) { this.found = found; this.draw(); },
  /// The scene is as it was: what was found still holds.
  renew() { if (this.found) { this.found.at = now(); this.draw(); } },
  draw() {
    cancelAnimationFrame(this.frame);
    const canvas = $('overlay'), scale = devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const context = canvas.getContext('2d');
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    const alpha = this.alpha();
    canvas.dataset.alpha = alpha;
    if (!this.found || alpha === 0) return;
    context.globalAlpha = alpha;
    this.place = picturePlace(width, height);
    (this.found.objects ?? []).forEach((box, i) => this.box(context, box, i));
    (this.found.points ?? []).forEach((point, i) => this.point(context, point, i));
    if (this.found.life !== Infinity) this.frame = requestAnimationFrame(() => this.draw());
  },
  /// Whole for twice the latency, then gone within half a second: an old box misleads.
  alpha() {
    if (!this.found) return 0;
    if (this.found.life === Infinity) return 1;
    const late = now() - this.found.at - this.found.life;
    return Math.max(0, Math.min(1, 1 - late / 500));
  },
  x(x) { return this.place.x + (this.found.mirrored ? 1 - x : x) * this.place.width; },
  y(y) { return this.place.y + y * this.place.height; },
  box(context, box, i) {
    const a = this.x(box.x_min), b = this.x(box.x_max), left = Math.min(a, b), top = this.y(box.y_min);
    const width = Math.abs(b - a), height = this.y(box.y_max) - top;
    rounded(context, left, top, width, height, Math.min(8, width / 4, height / 4));
    context.lineWidth = 5;
    context.strokeStyle = '#0007';
    context.stroke();
    context.lineWidth = 2.5;
    context.strokeStyle = colour(i);
    context.stroke();
    this.label(context, `${this.found.label} ${i + 1}`, left, top, colour(i));
  },
  label(context, text, left, top, fill) {
    context.font = '600 13px system-ui, sans-serif';
    const width = context.measureText(text).width + 14, height = 22;
    const x = Math.max(this.place.x + 2, Math.min(left, this.place.x + this.place.width - width - 2));
    const y = top - height - 4 < this.place.y ? top + 5 : top - height - 4;
    context.fillStyle = fill;
    rounded(context, x, y, width, height, 7);
    context.fill();
    context.fillStyle = '#111';
    context.textBaseline = 'middle';
    context.fillText(text, x + 7, y + height / 2 + 1);
  },
  point(context, point, i) {
    const x = this.x(point.x), y = this.y(point.y);
    const circle = (radius, fill) => { context.beginPath(); context.arc(x, y, radius, 0, 7); context.fillStyle = fill; context.fill(); };
    circle(13.5, '#0007');
    circle(12, '#fff');
    circle(10, colour(i));
    context.font = '700 12px system-ui, sans-serif';
    context.fillStyle = '#111';
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.fillText(i + 1, x, y + .5);
    context.textAlign = 'start';
  },
};

function rounded(context, ...place) {
  context.beginPath();
  context.roundRect(...place);
}

/// Where the picture lies in the view: it fills it but for rounding, unless in a window of another shape.
function picturePlace(width, height) {
  const ratio = parseFloat($('stage').style.getPropertyValue('--ratio')) || width / height;
  const w = Math.min(width, height * ratio), h = w / ratio;
  return { x: (width - w) / 2, y: (height - h) / 2, width: w, height: h };
}

// --- Answers -----------------------------------------------------------------------------------------------

const plural = (count, what) => count === 1 ? `1 ${what}` : `${count} × ${what}`;

const answer = {
  shown: '', partial: '', latest: null,

  text(text, kind = '') {
    this.shown = text;
    $('text').textContent = text;
    $('text').className = kind;
    $('captions').textContent = kind === 'hint' ? '' : text;
  },
  /// The old answer stays until the new one differs from it, so that a still scene has a still text.
  grow(piece) {
    this.partial += piece;
    if (!this.shown.startsWith(this.partial.trimStart()) || $('text').className) this.text(this.partial.trimStart());
  },
  complete(message, frame) {
    const latency = frame.sentByServer ? message.timing.total_ms : now() - message.ts;
    const { answer, objects, points, timing } = message, found = objects ?? points, { prompt } = frame.asked;
    const text = found ? (found.length ? plural(found.length, prompt) : `No ${prompt} in sight`) : answer.trim() || 'No answer';
    this.latest = { ...frame.asked, text, answer, objects, points, timing, latency, time: new Date(), blob: frame.blob, mirrored: frame.mirrored, width: message.w, height: message.h };
    this.show(this.latest);
    $('figures').hidden = false;
    figures.timing(timing, latency);
    $('spoken').textContent = text;
    history.add(this.latest);
    refresh();
  },
  show(entry) {
    this.text(entry.text);
    $('found').replaceChildren(...(entry.objects ?? entry.points ?? []).map((one, i) => {
      const mark = make('b', { textContent: i + 1 });
      mark.style.background = colour(i);
      return make('li', {}, mark, whereIs(one, entry.mirrored));
    }));
    $('meta').textContent = frozen ? `${entry.time.toLocaleTimeString()} · answered in ${ms(entry.latency)}` : '';
    overlay.set(entry.objects || entry.points ? { objects: entry.objects, points: entry.points, label: entry.prompt, mirrored: entry.mirrored, at: now(), life: source?.live && !frozen ? 2 * entry.latency : Infinity } : null);
  },
  unchanged() { overlay.renew(); badge('No change'); },
  /// Another question: the text on the screen is not its answer.
  outdated() {
    this.partial = '';
    overlay.set(null);
    $('found').replaceChildren();
    $('meta').textContent = '';
    if ($('text').className !== 'hint') $('text').className = 'old';
  },
  fail(message) {
    $('meta').textContent = message;
    $('spoken').textContent = message;
  },
  hint() {
    if (this.latest && task.ready && $('text').className !== 'hint') return;
    const asks = task.skill === 'query' ? 'Type a question. It is asked of every new frame.' : 'Type what to look for.';
    this.text(!task.ready ? asks : !source ? 'The answer will stand here.' : link.open ? 'Looking…' : 'No server yet…', 'hint');
  },
};

/// The overlay in words, as it is seen: "top left · 21 × 18 %".
function whereIs({ x, y, x_min, y_min, x_max, y_max }, mirrored) {
  const third = (value, ...words) => words[Math.min(2, Math.floor(value * 3))];
  const percent = (value) => Math.round(value * 100);
  const across = x ?? (x_min + x_max) / 2, down = y ?? (y_min + y_max) / 2;
  const words = (third(down, 'top ', '', 'bottom ') + third(mirrored ? 1 - across : across, 'left', '', 'right')).trim() || 'middle';
  return `${words} · ` + (x === undefined ? `${percent(x_max - x_min)} × ${percent(y_max - y_min)} %` : `${percent(x)}, ${percent(y)} %`);
}

// --- History -----------------------------------------------------------------------------------------------

const kHistory = 50;

const history = {
  all: [],

  add(entry) {
    const last = this.all[0];
    if (last && last.text === entry.text && last.skill === entry.skill && last.prompt === entry.prompt) {
      // The same once more is counted; its first frame stays.
      last.times++;
      last.time = entry.time;
      last.about.textContent = this.about(last);
      return;
    }
    entry.times = 1;
    entry.url = URL.createObjectURL(entry.blob);
    this.all.unshift(entry);
    $('entries').prepend(this.item(entry));
    for (const old of this.all.splice(kHistory)) this.release(old);
    $('history').hidden = false;
  },
  release(entry) {
    entry.item.remove();
    if (still.url !== entry.url) URL.revokeObjectURL(entry.url);
  },
  about(entry) { return facts(entry.time.toLocaleTimeString(), { query: entry.prompt, detect: 'Detect', point: 'Point', caption: 'Describe' }[entry.skill], entry.times > 1 && `${entry.times} times`); },
  item(entry) {
    const picture = make('img', { src: entry.url, alt: '', loading: 'lazy', className: entry.mirrored ? 'mirrored' : '' });
    entry.about = make('small', { textContent: this.about(entry) });
    const open = make('button', { className: 'open', title: 'Show this frame', onclick: () => freezeOn(entry) },
      picture, make('span', {}, make('b', { textContent: entry.text }), entry.about));
    const copy = make('button', { className: 'text', textContent: 'Copy', onclick: async () => {
      copy.textContent = await navigator.clipboard?.writeText(entry.text).then(() => 'Copied', () => 0) || 'Not allowed';
      setTimeout(() => { copy.textContent = 'Copy'; }, 1500);
    } });
    copy.setAttribute('aria-label', 'Copy: ' + entry.text);
    return entry.item = make('li', {}, open, copy);
  },
  lines() {
    return this.all.map((entry) => JSON.stringify({
      time: entry.time.toISOString(), skill: entry.skill, prompt: entry.prompt || undefined, answer: entry.answer, objects: entry.objects, points: entry.points,
      times: entry.times, width: entry.width, height: entry.height, latency_ms: Math.round(entry.latency), timing: entry.timing, model: link.hello?.model,
    }) + '\n').join('');
  },
  save() {
    make('a', { href: URL.createObjectURL(new Blob([this.lines()])), download: 'moonbeam.jsonl' }).click();
  },
  clear() {
    for (const entry of this.all.splice(0)) this.release(entry);
    $('history').hidden = true;
  },
};

// --- Frames: the newest one to the server, never a queue ---------------------------------------------------

const kThumb = 64, kTile = 8, kChanged = .02 * 255 * kTile * kTile;  // as apps/live/session/sameness.h
const kReplaceAfter = 100;       // ms until a newer frame takes the place of one that waits
const kMaxBuffered = 256 * 1024; // bytes under way to the server
const thumbCanvas = make('canvas', { width: kThumb, height: kThumb });

function thumbnail(picture) {
  const context = thumbCanvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(picture, 0, 0, kThumb, kThumb);
  const rgba = context.getImageData(0, 0, kThumb, kThumb).data, out = new Uint8Array(kThumb * kThumb);
  for (let i = 0; i < out.length; i++) out[i] = (77 * rgba[4 * i] + 150 * rgba[4 * i + 1] + 29 * rgba[4 * i + 2]) >> 8;
  return out;
}
function sameScene(a, b) {
  for (let top = 0; top < kThumb; top += kTile) {
    for (let left = 0; left < kThumb; left += kTile) {
      let sum = 0;
      for (let y = top; y < top + kTile; y++) for (let x = left; x < left + kTile; x++) sum += Math.abs(a[y * kThumb + x] - b[y * kThumb + x]);
      if (sum >= kChanged) return false;
    }
  }
  return true;
}

const frames = {
  seq: 1e9,  // never one of the server's source
  flight: new Map(), running: -1, waiting: -1,
  sent: null, analysed: null,  // thumbnails
  encoding: false, wanted: false, fresh: false, lastSent: 0,

  get unacknowledged() { return [...this.flight.values()].some((frame) => !frame.received); },

  /// A frame is to be answered whether or not it is new: a still picture, a step, another question.
  want() { this.wanted = true; this.offer(); },
  offer() {
    if (!source || (source.kind === 'server' && !frozen) || !link.open || !task.ready || this.encoding || this.unacknowledged) return;
    const picture = frozen ?? source.picture(), time = now();
    if (!picture || picture.naturalWidth === 0 || link.buffered > kMaxBuffered) return;
    if (!this.wanted && (paused || frozen || document.hidden || !this.fresh)) return;
    if (this.waiting >= 0 && time - this.lastSent < kReplaceAfter) return;
    const thumb = thumbnail(picture);
    this.fresh = false;
    if (!this.wanted && $('skip').checked && this.sent && sameScene(this.sent, thumb)) {
      figures.skipped++;
      if (this.running < 0 && this.waiting < 0) answer.unchanged();
      return;
    }
    this.send(picture, thumb, time);
  },
  async send(picture, thumb, captured) {
    const force = this.wanted;
    this.encoding = true;
    this.wanted = false;
    const from = source, mirrored = frozen ? answer.latest.mirrored : isMirrored();
    try {
      const { blob, width, height } = await encode(picture, Number($('size').value)), bytes = await blob.arrayBuffer();
      if (from !== source || !link.open || !task.ready) return;
      if (paused && force) link.say({ t: 'step' });
      const seq = ++this.seq;
      const header = new TextEncoder().encode(JSON.stringify({ seq, ts: captured, rev: task.rev, w: width, h: height, ...(force && { force }) }));
      const message = new Uint8Array(4 + header.length + bytes.byteLength);
      new DataView(message.buffer).setUint32(0, header.length, true);
      message.set(header, 4);
      message.set(new Uint8Array(bytes), 4 + header.length);
      this.flight.set(seq, { seq, blob, thumb, mirrored, asked: task.asked });
      this.sent = thumb;
      this.lastSent = captured;
      figures.sent++;
      link.send(message);
    } catch (error) {
      answer.fail('This picture cannot be read: ' + error.message);
    } finally {
      this.encoding = false;
      if (this.wanted) this.offer();
    }
  },
  received(seq) {
    const frame = this.flight.get(seq);
    if (frame) frame.received = true;
    this.waiting = seq;
    if (this.wanted) this.offer();
  },
  started(seq) {
    this.running = seq;
    if (this.waiting === seq) this.waiting = -1;
    answer.partial = '';
    const frame = this.flight.get(seq);
    if (!frame) return;
    frame.received = true;
    this.analysed = frame.thumb;
    badge();
  },
  ended(seq, act) {
    const frame = this.flight.get(seq);
    this.flight.delete(seq);
    if (this.running === seq) this.running = -1;
    if (this.waiting === seq) this.waiting = -1;
    act(frame);
    // What was not analysed is not compared with: small steps would add up unseen.
    if (this.flight.size === 0) this.sent = this.analysed;
    this.offer();
  },
  forget() {
    this.flight.clear();
    this.running = this.waiting = -1;
    this.sent = this.analysed = null;
    this.wanted = Boolean(source && !source.live);
  },
};

async function encode(picture, longest) {
  const width = picture.videoWidth ?? picture.naturalWidth ?? picture.width, height = picture.videoHeight ?? picture.naturalHeight ?? picture.height;
  const most = link.hello.max_frame_bytes - 4096;
  for (let side = longest || Math.max(width, height); ; side = Math.round(side * .75)) {
    const scale = Math.min(1, side / Math.max(width, height));
    const canvas = make('canvas', { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) });
    canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, 'image/jpeg', .85));
    if (!blob) throw new Error('it has no pixels');
    if (blob.size <= most || side < 64) return { blob, width: canvas.width, height: canvas.height };
  }
}

// --- Sources -----------------------------------------------------------------------------------------------

let source = null;   // {kind, live, picture(), close()}
let paused = false, frozen = null;  // the picture that it is frozen on
const video = $('video'), still = { url: '' };

function use(next) {
  const old = source;
  source = next;
  old?.close?.();
  frozen = null;
  frames.forget();
  answer.latest = null;
  answer.outdated();
  notice.hide();
  showOnly(next?.shows);
  $('prev').hidden = $('next').hidden = $('place').hidden = !(next?.kind === 'pictures' && next.files.length > 1);
  refresh();
}

function showOnly(shown) { for (const name of ['video', 'feed', 'still']) $(name).hidden = name !== shown; }
function shape(width, height) {
  if (width && height) $('stage').style.setProperty('--ratio', (width / height).toFixed(4));
  overlay.draw();
}
on(video, 'resize', () => !frozen && shape(video.videoWidth, video.videoHeight));

function watchVideo() {
  const from = source;
  const next = () => {
    if (source !== from) return;
    if (video.readyState >= 2 && !video.paused) {
      figures.captured++;
      frames.fresh = true;
      frames.offer();
    }
    video.requestVideoFrameCallback ? video.requestVideoFrameCallback(next) : requestAnimationFrame(next);
  };
  next();
}

let facing = 'user', deviceId = '';

async function openCamera() {
  if (!navigator.mediaDevices?.getUserMedia) return explainInsecure();
  notice.show({ title: 'May Moonbeam use the camera?', text: 'Your browser asks. The pictures go to this server only, and it keeps none.', moon: true });
  let stream;
  try {
    const wish = { width: { ideal: 1280 }, height: { ideal: 720 }, ...(deviceId ? { deviceId: { exact: deviceId } } : { facingMode: facing }) };
    stream = await navigator.mediaDevices.getUserMedia({ video: wish, audio: false });
  } catch (error) {
    if (error.name === 'OverconstrainedError' && deviceId) { deviceId = ''; return openCamera(); }
    return explainCamera(error);
  }
  const track = stream.getVideoTracks()[0], settings = track.getSettings();
  track.onended = () => source?.stream === stream && explainCamera({ name: 'Lost' });
  use({
    kind: 'camera', shows: 'video', live: true, stream,
    // A webcam that does not say which way it looks looks at whoever sits before it.
    mirror: settings.facingMode !== 'environment',
    picture: () => video.readyState >= 2 ? video : null,
    close() { track.onended = null; stream.getTracks().forEach((one) => one.stop()); video.srcObject = null; },
  });
  $('mirror').checked = source.mirror;
  video.srcObject = stream;
  video.play().catch(() => {});
  watchVideo();
  await listCameras(settings.deviceId);
  refresh();
}

async function listCameras(current) {
  const all = (await navigator.mediaDevices.enumerateDevices()).filter((one) => one.kind === 'videoinput');
  $('cameras').replaceChildren(...all.map((one, i) => make('option', { value: one.deviceId, textContent: one.label || 'Camera ' + (i + 1), selected: one.deviceId === current })));
  $('cameras').hidden = all.length < 2 || source?.kind !== 'camera';
  $('flip').hidden = all.length < 2 || source?.kind !== 'camera' || !matchMedia('(pointer: coarse)').matches;
}

function openVideo(file) {
  const url = URL.createObjectURL(file);
  use({
    kind: 'video', shows: 'video', live: true,
    picture: () => video.readyState >= 2 ? video : null,
    close() { video.onerror = null; video.removeAttribute('src'); video.load(); URL.revokeObjectURL(url); },
  });
  video.onerror = () => { use(null); notice.show({ title: 'This video cannot be played', text: `${file.name}: MP4 with H.264 and WebM play everywhere.`, actions: [openFiles(true)] }); };
  video.src = url;
  video.play().catch(() => {});
  watchVideo();
}

function openPictures(files) {
  use({ kind: 'pictures', shows: 'still', live: false, files, at: 0, bitmap: null, picture() { return this.bitmap; } });
  turn(0);
}
async function turn(by) {
  const from = source;
  from.at = (from.at + by + from.files.length) % from.files.length;
  const file = from.files[from.at];
  $('place').textContent = `${from.at + 1} / ${from.files.length}`;
  try {
    const bitmap = await createImageBitmap(file);  // turned as its EXIF says
    if (source !== from || from.files[from.at] !== file) return bitmap.close();
    from.bitmap = bitmap;
    frozen = null;
    showStill(file, bitmap.width, bitmap.height);
    $('still').alt = file.name || 'Pasted picture';
    figures.captured++;
    answer.outdated();
    notice.hide();
    frames.want();
  } catch {
    notice.show({ title: 'This picture cannot be read', text: `${file.name}: browsers know JPEG, PNG, WebP, GIF, BMP and AVIF, not HEIC.`, actions: [openFiles(true)] });
  }
  refresh();
}
function showStill(blob, width, height) {
  const old = still.url;
  still.url = history.all.find((entry) => entry.blob === blob)?.url ?? URL.createObjectURL(blob);
  $('still').src = still.url;
  if (old && old !== still.url && !history.all.some((entry) => entry.url === old)) URL.revokeObjectURL(old);
  shape(width, height);
}

function open(files) {
  const all = [...files], films = all.filter((file) => file.type.startsWith('video/'));
  const pictures = all.filter((file) => file.type.startsWith('image/'))
    .sort((a, b) => (a.webkitRelativePath || a.name).localeCompare(b.webkitRelativePath || b.name, undefined, { numeric: true }));
  if (pictures.length) openPictures(pictures);
  else if (films.length) openVideo(films[0]);
  else notice.show({ title: 'Nothing to look at', text: 'There is no picture and no video among these files.', actions: [openFiles(true)] });
}

function openServer() {
  use({
    kind: 'server', shows: 'feed', live: true,
    picture: () => null,
    watch() {
      link.say({ t: 'watch', on: true, frames: true });
      $('feed').src = '/live/preview.mjpg?session=' + (link.events?.session ?? link.hello.session) + '&' + Date.now();
      notice.hide();
    },
    close() { link.say({ t: 'watch', on: false }); $('feed').removeAttribute('src'); },
  });
  source.watch();
}
on($('feed'), 'load', () => !frozen && shape($('feed').naturalWidth, $('feed').naturalHeight));

/// A frame of the server's source that is being analysed there.
function showServerFrame(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const blob = new Blob([new Uint8Array(buffer, 4 + length)]);
  figures.captured = header.seq;
  frames.flight.set(header.seq, { seq: header.seq, blob, sentByServer: true, received: true, asked: task.asked });
  for (const seq of frames.flight.keys()) if (seq < header.seq - 64) frames.flight.delete(seq);
}

// --- Freeze, pause, step -----------------------------------------------------------------------------------

const isMirrored = () => source?.kind === 'camera' && $('mirror').checked;

/// The exact frame that was analysed, with what was found in it. A new question is asked of it.
function freezeOn(entry) {
  if (!source) use({ kind: 'past', shows: 'still', live: false, picture: () => null });
  frozen = $('still');
  answer.latest = entry;
  showOnly('still');
  showStill(entry.blob, entry.width, entry.height);
  $('view').classList.toggle('mirrored', entry.mirrored);
  if (source.live) link.say({ t: 'cancel' });
  if (source.kind === 'server') link.say({ t: 'watch', on: false });
  notice.hide();
  answer.show(entry);
  refresh();
}
function thaw() {
  frozen = null;
  showOnly(source.shows);
  if (source.shows === 'video') shape(video.videoWidth, video.videoHeight);
  if (source.kind === 'pictures') return turn(0);
  if (source.kind === 'past') return use(null);
  if (source.kind === 'server') source.watch();
  overlay.set(null);
  refresh();
  frames.offer();
}
function toggleFreeze() {
  if (frozen) thaw();
  else if (answer.latest) freezeOn(answer.latest);
}
function togglePause() {
  if (!source?.live) return;
  paused = !paused;
  link.say({ t: paused ? 'pause' : 'resume' });
  refresh();
  frames.offer();
}
function step() {
  if (!source || frozen) return;
  if (!paused && source.live) togglePause();
  if (source.kind === 'server') link.say({ t: 'step' });
  else frames.want();
}

let wakeLock = null;
async function keepAwake() {
  const wanted = Boolean(source?.live && !paused && !document.hidden);
  if (wanted && !wakeLock) {
    wakeLock = await navigator.wakeLock?.request('screen').catch(() => null);
    wakeLock?.addEventListener('release', () => { wakeLock = null; });
  } else if (!wanted && wakeLock) {
    wakeLock.release();
  }
}

// --- Notices -----------------------------------------------------------------------------------------------

const openFiles = (primary) => ['Open pictures or a video', () => $('files').click(), primary];

const notice = {
  current: null,
  show({ title, text, list, actions = [], moon = false }) {
    this.current = title;
    $('notice').className = source ? 'over' : '';
    $('notice').replaceChildren();
    if (moon) { $('notice').append(icon('moon')); $('notice').firstChild.classList.add('moon'); }
    $('notice').append(make('h2', { textContent: title }), make('p', { textContent: text }));
    if (list) $('notice').append(make('ul', {}, ...list.map((item) => make('li', {}, ...item))));
    $('notice').append(make('div', { className: 'row' }, ...actions.map(([textContent, onclick, primary]) => make('button', { className: primary ? 'primary' : 'plain', textContent, onclick }))));
  },
  hide() { this.current = null; $('notice').replaceChildren(); },
  start() {
    this.show({
      title: 'Show it something', moon: true,
      text: 'Moonbeam answers one standing question about whatever it sees, again and again.',
      actions: [['Use the camera', openCamera, true], openFiles(), ...(link.hello?.source ? [['Watch the server’s source', openServer]] : [])],
    });
    $('notice').append(make('p', { textContent: 'Or drop files here, or paste a picture.' }));
  },
};

function explainInsecure() {
  const code = (text) => make('code', { textContent: text });
  const port = location.port || 80;
  notice.show({
    title: 'The camera needs a secure page',
    text: `Browsers hand out the camera on https and on localhost only, and this page came from http://${location.host}. One of these helps:`,
    list: [['On the server’s own machine, open ', code(`http://localhost:${port}`)], ['From here, tunnel: ', code(`ssh -L ${port}:localhost:${port} ${location.hostname}`), ', then open ', code(`http://localhost:${port}`)],
      ['Put a proxy that speaks https in front of the server'], ['Open files instead: that works everywhere']],
    actions: [openFiles(true)],
  });
}
function explainCamera(error) {
  const [title, text] = {
    NotAllowedError: ['The camera was refused', 'Allow it in the browser’s address bar, then try again.'],
    NotFoundError: ['No camera was found', 'Plug one in, then try again. Pictures and videos work without.'],
    NotReadableError: ['The camera is busy', 'Another program seems to hold it. Close that, then try again.'],
    Lost: ['The camera is gone', 'It was unplugged, or another program took it.'],
  }[error.name] ?? ['The camera does not start', error.message || error.name];
  use(null);
  notice.show({ title, text, actions: [['Try again', openCamera, true], openFiles()] });
  $('spoken').textContent = title + '. ' + text;
}

// --- Controls ----------------------------------------------------------------------------------------------

let badgeTimer = 0;
function badge(passing) {
  clearTimeout(badgeTimer);
  let state = 'idle', text = '';
  if (frozen) [state, text] = ['frozen', 'Frozen'];
  else if (source?.live && paused) text = 'Paused';
  else if (passing) text = passing;
  else if (source?.live && link.open && task.ready) [state, text] = ['live', 'Live'];
  $('badge').hidden = !text || Boolean(notice.current);
  if ($('badge').textContent !== text) $('badge').textContent = text;
  $('badge').dataset.state = state;
}

function button(id, name, label) {
  $(id).querySelector('use').setAttribute('href', '#i-' + name);
  $(id).querySelector('span').textContent = label;
}
function refresh() {
  if (!source && !notice.current) notice.start();
  $('pause').disabled = !source?.live;
  $('step').disabled = !source || frozen;
  $('freeze').disabled = !frozen && !(answer.latest && source?.live);
  $('freeze').setAttribute('aria-pressed', Boolean(frozen));
  button('pause', paused ? 'play' : 'pause', paused ? 'Resume' : 'Pause');
  if (!frozen) $('view').classList.toggle('mirrored', isMirrored());
  if (source?.kind !== 'camera') $('cameras').hidden = $('flip').hidden = true;
  $('mirror').disabled = source?.kind !== 'camera';
  answer.hint();
  badge();
  keepAwake();
}

function openSources() {
  const choice = (name, title, text, act) => make('button', { onclick: () => { $('sources').close(); act(); } }, icon(name), make('span', {}, title, make('small', { textContent: text })));
  const choices = [
    source?.kind === 'camera' ? choice('camera', 'Turn the camera off', 'The light beside it goes out', closeSource) : choice('camera', 'Camera', 'The browser asks before it starts', openCamera),
    choice('image', 'Pictures or a video', 'Videos play in a loop', () => $('files').click()),
    choice('folder', 'A folder of pictures', 'Arrows turn the pages', () => $('folder').click()),
  ];
  if (link.hello?.source) choices.push(choice('server', 'The server’s source', link.hello.source, openServer));
  $('choices').replaceChildren(...choices);
  $('sources').showModal();
}
function closeSource() { use(null); }
function toggleCamera() { source?.kind === 'camera' ? closeSource() : openCamera(); }
function toggleFull() { document.fullscreenElement ? document.exitFullscreen() : $('stage').requestFullscreen?.().catch(() => {}); }

let typing = 0;
on($('prompt'), 'input', () => { clearTimeout(typing); typing = setTimeout(() => task.apply(), 800); });
on($('prompt'), 'change', () => task.apply());
on($('ask'), 'submit', (event) => { event.preventDefault(); clearTimeout(typing); task.apply(); });
on($('tabs'), 'click', (event) => { const skill = event.target.closest('button')?.dataset.skill; if (skill) task.choose(skill); });
on($('tabs'), 'keydown', (event) => {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  const skills = link.hello?.skills ?? kSkills, next = skills[(skills.indexOf(task.skill) + by + skills.length) % skills.length];
  event.stopPropagation();
  task.choose(next);
  $('tab-' + next).focus();
});

const kPresses = { pause: togglePause, step, freeze: toggleFreeze, full: toggleFull, source: openSources, prev: () => turn(-1), next: () => turn(1), save: () => history.save(), clear: () => history.clear(), 'help-open': () => $('help').showModal() };
for (const id in kPresses) $(id).onclick = kPresses[id];
$('again').onclick = () => { link.delay = kFirstDelay; link.connect(); };
$('cameras').onchange = () => { deviceId = $('cameras').value; openCamera(); };
$('flip').onclick = () => { facing = facing === 'user' ? 'environment' : 'user'; deviceId = ''; openCamera(); };
$('mirror').onchange = refresh;
$('skip').onchange = () => task.change();
$('size').onchange = () => frames.want();
on($('key'), 'close', () => {
  link.key = $('key-text').value.trim();
  try { sessionStorage.setItem('moonbeam.key', link.key); } catch { /* private mode */ }
  link.connect();
});
for (const id of ['files', 'folder']) $(id).onchange = () => { if ($(id).files.length) open($(id).files); $(id).value = ''; };
for (const dialog of document.querySelectorAll('dialog')) {
  if (dialog.id !== 'key') on(dialog, 'click', (event) => { if (event.target === dialog) dialog.close(); });
}

const kKeys = {
  ' ': togglePause, '.': step, f: toggleFreeze, c: toggleCamera, x: toggleFull, '?': () => $('help').showModal(),
  '/': () => { if (task.skill === 'caption') task.choose('query'); $('prompt').focus(); $('prompt').select(); },
  ArrowLeft: () => source?.files?.length > 1 && turn(-1), ArrowRight: () => source?.files?.length > 1 && turn(1),
};
kSkills.forEach((skill, i) => { kKeys[i + 1] = () => link.hello?.skills.includes(skill) !== false && task.choose(skill); });
on(document, 'keydown', (event) => {
  if (event.key === 'Escape' && event.target === $('prompt')) return $('prompt').blur();
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input:not([type=checkbox], [type=radio]), select, textarea, dialog')) return;
  if (event.key === ' ' && event.target.closest('button, input')) return;  // it presses that one
  const act = kKeys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

on(document, 'paste', (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length) { event.preventDefault(); open(files); }
});
let dragging = 0;
const drag = (by) => (event) => {
  if (!event.dataTransfer?.types.includes('Files')) return;
  event.preventDefault();
  dragging = Math.max(0, dragging + by);
  document.body.classList.toggle('dragging', dragging > 0);
};
on(document, 'dragenter', drag(1));
on(document, 'dragleave', drag(-1));
on(document, 'dragover', drag(0));
on(document, 'drop', (event) => {
  dragging = 0;
  document.body.classList.remove('dragging');
  if (event.dataTransfer?.files.length) { event.preventDefault(); open(event.dataTransfer.files); }
});

on(document, 'visibilitychange', () => {
  keepAwake();
  if (document.hidden) return;
  if (link.state === 'gone') link.connect();
  frames.offer();
});
new ResizeObserver(() => overlay.draw()).observe($('view'));
// A page that is looked at is not idle, even if it is paused or its scene does not change.
setInterval(() => { if (!document.hidden && link.open) link.say({ t: 'alive' }); }, 30_000);

task.show();
refresh();
link.connect();
if (new URLSearchParams(location.search).has('camera')) openCamera();
