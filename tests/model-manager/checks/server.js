'use strict';
// The page as the face of a folder of models: `tfjs serve --page`.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {setTimeout: sleep} = require('node:timers/promises');
const {same} = require('../../browser-interop/lib/checks');

const TOKEN = 'correct-horse-battery';

async function server({checks, open, models, command, folder, page: built}) {
  const options = [`--page=${built}`];
  const serve = (name, more, env) => {
    const place = path.join(folder, name);
    fs.cpSync(models.tiny, path.join(place, 'tiny one'), {recursive: true});
    return command.serve(place, [...options, ...more], env);
  };
  await checks.group('the page: the models of a folder', async () => {
    await checks.check('whoever opens the address of the server sees the page, and its models', async () => {
      const {origin, stop} = await serve('face', []);
      const manager = await open({origin});
      await manager.page.goto(origin);
      await manager.isReady();
      same('address', manager.page.url(), `${origin}/.page/`);
      await manager.has('server', 'tiny one');
      await manager.row('server', 'tiny one').getByText('layers model').waitFor();
      await manager.row('server', 'tiny one').getByRole('link').click();
      await manager.page.getByRole('table', {name: 'Layers'}).waitFor();
      await manager.close();
      await stop();
    });
    await checks.check('a deleted model of the server is gone when the page is closed', async () => {
      const {origin, stop, folder: place} = await serve('leaving', []);
      const manager = await open({origin});
      await manager.act('server', 'tiny one', 'Delete');
      await manager.hasNot('server', 'tiny one');
      assert.ok(fs.existsSync(path.join(place, 'tiny one', 'model.json')), 'it could not be had back');
      await manager.page.goto('about:blank');
      for (let i = 0; fs.existsSync(path.join(place, 'tiny one')) && i < 200; i++) await sleep(20);
      assert.ok(!fs.existsSync(path.join(place, 'tiny one')));
      await manager.close();
      await stop();
    });
    await checks.check('a server that is only read offers nothing else', async () => {
      const {origin, stop} = await serve('only-read', ['--read-only']);
      const manager = await open({origin});
      await manager.has('server', 'tiny one');
      assert.equal(await manager.row('server', 'tiny one').getByRole('button', {name: 'Delete'}).count(), 0);
      same('places', (await manager.page.locator('#add-store option').allTextContents()).includes('Server'), false);
      await manager.close();
      await stop();
    });
    await checks.check('a damaged model is told, and the others are listed', async () => {
      const {origin, stop, folder: place} = await serve('damaged', []);
      fs.mkdirSync(path.join(place, 'half'));
      fs.writeFileSync(path.join(place, 'half', 'model.json'), '{"modelTopology":');
      const manager = await open({origin});
      await manager.has('server', 'tiny one');
      await manager.store('server').getByRole('alert').getByText(/half: /i).waitFor();
      await manager.close();
      await stop();
    });
    await checks.check('a model that came since is not replaced, nor is a name taken that leads elsewhere', async () => {
      const {origin, stop, folder: place} = await serve('since', []);
      const manager = await open({origin});
      await manager.page.route(`${origin}/?broken`, route => route.fulfill({json: {models: [], broken: []}}));
      await manager.saveTo('server', 'tiny one');
      await manager.pick(models.trained);
      assert.match(await manager.failure(), /412|is there/);
      same('tensors', command.tensors(path.join(place, 'tiny one')), command.tensors(models.tiny));
      await manager.saveTo('server', '..');
      await manager.pick(models.trained);
      assert.match(await manager.failure(), /\.\. is no name/);
      await manager.close([/412/]);
      await stop();
    });
    await checks.check('pages of other origins may be let in, and ours works all the same', async () => {
      const {origin, stop} = await serve('listed', ['--allow-origin', 'https://app.example']);
      const manager = await open({origin});
      await manager.saveTo('server', 'sent');
      await manager.pick(models.trained);
      await manager.has('server', 'sent');
      await manager.close();
      await stop();
    });
    await checks.check('a protected server is opened with its token', async () => {
      const {origin, stop, folder: place} = await serve('protected', ['--token-env', 'MANAGER_TOKEN', '--protect-reads'], {MANAGER_TOKEN: TOKEN});
      const manager = await open({origin});
      await manager.page.goto(origin);
      await manager.isReady();
      await manager.store('server').getByRole('alert').getByText(/needs a token.*Enter the token/).waitFor();
      const enter = async token => {
        await manager.store('server').getByLabel('Token of the server').fill(token);
        await manager.store('server').getByRole('button', {name: 'Use it'}).click();
      };
      await enter('wrong-horse-battery');
      await manager.store('server').getByText(/token is wrong/).waitFor();
      await enter(TOKEN);
      await manager.has('server', 'tiny one');
      await manager.saveTo('server', 'sent');
      await manager.pick(models.trained);
      await manager.has('server', 'sent');
      same('tensors', command.tensors(path.join(place, 'sent')), command.tensors(models.trained));
      await manager.row('server', 'sent').getByRole('link').click();
      await manager.page.getByRole('table', {name: 'Layers'}).waitFor();
      assert.ok(!JSON.stringify(await manager.page.evaluate(() => [{...localStorage}, {...sessionStorage}, document.cookie])).includes(TOKEN));
      await manager.close([/401/]);
      await stop();
    });
    await checks.check('a server that does not answer holds up no store of the browser, and is asked again', async () => {
      const {origin, stop} = await serve('hanging', []);
      const manager = await open({origin});
      let isHanging = true;
      await manager.page.route(`${origin}/?broken`, route => (isHanging ? undefined : route.continue()));
      await manager.page.reload();
      await manager.store('server').getByText('Waiting for an answer').waitFor();
      await manager.saveTo('opfs', 'mine');
      await manager.pick(models.tiny);
      await manager.has('opfs', 'mine');
      await manager.act('opfs', 'mine', 'Delete');
      await manager.hasNot('opfs', 'mine');
      isHanging = false;
      await manager.page.keyboard.press('Control+z');
      await manager.has('opfs', 'mine');
      await manager.has('server', 'tiny one');
      await manager.page.route(`${origin}/?broken`, route => route.abort());
      await manager.act('opfs', 'mine', 'Delete');
      await manager.store('server').getByRole('alert').getByText(/does not answer/).waitFor();
      await manager.page.unroute(`${origin}/?broken`);
      await manager.store('server').getByRole('button', {name: 'Try again'}).click();
      await manager.has('server', 'tiny one');
      await manager.close([/ERR_FAILED/]);
      await stop();
    });
    await checks.check('a server that has gone says so, and the stores of the browser stay', async () => {
      const {origin, stop} = await serve('gone', []);
      const manager = await open({origin});
      await manager.saveTo('indexeddb', 'mine');
      await manager.pick(models.tiny);
      await manager.has('indexeddb', 'mine');
      await stop();
      await manager.saveTo('indexeddb', 'another');
      await manager.pick(models.tiny);
      await manager.has('indexeddb', 'another');
      await manager.store('server').getByRole('alert').getByText(/does not answer/).waitFor();
      await manager.close([/ERR_CONNECTION_REFUSED/]);
    });
  });
}

module.exports = {server};
