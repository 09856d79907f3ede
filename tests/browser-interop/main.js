'use strict';
// The driver: `node main.js CONFIG`, where CONFIG is JSON:
//
//   {"chromium": FILE, "modules": DIR, "wasm": DIR, "models": [{"name": N, "folder": DIR}], "server": URL, "folder": DIR,
//    "large": BOOL, "filter": TEXT}
//
// `folder` is for profiles and downloads. One line for each check; the exit code is 0 if all went well and there were any.

const fs = require('node:fs');
const path = require('node:path');
const {Browser} = require('./lib/browser');
const {Checks} = require('./lib/checks');
const {Model} = require('./lib/models');
const {serve} = require('./lib/server');
const {faults} = require('./checks/faults');
const {files} = require('./checks/files');
const {guide, writeWorker} = require('./checks/guide');
const {large} = require('./checks/large');
const {management} = require('./checks/management');
const {pairs} = require('./checks/pairs');

async function main(config) {
  const places = [
    ...config.models.map(({name, folder}) => [`/models/${name}/`, folder]),
    ['/wasm/', config.wasm],
    ['/guide/pkg/app.js', path.join(config.wasm, 'tfjs_io.js')],
    ['/guide/pkg/', config.wasm],
    ['/guide/', path.join(config.folder, 'guide')],
    ['/tf.min.js', path.join(config.modules, '@tensorflow', 'tfjs', 'dist', 'tf.min.js')],
    ['/', __dirname],
  ];
  writeWorker(path.join(config.folder, 'guide'));
  const server = await serve(places);
  const checks = new Checks(config.filter);
  const start = profile => Browser.start(config.chromium, path.join(config.folder, 'profiles', profile), server.origin);
  try {
    const browser = await start('everyday');
    try {
      const page = await browser.page();
      const models = [];
      for (const model of config.models) models.push(await read(page, server.origin, model));
      await pairs(checks, page, models, config.server);
      await files(checks, page, models, path.join(config.folder, 'downloads'));
      await management(checks, page, models);
      await guide(checks, page, models[0]);
    } finally {
      await browser.close();
    }
    await faults(checks, start);
    if (config.large) await large(checks, start);
  } finally {
    server.close();
  }
  if (!checks.summary()) process.exitCode = 1;
}

/** A model, as TensorFlow.js finds it in its files. */
function read(page, origin, {name, folder}) {
  const json = path.join(folder, 'model.json');
  const raw = JSON.parse(fs.readFileSync(json, 'utf8'));
  const shards = raw.weightsManifest.flatMap(group => group.paths).map(shard => path.join(folder, shard));
  return Model.read(page, {name, url: `${origin}/models/${name}/model.json`, raw, files: [json, ...shards]});
}

main(JSON.parse(process.argv[2])).catch(error => {
  console.error(error);
  process.exitCode = 1;
});
