// What the driver can call in the page: `ours` is this workspace as WebAssembly, `theirs` the real TensorFlow.js.

import init, * as wasm from '/wasm/tfjs_io.js';

/* global tf */

/** Every function of ours that gives JSON gives it parsed. */
const ours = new Proxy({}, {
  get: (_, name) => async (...args) => {
    const result = await wasm[name](...args);
    return typeof result === 'string' ? JSON.parse(result) : result;
  },
});

/** Files cannot be handed in from the driver. */
const picked = {
  load: async isLazy => JSON.parse(await wasm.load_files(pickedFiles(), isLazy)),
  save: async url => JSON.parse(await wasm.save_files(pickedFiles(), url)),
};

const theirs = {
  /** A model: its artifacts but the weights, and what each tensor is. */
  load: async url => describe(await loader(url).load()),
  loadFiles: async () => describe(await tf.io.browserFiles([...pickedFiles()]).load()),
  /** Artifacts as they are at another URL go to this one. */
  save: async (source, url) => info(await saver(url).save(await loader(source).load())),
  /** As a user saves a model that is being trained. */
  saveLayersModel: async (source, url) => info(await (await tf.loadLayersModel(source)).save(url, {includeOptimizer: true})),
  list: async () => Object.fromEntries(Object.entries(await tf.io.listModels()).map(([url, info]) => [url, plain(info)])),
  remove: async url => plain(await tf.io.removeModel(url)),
  copy: async (source, url) => plain(await tf.io.copyModel(source, url)),
  move: async (source, url) => plain(await tf.io.moveModel(source, url)),
  layersModel,
  /** Changes weights, and saves the model where it was. */
  async overwriteWeights(url) {
    const artifacts = await loader(url).load();
    const bytes = new Uint8Array(joined(artifacts.weightData));
    // Only at the end: the lengths of strings shall stay what they are.
    artifacts.weightData = bytes.map((byte, i) => (i < bytes.length - 100 ? byte : byte ^ 1)).buffer;
    return info(await saver(url).save(artifacts));
  },
};

const loader = url => one(tf.io.getLoadHandlers(url), url);
const saver = url => one(tf.io.getSaveHandlers(url), url);

function one(handlers, url) {
  if (handlers.length !== 1) throw new Error(`TensorFlow.js has ${handlers.length} handlers for ${url}`);
  return handlers[0];
}

async function describe(artifacts) {
  const {weightData, ...others} = artifacts;
  return {artifacts: plain(others), tensors: await digests(weightData, artifacts.weightSpecs), buffers: [weightData].flat().length};
}

/** As tests/interop/README.md defines them. */
async function digests(weightData, weightSpecs) {
  const tensors = tf.io.decodeWeights(weightData, weightSpecs);
  const all = [];
  for (const {name} of weightSpecs) {
    const {dtype, shape} = tensors[name];
    all.push({name, dtype, shape, sha256: await sha256(await valueBytes(tensors[name]))});
  }
  tf.dispose(tensors);
  return all;
}

async function valueBytes(tensor) {
  if (tensor.dtype !== 'string') {
    const values = await tensor.data();
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
  const pieces = (await tensor.bytes()).flatMap(element => [new Uint8Array(Uint32Array.of(element.length).buffer), element]);
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...digest].map(byte => byte.toString(16).padStart(2, '0')).join('');
}

/** What a user has of a layers-model: its answers, and that it can be trained further. */
async function layersModel(url) {
  const model = await tf.loadLayersModel(url);
  const bits = tensor => [...new Uint32Array(tensor.dataSync().buffer.slice(0))];
  const shape = model.inputs[0].shape.map((side, i) => side ?? (i === 0 ? 1 : 4));
  const values = tf.util.sizeFromShape(shape);
  const input = tf.tensor(Float32Array.from({length: values}, (_, i) => i / values - 0.25), shape);
  const optimizer = model.optimizer && {
    name: model.optimizer.getClassName(),
    config: model.optimizer.getConfig(),
    weights: (await model.optimizer.getWeights()).map(({name, tensor}) => ({name, shape: tensor.shape, bits: bits(tensor)})),
  };
  return {
    prediction: bits(model.predict(input)),
    weights: model.weights.map(({originalName, shape, val}) => ({originalName, shape, bits: bits(val)})),
    optimizer,
    loss: model.loss,
    metrics: model.metrics,
    metadata: model.getUserDefinedMetadata(),
  };
}

