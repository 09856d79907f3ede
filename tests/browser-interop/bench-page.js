// The works of `cargo xtask bench browser`: both sides decode, save and load the same bytes in one page.

import init, * as wasm from '/wasm/tfjs_io.js';

/* global tf */

const MIB = 1 << 20;
const TENSORS = 16;
const VALUES_IN_TENSOR = MIB;
const OUTPUT_BYTES = 4 * TENSORS * VALUES_IN_TENSOR;
const STRINGS = 200_000;
const MODEL_TENSORS = 25;
const MODEL_UNITS = 1000;
const MODEL_BYTES = 4 * MODEL_TENSORS * MODEL_UNITS ** 2;

/** Each prepares what it needs, and gives {size, ours, tfjs, settle}: `ours` and `tfjs` are measured, `settle` comes after each of them. */
const WORKS = {
  // A flag before every tensor, so that no float lies where it could be used in place.
  'browser-float32': () => decoding(floats()),
  'browser-uint8': () => decoding(quantized('uint8', 1)),
  'browser-uint16': () => decoding(quantized('uint16', 2)),
  'browser-float16': () => decoding(quantized('float16', 2)),
  'browser-strings': () => decoding(strings()),
  // From the tensors of a model, which both sides encode; as the browser stores when nothing else is asked for: the system writes to
  // the disk when it likes.
  'browser-save': () => savingModel(),
  // Of weights that are one buffer already, which TensorFlow.js hands to the browser as it is, and we copy out of WebAssembly.
  'browser-save-buffer': () => saving({waitForDisk: false, untilStored: true}),
  // Ours waits for the disk, as when a model is moved.
  'browser-save-strict': () => saving({waitForDisk: true, untilStored: true}),
  // What its promise alone takes: it is kept when the browser has the request, before anything is stored.
  'browser-save-promised': () => saving({waitForDisk: false, untilStored: false}),
  // Each with the weights where it has them: in the memory of the browser, in that of WebAssembly.
  'browser-load': () => loading(url => wasm.Held.load(url, false), weightBytes, MODEL_BYTES),
  // The weights stay in the memory of the browser on both sides.
  'browser-load-lazy': () => loading(url => wasm.Held.load(url, true), weightBytes, MODEL_BYTES),
  // Until all tensors can be used, for which TensorFlow.js copies them, and we have copied them.
  'browser-load-decoded': () => loading(url => wasm.Held.load_and_decode(url), decoded, MODEL_TENSORS),
};

function floats() {
  const specs = Array.from({length: TENSORS}, (_, i) => [
    {name: `flag${i}`, shape: [1], dtype: 'bool'},
    {name: `layer${i}/kernel`, shape: [VALUES_IN_TENSOR], dtype: 'float32'},
  ]).flat();
  const bytes = random(TENSORS * (1 + 4 * VALUES_IN_TENSOR));
  for (let i = 0; i < TENSORS; i++) bytes[i * (1 + 4 * VALUES_IN_TENSOR)] = i % 2;
  return {specs, bytes, size: OUTPUT_BYTES};
}

function quantized(dtype, width) {
  const quantization = dtype === 'float16' ? {dtype} : {dtype, min: -1.25, scale: 0.0123};
  const specs = Array.from({length: TENSORS}, (_, i) => (
    {name: `layer${i}/kernel`, shape: [VALUES_IN_TENSOR], dtype: 'float32', quantization}));
  return {specs, bytes: random(TENSORS * VALUES_IN_TENSOR * width), size: OUTPUT_BYTES};
}

function strings() {
  const encoder = new TextEncoder();
  const pieces = Array.from({length: STRINGS}, (_, i) => encoder.encode(`word number ${i * 7919}`));
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + 4 + piece.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const piece of pieces) {
    view.setUint32(at, piece.length, true);
    bytes.set(piece, at + 4);
    at += 4 + piece.length;
  }
  return {specs: [{name: 'vocabulary', shape: [STRINGS], dtype: 'string'}], bytes, size: bytes.length};
}

async function decoding({specs, bytes, size}) {
  const held = await wasm.Held.of(modelJson(specs), bytes);
  return {
    size,
    ours: () => check(held.decode(), specs.length),
    tfjs: () => {
      const tensors = tf.io.decodeWeights(bytes.buffer, specs);
      check(Object.keys(tensors).length, specs.length);
      return tensors;
    },
  };
}

const modelSpecs = Array.from({length: MODEL_TENSORS}, (_, i) => (
  {name: `layer${i}/kernel`, shape: [MODEL_UNITS, MODEL_UNITS], dtype: 'float32'}));

