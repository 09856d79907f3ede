// Models that come in: picked, dropped, or loaded from an address.

import {byId, h, once, unlessHeld} from './dom.js';
import {reserving, takenFailure, takenNames} from './names.js';
import {freeName, tidyName} from './stores.js';
import {run, tellFailure} from './tasks.js';

export function startAdding(app) {
  const store = byId('add-store');
  const places = app.stores.filter(place => place.canWrite);
  store.append(...places.map(place => h('option', {value: place.id}, place.label)), h('option', {value: 'target'}, 'Another server…'));
  store.addEventListener('change', () => {
    const isTarget = store.value === 'target';
    byId('target-field').hidden = byId('target-token-field').hidden = !isTarget;
    byId('add-name').closest('label').hidden = isTarget;
  });

  for (const [open, input] of [['pick-files', 'files'], ['pick-folder', 'folder']]) {
    byId(open).addEventListener('click', () => byId(input).click());
    byId(input).addEventListener('change', event => {
      const files = [...event.currentTarget.files];
      event.currentTarget.value = '';
      if (files.length > 0) addFiles(app, files);
    });
  }
  startDropping(app);

  byId('url-form').querySelector('button').addEventListener('click', once(() => {}));
  byId('url-form').addEventListener('keydown', unlessHeld);
  byId('url-form').addEventListener('submit', event => {
    event.preventDefault();
    addFromAddress(app, byId('add-url').value);
  });
}

/** Files may be dropped anywhere on the page. */
function startDropping(app) {
  const area = byId('drop');
  const hasFiles = event => event.dataTransfer?.types.includes('Files');
  addEventListener('dragover', event => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    area.classList.add('over');
  });
  addEventListener('dragleave', event => {
    if (event.relatedTarget === null) area.classList.remove('over');
  });
  addEventListener('drop', async event => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    area.classList.remove('over');
    // The items are gone as soon as the event has been handled.
    const entries = [...event.dataTransfer.items].map(item => item.webkitGetAsEntry?.()).filter(Boolean);
    const plain = [...event.dataTransfer.files];
    try {
      const files = entries.length > 0 ? (await Promise.all(entries.map(entry => filesOf(entry, '')))).flat() : plain;
      await addFiles(app, files);
    } catch (failure) {
      tellFailure('Reading what was dropped failed', failure);
    }
  });
}

/** The files of what was dropped, with the path that picked folders have. */
async function filesOf(entry, folder) {
  const path = folder + entry.name;
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    if (folder !== '') Object.defineProperty(file, 'webkitRelativePath', {value: path});
    return [file];
  }
  const [files, reader] = [[], entry.createReader()];
  for (;;) {
    // A reader gives some at a time, and none at the end.
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return files;
    for (const inner of entries) files.push(...await filesOf(inner, `${path}/`));
  }
}

async function addFiles(app, files) {
  const archive = files.length === 1 && /\.(zip|tar|gz|tgz)$/i.test(files[0].name);
  if (archive) {
    tellFailure('Adding failed', {message: `the file ${files[0].name} is an archive, and only its files can be added`, advice: 'Unpack it, and choose the folder that comes out.'});
    return;
  }
  await add(app, nameOfFiles(files), (job, destination, token, isNew) => job.addFiles(files, destination, token, isNew));
}

async function addFromAddress(app, text) {
  let url;
  try {
    url = modelAddress(text);
  } catch (failure) {
    tellFailure('Loading failed', failure);
    return;
  }
  const server = app.stores.find(({root}) => root !== undefined && url.startsWith(root));
  const added = await add(app, nameOfUrl(url), (job, destination, token, isNew) => job.copyModel(url, server?.token, destination, token, isNew));
  if (added) byId('add-url').value = '';
}

/** Saves where the form says. Nothing is ever replaced. */
async function add(app, suggested, start) {
  const place = app.stores.find(({id}) => id === byId('add-store').value);
  if (!place) return addToTarget(app, suggested, start);
  const wanted = byId('add-name').value.trim();
  let taken;
  try {
    taken = await takenNames(app, place);
  } catch (failure) {
    tellFailure(`Adding ${wanted || suggested} failed`, failure);
    return false;
  }
  if (taken.has(wanted)) {
    tellFailure(`Adding ${wanted} failed`, takenFailure(app, place, wanted));
    return false;
  }
  const name = wanted || freeName(suggested, taken);
  if (wanted) byId('add-name').value = '';
  const added = await reserving(place, name, () =>
    run(`Adding ${name} to ${place.label}`, `Added ${name} to ${place.label}.`, job => start(job, place.url(name), place.token, !place.isBrowser)));
  await app.refresh();
  return added;
}

async function addToTarget(app, suggested, start) {
  const target = byId('add-target').value;
  const added = await run(`Uploading ${suggested} to ${target || 'a server'}`, `Uploaded ${suggested} to ${target}.`, job =>
    start(job, uploadAddress(target), byId('add-target-token').value, false));
  byId('add-target-token').value = '';
  await app.refresh();
  return added;
}

/** Where a model is loaded from: of a folder, its `model.json`. */
export function modelAddress(text) {
  const url = webAddress(text, 'the address of a model.json');
  if (url.pathname.endsWith('/')) url.pathname += 'model.json';
  return url.href;
}

/** Where a model is uploaded to. */
export function uploadAddress(text) {
  return webAddress(text, 'the address to upload to').href;
}

function webAddress(text, what) {
  const advice = 'An address begins with https:// or http://.';
  const address = text.trim();
  const refuse = (message, more = advice) => {
    throw {kind: 'InvalidUrl', message, advice: more};
  };
  if (address === '') refuse(`${what} is missing`);
  // `example.com/m` would be a file beside this page; `/m` and `../m` are meant to be near it.
  if (!/^([a-z][a-z\d+.-]*:|[./])/i.test(address)) refuse(`the address ${address} does not say how to get there`);
  let url;
  try {
    url = new URL(address, location.href);
  } catch {
    refuse(`the address ${address} is none`);
  }
  if (url.protocol === 'file:') refuse('a page may not read files by their address', 'Choose them, or drop them on the page.');
  if (!['http:', 'https:'].includes(url.protocol)) refuse(`an address with ${url.protocol} is not of the web`);
  return url;
}

/** Of the file that looks like the model's JSON, or of its folder if that file is called as all of them are. */
function nameOfFiles(files) {
  const names = new Set(files.map(file => file.name));
  const isModel = [
    ({name}) => name === 'model.json',
    ({name}) => names.has(name.replace(/\.json$/, '.weights.bin')) && name.endsWith('.json'),
    ({name}) => name.endsWith('.json'),
    () => true,
  ];
  const json = isModel.map(test => files.find(test)).find(Boolean);
  const folder = json?.webkitRelativePath?.split('/').at(-2);
  const stem = json?.name.replace(/\.json$/i, '') ?? 'model';
  return tidyName(stem === 'model' && folder ? folder : stem);
}

function nameOfUrl(url) {
  const parts = new URL(url).pathname.split('/').filter(Boolean).map(part => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  const file = parts.at(-1)?.replace(/\.json$/i, '') ?? 'model';
  return tidyName(file === 'model' ? parts.at(-2) ?? file : file);
}
