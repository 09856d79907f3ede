'use strict';
// Loading through the reference's own handlers: a model.json, or the bare manifest (a JSON array) of older converters, through its
// NodeFileSystem; a URL through its HTTP handler.

const fs = require('node:fs');
const {tf, NodeFileSystem} = require('./reference');
const {digestAll} = require('./digest');

const isBareManifest = json => Array.isArray(json);

const readJson = path => JSON.parse(fs.readFileSync(path, 'utf8'));

const isUrl = path => path.startsWith('http://');

/** The reference's ModelArtifacts; a bare manifest gives weights only. */
async function loadArtifacts(path) {
  if (isUrl(path)) return tf.io.http(path).load();
  const json = readJson(path);
  const handler = new NodeFileSystem(path);
  if (!isBareManifest(json)) return handler.load();
  const [weightSpecs, weightData] = await handler.loadWeights(json, path);
  return {weightSpecs, weightData};
}

async function loadDigests(path) {
  const {weightSpecs, weightData} = await loadArtifacts(path);
  return digestAll(weightSpecs, weightData);
}

/** The three byte counts that the reference reports for a model; its date is left out, so that the answer is the same every time. */
async function loadInfo(path) {
  const info = tf.io.getModelArtifactsInfoForJSON(await loadArtifacts(path));
  return {
    modelTopologyBytes: info.modelTopologyBytes,
    weightSpecsBytes: info.weightSpecsBytes,
    weightDataBytes: info.weightDataBytes,
  };
}

module.exports = {isBareManifest, readJson, loadArtifacts, loadDigests, loadInfo};
