'use strict';
// Convolutions, pooling, and what makes images larger and smaller.

const {tf, chain, alone, graph, family} = require('./build');
const {layers: l} = tf;

const convolutions = family('conv', {
  '1d': alone([10, 3], () => l.conv1d({filters: 4, kernelSize: 3})),
  '1d-same-strides': alone([11, 3], () => l.conv1d({filters: 4, kernelSize: [3], strides: 2, padding: 'same'})),
  '1d-dilated': alone([10, 3], () => l.conv1d({filters: 4, kernelSize: 3, dilationRate: 2, useBias: false})),
  '1d-causal': alone([10, 3], () => l.conv1d({filters: 4, kernelSize: 3, padding: 'causal'})),
  '2d': chain(
    () => l.conv2d({filters: 8, kernelSize: 3, inputShape: [28, 28, 1], activation: 'relu'}), () => l.maxPooling2d({}), () => l.flatten(),
    () => l.dense({units: 10, activation: 'softmax'})),
  '2d-same': alone([7, 9, 2], () => l.conv2d({filters: 3, kernelSize: [2, 3], padding: 'same', strides: [2, 3]})),
  '2d-dilated': alone([9, 9, 2], () => l.conv2d({filters: 3, kernelSize: 3, dilationRate: [2, 1]})),
  '2d-channels-first': alone([2, 9, 8], () => l.conv2d({filters: 3, kernelSize: 3, strides: 2, dataFormat: 'channelsFirst'})),
  '2d-unknown': alone([null, null, 3], () => l.conv2d({filters: 4, kernelSize: 3, padding: 'same', useBias: false})),
  '3d': alone([5, 6, 7, 2], () => l.conv3d({filters: 3, kernelSize: 2})),
  '3d-same-strides': alone([5, 6, 7, 2], () => l.conv3d({filters: 3, kernelSize: [3, 2, 1], strides: [1, 2, 3], padding: 'same'})),
  '3d-channels-first': alone([2, 5, 6, 7], () => l.conv3d({filters: 3, kernelSize: 2, dataFormat: 'channelsFirst'})),
  '3d-dilated': alone([7, 7, 7, 1], () => l.conv3d({filters: 2, kernelSize: 2, dilationRate: 2, useBias: false})),
  '2d-transposed': alone([4, 5, 3], () => l.conv2dTranspose({filters: 2, kernelSize: 3, strides: 2, padding: 'same'})),
  '2d-transposed-valid': alone([4, 5, 3], () => l.conv2dTranspose({filters: 2, kernelSize: [3, 4], strides: [2, 1], padding: 'valid'})),
  '2d-transposed-channels-first': alone([3, 4, 5], () => l.conv2dTranspose({filters: 2, kernelSize: 2, strides: 3, dataFormat: 'channelsFirst', useBias: false})),
  '2d-transposed-unknown': alone([null, null, 3], () => l.conv2dTranspose({filters: 2, kernelSize: 3})),
  '3d-transposed': alone([3, 4, 2, 3], () => l.conv3dTranspose({filters: 2, kernelSize: 3, strides: 2, padding: 'same'})),
  '3d-transposed-valid': alone([3, 4, 2, 3], () => l.conv3dTranspose({filters: 2, kernelSize: [1, 2, 3]})),
  separable: alone([8, 8, 3], () => l.separableConv2d({filters: 4, kernelSize: 3})),
  'separable-same': alone([8, 8, 3], () => l.separableConv2d({filters: 4, kernelSize: [3, 2], padding: 'same', useBias: false})),
  'separable-channels-first': alone([3, 8, 8], () => l.separableConv2d({filters: 4, kernelSize: 3, strides: 2, dataFormat: 'channelsFirst'})),
  depthwise: alone([8, 8, 3], () => l.depthwiseConv2d({kernelSize: 3})),
  'depthwise-multiplied': alone([8, 9, 3], () => l.depthwiseConv2d({kernelSize: [2, 3], depthMultiplier: 2, strides: 2, padding: 'same', useBias: false})),
  'depthwise-channels-first': alone([3, 8, 8], () => l.depthwiseConv2d({kernelSize: 3, dataFormat: 'channelsFirst'})),
  'depthwise-dilated': alone([8, 8, 3], () => l.depthwiseConv2d({kernelSize: 3, dilationRate: 2})),
  mobilenet: chain(
    () => l.conv2d({filters: 4, kernelSize: 3, strides: 2, padding: 'same', useBias: false, inputShape: [16, 16, 3]}),
    () => l.batchNormalization(), () => l.reLU({maxValue: 6}), () => l.depthwiseConv2d({kernelSize: 3, padding: 'same', useBias: false}),
    () => l.batchNormalization(), () => l.reLU({maxValue: 6}), () => l.globalAveragePooling2d({}), () => l.reshape({targetShape: [1, 1, 4]}),
    () => l.dropout({rate: 0.1}), () => l.conv2d({filters: 5, kernelSize: 1}), () => l.flatten(), () => l.activation({activation: 'softmax'})),
  resnet: graph([[8, 8, 4]], x => {
    const block = y => l.conv2d({filters: 4, kernelSize: 3, padding: 'same'}).apply(l.activation({activation: 'relu'}).apply(l.batchNormalization().apply(y)));
    const one = l.add().apply([x, block(x)]);
    return l.globalMaxPooling2d({}).apply(l.add().apply([one, block(block(one))]));
  }),
});

