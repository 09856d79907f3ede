'use strict';
// The real TensorFlow.js's part of `cargo xtask zoo`. Reads one request on stdin, writes its answers on stdout.
//
//   {"op": "write", "folder": DIR}      writes every model of lib/zoo into DIR/NAME, one that is compiled into DIR/NAME-trainable as well, with
//                                       its trainable weights only -> [{name, path, trainablePath?, summary, trainable, nonTrainable, weights}]
//   {"op": "summaries", "paths": [P..]} -> [{summary, trainable, nonTrainable, weights} | {error}]
//   {"op": "compare", "pairs": [{"name", "before": P, "after": P, "lenient": bool, "train": bool}..]}
//                                       -> [{differences: [TEXT..], predicted: bool, trained: bool}]

const fs = require('node:fs');
const path = require('node:path');
const {tf, NodeFileSystem, ready} = require('./lib/reference');
const {setWeights, load, predict, train, summary, counts} = require('./lib/zoo/judge');

/** Classes that a model in a file can name. */
function registered() {
  const classes = Object.entries(tf.serialization.SerializationMap.getMap().classNameMap);
  return classes.filter(([, [{prototype}]]) => prototype instanceof tf.layers.Layer).map(([name]) => name);
}

async function write({folder}) {
  const zoo = require('./lib/zoo');
  const repeated = zoo.map(({name}) => name).find((name, i, names) => names.indexOf(name) !== i);
  if (repeated) throw new Error(`two models of the zoo are named ${repeated}`);
  const models = [];
  const missing = new Set(registered());
  for (const [seed, {name, make, steps}] of zoo.entries()) {
    const model = make();
    setWeights(model.weights, seed + 1);
    if (steps > 0) await train(model, steps);
    const written = await save(model, path.join(folder, name), {includeOptimizer: true});
    for (const [, found] of fs.readFileSync(written, 'utf8').matchAll(/"class_name":"(\w+)"/g)) missing.delete(found);
    const trainablePath = steps === undefined ? undefined : await save(model, path.join(folder, `${name}-trainable`), {trainableOnly: true});
    // Loaded again: what we read is the file.
    const loaded = await load(written);
    models.push({name, path: written, trainablePath, summary: summary(loaded), ...counts(loaded)});
    tf.disposeVariables();
  }
  // A subclass of no use of its own, and layers that only stand inside of others.
  missing.delete('Functional');
  if (missing.size > 0) throw new Error(`the zoo has no model with ${[...missing].join(', ')}: add one in tests/interop/lib/zoo`);
  return models;
}

async function save(model, folder, config) {
  fs.mkdirSync(folder, {recursive: true});
  await model.save(new NodeFileSystem(folder), config);
  return path.join(folder, 'model.json');
}

async function summaries({paths}) {
  const answers = [];
  for (const path of paths) {
    try {
      const model = await load(path);
      answers.push({summary: summary(model), ...counts(model)});
      model.dispose();
    } catch (error) {
      answers.push({error: error.message});
    }
  }
  return answers;
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

async function compare({pairs}) {
  const zoo = new Map(require('./lib/zoo').map(model => [model.name, model]));
  const answers = [];
  for (const {name, before, after, lenient, train: trains} of pairs) {
    const {high} = zoo.get(name) ?? {};
    const differences = [];
    const [one, other] = [await load(before, !lenient), await load(after, !lenient)];
    // What was not saved begins at random.
    if (lenient) for (const model of [one, other]) setWeights(model.nonTrainableWeights, 1);
    if (summary(one) !== summary(other)) differences.push('the summary');
    const [predicted, again] = [predict(one, high), predict(other, high)];
    if (!same(predicted, again)) differences.push(`what it predicts: ${JSON.stringify(predicted)} and ${JSON.stringify(again)}`);
    if (trains) {
      const [losses, repeated] = [await train(one, 3), await train(other, 3)];
      if (!same(losses, repeated)) differences.push(`the losses: ${losses} and ${repeated}`);
    }
    answers.push({differences, predicted: predicted.error === undefined, trained: Boolean(trains), error: predicted.error});
    tf.disposeVariables();
  }
  return answers;
}

const OPERATIONS = {write, summaries, compare};

async function main() {
  const request = JSON.parse(fs.readFileSync(0, 'utf8'));
  await ready();
  console.warn = () => {};
  process.stdout.write(JSON.stringify(await OPERATIONS[request.op](request)));
}

main().catch(error => {
  console.error(error);
  process.exitCode = 1;
});
