// Where models are: the stores of the browser, and the folder of the server that the page comes from.
//
// A store has `id`, `label`, `note`, `token`, `url(name)`, `list()` and `remove(model)`; those of the browser have `removeBroken(url)`. A model has `store`, `name`, `url`, `dateSaved` (ISO 8601),
// `topologyBytes` and `weightBytes`.

import {listModels, removeModel} from '../wasm/tfjs_model_manager.js';

class BrowserStore {
  constructor(id, label, note) {
    Object.assign(this, {id, label, note, isBrowser: true, canWrite: true, token: undefined});
  }

  url(name) {
    return `${this.id}://${name}`;
  }

  async list() {
    const {models, broken} = JSON.parse(await listModels(`${this.id}://`));
    // An error shortens a name that is a URL itself: what it says then is not to be taken for another model.
    const isWhole = url => models.some(model => model.url === url);
    return {
      models: models.map(model => ({...model, store: this})),
      broken: broken.map(({url, message}) => ({url: url === null || isWhole(url) ? undefined : url, message})),
    };
  }

  /** Removes what is left of a model that `list` calls broken. */
  async removeBroken(url) {
    const {broken} = await this.list();
    if (!broken.some(other => other.url === url)) throw {kind: 'NotFound', message: `what was left of ${url} is gone already, or it is a model again`};
    try {
      await removeModel(url);
    } catch (failure) {
      // Less than a model was there, and is gone.
      if (failure?.kind !== 'NotFound') throw failure;
    }
  }

  remove(model) {
    return removeModel(model.url);
  }
}

/** What the status of an answer says, where it matters which one it is. */
const KINDS = {401: 'Unauthenticated', 403: 'PermissionDenied', 404: 'NotFound', 412: 'Conflict'};

/** `tfjs serve --page`: models are listed and removed by the server's own protocol. */
class ServerStore {
  constructor(root, {readOnly, needsToken}) {
    Object.assign(this, {id: 'server', label: 'Server', root, needsToken, isBrowser: false, canWrite: !readOnly, token: undefined});
    this.note = `The models of ${root}${readOnly ? ', which may only be read' : ''}.`;
  }

  url(name) {
    if (/^\.*$/.test(name)) throw {kind: 'InvalidUrl', message: `${name || 'an empty text'} is no name of a model`, advice: 'Choose another name.'};
    return `${this.root}${encodeURIComponent(name)}/model.json`;
  }

  async list() {
    const {models: rows, broken} = await (await this.ask('GET', `${this.root}?broken`)).json();
    const models = rows.map(({name, modelArtifactsInfo: info}) => ({
      store: this,
      name,
      url: this.url(name),
      dateSaved: info.dateSaved,
      topologyBytes: info.modelTopologyBytes,
      weightBytes: info.weightDataBytes,
    }));
    return {models, broken: broken.map(({name, error}) => ({message: `${name}: ${error}`}))};
  }

  /** What tells a model from another one that somebody else uploads under its name. */
  async version(model) {
    return (await this.ask('HEAD', model.url)).headers.get('ETag');
  }

  /** With a version, only that one is removed. */
  async remove(model, {version, ...options} = {}) {
    const headers = version ? {'If-Match': version} : {};
    await this.ask('DELETE', `${this.root}${encodeURIComponent(model.name)}`, options, headers);
  }

  async ask(method, url, options = {}, more = {}) {
    const headers = {...more, ...(this.token ? {Authorization: `Bearer ${this.token}`} : {})};
    let answer;
    try {
      answer = await fetch(url, {method, headers, cache: 'no-store', ...options});
    } catch {
      throw {kind: 'Transport', message: `the server at ${this.root} does not answer`, advice: 'Check that it runs, and the connection.'};
    }
    if (answer.ok) return answer;
    const {error} = await answer.json().catch(() => ({}));
    const isToken = answer.status === 401;
    throw {
      kind: KINDS[answer.status] ?? 'Unexpected',
      message: error ?? `the server answers ${answer.status}`,
      advice: isToken ? 'Enter the token of the server.' : '',
    };
  }
}

const BROWSER = [
  new BrowserStore('indexeddb', 'IndexedDB', 'Most models belong here. TensorFlow.js loads them from indexeddb://.'),
  new BrowserStore('localstorage', 'localStorage', 'A few megabytes for the whole site. TensorFlow.js loads them from localstorage://.'),
  new BrowserStore('opfs', 'Private files', 'Models of any size, in the browser’s private file system (opfs://). TensorFlow.js does not see them.'),
];

/** How long a server may take to say that it is there; milliseconds. */
const PATIENCE = 10_000;

/** Where a visit leaves for later ones what a server has said of itself. */
const SERVER = `tfjs-model-manager/server ${new URL('./', location.href).pathname}`;

/** The stores that there are. */
export async function findStores() {
  const server = await serverBehind();
  return server ? [...BROWSER, new ServerStore(new URL('../', location.href).href, server)] : BROWSER;
}

/** Whether a server is behind the page, it says itself. One that has been there and does not answer is not gone: its list says what is wrong. */
async function serverBehind() {
  try {
    const answer = await fetch('server.json', {cache: 'no-store', signal: AbortSignal.timeout(PATIENCE)});
    if (answer.ok) return remember(await answer.json());
    if (answer.status === 404) return remember(null);
  } catch {
    // Nobody answers, or somebody else.
  }
  return remembered();
}

function remember(server) {
  try {
    if (server) localStorage.setItem(SERVER, JSON.stringify(server));
    else localStorage.removeItem(SERVER);
  } catch {
    // Without storage the next visit knows nothing of this one.
  }
  return server;
}

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(SERVER));
  } catch {
    return null;
  }
}

/** A name that every store takes: no separators, nothing that file systems dislike. */
export function tidyName(text) {
  const name = text.replace(/[\p{Cc}\p{Cf}/\\:*?"<>|%~]+/gu, '-').replace(/^[.\s-]+|[.\s-]+$/g, '');
  return [...name].slice(0, 100).join('').replace(/\.(json|pb)$/i, '') || 'model';
}

/** `name`, or `name-2` and so on if there is one. */
export function freeName(name, taken) {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name}-${number}`;
    if (!taken.has(candidate)) return candidate;
  }
}
