'use strict';
// Digests of decoded tensors, as README.md defines them.

const {createHash} = require('node:crypto');
const {tf} = require('./reference');

/** `[{name, dtype, shape, sha256}]` in the order of the specs. */
async function digestAll(weightSpecs, weightData) {
  const repeated = weightSpecs.map(spec => spec.name).find((name, i, names) => names.indexOf(name) !== i);
  if (repeated !== undefined) {
    throw new Error(`two weights are named ${JSON.stringify(repeated)}: TensorFlow.js keeps only the last, so it cannot judge both`);
  }
  const tensors = tf.io.decodeWeights(weightData, weightSpecs);
  const digests = [];
  for (const {name} of weightSpecs) {
    const tensor = tensors[name];
    digests.push({name, dtype: tensor.dtype, shape: tensor.shape, sha256: await digest(tensor)});
  }
  tf.dispose(tensors);
  return digests;
}

async function digest(tensor) {
  const hash = createHash('sha256');
  if (tensor.dtype === 'string') {
    // bytes(), not data(): data() decodes UTF-8, which loses bytes that are not UTF-8.
    for (const element of await tensor.bytes()) {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(element.length);
      hash.update(length).update(element);
    }
  } else {
    // data() of a complex64 tensor is interleaved already, and of a bool tensor a Uint8Array.
    const values = await tensor.data();
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex');
}

module.exports = {digestAll};
