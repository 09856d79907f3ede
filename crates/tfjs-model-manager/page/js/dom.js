// Elements. Text is always text: nothing that a model says becomes HTML.

/** `h('button', {type: 'button', onclick: run}, 'Run')`; attributes that are `undefined`, `null` or `false` are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.flat().filter(child => child !== undefined && child !== null && child !== false));
  return element;
}

export const byId = id => document.getElementById(id);

export const button = (text, onclick, attributes = {}) => h('button', {type: 'button', onclick, ...attributes}, text);

/** For what is done once: the second click of a double click, and a key that is held down, do it no second time, nor to what has come in its place. */
export const once = run => event => (event.detail > 1 ? event.preventDefault() : run(event));
export const unlessHeld = event => event.repeat && event.key === 'Enter' && event.preventDefault();

/** A table that becomes a list of cards where there is no room: roles are said again, since `display: block` takes them away. */
export function table(caption, columns, rows, attributes = {}) {
  const head = columns.map(({text, number}) => h('th', {scope: 'col', role: 'columnheader', class: number && 'number'}, text));
  return h('table', {role: 'table', 'aria-label': caption, class: 'stacked', ...attributes},
    h('thead', {role: 'rowgroup'}, h('tr', {role: 'row'}, head)),
    h('tbody', {role: 'rowgroup'}, rows.map(row => tableRow(columns, row))));
}

/** `row` is `{cells, ...attributes}`; a cell is text, an element, or a list of both. */
export function tableRow(columns, {cells, ...attributes}) {
  return h('tr', {role: 'row', ...attributes}, cells.map((cell, index) => {
    const {text, number, kind, bare} = columns[index];
    return h('td', {role: 'cell', class: kind ?? (number && 'number'), 'data-label': bare ? undefined : text}, cell);
  }));
}

/** What has the focus, as a place that is found again when the lists have been made anew. */
export function whereFocusIs() {
  const element = document.activeElement;
  const row = element?.closest('[data-model]');
  if (!row) return {element};
  return {element, model: row.dataset.model, action: element.dataset.action, place: modelRows().indexOf(row)};
}

/** Gives the focus to the same button of the same model, or of the model that is in its place now. */
export function focusOn({element, model, action, place}) {
  if (element?.isConnected || model === undefined) {
    element?.focus();
    return;
  }
  const rows = modelRows();
  const row = rows.find(row => row.dataset.model === model) ?? rows[Math.min(place, rows.length - 1)];
  const target = row?.querySelector(`[data-action="${CSS.escape(action ?? '')}"]`) ?? row?.querySelector('a');
  (target ?? byId('main')).focus();
}

const modelRows = () => [...document.querySelectorAll('#stores [data-model]')];

/** Says something to those who do not see the page. */
export function announce(text) {
  byId('announcements').textContent = text;
}

/** An error where it happened, and what can be done about it. `failure` is what a promise rejected with. */
export function problem(title, failure, ...actions) {
  return h('div', {class: 'problem', role: 'alert'}, h('p', {}, h('strong', {}, title)), h('p', {}, words(failure)), ...actions);
}

/** An error as sentences: what is wrong, and what to do. */
export function words(failure) {
  const message = failure?.message ?? String(failure);
  const sentence = message.charAt(0).toUpperCase() + message.slice(1);
  const full = /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
  return failure?.advice ? `${full} ${failure.advice}` : full;
}
