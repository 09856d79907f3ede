'use strict';
// The judge: reads a JSON list of jobs on stdin, writes the list of answers on stdout, in the same order. One process for many
// models, because starting TensorFlow.js costs more than most models do.
//
//   {"op": "digest", "path": P}                       -> {"tensors": [{name, dtype, shape, sha256}]}
//   {"op": "info", "path": P}                         -> {"info": {modelTopologyBytes, weightSpecsBytes, weightDataBytes}}
//   {"op": "reload", "source": P, "copy": P}          -> {"tensors": [..of the copy..], "differences": [..one line each..]}
//   {"op": "reshard", "source": P, "destination": DIR, "groups": N, "shardBytes": [..]} -> {"tensors": [..of the variant..]}
//   {"op": "upload", "source": P, "url": URL, "loadUrl": URL, "requestInit": {method, headers}?, "asModel": bool}
//                                                     -> {"tensors": [..as sent..], "differences": [..what loadLayersModel finds changed, if asModel..]}
//   {"op": "graph", "path": P}                        -> {"graph": {modelVersion, inputs, outputs, signature, weights, initializer}}
//
// P is a model.json or a bare manifest, or the http:// URL of a model.json. A job that fails answers {"error": TEXT}; the others go on.

const fs = require('node:fs');
const path = require('node:path');
const {ready} = require('./lib/reference');
const {loadDigests, loadInfo} = require('./lib/load');
const {differences} = require('./lib/compare');
const {reshard} = require('./lib/reshard');
const {upload} = require('./lib/upload');
const {describeGraph} = require('./lib/graph');

const OPERATIONS = {
  digest: async job => ({tensors: await loadDigests(job.path)}),
  info: async job => ({info: await loadInfo(job.path)}),
  reload: async job => ({tensors: await loadDigests(job.copy), differences: await differences(job.source, job.copy)}),
  reshard: async job => {
    await reshard(job);
    return {tensors: await loadDigests(path.join(job.destination, 'model.json'))};
  },
  upload,
  graph: async job => ({graph: await describeGraph(job.path)}),
};

async function answer(job) {
  try {
    const operation = OPERATIONS[job.op];
    if (!operation) throw new Error(`no operation is called ${job.op}; there are ${Object.keys(OPERATIONS).join(', ')}`);
    return await operation(job);
  } catch (error) {
    return {error: error.message};
  }
}

async function main() {
  const jobs = JSON.parse(fs.readFileSync(0, 'utf8'));
  await ready();
  const answers = [];
  for (const job of jobs) answers.push(await answer(job));
  process.stdout.write(JSON.stringify(answers));
}

main().catch(error => {
  console.error(error);
  process.exitCode = 1;
});