const info = result => plain(result.modelArtifactsInfo);
const plain = value => JSON.parse(JSON.stringify(value));
const joined = weightData => tf.io.CompositeArrayBuffer.join(weightData);
const pickedFiles = () => document.querySelector('#files').files;

/** `{value}` or `{error}`: an exception that crosses to the driver would lose its kind. */
async function call(side, name, args) {
  try {
    return {value: await {ours, theirs, picked}[side][name](...args)};
  } catch (error) {
    return {error: {kind: error.kind ?? error.name ?? 'Error', operation: error.operation, message: error.message ?? String(error)}};
  }
}

/** Everything that fits into localStorage, to the last character. */
function fillLocalStorage() {
  for (let size = 1 << 23; size >= 1; size /= 2) {
    try {
      localStorage.setItem(`filled-${size}`, ' '.repeat(size));
    } catch (error) {
      if (error.name !== 'QuotaExceededError') throw error;
    }
  }
}

/** Opens the database as somebody who never heard of others that want to delete it. */
function holdDatabase() {
  const request = indexedDB.open('tensorflowjs');
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      window.held = request.result;
      resolve();
    };
    request.onerror = () => reject(request.error);
  });
}

/** Begins to delete the database; `deletion` tells how far it is. */
function deleteDatabase() {
  window.deletion = 'begun';
  const request = indexedDB.deleteDatabase('tensorflowjs');
  request.onblocked = () => window.deletion = 'blocked';
  request.onsuccess = () => window.deletion = 'deleted';
  request.onerror = () => window.deletion = `failed: ${request.error}`;
}

/** Leaves what a save of ours leaves when the page dies in the middle of it: the previous model under another key. */
function dieInSave(name) {
  const keys = ['info', 'model_topology', 'weight_specs', 'weight_data', 'model_metadata'].map(part => `tensorflowjs_models/${name}/${part}`);
  localStorage.setItem(`tfjs-io/undo/${name}`, JSON.stringify(keys.map(key => localStorage.getItem(key))));
  for (const key of keys) localStorage.removeItem(key);
}

/** Cuts the weights of a record into an array of buffers, all but the last of this size; gives how many. */
async function cutRecord(name, size) {
  const ends = request => new Promise((resolve, reject) => Object.assign(request, {onsuccess: () => resolve(request.result), onerror: () => reject(request.error)}));
  const database = await ends(indexedDB.open('tensorflowjs'));
  const store = database.transaction('models_store', 'readwrite').objectStore('models_store');
  const record = await ends(store.get(name));
  const {weightData} = record.modelArtifacts;
  const count = Math.ceil(weightData.byteLength / size);
  record.modelArtifacts.weightData = Array.from({length: count}, (_, i) => weightData.slice(i * size, (i + 1) * size));
  await ends(store.put(record));
  database.close();
  return count;
}

/** Saves one model after the other until the page dies. */
function saveForEver(url, bytes) {
  (async () => {
    for (let seed = 2;; seed++) {
      // A save that never waits for the browser would never let it go on.
      await new Promise(resolve => setTimeout(resolve));
      await wasm.save_generated(url, bytes, seed).catch(() => {});
    }
  })();
}

/** Calls a function of ours with this URL again and again for so long; it may find nothing to remove. */
async function keepCalling(name, url, milliseconds) {
  const end = Date.now() + milliseconds;
  for (let seed = 2; Date.now() < end; seed++) {
    const call = name === 'remove' ? wasm.remove(url) : wasm.save_generated(url, 4096, seed);
    await call.catch(failure => {
      if (failure.kind !== 'NotFound') throw failure;
    });
    await new Promise(resolve => setTimeout(resolve, Math.random() * 4));
  }
}

await init();
await tf.setBackend('cpu');
Object.assign(window, {call, program: wasm, fillLocalStorage, holdDatabase, deleteDatabase, cutRecord, dieInSave, saveForEver, keepCalling});
