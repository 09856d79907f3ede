'use strict';
// Preprocessing. The sources of TensorFlow.js 4.22 have RandomHeight, EinsumDense, MultiHeadAttention and BytePairTokenizer as well, but no
// build that is published does.

const {tf, chain, alone, family} = require('./build');
const {layers: l} = tf;

const images = family('preprocess', {
  rescaling: alone([4, 4, 3], () => l.rescaling({scale: 1 / 255, offset: -1})),
  'rescaling-first': chain(() => l.rescaling({scale: 2, inputShape: [3]}), () => l.dense({units: 1})),
  resizing: alone([4, 4, 3], () => l.resizing({height: 6, width: 5})),
  'resizing-nearest': alone([8, 8, 3], () => l.resizing({height: 3, width: 2, interpolation: 'nearest', cropToAspectRatio: true})),
  'center-crop': alone([8, 8, 3], () => l.centerCrop({height: 4, width: 6})),
  'center-crop-behind-layers': chain(
    () => l.rescaling({scale: 0.5, inputShape: [8, 8, 3]}), () => l.dropout({rate: 0.1}), () => l.centerCrop({height: 4, width: 4}),
    () => l.conv2d({filters: 2, kernelSize: 3})),
  'center-crop-larger': alone([4, 4, 1], () => l.centerCrop({height: 6, width: 7})),
  'category-multi-hot': {make: alone([4], () => l.categoryEncoding({numTokens: 6, outputMode: 'multiHot'})), high: 6},
  'category-one-hot': {make: alone([1], () => l.categoryEncoding({numTokens: 6, outputMode: 'oneHot'})), high: 6},
  'category-one-hot-wide': {make: alone([4], () => l.categoryEncoding({numTokens: 6, outputMode: 'oneHot'})), high: 6},
  'category-count': {make: chain(() => l.categoryEncoding({numTokens: 6, outputMode: 'count', inputShape: [4]}), () => l.dense({units: 2})), high: 6},
  'random-width': alone([8, 8, 3], () => l.randomWidth({factor: [0.2, 0.3], seed: 7})),
  'random-width-nearest': alone([8, 8, 3], () => l.randomWidth({factor: 0.5, seed: 3, interpolation: 'nearest'})),
});

module.exports = images;
