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

