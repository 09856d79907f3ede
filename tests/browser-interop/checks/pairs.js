'use strict';
// What one of the two libraries stores, the other loads.

const {same} = require('../lib/checks');

/** The stores of a browser that both know. */
const SCHEMES = ['localstorage', 'indexeddb'];

/** localStorage holds 5 MiB of characters. */
const SMALL = 1 << 20;

async function pairs(checks, page, models, server) {
  for (const scheme of SCHEMES) {
    await checks.group(`${scheme}, both ways`, async () => {
      for (const model of models) {
        if (scheme === 'localstorage' && model.byteLength > SMALL) continue;
        const [theirs, ours] = [`${scheme}://theirs/${model.name}`, `${scheme}://ours/${model.name}`];
        await bothWays(checks, page, model, scheme, theirs, ours);
        // localStorage has no room for all of them.
        for (const url of [theirs, ours]) await page.ours.remove(url);
      }
    });
  }
  await checks.group('http, both ways, across origins', async () => {
    for (const model of models) {
      const [theirs, ours] = [`theirs-${model.name}`, `ours-${model.name}`];
      const [upload, loadTheirs] = [`${server}/upload?name=${theirs}`, `${server}/${theirs}/model.json`];
      await bothWays(checks, page, model, 'http', upload, `${server}/${ours}`, loadTheirs, `${server}/${ours}/model.json`);
    }
  });
}

async function bothWays(checks, page, model, scheme, theirs, ours, loadTheirs = theirs, loadOurs = ours) {
  const {name} = model;
  await checks.check(`${scheme} ${name}: TensorFlow.js saves, we load`, async () => {
    await page.theirs.save(model.url, theirs);
    const eager = model.assertIsOurs(await page.ours.load(loadTheirs, false));
    const lazy = model.assertIsOurs(await page.ours.load(loadTheirs, true));
    return `${eager + lazy} tensors`;
  });
  await checks.check(`${scheme} ${name}: we save, TensorFlow.js loads`, async () => {
    await page.ours.copy(model.url, ours);
    return `${model.assertIsTheirs(await page.theirs.load(loadOurs))} tensors`;
  });
  await checks.check(`${scheme} ${name}: we save, we load the same files`, async () => {
    const found = await page.ours.load(loadOurs, true);
    if (scheme !== 'http') same('the files', found.shardBytes, model.shardBytes);
    return `${model.assertIsCopy(found)} tensors`;
  });
  if (!model.isCompiled) return;
  await checks.check(`${scheme} ${name}: loadLayersModel of what we saved predicts and trains on`, async () => {
    const [expected, found] = [await page.theirs.layersModel(model.url), await page.theirs.layersModel(loadOurs)];
    const states = expected.optimizer?.weights.length ?? 0;
    if (expected.prediction.length === 0 || states === 0) throw new Error('there is nothing to compare');
    same('the model', found, expected);
    return `${found.prediction.length} outputs, ${states} states`;
  });
  await checks.check(`${scheme} ${name}: model.save, we load`, async () => {
    await page.theirs.saveLayersModel(model.url, theirs);
    const found = await page.ours.load(loadTheirs, false);
    return `${model.assertTensors(found.tensors)} tensors`;
  });
}

module.exports = {pairs, SCHEMES};
