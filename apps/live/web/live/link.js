// --- Link: WebSocket, or POST and server-sent events where that does not come through ----------------------

const kProtocol = 'moonbeam.live.1';
const kFirstDelay = 500, kLastDelay = 8000;

const link = {
  state: 'connecting',  // connecting, open, gone
  hello: null,
  key: sessionStorage.getItem('moonbeam.key') ?? '',
  socket: null, events: null,
  delay: kFirstDelay, timer: 0, failures: 0, worked: '',

  get buffered() { return this.socket ? this.socket.bufferedAmount : this.events ? this.events.pending : 0; },
  get open() { return this.state === 'open'; },

  connect() {
    clearTimeout(this.timer);
    this.close();
    this.show(this.worked ? 'gone' : 'connecting', 'Connecting');
    // A proxy that lets no WebSocket through looks like a server that is not there: try both in turn.
    if (this.worked === 'events' || !this.worked && this.failures % 3 === 2) return this.connectEvents();
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
    link.worked = link.events ? 'events' : 'socket';
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

