'use strict';
// One thing about a model made wrong, or only odd: in its manifest, in the text of its model.json, or in its weight files.

const DTYPES = ['float32', 'int32', 'bool', 'string', 'complex64', 'uint8', 'uint16', 'float16', 'int64', '', 'FLOAT32', null, 5];
const DIMENSIONS = [0, 1, 2, 7, -1, 1.5, null, '3', 3.0, [], true, 1e15, 2 ** 53, -0];
const PATHS = ['../model.json', '/nowhere', 'a\\b', 'a//b', 'a/./model.json', '', 'C:/x', 'nul.bin', 'w.', 'none.bin', './', 5, null];
const ODD = [null, 0, '', 'x', [], {}, true, [null], [[]], [5], {a: 1}];

/** Gives the files and what was done. What would keep TensorFlow.js busy for hours is left out: the files are whole then. */
function damage(model, files, random, filesOf) {
  const damaged = damageAnyhow(model, files, random, filesOf);
  return isEndless(damaged.files.get('model.json')) ? {files, what: 'nothing'} : damaged;
}

/** It counts to the size of a string tensor, whatever bytes there are. */
function isEndless(text) {
  try {
    const json = JSON.parse(text);
    const specs = manifestOf(json).flatMap(({weights}) => weights);
    return specs.some(({shape, dtype}) => dtype === 'string' && !(shape.reduce((size, side) => size * side, 1) < 1e5));
  } catch {
    // What cannot be walked here is not walked there.
    return false;
  }
}

function damageAnyhow(model, files, random, filesOf) {
  const what = random.choose(['spec', 'spec', 'spec', 'group', 'top', 'text', 'text', 'text', 'weights', 'weights', 'weights']);
  if (what === 'text') return inText(files, random);
  if (what === 'weights') return inWeights(model, files, random);
  const done = {spec: inSpec, group: inGroup, top: onTop}[what](model, random);
  return {files: filesOf(model, random), what: `${what}: ${done}`};
}

const manifestOf = json => (Array.isArray(json) ? json : json.weightsManifest);

function inSpec(model, random) {
  const specs = manifestOf(model.json).flatMap(group => group.weights);
  if (specs.length === 0) return onTop(model, random);
  const spec = random.choose(specs);
  const changes = {
    dtype: () => { spec.dtype = random.choose(DTYPES); },
    dimension: () => { spec.shape[random.below(spec.shape.length + 1)] = random.choose(DIMENSIONS); },
    shape: () => { spec.shape = random.choose(ODD); },
    name: () => { spec.name = random.choose([...ODD, random.choose(specs).name]); },
    missing: () => { delete spec[random.choose(['name', 'shape', 'dtype'])]; },
    group: () => { spec.group = random.choose(ODD); },
    quantization: () => { spec.quantization = random.choose([...ODD, {dtype: 'uint8'}, {dtype: 'float16'}, {dtype: 'uint8', min: 0, scale: 1}]); },
    number: () => { (spec.quantization ??= {dtype: 'uint8', min: 1, scale: 1})[random.choose(['min', 'scale'])] = random.choose(ODD); },
    codes: () => { (spec.quantization ??= {min: 1, scale: 1}).dtype = random.choose(DTYPES); },
  };
  const change = random.choose(Object.keys(changes));
  changes[change]();
  return change;
}

function inGroup(model, random) {
  const groups = manifestOf(model.json);
  if (groups.length === 0) return onTop(model, random);
  const group = random.choose(groups);
  const paths = groups.flatMap(({paths}) => paths);
  const changes = {
    path: () => { group.paths[random.below(group.paths.length + 1)] = random.choose([...PATHS, ...paths]); },
    paths: () => { group.paths = random.choose(ODD); },
    weights: () => { group.weights = random.choose(ODD); },
    missing: () => { delete group[random.choose(['paths', 'weights'])]; },
    order: () => { group.paths.reverse(); },
    specs: () => { group.weights.reverse(); },
    none: () => { groups[random.below(groups.length)] = random.choose(ODD); },
    twice: () => { groups.push(group); },
    fewer: () => { group.weights.pop(); },
  };
  const change = random.choose(Object.keys(changes));
  changes[change]();
  return change;
}

function onTop(model, random) {
  if (Array.isArray(model.json)) {
    model.json = random.choose([[], {weightsManifest: model.json}, {modelTopology: null, weightsManifest: model.json}]);
    return 'bare';
  }
  const key = random.choose(['modelTopology', 'weightsManifest', 'format', 'generatedBy', 'signature']);
  if (random.oneIn(3)) delete model.json[key];
  else model.json[key] = random.choose(ODD);
  return key;
}

/** What a text can have and a value cannot: a key twice, half of a surrogate pair, a number that is too large. */
const REPLACED = [
  ['"dtype"', '"dtype":"float32","dtype"'], ['"paths"', '"paths":[],"paths"'], ['"name"', '"name":"y","name"'], ['"shape"', '"\\ud800":1,"shape"'],
  ['"name":"', '"name":"\\ud800'], ['"modelTopology"', '"format":1,"format":2,"modelTopology"'], ['"min":', '"min":1e999,"x":'],
];

function inText(files, random) {
  if (random.oneIn(6)) {
    const [before, after] = random.choose(REPLACED);
    const text = files.get('model.json').toString();
    return {files: new Map([...files, ['model.json', Buffer.from(text.replace(before, () => after))]]), what: `text: ${after}`};
  }
  let text = files.get('model.json');
  const times = 1 + random.below(3);
  for (let i = 0; i < times && text.length > 0; i++) {
    const at = random.below(text.length);
    const byte = Buffer.from([random.oneIn(3) ? random.below(256) : random.choose([...Buffer.from('[]{}":,0123456789.-+eE \\un\n')])]);
    const edits = [
      () => Buffer.concat([text.subarray(0, at), byte, text.subarray(at + 1)]),
      () => Buffer.concat([text.subarray(0, at), byte, text.subarray(at)]),
      () => Buffer.concat([text.subarray(0, at), text.subarray(at + 1)]),
      () => (random.oneIn(5) ? text.subarray(0, at) : text),
      () => (random.oneIn(8) ? Buffer.concat([Buffer.from('\ufeff'), text]) : text),
    ];
    text = random.choose(edits)();
  }
  return {files: new Map([...files, ['model.json', text]]), what: 'text'};
}

function inWeights(model, files, random) {
  if (model.shards.length === 0) return inText(files, random);
  const {name, bytes} = random.choose(model.shards);
  const some = random.bytes(1 + random.below(9));
  const changes = {
    shorter: () => bytes.subarray(0, bytes.length - Math.min(bytes.length, some.length)),
    longer: () => Buffer.concat([bytes, some]),
    flipped: () => {
      const flipped = Buffer.from(bytes);
      for (const byte of some) if (flipped.length > 0) flipped[random.below(flipped.length)] = byte;
      return flipped;
    },
    empty: () => Buffer.alloc(0),
    page: () => Buffer.from(`${random.choose(['<!DOCTYPE html>', '<html>', 'version https://git-lfs'])}${' '.repeat(bytes.length)}`).subarray(0, bytes.length),
    gone: () => undefined,
  };
  const change = random.choose(Object.keys(changes));
  const changed = changes[change]();
  const after = new Map(files);
  if (changed === undefined) after.delete(name);
  else after.set(name, changed);
  return {files: after, what: `weights: ${change}`};
}

module.exports = {damage};
