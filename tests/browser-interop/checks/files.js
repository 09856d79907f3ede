'use strict';
// What one of the two lets the browser download, the other loads from the files that the user picks.

const fs = require('node:fs');
const path = require('node:path');
const {same} = require('../lib/checks');

async function files(checks, page, models, folder) {
  await checks.group('downloads and picked files', async () => {
    for (const model of models) {
      const {name} = model;
      await checks.check(`downloads ${name}: TensorFlow.js saves, we load`, async () => {
        const saved = await page.downloads(2, path.join(folder, 'theirs'), () => page.theirs.save(model.url, `downloads://${name}`));
        await page.pick(saved);
        const eager = model.assertIsOurs(await page.picked.load(false));
        // In any order.
        await page.pick(saved.toReversed());
        return `${eager + model.assertIsOurs(await page.picked.load(true))} tensors`;
      });
      await checks.check(`downloads ${name}: we save, TensorFlow.js loads`, async () => {
        // Weights in many files are joined: a browser asks the user about every file but the first.
        const saved = await page.downloads(2, path.join(folder, 'ours'), () => page.ours.copy(model.url, `downloads://${name}`));
        assertBytes(model, saved);
        await page.pick(saved);
        return `${model.assertIsTheirs(await page.theirs.loadFiles())} tensors, ${saved.length} files`;
      });
      await checks.check(`picked ${name}: the files of the source go into IndexedDB, TensorFlow.js loads`, async () => {
        const url = `indexeddb://picked ${name}`;
        await page.pick(model.files);
        await page.picked.save(url);
        const tensors = model.assertIsTheirs(await page.theirs.load(url));
        await page.ours.remove(url);
        return `${tensors} tensors, ${model.files.length} files`;
      });
    }
  });
}

/** The weights that arrived are those of the source, byte by byte. */
function assertBytes(model, saved) {
  const read = files => Buffer.concat(files.map(file => fs.readFileSync(file)));
  const [json, ...weights] = saved;
  const {weightsManifest} = JSON.parse(fs.readFileSync(json, 'utf8'));
  const named = weightsManifest.flatMap(group => group.paths).map(file => path.join(path.dirname(json), file));
  same('the files that the manifest names', named.toSorted(), weights.toSorted());
  if (!read(named).equals(read(model.files.slice(1)))) throw new Error('the weights that were downloaded are not those of the source');
}

module.exports = {files};
