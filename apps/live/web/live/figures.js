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

