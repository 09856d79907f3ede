'use strict';
// Random models, whole and damaged, and what TensorFlow.js makes of each: {"folder": DIR, "cases": N, "seed": S} on stdin, a JSON list of
// {path, damage?, tensors, nan} or {.., error} on stdout; `nan` are the
// complex64 tensors with a NaN. The same seed gives the same models.

const fs = require('node:fs');
const path = require('node:path');
const {tf, ready} = require('./lib/reference');
const {loadArtifacts} = require('./lib/load');
const {digestAll} = require('./lib/digest');
const {Random} = require('./lib/random');
const {randomModel, stringifyModel} = require('./lib/random_model');
const {damage} = require('./lib/damage');

async function main() {
  const {folder, cases, seed} = JSON.parse(fs.readFileSync(0, 'utf8'));
  await ready();
  const answers = [];
  for (let i = 0; i < cases; i++) {
    const random = new Random(seed * 1_000_003 + i);
    const model = randomModel(random);
    let files = filesOf(model, random);
    let what;
    // A third is whole.
    if (i % 3 !== 0) ({files, what} = damage(model, files, random, filesOf));
    const home = path.join(folder, String(i));
    write(home, files);
    const modelJson = path.join(home, 'model.json');
    answers.push({path: modelJson, damage: what, ...await answer(modelJson)});
  }
  process.stdout.write(JSON.stringify(answers));
}

/** The text of model.json and the bytes of all weight files. */
const filesOf = (model, random) => new Map([
  ['model.json', Buffer.from(stringifyModel(model.json, random))],
  ...model.shards.map(({name, bytes}) => [name, bytes]),
]);

function write(home, files) {
  for (const [name, bytes] of files) {
    const file = path.join(home, name);
    fs.mkdirSync(path.dirname(file), {recursive: true});
    fs.writeFileSync(file, bytes);
  }
}

async function answer(file) {
  try {
    const {weightSpecs, weightData} = await loadArtifacts(file);
    if (!weightSpecs) return {tensors: []};
    const bytes = weightData ?? new ArrayBuffer(0);
    // It keeps the last of two of one name.
    if (new Set(weightSpecs.map(({name}) => name)).size < weightSpecs.length) {
      tf.dispose(tf.io.decodeWeights(bytes, weightSpecs));
      return {tensors: []};
    }
    const tensors = await digestAll(weightSpecs, bytes);
    // What nobody else would take for tensors cannot be compared: whoever loads more than nothing of it differs.
    return {tensors: tensors.every(isTensor) ? tensors : [], nan: complexWithNaN(weightSpecs, bytes).filter(isText)};
  } catch (error) {
    return {error: String(error && error.message).slice(0, 200)};
  }
}

const isText = name => typeof name === 'string' && name.isWellFormed();
const isTensor = ({name, shape}) => isText(name) && Array.isArray(shape) && shape.every(side => Number.isSafeInteger(side) && side >= 0);

/** A complex64 passes through numbers, which set the quiet bit of a NaN; every other type is copied. */
function complexWithNaN(weightSpecs, bytes) {
  if (!weightSpecs.some(({dtype}) => dtype === 'complex64')) return [];
  const tensors = tf.io.decodeWeights(bytes, weightSpecs);
  const has = name => tensors[name].dtype === 'complex64' && tensors[name].dataSync().some(Number.isNaN);
  const names = weightSpecs.map(({name}) => name).filter(has);
  tf.dispose(tensors);
  return names;
}

main().catch(error => {
  console.error(error);
  process.exitCode = 1;
});
