'use strict';
// A model that no program would write and every reader has to read: {json, shards: [{name, bytes}]}.

const {stringify} = require('./negative_zero');

const NAMES = [
  'dense/kernel', 'a b', '', '0', '42', '4294967295', '-1', '1e3', 'constructor', 'toString', '__proto__', 'hasOwnProperty', 'length',
  '模型', 'é', 'e\u0301', '\u2028', '\u0000', '"', '\\', '../x', 'x:0', '😀', 'NaN', 'null', 'x'.repeat(3000),
];

const FILES = ['w', 'w.bin', 'a b.bin', 'deeper/w.bin', 'deeper/still/w', '模型.bin', 'w.bin?v=2', 'w#1', '%20', 'group1-shard1of1.bin', '-', '~'];

const BYTES = {float32: 4, int32: 4, bool: 1, complex64: 8};
const CODES = {uint8: 1, uint16: 2, float16: 2};

function randomModel(random) {
  const names = new Set();
  const paths = new Set();
  const shards = [];
  const weightsManifest = Array.from({length: random.choose([0, 1, 1, 1, 2, 3])}, () => {
    const tensors = Array.from({length: random.below(5)}, () => tensor(random, names));
    const bytes = Buffer.concat(tensors.map(({stored}) => stored));
    const pieces = cut(bytes, random).map(piece => ({name: fresh(paths, () => random.choose(FILES), i => `${i}`), bytes: piece}));
    shards.push(...pieces);
    const dot = random.oneIn(4) ? './' : '';
    return withUnknown({paths: pieces.map(({name}) => dot + name), weights: tensors.map(({spec}) => spec)}, random);
  });
  // A bare manifest of nothing is no model.
  if (random.oneIn(6) && weightsManifest.length > 0) return {json: weightsManifest, shards};
  const json = withUnknown({}, random);
  json.modelTopology = random.choose([{node: []}, {class_name: 'Sequential', config: []}, {model_config: {}}]);
  for (const key of ['format', 'generatedBy', 'convertedBy']) if (random.oneIn(2)) json[key] = random.choose(['layers-model', 'x', null]);
  json.weightsManifest = weightsManifest;
  for (const key of ['signature', 'userDefinedMetadata', 'trainingConfig']) if (random.oneIn(4)) json[key] = {a: [1, null, '模']};
  return {json, shards};
}

/** A value that is not in the set yet. */
function fresh(taken, make, suffix) {
  let value = make();
  for (let i = 0; taken.has(value); i++) value = `${make()}${suffix(i)}`;
  taken.add(value);
  return value;
}

function tensor(random, names) {
  const name = fresh(names, () => (random.oneIn(2) ? random.choose(NAMES) : `w${random.below(1000)}`), i => `_${i}`);
  const shape = Array.from({length: random.below(4)}, () => random.below(random.oneIn(4) ? 20 : 5));
  const size = shape.reduce((product, side) => product * side, 1);
  const dtype = random.choose(['float32', 'float32', 'int32', 'bool', 'string', 'complex64']);
  const spec = {name, shape, dtype};
  if (random.oneIn(8)) spec.group = random.choose(['optimizer', 'x', '']);
  if ((dtype === 'float32' || dtype === 'int32') && random.oneIn(2)) {
    const codes = random.choose(dtype === 'float32' ? ['uint8', 'uint16', 'float16'] : ['uint8', 'uint16']);
    spec.quantization = withUnknown({dtype: codes, ...(codes === 'float16' ? {} : {min: number(random), scale: number(random)})}, random);
    return {spec: withUnknown(spec, random), stored: random.bytes(size * CODES[codes])};
  }
  const stored = dtype === 'string' ? strings(size, random) : random.bytes(size * BYTES[dtype]);
  return {spec: withUnknown(spec, random), stored};
}

function strings(count, random) {
  return Buffer.concat(Array.from({length: count}, () => {
    const bytes = random.bytes(random.oneIn(50) ? 300 : random.below(6));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return Buffer.concat([length, bytes]);
  }));
}

function number(random) {
  const any = new DataView(new ArrayBuffer(8));
  any.setUint32(0, random.bits());
  any.setUint32(4, random.bits());
  const bits = any.getFloat64(0);
  return random.choose([0, -0, 1, 0.5, -127.5, 1e-320, 1e308, 2147483648.5, 0.1, Number.isFinite(bits) ? bits : -3, random.below(1000) / 7 - 50]);
}

function cut(bytes, random) {
  const pieces = [];
  let start = 0;
  const count = bytes.length === 0 ? random.below(2) : 1 + random.below(4);
  for (let left = count; left > 0; left--) {
    const end = left === 1 ? bytes.length : start + random.below(bytes.length - start + 1);
    pieces.push(bytes.subarray(start, end));
    start = end;
  }
  return pieces;
}

function withUnknown(object, random) {
  if (random.oneIn(6)) object[random.choose(['x', '模', '0', 'original_dtype'])] = random.choose([1.5, null, 'a', {b: [true]}, -0]);
  return object;
}

/** As one writer or another would put it. */
function stringifyModel(json, random) {
  const text = stringify(json);
  return random.oneIn(3) ? text.replaceAll('},{', '},\r\n\t{').replaceAll('":', '" : ') : text;
}

module.exports = {randomModel, stringifyModel};
