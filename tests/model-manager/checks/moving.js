'use strict';
// Models go from store to store, and out.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {execFileSync} = require('node:child_process');
const {same} = require('../../browser-interop/lib/checks');

async function moving({checks, open, models, command, folder, served, origin}) {
  const manager = await open();
  const wanted = command.tensors(models.trained);
  await checks.group('the page: models go from store to store', async () => {
    await manager.saveTo('indexeddb', 'trained');
    await manager.pick(models.trained);
    await manager.has('indexeddb', 'trained');
    const places = ['indexeddb', 'localstorage', 'opfs'];
    for (const from of places) {
      for (const to of places) {
        await checks.check(`copied from ${from} to ${to}`, async () => {
          const name = `from ${from}`;
          const dialog = await manager.transfer(from, 'trained', {to, as: name});
          await dialog.getByRole('button', {name: 'Copy'}).click();
          await manager.has(to, name);
          await manager.has(from, 'trained');
          same('tensors', await manager.tensors(to, name), wanted);
        });
      }
      const next = places[places.indexOf(from) + 1];
      if (!next) break;
      await checks.check(`moved from ${from} to ${next}`, async () => {
        const dialog = await manager.transfer(from, 'trained', {to: next, move: true});
        await dialog.getByRole('button', {name: 'Move'}).click();
        await manager.has(next, 'trained');
        await manager.hasNot(from, 'trained');
        same('tensors', await manager.tensors(next, 'trained'), wanted);
      });
    }
    await checks.check('uploaded to the server, and copied from there', async () => {
      const upload = await manager.transfer('opfs', 'trained', {to: 'server', as: 'mine'});
      await upload.getByRole('button', {name: 'Copy'}).click();
      await manager.has('server', 'mine');
      same('tensors', command.tensors(path.join(served, 'mine')), wanted);
      const copy = await manager.transfer('server', 'mine', {to: 'localstorage', as: 'back'});
      assert.ok(await copy.getByLabel('Move').isDisabled(), 'a model of a server is copied only');
      await copy.getByRole('button', {name: 'Copy'}).click();
      await manager.has('localstorage', 'back');
      same('tensors', await manager.tensors('localstorage', 'back'), wanted);
    });
    await checks.check('uploaded to an address', async () => {
      const dialog = await manager.transfer('opfs', 'trained', {target: `${origin}/elsewhere/model.json`});
      await dialog.getByRole('button', {name: 'Copy'}).click();
      await manager.has('server', 'elsewhere');
    });
    await checks.check('a model is not copied onto itself, and another is replaced only when that is said', async () => {
      const dialog = await manager.transfer('opfs', 'trained', {to: 'opfs', as: 'trained'});
      await dialog.getByText('That is the model itself').waitFor();
      assert.ok(await dialog.getByRole('button', {name: 'Copy'}).isDisabled());
      await dialog.getByLabel('Name', {exact: true}).press('Enter');
      assert.ok(await dialog.isVisible(), 'Enter is no Cancel');
      await dialog.getByLabel('Name', {exact: true}).fill('from indexeddb');
      await dialog.getByRole('button', {name: 'Copy'}).click();
      assert.ok(await dialog.isVisible(), 'it was replaced unasked');
      await dialog.getByLabel('replace it').check();
      await dialog.getByRole('button', {name: 'Copy'}).click();
      await manager.said('Copied trained to from indexeddb in Private files.');
    });
    await checks.check('the dialog is left with Cancel or Escape, and the focus is where it was', async () => {
      const dialog = await manager.transfer('opfs', 'trained', {to: 'indexeddb', as: 'never'});
      await dialog.getByRole('button', {name: 'Cancel'}).click();
      await dialog.waitFor({state: 'hidden'});
      await manager.transfer('opfs', 'trained', {to: 'indexeddb', as: 'never'});
      await manager.page.keyboard.press('Escape');
      // The dialog is told that it was closed a moment later.
      await manager.page.waitForFunction(() => document.activeElement.getAttribute('aria-label') === 'Copy or move… trained in Private files');
      assert.ok(!(await manager.names('indexeddb')).includes('never'));
    });
    await checks.check('downloaded as one zip file that others unpack', async () => {
      const place = fs.mkdtempSync(path.join(folder, 'zip-'));
      const [zip] = await manager.downloads(1, place, () => manager.act('opfs', 'trained', 'Download .zip'));
      execFileSync('python3', ['-m', 'zipfile', '--extract', zip, path.join(place, 'unpacked')]);
      same('tensors', command.tensors(unpacked(path.join(place, 'unpacked'))), wanted);
    });
    await checks.check('what does not fit says so, and what to do', async () => {
      await manager.page.evaluate(fillLocalStorage);
      const dialog = await manager.transfer('opfs', 'trained', {to: 'localstorage', as: 'too much'});
      await dialog.getByRole('button', {name: 'Copy'}).click();
      assert.match(await manager.failure(), /Delete models/);
      await manager.page.evaluate(() => localStorage.removeItem('filler'));
      assert.ok(!(await manager.names('localstorage')).includes('too much'));
    });
  });
  await checks.check('the console is clean', () => manager.close());
}

/** To the last character, in the page. */
function fillLocalStorage() {
  let filler = '';
  for (let more = 1 << 22; more >= 1; more >>= 1) {
    try {
      localStorage.setItem('filler', filler + 'x'.repeat(more));
      filler += 'x'.repeat(more);
    } catch {
      // Half as many may fit.
    }
  }
}

/** The JSON of what was unpacked. */
function unpacked(folder) {
  const json = fs.readdirSync(folder).find(name => name.endsWith('.json'));
  return path.join(folder, json);
}

module.exports = {moving};
