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
