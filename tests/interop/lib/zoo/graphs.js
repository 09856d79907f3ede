'use strict';
// Layers with several inputs, models in models, shared layers, and models with several inputs and outputs.

const {tf, chain, graph, alone, merged, family} = require('./build');
const {layers: l} = tf;

const merges = family('merge', {
  add: merged([[3], [3], [3]], () => l.add()),
  'add-broadcast': merged([[4, 3], [1, 3]], () => l.add()),
  'add-ranks': merged([[2, 4, 3], [3]], () => l.add()),
  'add-unknown': merged([[null, 3], [4, 3]], () => l.add()),
  multiply: merged([[3], [3]], () => l.multiply()),
  average: merged([[3], [3]], () => l.average()),
  maximum: merged([[4, 3], [4, 3]], () => l.maximum()),
  minimum: merged([[4, 3], [4, 3]], () => l.minimum()),
  concatenate: merged([[3], [4], [5]], () => l.concatenate()),
  'concatenate-axis': merged([[3, 2], [4, 2]], () => l.concatenate({axis: 1})),
  'concatenate-negative': merged([[3, 2], [4, 2]], () => l.concatenate({axis: -2})),
  'concatenate-unknown': merged([[null, 2], [4, 2]], () => l.concatenate({axis: 1})),
  dot: merged([[3], [3]], () => l.dot({axes: -1})),
  'dot-matrices': merged([[4, 3], [5, 3]], () => l.dot({axes: 2})),
  'dot-axes': merged([[4, 3], [3, 5]], () => l.dot({axes: [2, 1]})),
  'dot-normalized': merged([[3], [3]], () => l.dot({axes: 1, normalize: true})),
  attention: graph([[4, 3], [5, 3]], (query, value) => {
    const scores = l.softmax({axis: -1}).apply(l.dot({axes: [2, 2]}).apply([query, value]));
    return l.concatenate().apply([query, l.dot({axes: [2, 1]}).apply([scores, value])]);
  }),
});

const inner = () => tf.sequential({layers: [l.dense({units: 6, inputShape: [3], activation: 'tanh'}), l.dense({units: 2})]});
const innerGraph = () => {
  const [a, b] = [tf.input({shape: [3]}), tf.input({shape: [3]})];
  return tf.model({inputs: [a, b], outputs: [l.add().apply([a, b]), l.dense({units: 2}).apply(b)]});
};

const nested = family('nested', {
  'first-in-sequential': () => tf.sequential({layers: [inner(), l.dense({units: 1})]}),
  'later-in-sequential': chain(() => l.dense({units: 3, inputShape: [5]}), inner, () => l.dense({units: 1})),
  'in-graph': alone([3], inner),
  'one-layer': alone([3], () => tf.sequential({layers: [l.dense({units: 2, inputShape: [3]})]})),
  'one-layer-first': () => tf.sequential({layers: [tf.sequential({layers: [l.dense({units: 2, inputShape: [3]})]}), l.dense({units: 1})]}),
  twice: graph([[3], [3]], (x, y) => {
    const model = inner();
    return l.add().apply([model.apply(x), model.apply(y)]);
  }),
  'graph-in-graph': graph([[3], [3]], (x, y) => innerGraph().apply([x, y])),
  'graph-in-sequential': () => {
    const x = tf.input({shape: [4]});
    const y = l.concatenate().apply([l.dense({units: 2}).apply(x), l.dense({units: 3}).apply(x)]);
    return tf.sequential({layers: [tf.model({inputs: x, outputs: y}), l.dense({units: 1})]});
  },
  deep: () => {
    let model = tf.sequential({layers: [l.dense({units: 2, inputShape: [2]})]});
    for (let i = 0; i < 5; i++) model = tf.sequential({layers: [l.dense({units: 2, inputShape: [2]}), model]});
    return model;
  },
  'with-batch-norm': chain(
    () => l.dense({units: 4, inputShape: [3]}),
    () => tf.sequential({layers: [l.batchNormalization({inputShape: [4]}), l.dense({units: 2, trainable: false})]})),
  'cut-out': () => {
    const whole = inner();
    return tf.model({inputs: whole.inputs, outputs: whole.layers[0].output});
  },
  'other-shapes': graph([[null, null, 3]], x => tf.sequential({layers: [
    l.conv2d({filters: 4, kernelSize: 3, inputShape: [null, null, 3]}), l.upSampling2d({})]}).apply(x)),
});

const shared = family('shared', {
  dense: graph([[3], [3]], (x, y) => {
    const layer = l.dense({units: 4});
    return l.concatenate().apply([layer.apply(x), layer.apply(y)]);
  }),
  'dense-in-a-row': graph([[3]], x => {
    const layer = l.dense({units: 3});
    return layer.apply(layer.apply(layer.apply(x)));
  }),
  'at-two-depths': graph([[3]], x => {
    const layer = l.dense({units: 3});
    const once = layer.apply(x);
    return l.add().apply([once, layer.apply(l.dense({units: 3}).apply(once))]);
  }),
  'other-shapes': graph([[null, 3], [4, 3]], (x, y) => {
    const layer = l.dense({units: 2});
    return [layer.apply(x), layer.apply(y)];
  }),
  'outside-of-the-model': () => {
    const [x, y] = [tf.input({shape: [3]}), tf.input({shape: [3]})];
    const layer = l.dense({units: 2});
    layer.apply(y);
    return tf.model({inputs: x, outputs: l.dense({units: 1}).apply(layer.apply(x))});
  },
  embedding: {
    make: graph([[4], [5]], (x, y) => {
      const layer = l.embedding({inputDim: 9, outputDim: 3});
      return l.dot({axes: 2}).apply([layer.apply(x), layer.apply(y)]);
    }),
    high: 9,
  },
});

const ends = family('ends', {
  'two-outputs': graph([[3]], x => {
    const y = l.dense({units: 4}).apply(x);
    return [l.dense({units: 2}).apply(y), l.dense({units: 1, activation: 'sigmoid'}).apply(y)];
  }),
  'input-is-output': graph([[3], [2]], (x, y) => [x, l.dense({units: 2}).apply(y)]),
  'inside-is-output': graph([[3]], x => {
    const y = l.dense({units: 4}).apply(x);
    return [y, l.dense({units: 2}).apply(y)];
  }),
  'uneven-branches': graph([[3], [4]], (x, y) => {
    let long = x;
    for (let i = 0; i < 4; i++) long = l.dense({units: 4}).apply(long);
    return l.concatenate().apply([y, l.multiply().apply([long, l.dense({units: 4}).apply(y)]), long]);
  }),
  'input-layer': () => tf.sequential({layers: [l.inputLayer({inputShape: [3]}), l.dense({units: 2})]}),
  'input-layer-named': () => tf.sequential({layers: [l.inputLayer({batchInputShape: [2, 3], name: 'pixels'}), l.dense({units: 2})]}),
  'many-layers': () => {
    let x = tf.input({shape: [4]});
    const input = x;
    for (let i = 0; i < 60; i++) x = l.add().apply([x, l.dense({units: 4}).apply(x)]);
    return tf.model({inputs: input, outputs: x, name: 'residual'});
  },
});

module.exports = [...merges, ...nested, ...shared, ...ends];
