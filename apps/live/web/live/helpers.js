// The live page: a picture source, a standing question, the newest frame to the server and its answer back.
// The protocol is moonbeam.live.1 (docs/live.md). The files of this folder are one script, /live.js, in the order in
// which apps/live/CMakeLists.txt names them: each may use at once what stands before it, the rest once all is read.
'use strict';

const $ = (id) => document.getElementById(id);
const make = (tag, fields = {}, ...children) => {
  const out = Object.assign(document.createElement(tag), fields);
  out.append(...children);
  return out;
};
const now = () => performance.now();
const facts = (...all) => all.filter(Boolean).join(' · ');
const on = (target, event, act) => target.addEventListener(event, act);
const icon = (name) => {
  const out = make('template', { innerHTML: `<svg><use href="#i-${name}"/></svg>` });
  return out.content.firstChild;
};
const stored = (name, otherwise) => { try { return localStorage.getItem('moonbeam.' + name) ?? otherwise; } catch { return otherwise; } };
const store = (name, value) => { try { localStorage.setItem('moonbeam.' + name, value); } catch { /* private mode */ } };