const pooling = family('pool', {
  'max-1d': alone([9, 2], () => l.maxPooling1d({})),
  'max-1d-same': alone([9, 2], () => l.maxPooling1d({poolSize: 3, strides: 2, padding: 'same'})),
  'average-1d': alone([9, 2], () => l.averagePooling1d({poolSize: [4], strides: [1]})),
  'max-2d': alone([9, 8, 2], () => l.maxPooling2d({poolSize: [3, 2]})),
  'max-2d-same': alone([9, 8, 2], () => l.maxPooling2d({poolSize: 2, strides: [1, 3], padding: 'same'})),
  'max-2d-channels-first': alone([2, 9, 8], () => l.maxPooling2d({poolSize: 2, dataFormat: 'channelsFirst'})),
  'average-2d': alone([9, 8, 2], () => l.averagePooling2d({})),
  'average-2d-unknown': alone([null, 8, 2], () => l.averagePooling2d({poolSize: 2, padding: 'same'})),
  'max-3d': alone([6, 7, 8, 2], () => l.maxPooling3d({poolSize: [2, 3, 1]})),
  'average-3d': alone([6, 7, 8, 2], () => l.averagePooling3d({poolSize: 2, strides: 1, padding: 'same'})),
  'average-3d-channels-first': alone([2, 6, 7, 8], () => l.averagePooling3d({poolSize: 2, dataFormat: 'channelsFirst'})),
  'global-average-1d': alone([9, 2], () => l.globalAveragePooling1d({})),
  'global-max-1d': alone([9, 2], () => l.globalMaxPooling1d({})),
  'global-average-2d': alone([9, 8, 2], () => l.globalAveragePooling2d({})),
  'global-max-2d-channels-first': alone([2, 9, 8], () => l.globalMaxPooling2d({dataFormat: 'channelsFirst'})),
});

const resampling = family('resample', {
  cropping: alone([9, 8, 2], () => l.cropping2D({cropping: [[1, 2], [0, 3]]})),
  'cropping-number': chain(() => l.cropping2D({cropping: 2, inputShape: [9, 8, 2]})),
  'cropping-pair-channels-first': alone([2, 9, 8], () => l.cropping2D({cropping: [1, 2], dataFormat: 'channelsFirst'})),
  'cropping-unknown': alone([null, 8, 2], () => l.cropping2D({cropping: [[1, 2], [0, 3]]})),
  'up-sampling': alone([3, 4, 2], () => l.upSampling2d({})),
  'up-sampling-bilinear': alone([3, 4, 2], () => l.upSampling2d({size: [3, 2], interpolation: 'bilinear'})),
  'up-sampling-channels-first': alone([2, null, 4], () => l.upSampling2d({size: [2, 2], dataFormat: 'channelsFirst'})),
  'zero-padding': alone([3, 4, 2], () => l.zeroPadding2d()),
  'zero-padding-sides': alone([3, null, 2], () => l.zeroPadding2d({padding: [[1, 2], [3, 4]]})),
  'zero-padding-number': alone([3, 4, 2], () => l.zeroPadding2d({padding: 3})),
  'zero-padding-channels-first': alone([2, 3, 4], () => l.zeroPadding2d({padding: [1, 2], dataFormat: 'channelsFirst'})),
});

module.exports = [...convolutions, ...pooling, ...resampling];
