'use strict';
// The works of `cargo xtask bench` as TensorFlow.js does them. Sizes and contents are those of `crates/tfjs-weights/benches/codec/model.rs`
// and `tests/benches/model.rs`; models over HTTP are those that `xtask/src/bench/web.rs` writes. Each prepares what it needs and gives {size, run}; only `run` is measured.

const fs = require('node:fs');
const path = require('node:path');
const {tf, NodeFileSystem} = require('./reference');

const MIB = 1 << 20;
const TENSORS = 16;
const VALUES_IN_TENSOR = MIB;
const VALUES = TENSORS * VALUES_IN_TENSOR;
const OUTPUT_BYTES = 4 * VALUES;
const VIEWS = 200;
const CHUNK = 64 << 10;
const MODEL_BYTES = 256 * MIB;

const WORKS = {
  'views-64m': () => views(64 * MIB),
  'views-1g': () => views(1024 * MIB),
  'float32-unaligned': () => decoding(unaligned()),
  uint8: () => decoding(quantized('uint8')),
  uint16: () => decoding(quantized('uint16')),
  float16: () => decoding(quantized('float16')),
  encode,
  parse,
  'load-eager': files => {
    const handler = new NodeFileSystem(path.join(files, 'load', 'model.json'));
    return {size: MODEL_BYTES, run: async () => void await handler.load()};
  },
  'open-layers-model': openLayersModel,
  'open-layers-model-eager': openLayersModel,
  save,
  'load-http': (files, web) => {
    const handler = tf.io.http(`${web.nginx}/model.json`);
    return {size: MODEL_BYTES, run: async () => void await handler.load()};
  },
  'upload-http': uploadHttp,
  stream,
  scalars: () => decoding(scalars(100_000), 100_000),
};

/** decodeWeights over everything at once, as loaders call it. */
function decoding({specs, bytes}, size = OUTPUT_BYTES) {
  return {size, run: () => tf.io.decodeWeights(bytes.buffer, specs)};
}

function views(bytes) {
  const values = Math.floor(bytes / 4 / VIEWS);
  const specs = Array.from({length: VIEWS}, (_, i) => float32(`layer${i}/kernel`, [values]));
  // Every byte is written, so that every page exists.
  return decoding({specs, bytes: new Uint8Array(4 * values * VIEWS).fill(1)}, VIEWS);
}

function encode() {
  const bits = random();
  const tensors = Array.from({length: TENSORS}, (_, i) => {
    const values = Float32Array.from({length: VALUES_IN_TENSOR}, () => value(bits()));
    return {name: `layer${i}/kernel`, tensor: tf.tensor(values)};
  });
  return {size: OUTPUT_BYTES, run: async () => void await tf.io.encodeWeights(tensors)};
}

function parse(files) {
  const text = fs.readFileSync(path.join(files, 'parse', 'model.json'));
  const run = () => {
    const json = JSON.parse(text.toString('utf8'));
    tf.io.getModelArtifactsForJSONSync(json, tf.io.getWeightSpecs(json.weightsManifest), new ArrayBuffer(0));
  };
  return {size: JSON.parse(text.toString('utf8')).weightsManifest[0].weights.length, run};
}

/** TensorFlow.js knows no lazy weights; what it has made is given back, or memory would run out. */
function openLayersModel(files) {
  const handler = new NodeFileSystem(path.join(files, 'layers', 'model.json'));
  const run = async () => {
    const model = await tf.loadLayersModel(handler);
    model.dispose();
  };
  return {size: 400, run};
}

/** TensorFlow.js does not sync: it may be done before the bytes are on the disk. */
async function save(files) {
  const artifacts = await new NodeFileSystem(path.join(files, 'load', 'model.json')).load();
  const handler = new NodeFileSystem(path.join(files, 'save', 'tfjs'));
  return {size: MODEL_BYTES, run: async () => void await handler.save(artifacts)};
}

/** From memory: TensorFlow.js knows no lazy weights. */
async function uploadHttp(files, web) {
  const artifacts = await new NodeFileSystem(path.join(web.single, 'model.json')).load();
  const handler = tf.io.http(web.upload);
  return {size: MODEL_BYTES, run: async () => void await handler.save(artifacts)};
}

function stream() {
  const {specs, bytes} = unaligned();
  const run = () => {
    let start = 0;
    const chunks = new ReadableStream({
      pull(controller) {
        if (start >= bytes.length) return controller.close();
        controller.enqueue(bytes.slice(start, start + CHUNK));
        start += CHUNK;
      },
    });
    return tf.io.decodeWeightsStream(chunks, specs);
  };
  return {size: OUTPUT_BYTES, run};
}

/** float32 behind a bool of one byte. */
function unaligned() {
  const {buffer} = fill(new Float32Array(VALUES), value);
  const bytes = new Uint8Array(OUTPUT_BYTES + 1);
  bytes[0] = 1;
  bytes.set(new Uint8Array(buffer), 1);
  return {specs: [{name: 'flag', shape: [1], dtype: 'bool'}, ...float32Specs()], bytes};
}

const CODES = {
  uint8: () => fill(new Uint8Array(VALUES), bits => bits),
  uint16: () => fill(new Uint16Array(VALUES), bits => bits),
  // Halves below 2, as weights are.
  float16: () => fill(new Uint16Array(VALUES), bits => bits & 0xbfff),
};

function quantized(dtype) {
  const quantization = dtype === 'float16' ? {dtype} : {dtype, min: -1.5, scale: 0.0125};
  return {specs: float32Specs().map(spec => ({...spec, quantization})), bytes: CODES[dtype]()};
}

function scalars(count) {
  const specs = Array.from({length: count}, (_, i) => float32(`scalar${i}`, []));
  return {specs, bytes: fill(new Float32Array(count), value)};
}

const float32Specs = () => Array.from({length: TENSORS}, (_, i) => float32(`layer${i}/kernel`, [VALUES_IN_TENSOR]));
const float32 = (name, shape) => ({name, shape, dtype: 'float32'});

function fill(array, convert) {
  const bits = random();
  for (let i = 0; i < array.length; i++) array[i] = convert(bits());
  return array;
}

/** Between -0.5 and 0.5, of 24 bits: exact in single precision. */
const value = bits => (bits & 0xffffff) / 0x1000000 - 0.5;

/** Marsaglia's xorshift: the same in any language. */
function random() {
  let state = 2463534242;
  return () => {
    const bits = state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return bits;
  };
}

module.exports = {WORKS};