async function saving({waitForDisk, untilStored}) {
  const bytes = random(MODEL_BYTES);
  let held = await wasm.Held.of(modelJson(modelSpecs), bytes);
  return {
    size: MODEL_BYTES,
    ours: async () => { held = await held.save('indexeddb://bench-ours', waitForDisk); },
    tfjs: async () => {
      const artifacts = {modelTopology: {}, format: 'layers-model', weightSpecs: modelSpecs, weightData: bytes.buffer};
      await tf.io.getSaveHandlers('indexeddb://bench-tfjs')[0].save(artifacts);
      if (untilStored) await stored();
    },
    // What one side has not stored yet must not hold up the other.
    settle: stored,
  };
}

/** Each side from the tensors of the same model, in its own memory. */
async function savingModel() {
  const bytes = random(MODEL_BYTES);
  let held = await wasm.Held.of(modelJson(modelSpecs), bytes);
  const layers = modelSpecs.map(({name}) => tf.layers.dense({
    name: name.split('/')[0], inputShape: [MODEL_UNITS], units: MODEL_UNITS, useBias: false, kernelInitializer: 'zeros'}));
  const model = tf.sequential({layers});
  model.setWeights(modelSpecs.map(({shape}, i) => tf.tensor(new Float32Array(bytes.buffer, 4 * MODEL_UNITS ** 2 * i, MODEL_UNITS ** 2), shape)));
  return {
    size: MODEL_BYTES,
    ours: async () => { held = await held.save_tensors('indexeddb://bench-ours'); },
    tfjs: async () => {
      await model.save('indexeddb://bench-tfjs');
      await stored();
    },
    settle: stored,
  };
}

/** Resolves when all that was put has been committed: only then does a transaction begin that reads. */
function stored() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('tensorflowjs', 1);
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const reading = database.transaction(['models_store', 'model_info_store'], 'readonly');
      const counting = reading.objectStore('models_store').count();
      reading.oncomplete = () => {
        database.close();
        resolve(counting.result);
      };
      reading.onabort = () => reject(reading.error);
    };
  });
}

/** `ours` loads from a URL and gives `expected`, as `theirs` does of what TensorFlow.js loads. */
async function loading(ours, theirs, expected) {
  const saved = await saving({waitForDisk: false, untilStored: true});
  await saved.ours();
  await saved.tfjs();
  return {
    size: MODEL_BYTES,
    ours: async () => check(await ours('indexeddb://bench-ours'), expected),
    tfjs: async () => check(theirs(await tf.io.getLoadHandlers('indexeddb://bench-tfjs')[0].load()), expected),
  };
}

const weightBytes = artifacts => artifacts.weightData.byteLength;

function decoded({weightData, weightSpecs}) {
  const tensors = tf.io.decodeWeights(weightData, weightSpecs);
  tf.dispose(tensors);
  return Object.keys(tensors).length;
}

const modelJson = weights => JSON.stringify({modelTopology: {}, weightsManifest: [{paths: ['w.bin'], weights}]});

function check(actual, expected) {
  if (actual !== expected) throw new Error(`${actual} in place of ${expected}`);
}

/** The same bytes every time. */
function random(length) {
  const bytes = new Uint8Array(length);
  let state = 0x2545f491;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

/** Until both are reached; milliseconds, of both sides together. */
const WARM_UP = {runs: 3, time: 600};
const MEASURED = {runs: 9, time: 1200};

/** The median times of both, in nanoseconds. They take turns, so that what disturbs the machine for a while disturbs both. */
async function medianTimes(ours, tfjs, settle) {
  await repeat([ours, tfjs], settle, WARM_UP);
  return (await repeat([ours, tfjs], settle, MEASURED)).map(median);
}

async function repeat(works, settle, {runs, time}) {
  const times = works.map(() => []);
  for (let total = 0; times[0].length < runs || total < time;) {
    for (const [i, work] of works.entries()) {
      times[i].push(await once(work));
      total += times[i].at(-1);
      await settle();
    }
  }
  return times;
}

function median(times) {
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)] * 1e6;
}

/** In milliseconds. To let tensors go is not measured, nor is the garbage of earlier runs. */

async function once(run) {
  window.gc();
  const start = performance.now();
  let result = run();
  if (result instanceof Promise) result = await result;
  const milliseconds = performance.now() - start;
  if (result) tf.dispose(result);
  return milliseconds;
}

window.measure = async id => {
  const {size, ours, tfjs, settle = () => {}} = await WORKS[id]();
  const [our, their] = await medianTimes(ours, tfjs, settle);
  return {ours: {cost: our, size}, tfjs: {cost: their, size}};
};
window.works = Object.keys(WORKS);

await init();
await tf.setBackend('cpu');
window.isReady = true;
