'use strict';
// Saving over HTTP with the reference, and what it loads from there again.

const {tf} = require('./reference');
const {digestAll} = require('./digest');
const {loadArtifacts} = require('./load');

/**
 * Uploads a model. The tensors are those that were sent; as a LayersModel it is loaded again, and there is a line for each weight that
 * is not what it was.
 */
async function upload({source, url, loadUrl, requestInit, asModel}) {
  const artifacts = await loadArtifacts(source);
  // With a request of one's own only the handler can be asked; without one, the URL is enough.
  const destination = requestInit ? tf.io.http(url, {requestInit}) : url;
  if (!asModel) {
    await tf.io.http(url, {requestInit}).save(artifacts);
    return {tensors: await sentTensors(artifacts), differences: []};
  }
  const model = await tf.loadLayersModel(tf.io.fromMemory(artifacts));
  await model.save(destination);
  const tensors = await sentTensors(await savedArtifacts(model));
  return {tensors, differences: weightDifferences(model, await tf.loadLayersModel(loadUrl))};
}

/** What stringify makes of the specs is what goes out: a `min` of -0 becomes 0. */
const sentTensors = ({weightSpecs, weightData}) => digestAll(JSON.parse(JSON.stringify(weightSpecs)), weightData);

/** What a model gives to the handler that saves it. */
async function savedArtifacts(model) {
  let saved;
  await model.save(tf.io.withSaveHandler(async artifacts => {
    saved = artifacts;
    return {modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts)};
  }));
  return saved;
}

function weightDifferences(before, after) {
  if (before.weights.length !== after.weights.length) {
    return [`${before.weights.length} weights were uploaded, loadLayersModel finds ${after.weights.length}`];
  }
  return before.weights.flatMap((weight, i) => {
    const [old, now] = [weight, after.weights[i]].map(({shape, val}) => JSON.stringify({shape, values: [...val.dataSync()].map(bits)}));
    return old === now ? [] : [`loadLayersModel finds another value of ${weight.originalName}`];
  });
}

/** A float by its bits, so that NaNs and zeros are compared too. */
const bits = value => new Uint32Array(new Float32Array([value]).buffer)[0];

module.exports = {upload};
