'use strict';
// The layers of layers/core.ts, activations, embeddings, noise and normalization.

const {tf, chain, graph, alone, family} = require('./build');
const {layers: l} = tf;

const dense = family('dense', {
  sequential: chain(() => l.dense({units: 4, inputShape: [3], activation: 'relu'}), () => l.dense({units: 2, activation: 'softmax'})),
  'without-bias': alone([5], () => l.dense({units: 3, useBias: false})),
  'of-rank-4': alone([2, 3, 4], () => l.dense({units: 6, activation: 'sigmoid'})),
  'input-dim': chain(() => l.dense({units: 2, inputDim: 7})),
  'batch-shape': chain(() => l.dense({units: 2, batchInputShape: [4, 3]})),
  regularized: alone([3], () => l.dense({
    units: 4, kernelRegularizer: 'l1l2', biasRegularizer: tf.regularizers.l2({l2: 0.1}), kernelConstraint: tf.constraints.maxNorm({maxValue: 2}),
    kernelInitializer: tf.initializers.varianceScaling({mode: 'fanOut', distribution: 'uniform', scale: 2}),
  })),
  frozen: chain(() => l.dense({units: 4, inputShape: [3], trainable: false}), () => l.dense({units: 2})),
  'long-name': alone([3], () => l.dense({units: 1, name: 'a_layer_with_a_name_that_is_longer_than_any_column_is_wide_which_has_to_be_cut'})),
  unknown: alone([null, 3], () => l.dense({units: 4})),
  wide: alone([3], () => l.dense({units: 12345})),
});

const shapes = family('core', {
  flatten: chain(() => l.flatten({inputShape: [2, 3, 4]}), () => l.dense({units: 2})),
  'flatten-channels-first': alone([2, 3, 4], () => l.flatten({dataFormat: 'channelsFirst'})),
  'flatten-rank-3': alone([6, 2], () => l.flatten()),
  reshape: alone([12], () => l.reshape({targetShape: [3, 4]})),
  'reshape-unknown': alone([4, 6], () => l.reshape({targetShape: [-1, 3]})),
  'reshape-known-batch': graph([[4, 6]], x => l.reshape({targetShape: [-1, 3]}).apply(x), {shape: undefined, batchShape: [2, 4, 6]}),
  permute: alone([2, 3, 4], () => l.permute({dims: [3, 1, 2]})),
  'permute-two': chain(() => l.permute({dims: [2, 1], inputShape: [10, 64]})),
  'repeat-vector': alone([3], () => l.repeatVector({n: 4})),
  dropout: chain(() => l.dropout({rate: 0.25, inputShape: [4]}), () => l.dense({units: 1})),
  'dropout-noise-shape': alone([4, 5], () => l.dropout({rate: 0.5, noiseShape: [null, 1, 5], seed: 3})),
  'spatial-dropout': alone([4, 5], () => l.spatialDropout1d({rate: 0.5})),
  activation: alone([3], () => l.activation({activation: 'tanh'})),
  'activation-softsign': alone([3, 2], () => l.activation({activation: 'softsign'})),
  'activation-hard-sigmoid': alone([3], () => l.activation({activation: 'hardSigmoid'})),
  masking: alone([4, 3], () => l.masking({maskValue: -1})),
  'masking-before-lstm': chain(() => l.masking({maskValue: 0, inputShape: [4, 3]}), () => l.lstm({units: 2})),
});

const activations = family('activation', {
  relu: alone([3, 4], () => l.reLU()),
  'relu-max': alone([3], () => l.reLU({maxValue: 6})),
  'leaky-relu': alone([3], () => l.leakyReLU({alpha: 0.2})),
  elu: alone([3], () => l.elu()),
  'thresholded-relu': alone([3], () => l.thresholdedReLU({theta: 0.5})),
  softmax: alone([3, 4], () => l.softmax({axis: -1})),
  prelu: alone([4, 3], () => l.prelu()),
  'prelu-shared': alone([5, 6, 3], () => l.prelu({sharedAxes: [1, 2]})),
  'prelu-shared-one': alone([5, 3], () => l.prelu({sharedAxes: 1})),
});

const embeddings = family('embedding', {
  first: {make: chain(() => l.embedding({inputDim: 10, outputDim: 4}), () => l.globalAveragePooling1d({})), high: 10},
  length: {make: chain(() => l.embedding({inputDim: 10, outputDim: 4, inputLength: 6}), () => l.flatten()), high: 10},
  masked: {make: chain(() => l.embedding({inputDim: 10, outputDim: 4, maskZero: true, inputLength: 5}), () => l.gru({units: 3})), high: 10},
  graph: {make: alone([7], () => l.embedding({inputDim: 20, outputDim: 3})), high: 20},
  'of-rank-2': {make: alone([2, 7], () => l.embedding({inputDim: 20, outputDim: 3, inputLength: [2, 7]})), high: 20},
  'unknown-length': {make: alone([null], () => l.embedding({inputDim: 20, outputDim: 3})), high: 20},
});

const noise = family('noise', {
  gaussian: alone([3], () => l.gaussianNoise({stddev: 0.5})),
  'gaussian-dropout': alone([3], () => l.gaussianDropout({rate: 0.5})),
  alpha: alone([3], () => l.alphaDropout({rate: 0.5})),
});

const normalizations = family('normalization', {
  batch: chain(() => l.dense({units: 3, inputShape: [2]}), () => l.batchNormalization()),
  'batch-of-images': alone([4, 5, 3], () => l.batchNormalization({momentum: 0.9, epsilon: 1e-5})),
  'batch-axis-1': alone([4, 5, 3], () => l.batchNormalization({axis: 1})),
  'batch-without-scale': alone([3], () => l.batchNormalization({scale: false})),
  'batch-without-center': alone([3], () => l.batchNormalization({center: false})),
  'batch-neither': alone([3], () => l.batchNormalization({center: false, scale: false})),
  'batch-frozen': alone([3], () => l.batchNormalization({trainable: false})),
  layer: alone([4, 3], () => l.layerNormalization()),
  'layer-axes': alone([4, 5, 3], () => l.layerNormalization({axis: [-2, -1]})),
  'layer-without-scale': alone([4, 3], () => l.layerNormalization({axis: 1, scale: false})),
  'layer-without-center': alone([4, 3], () => l.layerNormalization({center: false})),
});

module.exports = [...dense, ...shapes, ...activations, ...embeddings, ...noise, ...normalizations];
