// How full the storage of the site is, as a bar.

import {requestPersistence, storageStatus} from '../wasm/tfjs_model_manager.js';
import {announce, button, byId, h, words} from './dom.js';
import {bytes} from './format.js';
import {tellFailure} from './tasks.js';

/** Who asked last is shown. */
let asks = 0;

/** `models` are those of all stores. */
export async function showStorage(models) {
  const turn = ++asks;
  const sum = id => models.filter(({store}) => store.id === id).reduce((sum, model) => sum + model.topologyBytes + model.weightBytes, 0);
  const localStorageBytes = sum('localstorage');
  let parts;
  try {
    parts = measured(JSON.parse(await storageStatus()), sum('indexeddb'), sum('opfs'));
  } catch (failure) {
    parts = [h('p', {class: 'muted'}, words(failure))];
  }
  if (turn !== asks) return;
  const local = h('li', {class: 'localstorage'}, `localStorage ${bytes(localStorageBytes)} of about 5 MB, beside all this`);
  const legend = h('ul', {class: 'legend'}, parts.legend ?? [], local);
  byId('storage').replaceChildren(...(parts.elements ?? parts), legend);
}

function measured({usage, quota, persisted}, indexeddb, opfs) {
  const other = Math.max(0, (usage ?? 0) - indexeddb - opfs);
  const left = quota === null || usage === null ? undefined : Math.max(0, quota - usage);
  const text = left === undefined ? `${bytes(usage)} are used` : `${bytes(usage)} are used, ${bytes(left)} are left`;
  const width = count => `width: ${quota ? Math.max(count > 0 ? 0.4 : 0, (100 * count) / quota) : 0}%`;
  const segment = (kind, count) => {
    const element = h('span', {class: kind});
    element.style.cssText = width(count);
    return element;
  };
  const bar = h('div', {
    class: 'meter', role: 'meter', 'aria-label': 'Storage', 'aria-valuemin': 0, 'aria-valuemax': quota ?? 0, 'aria-valuenow': usage ?? 0,
    'aria-valuetext': text,
  }, segment('indexeddb', indexeddb), segment('opfs', opfs), segment('other', other));
  const keep = persisted === false
    ? button('Ask the browser to keep it', keepIt, {class: 'small'})
    : h('span', {class: 'muted small'}, persisted ? 'The browser keeps it until you delete it.' : '');
  return {
    elements: [h('p', {class: 'storage-line'}, h('span', {id: 'storage-text'}, `${text}.`), keep), bar],
    legend: [
      h('li', {class: 'indexeddb'}, `IndexedDB ${bytes(indexeddb)}`),
      h('li', {class: 'opfs'}, `Private files ${bytes(opfs)}`),
      h('li', {class: 'other'}, `other ${bytes(other)}`),
    ],
  };
}

async function keepIt(event) {
  const asked = event.currentTarget;
  try {
    const text = (await requestPersistence())
      ? 'The browser keeps it until you delete it.'
      : 'The browser does not promise to keep it: it may delete all of it when the disk is full.';
    asked.replaceWith(h('span', {class: 'muted small'}, text));
    announce(text);
  } catch (failure) {
    tellFailure('Asking the browser to keep the models failed', failure);
  }
}
