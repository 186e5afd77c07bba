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
on($('feed'), 'error', () => setTimeout(() => link.open && source?.watch?.(), 1000));
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

