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

