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
    await checks.check('a double click deletes one model, and a key that is held down as well', async () => {
      for (const name of ['one', 'two', 'three']) await add('localstorage', name);
      const button = manager.row('localstorage', 'one').getByRole('button', {name: /^Delete/});
      // The row below is in the place of the first by the second click.
      await button.dblclick({delay: 30, noWaitAfter: true});
      await manager.hasNot('localstorage', 'one');
      await manager.row('localstorage', 'three').getByRole('button', {name: /^Delete/}).focus();
      for (let i = 0; i < 4; i++) await manager.page.keyboard.down('Enter');
      await manager.page.keyboard.up('Enter');
      await manager.hasNot('localstorage', 'three');
      same('names', await manager.names('localstorage'), ['two', 'wrong']);
      for (const name of ['one', 'three']) await manager.page.getByRole('button', {name: `Undo: Deleted ${name}`}).click();
      await manager.has('localstorage', 'three');
    });
    await checks.check('the newest of many that can be had back is in sight', async () => {
      await manager.page.setViewportSize({width: 1200, height: 500});
      for (const name of ['one', 'two', 'three']) await manager.act('localstorage', name, 'Delete');
      for (const id of ['indexeddb', 'localstorage', 'opfs', 'server']) await manager.act(id, 'wrong', 'Delete');
      const place = await manager.page.locator('#tasks').evaluate(tasks => {
        const [newest, all] = [tasks.lastChild.getBoundingClientRect(), tasks.getBoundingClientRect()];
        return {isScrolled: tasks.scrollHeight > tasks.clientHeight, isSeen: newest.bottom <= all.bottom};
      });
      await manager.page.setViewportSize({width: 1200, height: 900});
      same('place', place, {isScrolled: true, isSeen: true});
      for (let i = 0; i < 4; i++) await manager.page.keyboard.press('Control+z');
      await manager.has('indexeddb', 'wrong');
      await manager.page.evaluate(() => {
        for (const key of Object.keys(localStorage)) if (/\/(one|two|three)\//.test(key)) localStorage.removeItem(key);
      });
    });
    await checks.check('what is left of a broken model can be deleted, and takes no other with it', async () => {
      await manager.page.evaluate(async () => {
        localStorage.setItem('tensorflowjs_models/broken/info', 'no JSON');
        // Beside a whole one whose name is the beginning of this.
        localStorage.setItem('tensorflowjs_models/wrong?x/info', 'no JSON');
        // Of a name that is a URL itself the error shows no query, and so the name of a whole one.
        for (const key of Object.keys(localStorage).filter(key => key.startsWith('tensorflowjs_models/wrong/')))
          localStorage.setItem(key.replace('wrong', 'http://host/m'), localStorage.getItem(key));
        localStorage.setItem('tensorflowjs_models/http://host/m?x/info', 'no JSON');
        const done = (target, event) => new Promise(resolve => target.addEventListener(event, resolve));
        const opening = indexedDB.open('tensorflowjs');
        await done(opening, 'success');
        const transaction = opening.result.transaction('model_info_store', 'readwrite');
        transaction.objectStore('model_info_store').put({modelPath: 'broken', modelArtifactsInfo: null});
        await done(transaction, 'complete');
        opening.result.close();
        const root = await navigator.storage.getDirectory();
        const folder = await (await root.getDirectoryHandle('tfjs-io')).getDirectoryHandle('broken', {create: true});
        const stream = await (await folder.getFileHandle('model', {create: true})).createWritable();
        await stream.write('{"modelTop');
        await stream.close();
      });
      await manager.reload();
      const broken = ['indexeddb://broken', 'localstorage://broken', 'localstorage://wrong?x', 'opfs://broken'];
      for (const url of broken) {
        const button = manager.page.getByRole('button', {name: `Delete what is left of ${url}`});
        manager.page.once('dialog', dialog => dialog.accept());
        await button.click();
        await button.waitFor({state: 'detached'});
      }
      assert.equal(await manager.page.locator('#tasks').getByRole('alert').count(), 0);
      await manager.reload();
      same('what is told', await manager.page.locator('#stores').getByRole('alert').count(), 1);
      assert.equal(await manager.page.getByRole('button', {name: /^Delete what is left/}).count(), 0, 'a whole model would be deleted');
      await manager.has('localstorage', 'http://host/m');
      await manager.page.evaluate(() => {
        for (const key of Object.keys(localStorage)) if (key.includes('http://host/m')) localStorage.removeItem(key);
      });
      await manager.reload();
      for (const id of ['indexeddb', 'localstorage', 'opfs', 'server']) await manager.has(id, 'wrong');
    });
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
