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

