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
    text: 'Browsers give the camera to https and localhost only. One of these helps:',
    list: [['On the server’s own machine, open ', code(`http://localhost:${port}`)], ['From here, tunnel: ', code(`ssh -L ${port}:localhost:${port} ${location.hostname}`), ', then open ', code(`http://localhost:${port}`)],
      ['Start the server with ', code('--tls-self-signed'), ' and open ', code(`https://${location.host}`), ', or give it --tls-cert and --tls-key'],
      ['Open files instead: that works everywhere']],
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

