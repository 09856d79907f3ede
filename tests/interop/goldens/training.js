'use strict';
// Training that gives the same bits on every machine: initial weights from a formula, no shuffling, and no activation that would need
// a transcendental function, whose last bit an engine may choose.

const {tf} = require('../lib/reference');

/** A Sequential of Dense layers, `units` wide in turn, relu but for the last. */
function denseModel({name, inputs, units}) {
  const model = tf.sequential({name});
  units.forEach((width, i) => {
    const last = i === units.length - 1;
    model.add(tf.layers.dense({
      name: `${name}_dense${i + 1}`,
      units: width,
      activation: last ? 'linear' : 'relu',
      ...(i === 0 ? {inputShape: [inputs]} : {}),
    }));
  });
  model.setWeights(model.weights.map((weight, i) => tf.tensor(spread(weight.shape, i), weight.shape)));
  return model;
}

/** Values between -0.5 and 0.5 without a pattern that training could not break. */
function spread(shape, seed) {
  const size = shape.reduce((product, side) => product * side, 1);
  return Array.from({length: size}, (_, i) => ((i * 37 + seed * 11 + 5) % 101) / 101 - 0.5);
}

async function fit(model, {inputs, outputs, epochs, batchSize}) {
  const [x, y] = [tf.tensor2d(inputs), tf.tensor2d(outputs)];
  await model.fit(x, y, {epochs, batchSize, shuffle: false, verbose: 0, yieldEvery: 'never'});
  tf.dispose([x, y]);
}

module.exports = {denseModel, fit};
