'use strict';
// What TensorFlow.js says of a model on disk: its summary, what it predicts, and how it goes on learning.

const {createHash} = require('node:crypto');
const {tf, NodeFileSystem} = require('../reference');
const {Random} = require('../random');

/** Half of them below zero, and none so large that a sigmoid is flat. */
function numbers(random, size) {
  return Float32Array.from({length: size}, () => random.bits() / 0x80000000 - 1);
}

/** The same values for the same weights every time; a variance is never negative. */
function setWeights(weights, seed) {
  const random = new Random(seed);
  for (const weight of weights) {
    const values = numbers(random, weight.shape.reduce((product, side) => product * side, 1));
    weight.write(tf.tensor(weight.originalName.endsWith('variance') ? values.map(Math.abs) : values, weight.shape, weight.dtype));
  }
}

const load = (path, strict = true) => tf.loadLayersModel(new NodeFileSystem(path), {strict});

const concrete = shape => shape.map((side, i) => side ?? (i === 0 ? 2 : 4));

function inputs(model, high) {
  const random = new Random(17);
  return model.inputs.map(({shape}) => {
    const sides = concrete(shape);
    const size = sides.reduce((product, side) => product * side, 1);
    return tf.tensor(high === undefined ? numbers(random, size) : Int32Array.from({length: size}, () => random.below(high)), sides);
  });
}

function digest(tensors) {
  const hash = createHash('sha256');
  for (const tensor of [tensors].flat()) {
    const values = tensor.dataSync();
    hash.update(JSON.stringify(tensor.shape)).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex');
}

/** The digest of what it predicts, or why it cannot. */
function predict(model, high) {
  return tf.tidy(() => {
    try {
      const xs = inputs(model, high);
      return {digest: digest(model.predict(xs.length === 1 ? xs[0] : xs))};
    } catch (error) {
      return {error: error.message};
    }
  });
}

/** The losses of so many steps of training, always on the same data. */
async function train(model, steps) {
  const random = new Random(23);
  const xs = inputs(model);
  const ys = model.outputs.map(({shape}) => tf.tensor(numbers(random, 2 * shape[1]), [2, shape[1]]));
  const losses = [];
  for (let i = 0; i < steps; i++) {
    const {history} = await model.fit(xs, ys, {epochs: 1, batchSize: 2, shuffle: false, verbose: 0});
    losses.push(...Object.values(history).flat());
  }
  return losses;
}

function summary(model) {
  const lines = [];
  model.summary(120, undefined, line => lines.push(`${line}\n`));
  return lines.join('');
}

const count = weights => weights.reduce((sum, {shape}) => sum + shape.reduce((product, side) => product * side, 1), 0);

const counts = model => ({
  trainable: count(model.trainableWeights),
  nonTrainable: count(model.nonTrainableWeights),
  weights: model.weights.map(({originalName, shape}) => originalName + JSON.stringify(shape)),
});

module.exports = {setWeights, load, predict, train, summary, counts};
