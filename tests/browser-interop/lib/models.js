'use strict';
// The models that go back and forth, and what it means that one is another.

const fs = require('node:fs');
const {same} = require('./checks');

/** What the driver was told of a model, and what TensorFlow.js finds in its files. */
class Model {
  static async read(page, {name, url, raw, files}) {
    return new Model({name, url, raw, files, source: await page.theirs.load(url)});
  }

  /** `raw` is the model.json as it is written, `files` are that and the weight files, `source` is what TensorFlow.js makes of them. */
  constructor({name, url, raw, files, source}) {
    const shardBytes = files.slice(1).map(file => fs.statSync(file).size);
    Object.assign(this, {name, url, raw, files, shardBytes, source});
  }

  get byteLength() {
    return this.shardBytes.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Whether it was saved in the middle of its training. */
  get isCompiled() {
    return this.raw.trainingConfig != null;
  }

  /** What we found is this model; gives how many tensors were compared. */
  assertIsOurs(found) {
    const {weightsManifest, ...others} = found.modelJson;
    same('the JSON', known(others), known(this.source.artifacts));
    same('the specs', weightsManifest.flatMap(group => group.weights), this.source.artifacts.weightSpecs);
    return this.assertTensors(found.tensors);
  }

  /** What TensorFlow.js found is this model. Keys that it does not know may have been kept. */
  assertIsTheirs(found) {
    same('the artifacts', known(found.artifacts), known(this.source.artifacts));
    same('the specs', found.artifacts.weightSpecs, this.source.artifacts.weightSpecs);
    return this.assertTensors(found.tensors);
  }

  /** As `assertIsOurs`, for a copy that we made: it has the same files, and keys that no TensorFlow.js knows. */
  assertIsCopy(found) {
    const without = ({weightsManifest, ...others}) => others;
    same('the JSON', without(found.modelJson), without(this.raw));
    return this.assertIsOurs(found);
  }

  assertTensors(tensors) {
    if (tensors.length === 0) throw new Error('there are no tensors: nothing was compared');
    same('the tensors', tensors, this.source.tensors);
    return tensors.length;
  }
}

/** The keys that TensorFlow.js knows, but those that it takes for missing. */
const KNOWN = [
  'modelTopology', 'format', 'generatedBy', 'convertedBy', 'trainingConfig', 'signature', 'userDefinedMetadata', 'modelInitializer',
  'initializerSignature',
];
const known = artifacts => Object.fromEntries(KNOWN.filter(key => artifacts[key] != null).map(key => [key, artifacts[key]]));

module.exports = {Model};
