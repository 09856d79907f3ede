'use strict';
// Models go, and come back if that was wrong.

const assert = require('node:assert/strict');
const {setTimeout: sleep} = require('node:timers/promises');
const {same} = require('../../browser-interop/lib/checks');

/** Longer than a deleted model can be had back. */
const GONE = 10_800;

async function deleting({checks, open, models, command}) {
  const manager = await open();
  const add = async (id, name) => {
    await manager.saveTo(id, name);
    await manager.pick(models.tiny);
    await manager.has(id, name);
  };
  const stored = page => page.evaluate(async () => Object.keys(await tf.io.listModels()));
  await checks.group('the page: models go', async () => {
    for (const id of ['indexeddb', 'localstorage', 'opfs', 'server']) await add(id, 'wrong');
    for (const id of ['indexeddb', 'localstorage', 'opfs', 'server']) {
      await checks.check(`deleted from ${id}, and had back`, async () => {
        await manager.act(id, 'wrong', 'Delete');
        await manager.hasNot(id, 'wrong');
        await manager.page.getByRole('button', {name: 'Undo: Deleted wrong'}).click();
        await manager.has(id, 'wrong');
        if (id !== 'server') same('tensors', await manager.tensors(id, 'wrong'), command.tensors(models.tiny));
      });
    }
    await checks.check('Control Z has the last one back', async () => {
      await manager.act('opfs', 'wrong', 'Delete');
      await manager.hasNot('opfs', 'wrong');
      await manager.page.keyboard.press('Control+z');
      await manager.has('opfs', 'wrong');
    });
    await checks.check('after ten seconds they are gone, and only they', async () => {
      const other = await manager.tensorflow();
      for (const id of ['indexeddb', 'localstorage', 'opfs']) await add(id, 'right');
      for (const id of ['indexeddb', 'localstorage', 'opfs', 'server']) await manager.act(id, 'wrong', 'Delete');
      same('stored meanwhile', (await stored(other)).sort(), ['indexeddb://right', 'indexeddb://wrong', 'localstorage://right', 'localstorage://wrong']);
      await sleep(GONE);
      same('stored', (await stored(other)).sort(), ['indexeddb://right', 'localstorage://right']);
      await manager.reload();
      for (const id of ['indexeddb', 'localstorage', 'opfs']) same(`names in ${id}`, await manager.names(id), ['right']);
      assert.ok(!(await manager.names('server')).includes('wrong'));
      assert.equal(await manager.page.getByRole('button', {name: /^Undo/}).count(), 0);
      await other.close();
    });
    await checks.check('a page that is closed in between goes on when it is opened again, and still offers to undo', async () => {
      await manager.act('indexeddb', 'right', 'Delete');
      await manager.hasNot('indexeddb', 'right');
      await manager.reload();
      await manager.page.getByRole('button', {name: 'Undo: Deleted right'}).waitFor();
      await manager.hasNot('indexeddb', 'right');
      const other = await manager.tensorflow();
      same('stored meanwhile', 'indexeddb://right' in await other.evaluate(() => tf.io.listModels()), true);
      await other.waitForFunction(async () => !('indexeddb://right' in await tf.io.listModels()));
      await other.close();
    });
    await checks.check('a second tab takes nothing away that the first can have back, and sees what it does', async () => {
      await add('opfs', 'precious');
      await manager.act('opfs', 'precious', 'Delete');
      const second = await open();
      await second.page.getByRole('button', {name: 'Undo: Deleted precious'}).waitFor();
      await second.hasNot('opfs', 'precious');
      await manager.page.bringToFront();
      await manager.page.getByRole('button', {name: 'Undo: Deleted precious'}).click();
      await manager.has('opfs', 'precious');
      await second.page.bringToFront();
      await second.has('opfs', 'precious');
      await second.page.getByRole('button', {name: 'Undo: Deleted precious'}).waitFor({state: 'detached', timeout: 3000});
      await second.close();
      await manager.page.bringToFront();
      same('tensors', await manager.tensors('opfs', 'precious'), command.tensors(models.tiny));
    });
    await checks.check('the name of a deleted model is free when it cannot be had back any more', async () => {
      await manager.act('opfs', 'precious', 'Delete');
      await manager.saveTo('opfs', 'precious');
      await manager.pick(models.trained);
      assert.match(await manager.failure(), /can still be had back/);
      await manager.page.getByRole('button', {name: 'Undo: Deleted precious'}).click();
      await manager.has('opfs', 'precious');
      same('tensors', await manager.tensors('opfs', 'precious'), command.tensors(models.tiny));
    });
    await checks.check('what was saved under the name meanwhile stays', async () => {
      await manager.act('localstorage', 'right', 'Delete');
      const other = await manager.tensorflow();
      await other.evaluate(async () => {
        const model = tf.sequential({layers: [tf.layers.dense({units: 1, inputShape: [1]})]});
        await model.save('localstorage://right');
      });
      await sleep(GONE);
      same('stored', await stored(other), ['localstorage://right']);
      await manager.reload();
      await manager.has('localstorage', 'right');
      await other.close();
    });
  });
  await checks.check('the console is clean', () => manager.close());
}

module.exports = {deleting};
