'use strict';
// What a copy lost, gained or changed, weights' values aside (digests tell about those).
//
// Four looks, because none alone sees everything: the artifacts that the reference loads (what a user gets), the JSON of model.json
// (what the reference does not know), the manifest (groups and weight entries with their unknown keys), and the sizes of the shards.

const fs = require('node:fs');
const path = require('node:path');
const {isBareManifest, readJson, loadArtifacts} = require('./load');
const {stringify} = require('./negative_zero');

/** One line for each difference; none if the copy is faithful. */
async function differences(source, copy) {
  const [sourceJson, copyJson] = [source, copy].map(file => asModelJson(readJson(file)));
  return [
    ...artifactDifferences(await loadArtifacts(source), await loadArtifacts(copy)),
    ...objectDifferences('model.json', sourceJson, copyJson, ['weightsManifest']),
    ...manifestDifferences(sourceJson.weightsManifest, copyJson.weightsManifest),
    ...objectDifferences('shards', shardSizes(source, sourceJson), shardSizes(copy, copyJson)),
  ];
}

const asModelJson = json => (isBareManifest(json) ? {weightsManifest: json} : json);

function artifactDifferences(source, copy) {
  // Values are compared by their digests, and specs as entries of the manifest.
  const aside = ['weightData', 'weightSpecs'];
  return objectDifferences('loaded artifacts', dropUndefined(source), dropUndefined(copy), aside);
}

function manifestDifferences(source, copy) {
  if (!Array.isArray(source) || !Array.isArray(copy)) {
    return [`model.json: weightsManifest is ${typeof source} in the source, ${typeof copy} in the copy`];
  }
  if (source.length !== copy.length) {
    return [`weightsManifest: ${source.length} groups in the source, ${copy.length} in the copy`];
  }
  return source.flatMap((group, g) => groupDifferences(`weightsManifest[${g}]`, group, copy[g]));
}

function groupDifferences(where, source, copy) {
  const found = objectDifferences(where, source, copy, ['paths', 'weights']);
  if (source.weights.length !== copy.weights.length) {
    return [...found, `${where}: ${source.weights.length} weights in the source, ${copy.weights.length} in the copy`];
  }
  return found.concat(source.weights.flatMap(
      (entry, i) => entryDifferences(`${where}.weights[${i}] (${entry.name})`, entry, copy.weights[i])));
}

/** The keys that the reference knows may come in any order, in an entry and in its quantization. */
function entryDifferences(where, source, copy) {
  const found = objectDifferences(where, source, copy, ['quantization']);
  if (('quantization' in source) !== ('quantization' in copy)) return [...found, `${where}: quantization is in one of the two only`];
  return found.concat(objectDifferences(`${where}.quantization`, source.quantization ?? {}, copy.quantization ?? {}));
}

/** The cuts are kept, the names need not be. */
function shardSizes(model, json) {
  const size = shard => fs.statSync(path.join(path.dirname(model), shard)).size;
  return Object.fromEntries(json.weightsManifest.map((group, g) => [`group ${g}`, group.paths.map(size)]));
}

/** Every key's value, and the order of the keys that both have but the reference does not know. */
function objectDifferences(where, source, copy, aside = []) {
  const keys = new Set([...Object.keys(source), ...Object.keys(copy)].filter(key => !aside.includes(key)));
  const found = [];
  for (const key of keys) {
    const [before, after] = [text(source, key), text(copy, key)];
    if (before !== after) found.push(`${where}.${key}: ${short(before)} in the source, ${short(after)} in the copy`);
  }
  const unknown = object => Object.keys(object).filter(key => keys.has(key) && !KNOWN_KEYS.has(key)).join(', ');
  if (found.length === 0 && unknown(source) !== unknown(copy)) {
    found.push(`${where}: unknown keys are in the order ${unknown(source)} in the source, ${unknown(copy)} in the copy`);
  }
  return found;
}

const KNOWN_KEYS = new Set([
  'modelTopology', 'weightsManifest', 'format', 'generatedBy', 'convertedBy', 'trainingConfig', 'signature', 'userDefinedMetadata',
  'modelInitializer', 'initializerSignature', 'paths', 'weights', 'name', 'shape', 'dtype', 'group', 'quantization',
  'min', 'scale',
]);

const text = (object, key) => (key in object ? stringify(object[key]) : 'no such key');

const dropUndefined = object => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

const short = value => (value.length <= 120 ? value : `${value.slice(0, 120)}… (${value.length} characters)`);

module.exports = {differences};
