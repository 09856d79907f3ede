'use strict';
// The small model of the README: exclusive or, learnt by two hidden layers, as TensorFlow.js in Node saves it.

const fs = require('node:fs');
const path = require('node:path');
const {tf, NodeFileSystem} = require('../lib/reference');
const {denseModel, fit} = require('./training');

const INPUTS = [[0, 0], [0, 1], [1, 0], [1, 1]];
const OUTPUTS = [[0], [1], [1], [0]];

async function write(out) {
  const model = denseModel({name: 'xor', inputs: 2, units: [16, 16, 1]});
  model.compile({optimizer: tf.train.adam(0.01), loss: 'meanSquaredError'});
  await fit(model, {inputs: INPUTS, outputs: OUTPUTS, epochs: 300, batchSize: 4});
  requireLearnt(model);
  model.setUserDefinedMetadata({inputs: ['a', 'b'], outputs: ['a xor b']});

  fs.mkdirSync(out, {recursive: true});
  await model.save(new NodeFileSystem(path.join(out, 'tiny')));
}

/** An example that does not do what it says would teach nobody. */
function requireLearnt(model) {
  const predicted = tf.tidy(() => Array.from(model.predict(tf.tensor2d(INPUTS)).dataSync()));
  if (predicted.some((value, i) => Math.abs(value - OUTPUTS[i][0]) > 0.05)) {
    throw new Error(`the tiny model did not learn exclusive or: it predicts ${predicted.join(', ')}`);
  }
}

module.exports = {write};
