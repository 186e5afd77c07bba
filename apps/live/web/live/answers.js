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

