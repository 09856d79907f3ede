'use strict';
// Models that have been trained a little, so that there is something to go on with.

const {tf, chain, graph} = require('./build');
const {layers: l} = tf;

const mlp = chain(() => l.dense({units: 4, inputShape: [3], activation: 'tanh'}), () => l.dense({units: 2}));
const normed = chain(() => l.dense({units: 4, inputShape: [3]}), () => l.batchNormalization(), () => l.dense({units: 2}));
const frozen = chain(() => l.dense({units: 4, inputShape: [3], trainable: false}), () => l.batchNormalization(), () => l.dense({units: 2}));
const twoOutputs = graph([[3]], x => [l.dense({units: 2, name: 'left'}).apply(x), l.dense({units: 2, name: 'right'}).apply(x)]);

const OPTIMIZERS = {
  sgd: () => tf.train.sgd(0.05),
  momentum: () => tf.train.momentum(0.05, 0.9),
  adagrad: () => tf.train.adagrad(0.05),
  adadelta: () => tf.train.adadelta(0.5),
  rmsprop: () => tf.train.rmsprop(0.01, 0.9, 0.5),
  'rmsprop-centered': () => tf.train.rmsprop(0.01, 0.9, 0.5, 1e-6, true),
  adam: () => tf.train.adam(0.02),
};

const compiled = (make, optimizer, loss, metrics) => () => {
  const model = make();
  model.compile({optimizer: optimizer(), loss, metrics});
  return model;
};

module.exports = [
  ...Object.entries(OPTIMIZERS).map(([name, optimizer]) => ({name: `train-${name}`, make: compiled(mlp, optimizer, 'meanSquaredError'), steps: 2})),
  {name: 'train-norm', make: compiled(normed, OPTIMIZERS.adam, 'meanSquaredError', ['accuracy', 'mse']), steps: 2},
  {name: 'train-frozen', make: compiled(frozen, OPTIMIZERS.adam, 'meanAbsoluteError'), steps: 2},
  {name: 'train-two-outputs', make: compiled(twoOutputs, OPTIMIZERS.rmsprop, ['meanSquaredError', 'meanAbsoluteError']), steps: 2, outputs: 2},
  {name: 'train-not-yet', make: compiled(mlp, OPTIMIZERS.adam, 'meanSquaredError', ['acc']), steps: 0},
];
