'use strict';
// A model written anew with its weights cut as nobody sane would: several groups, small shards of odd sizes that end inside tensors,
// elements and string lengths, odd file names, and keys that no TensorFlow.js knows, at every level of model.json.

const fs = require('node:fs');
const path = require('node:path');
const {isBareManifest, readJson, loadArtifacts} = require('./load');
const {stringify} = require('./negative_zero');
const {storedBytes} = require('./stored_bytes');

/** Writes `destination/model.json`. `shardBytes` are the sizes of the first shards, taken in turn; see `cut`. */
async function reshard({source, destination, groups, shardBytes}) {
  const {weightSpecs, weightData} = await loadArtifacts(source);
  const json = readJson(source);
  fs.mkdirSync(destination, {recursive: true});

  const bytes = new Uint8Array(weightData);
  const weightsManifest = [];
  let offset = 0;
  for (const [g, specs] of split(weightSpecs, groups).entries()) {
    const end = specs.reduce((position, spec) => position + storedBytes(spec, bytes, position), offset);
    const shards = cut(bytes.subarray(offset, end), shardBytes);
    const paths = shards.map((shard, s) => {
      const name = shardName(g, s);
      fs.mkdirSync(path.dirname(path.join(destination, name)), {recursive: true});
      fs.writeFileSync(path.join(destination, name), shard);
      return name;
    });
    weightsManifest.push({note: `group ${g} ✓`, paths, 'x-nested': {list: [1, 2.5, null, {deep: true}]}, weights: specs.map(withUnknownKey)});
    offset = end;
  }
  if (offset !== bytes.length) {
    throw new Error(`${source}: the weights are ${offset} bytes by their specs, but ${bytes.length} bytes were loaded`);
  }
  const known = isBareManifest(json) ? {} : json;
  const model = {zzz_first: {a: [], b: {}}, ...known, weightsManifest, 'x-tool': 'неизвестно', 'x-null': null, 'x-number': 1e-7};
  fs.writeFileSync(path.join(destination, 'model.json'), stringify(model));
}

/** Runs of about equal length, in order. */
function split(specs, groups) {
  const length = Math.ceil(specs.length / groups);
  return Array.from({length: groups}, (_, g) => specs.slice(g * length, (g + 1) * length));
}

/** So many small shards and no more: a megabyte cut into pieces of 7 bytes would be 150 000 files. */
const SMALL_SHARDS = 30;

function cut(bytes, sizes) {
  const shards = [];
  let offset = 0;
  while (offset < bytes.length) {
    const size = shards.length < SMALL_SHARDS ? sizes[shards.length % sizes.length] : bytes.length - offset;
    shards.push(bytes.subarray(offset, offset + size));
    offset += size;
  }
  return shards;
}

/** With and without extension, with spaces, dots, a folder, and letters outside ASCII. */
function shardName(group, shard) {
  const forms = [
    `g${group} part ${shard}`, `w.${group}.${shard}.bin`, `folder/${group}-${shard}.dat`, `вес-${group}-${shard}.bin`, `%41+${group}#${shard}`,
  ];
  return forms[shard % forms.length];
}

const withUnknownKey = (spec, i) => ({'x-before': i, ...spec, 'x-after': {q: [spec.name]}});

module.exports = {reshard};
