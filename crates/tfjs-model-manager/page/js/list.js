// All models, a table for each store.

import {kindOf} from '../wasm/tfjs_model_manager.js';
import {actions} from './actions.js';
import {announce, button, byId, focusOn, h, problem, table, whereFocusIs} from './dom.js';
import {bytes, date} from './format.js';
import {tellFailure} from './tasks.js';

const COLUMNS = [
  {text: 'Name', kind: 'name', bare: true},
  {text: 'Kind'},
  {text: 'Topology', number: true},
  {text: 'Weights', number: true},
  {text: 'Saved', kind: 'date'},
  {text: 'Actions', bare: true},
];

export const KINDS = {layers: 'layers model', graph: 'graph model', weights: 'weights only', other: 'unknown topology'};

/** What is known of the kinds of models, by URL and date: a list does not tell. */
const kinds = new Map();
const key = model => `${model.url}\n${model.dateSaved}`;

/** `contents` are pairs of a store and `{models, broken}`, `{failure}` or `{isAwaited}`. Whoever had the focus has it afterwards. */
export function showList(app, contents) {
  const focus = whereFocusIs();
  byId('stores').replaceChildren(...contents.map(([store, content]) => section(app, store, content)));
  if (focus.model !== undefined) focusOn(focus);
  tellKinds(contents.flatMap(([, {models = []}]) => models));
}

function section(app, store, {models, broken = [], failure, isAwaited}) {
  const heading = `store-${store.id}`;
  const count = models?.length ?? 0;
  const total = models?.reduce((sum, model) => sum + model.topologyBytes + model.weightBytes, 0) ?? 0;
  return h('section', {class: 'card', 'aria-labelledby': heading, 'data-store': store.id, 'aria-busy': isAwaited && 'true'},
    h('div', {class: 'store-head'},
      h('h2', {id: heading}, store.label),
      h('p', {class: 'muted small'}, count === 0 ? '' : `${count} ${count === 1 ? 'model' : 'models'}, ${bytes(total)}`)),
    h('p', {class: 'muted small'}, store.note),
    failure && problem(`${store.label} cannot be read`, failure, button('Try again', () => app.refresh(), {'aria-label': `Try again: ${store.label}`})),
    store.needsToken && tokenForm(app, store, failure?.kind === 'Unauthenticated'),
    broken.map(model => brokenModel(app, store, model)),
    !failure && count === 0 ? h('p', {class: 'empty'}, isAwaited ? 'Waiting for an answer…' : 'No models yet.') : undefined,
    count > 0 ? table(`Models in ${store.label}`, COLUMNS, models.map(model => row(app, model)), {class: 'stacked models'}) : undefined);
}

function row(app, model) {
  const open = h('a', {href: `#${encodeURIComponent(model.url)}`, 'data-action': 'open'}, model.name);
  const kind = h('span', {class: 'kind', 'data-kind': key(model)}, KINDS[kinds.get(key(model))] ?? '…');
  const cells = [
    open, kind, bytes(model.topologyBytes), bytes(model.weightBytes), date(model.dateSaved), h('div', {class: 'buttons'}, actions(app, model)),
  ];
  return {cells, 'data-model': model.url};
}

/** What cannot be listed, and how to be rid of it where the store knows. */
function brokenModel(app, store, {url, message}) {
  const remove = async () => {
    if (!confirm(`Delete what is left of ${url}? It cannot be had back.`)) return;
    try {
      await store.removeBroken(url);
      announce(`Deleted what was left of ${url}.`);
    } catch (failure) {
      tellFailure(`Deleting what is left of ${url} failed`, failure);
    }
    await app.refresh();
    byId('main').focus();
  };
  const isRemovable = url !== undefined && store.removeBroken !== undefined;
  return problem('A model is there, but broken', {message},
    isRemovable && button('Delete what is left', remove, {class: 'danger', 'aria-label': `Delete what is left of ${url}`}));
}

/** The token is kept in the memory of the page, and nowhere else. */
function tokenForm(app, store, isWanted) {
  const input = h('input', {type: 'password', autocomplete: 'off', 'aria-label': 'Token of the server', placeholder: store.token ? 'a token is set' : 'token'});
  const use = event => {
    event.preventDefault();
    store.token = input.value || undefined;
    app.refresh();
  };
  return h('details', {open: isWanted},
    h('summary', {class: 'small'}, 'Token of the server'),
    h('form', {class: 'buttons', onsubmit: use}, input, button('Use it', undefined, {type: 'submit'})));
}

/** One after the other, since each has to be opened. */
let telling = Promise.resolve();
function tellKinds(models) {
  telling = telling.then(async () => {
    for (const model of models) {
      if (kinds.has(key(model))) continue;
      // A model that cannot be opened says why when somebody opens it.
      const kind = await kindOf(model.url, model.store.token).catch(() => 'broken');
      kinds.set(key(model), kind);
      for (const element of document.querySelectorAll('[data-kind]')) {
        if (element.dataset.kind === key(model)) element.textContent = KINDS[kind] ?? 'cannot be opened';
      }
    }
  });
}
