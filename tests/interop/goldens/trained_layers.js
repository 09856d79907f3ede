'use strict';
// A layers-model in the middle of its training, saved with its optimizer by the reference's own file handler.

const fs = require('node:fs');
const path = require('node:path');
const {tf, NodeFileSystem} = require('../lib/reference');
const {denseModel, fit} = require('./training');

async function write(out) {
  const model = denseModel({name: 'trained', inputs: 3, units: [4, 2]});
  model.compile({optimizer: tf.train.adam(0.01), loss: 'meanSquaredError', metrics: ['mae']});
  await fit(model, {
    inputs: [[0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 1, 1], [0.5, -0.5, 0.25], [-1, 2, -3]],
    outputs: [[0, 1], [1, 0], [1, 1], [0, 0], [0.5, 0.5], [-1, 1]],
    epochs: 5,
    batchSize: 2,
  });
  model.setUserDefinedMetadata({
    labels: ['кошка', '犬', 'naïve "quoted"', '\u{1F600}'],
    threshold: 0.5,
    nested: {empty: {}, list: [null, true, 1e21], 10: 'integer-like keys come first', 2: 'ascending'},
  });

  const folder = path.join(out, 'trained-layers');
  fs.mkdirSync(out, {recursive: true});
  await model.save(new NodeFileSystem(folder), {includeOptimizer: true});
  return [folder];
}

module.exports = {write};
