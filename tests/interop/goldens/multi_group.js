'use strict';
// Three groups, one of them empty, cut into shards whose borders fall where they hurt: inside tensors, inside elements, inside the
// length of a string. Written the way tf.io.encodeWeights packs, cut by hand.

const fs = require('node:fs');
const path = require('node:path');
const {tf} = require('../lib/reference');

async function write(out) {
  const folder = path.join(out, 'multi-group');
  const weightsManifest = [];
  for (const {tensors, shards} of groups()) {
    const {data, specs} = await tf.io.encodeWeights(tensors);
    writeShards(folder, shards, Buffer.from(data));
    weightsManifest.push({paths: shards.map(([name]) => name), weights: specs});
  }
  const model = {
    modelTopology: {node: [], library: {}, versions: {producer: 1087}},
    format: 'graph-model',
    generatedBy: '1.15.0',
    convertedBy: 'TensorFlow.js Converter v1.7.0',
    weightsManifest,
  };
  fs.writeFileSync(path.join(folder, 'model.json'), JSON.stringify(model));
  return [folder];
}

/** A shard is `[path, bytes]`; the last of a group takes what is left. */
const groups = () => [
  {
    tensors: named({
      'strings': tf.tensor1d(['hello', '', 'здраво'], 'string'),
      'one over all shards': tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [5, 2]),
      'int32': tf.tensor2d([1, -2, 3, -4], [4, 1], 'int32'),
    }),
    // 3 is inside the first string's length; 10 inside the second's; from 29 on the floats.
    shards: [['group1-shard1of5.bin', 3], ['group1-shard2of5.bin', 7], ['group1-shard3of5.bin', 21], ['group1-shard4of5.bin', 13], ['group1-shard5of5.bin']],
  },
  {tensors: [], shards: []},
  {
    tensors: named({
      'flags': tf.tensor1d([true, false, true], 'bool'),
      'complex': tf.complex([1, 2, 3], [-1, -2, -3]),
      'scalar': tf.scalar(42),
      'empty': tf.tensor([], [0, 2]),
    }),
    // No extension, a folder, a single byte; the complex pair is cut between its halves, and the last shard is the largest.
    shards: [['third group', 1], ['deeper/still/second', 6], ['deeper/third.part.bin']],
  },
];

const named = tensors => Object.entries(tensors).map(([name, tensor]) => ({name, tensor}));

function writeShards(folder, shards, data) {
  let offset = 0;
  for (const [name, bytes = data.length - offset] of shards) {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), {recursive: true});
    fs.writeFileSync(file, data.subarray(offset, offset + bytes));
    offset += bytes;
  }
  if (offset !== data.length) throw new Error(`${folder}: the shards hold ${offset} bytes of ${data.length}`);
}

module.exports = {write};
