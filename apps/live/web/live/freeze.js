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

