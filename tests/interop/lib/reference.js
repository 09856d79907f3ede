'use strict';
// The reference, ready to be asked: TensorFlow.js on its CPU backend, and tfjs-node's file handler without its native addon.
// The root of tfjs-node must never be required: it loads the addon.

const tf = require('@tensorflow/tfjs');
const {NodeFileSystem} = require('@tensorflow/tfjs-node/dist/io/file_system');

const EXPECTED_VERSION = '4.22.0';

/** Must have been awaited before anything is decoded. */
async function ready() {
  if (tf.version.tfjs !== EXPECTED_VERSION) {
    throw new Error(`TensorFlow.js ${EXPECTED_VERSION} is the judge, but ${tf.version.tfjs} is installed: run npm ci`);
  }
  await tf.setBackend('cpu');
}

module.exports = {tf, NodeFileSystem, ready};
