'use strict';
// Screenshots, for people to look at: light, dark, narrow, and one model.

const fs = require('node:fs');
const path = require('node:path');

async function pictures({checks, open, models, folder, command, page: built}) {
  await checks.group('the page: pictures', async () => {
    const place = path.join(folder, 'pictures');
    fs.cpSync(models.tiny, path.join(place, 'xor'), {recursive: true});
    const {origin, stop} = await command.serve(place, [`--page=${built}`]);
    const manager = await open({origin, size: {width: 1100, height: 900}});
    const {page} = manager;
    const store = [['indexeddb', 'digits', 'trained'], ['indexeddb', 'digits-uint8', 'quantized'], ['opfs', 'two-groups', 'groups'], ['localstorage', 'xor', 'tiny']];
    for (const [id, name, model] of store) {
      await manager.saveTo(id, name);
      await manager.pickFolder(models[model]);
      await manager.has(id, name);
    }
    await page.waitForFunction(() => [...document.querySelectorAll('[data-kind]')].every(element => element.textContent !== '…'));
    const shots = path.join(folder, 'screenshots');
    const shoot = (name, options) => checks.check(`${name}.png`, async () => {
      const file = path.join(shots, `${name}.png`);
      await page.screenshot({path: file, ...options});
      const {size} = fs.statSync(file);
      if (size < 10_000) throw new Error(`${file} has only ${size} bytes`);
      return `${Math.round(size / 1000)} kB`;
    });
    await page.getByLabel('Save to').selectOption('indexeddb');
    await page.evaluate(() => document.activeElement.blur());
    await page.mouse.move(5, 5);
    await shoot('light', {fullPage: true});
    await page.emulateMedia({colorScheme: 'dark'});
    await shoot('dark', {fullPage: true});
    await page.setViewportSize({width: 390, height: 844});
    await shoot('narrow-dark', {fullPage: true});
    await page.emulateMedia({colorScheme: 'light'});
    await shoot('narrow', {fullPage: true});
    await manager.row('indexeddb', 'digits').getByRole('link').click();
    await page.getByRole('table', {name: 'Tensors'}).waitFor();
    await manager.allRead();
    await shoot('model-narrow', {fullPage: true});
    await page.setViewportSize({width: 1100, height: 900});
    await manager.allRead();
    await shoot('model', {fullPage: true});
    await manager.close();
    await stop();
  });
}

module.exports = {pictures};
