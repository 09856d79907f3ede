'use strict';
// Recurrent layers, their cells, and wrappers.

const {tf, chain, alone, graph, family} = require('./build');
const {layers: l} = tf;

const recurrent = family('rnn', {
  simple: alone([4, 3], () => l.simpleRNN({units: 5})),
  'simple-sequences': alone([4, 3], () => l.simpleRNN({units: 5, returnSequences: true, useBias: false, goBackwards: true})),
  lstm: chain(() => l.lstm({units: 5, inputShape: [4, 3]}), () => l.dense({units: 1})),
  'lstm-stacked': chain(
    () => l.lstm({units: 5, inputShape: [null, 3], returnSequences: true, recurrentActivation: 'sigmoid'}), () => l.lstm({units: 2, unitForgetBias: true})),
  'lstm-state': alone([4, 3], () => l.lstm({units: 5, returnState: true})),
  'lstm-sequences-state': alone([4, 3], () => l.lstm({units: 5, returnState: true, returnSequences: true, dropout: 0.1, recurrentDropout: 0.2})),
  'lstm-frozen': alone([4, 3], () => l.lstm({units: 5, trainable: false})),
  'lstm-implementation': alone([4, 3], () => l.lstm({units: 2, implementation: 1, useBias: false})),
  gru: alone([4, 3], () => l.gru({units: 5})),
  'gru-state': alone([4, 3], () => l.gru({units: 5, returnState: true, returnSequences: true, useBias: false})),
  'gru-stateful': chain(() => l.gru({units: 5, batchInputShape: [2, 4, 3], stateful: true})),
  'lstm-stateful': chain(() => l.lstm({units: 5, batchInputShape: [2, 4, 3], stateful: true, returnSequences: true}), () => l.lstm({units: 2, stateful: true})),
  'simple-stateful': chain(() => l.simpleRNN({units: 5, batchInputShape: [3, 4, 3], stateful: true})),
  'initial-state': graph([[4, 3], [5]], (x, state) => l.gru({units: 5}).apply([x, state])),
  'initial-states': graph([[4, 3], [5], [5]], (x, h, c) => l.lstm({units: 5, returnSequences: true}).apply([x, h, c])),
  'encoder-decoder': graph([[4, 3], [6, 2]], (x, y) => {
    const [, h, c] = l.lstm({units: 5, returnState: true}).apply(x);
    return l.dense({units: 2}).apply(l.lstm({units: 5, returnSequences: true}).apply([y, h, c]));
  }),
  cell: alone([4, 3], () => l.rnn({cell: l.simpleRNNCell({units: 5})})),
  'lstm-cell': alone([4, 3], () => l.rnn({cell: l.lstmCell({units: 5}), returnSequences: true})),
  'gru-cell': alone([4, 3], () => l.rnn({cell: l.gruCell({units: 5, useBias: false}), returnState: true})),
  'stacked-cells': alone([4, 3], () => l.rnn({cell: l.stackedRNNCells({cells: [l.gruCell({units: 5}), l.lstmCell({units: 2}), l.simpleRNNCell({units: 7})]})})),
  'stacked-cells-state': alone([4, 3], () => l.rnn({cell: l.stackedRNNCells({cells: [l.lstmCell({units: 5}), l.lstmCell({units: 5})]}), returnState: true, returnSequences: true})),
  'stacked-cells-array': alone([4, 3], () => l.rnn({cell: [l.simpleRNNCell({units: 4}), l.simpleRNNCell({units: 4})], trainable: false})),
  'conv-lstm': alone([3, 8, 8, 2], () => l.convLstm2d({filters: 4, kernelSize: 3})),
  'conv-lstm-sequences': alone([3, 8, 8, 2], () => l.convLstm2d({filters: 4, kernelSize: [3, 2], strides: [2, 1], padding: 'same', returnSequences: true, useBias: false})),
  'conv-lstm-state': alone([3, 8, 8, 2], () => l.convLstm2d({filters: 4, kernelSize: 3, padding: 'same', returnState: true})),
  'conv-lstm-channels-first': alone([3, 2, 8, 8], () => l.convLstm2d({filters: 4, kernelSize: 3, dataFormat: 'channelsFirst', returnSequences: true, returnState: true})),
  'conv-lstm-dilated': alone([3, 9, 9, 1], () => l.convLstm2d({filters: 2, kernelSize: 3, dilationRate: 2})),
  // It builds, though nothing can be predicted with it.
  'conv-lstm-cell': alone([3, 2], () => l.rnn({cell: l.convLstm2dCell({filters: 4, kernelSize: 1})})),
});

const modes = ['concat', 'sum', 'mul', 'ave'].map(mergeMode => [
  `bidirectional-${mergeMode}`, alone([4, 3], () => l.bidirectional({layer: l.lstm({units: 5, returnSequences: true}), mergeMode}))]);

const wrappers = family('wrap', {
  ...Object.fromEntries(modes),
  'bidirectional-apart': alone([4, 3], () => l.bidirectional({layer: l.gru({units: 5}), mergeMode: null})),
  'bidirectional-last': chain(() => l.bidirectional({layer: l.gru({units: 5}), inputShape: [4, 3]}), () => l.dense({units: 1})),
  'bidirectional-simple': alone([4, 3], () => l.bidirectional({layer: l.simpleRNN({units: 5, name: 'inner'}), mergeMode: 'sum'})),
  'bidirectional-state': alone([4, 3], () => l.bidirectional({layer: l.lstm({units: 5, returnState: true}), mergeMode: 'concat'})),
  'bidirectional-backwards': alone([4, 3], () => l.bidirectional({layer: l.gru({units: 2, goBackwards: true, returnSequences: true}), mergeMode: 'ave'})),
  'bidirectional-frozen': alone([4, 3], () => l.bidirectional({layer: l.gru({units: 2, trainable: false}), mergeMode: 'concat'})),
  'time-distributed': alone([4, 3], () => l.timeDistributed({layer: l.dense({units: 5})})),
  'time-distributed-first': chain(() => l.timeDistributed({layer: l.dense({units: 5}), inputShape: [4, 3]}), () => l.flatten()),
  'time-distributed-conv': alone([4, 8, 8, 2], () => l.timeDistributed({layer: l.conv2d({filters: 3, kernelSize: 3})})),
  'time-distributed-norm': alone([4, 3], () => l.timeDistributed({layer: l.batchNormalization()})),
  'time-distributed-frozen': alone([4, 3], () => l.timeDistributed({layer: l.dense({units: 5, trainable: false})})),
  'time-distributed-flatten': alone([4, 2, 3], () => l.timeDistributed({layer: l.flatten()})),
  'time-distributed-model': alone([4, 3], () => l.timeDistributed({layer: tf.sequential({layers: [l.dense({units: 6, inputShape: [3]}), l.dense({units: 2})]})})),
  'time-distributed-twice': alone([4, 5, 3], () => l.timeDistributed({layer: l.timeDistributed({layer: l.dense({units: 2})})})),
  'time-distributed-bidirectional': alone([2, 4, 3], () => l.timeDistributed({layer: l.bidirectional({layer: l.gru({units: 2}), mergeMode: 'concat'})})),
});

module.exports = [...recurrent, ...wrappers];
