'use strict';
// With a keyboard, with a screen reader, without a network.

const assert = require('node:assert/strict');
const path = require('node:path');
const {same} = require('../../browser-interop/lib/checks');

async function using({checks, open, models, command, folder, page: built, web}) {
  await checks.group('the page: for everybody', async () => {
    const manager = await open();
    const {page} = manager;
    for (const [id, name] of [['indexeddb', 'one'], ['indexeddb', 'two'], ['opfs', 'three']]) {
      await manager.saveTo(id, name);
      await manager.pick(models.trained);
      await manager.has(id, name);
    }
    await checks.check('how full the storage is, as a bar and in words', async () => {
      const meter = page.getByRole('meter', {name: 'Storage'});
      assert.match(await meter.getAttribute('aria-valuetext'), /^[\d.]+ (bytes|[kMG]B) are used, [\d.]+ [MGT]B are left$/);
      assert.ok(Number(await meter.getAttribute('aria-valuemax')) > Number(await meter.getAttribute('aria-valuenow')));
      await page.locator('.legend').getByText(/^IndexedDB [\d.]+ kB$/).waitFor();
    });
    await checks.check('the link over the header leads to the models, and a broken address to all of them', async () => {
      await page.goto('about:blank');
      await page.goto(`${manager.origin}/.page/#100%`);
      await manager.has('indexeddb', 'one');
      await page.keyboard.press('Tab');
      assert.equal(await focused(page), 'Skip to the models');
      await page.keyboard.press('Enter');
      assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
      await manager.has('indexeddb', 'one');
    });
    await checks.check('the keyboard alone opens, copies and deletes a model', async () => {
      await page.goto(`${manager.origin}/.page/`);
      await manager.has('indexeddb', 'one');
      await tabTo(page, 'one');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', {level: 1, name: 'one'}).waitFor();
      assert.equal(await page.evaluate(() => document.activeElement.tagName), 'H1');
      await tabTo(page, '← All models', true);
      await page.keyboard.press('Enter');
      await manager.has('indexeddb', 'one');
      await tabTo(page, 'Copy or move… one in IndexedDB');
      await page.keyboard.press('Space');
      const dialog = page.getByRole('dialog', {name: 'Copy or move one'});
      await dialog.waitFor();
      await dialog.getByLabel('Name', {exact: true}).focus();
      await page.keyboard.press('Control+a');
      await page.keyboard.type('typed');
      await page.keyboard.press('Enter');
      await manager.has('localstorage', 'typed');
      await tabTo(page, 'Delete one in IndexedDB');
      await page.keyboard.press('Enter');
      await manager.hasNot('indexeddb', 'one');
      assert.match(await focused(page), /two/, 'the focus is lost');
      await page.keyboard.press('Control+z');
      await manager.has('indexeddb', 'one');
      await page.waitForFunction(() => document.activeElement.getAttribute('aria-label') === 'Delete one in IndexedDB');
    });
    for (const scheme of ['light', 'dark']) {
      await checks.check(`axe finds nothing, ${scheme}`, async () => {
        await page.emulateMedia({colorScheme: scheme, reducedMotion: 'reduce'});
        await page.goto(`${manager.origin}/.page/`);
        await manager.has('indexeddb', 'one');
        const found = await axe(page, web.axe);
        await manager.act('indexeddb', 'one', 'Copy or move…');
        found.push(...await axe(page, web.axe));
        await page.keyboard.press('Escape');
        await manager.row('indexeddb', 'one').getByRole('link').click();
        await page.getByRole('table', {name: 'Tensors'}).getByRole('img').first().waitFor();
        found.push(...await axe(page, web.axe));
        same('what axe finds', found, []);
      });
    }
    await checks.check('nothing is cut off where there is little room', async () => {
      for (const hash of ['', `#${encodeURIComponent('indexeddb://one')}`]) {
        await page.setViewportSize({width: 320, height: 640});
        await page.goto(`${manager.origin}/.page/${hash}`);
        await page.getByRole(hash ? 'table' : 'row', hash ? {name: 'Tensors'} : {name: /one/}).first().waitFor();
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= 320, `${hash || 'the list'} is ${width} pixels wide`);
      }
    });
    await checks.check('the console is clean', () => manager.close());
  });

  await checks.group('the page: without a network', async () => {
    await checks.check('it opens, manages what the browser has, and says that its server does not answer', async () => {
      const {origin, stop} = await command.serve(path.join(folder, 'offline'), [`--page=${built}`]);
      const manager = await open({origin});
      await manager.saveTo('opfs', 'kept');
      await manager.pick(models.tiny);
      await manager.has('opfs', 'kept');
      await manager.page.evaluate(async () => (await navigator.serviceWorker.ready).active.state);
      await stop();
      await manager.reload();
      await manager.has('opfs', 'kept');
      same('tensors', await manager.tensors('opfs', 'kept'), command.tensors(models.tiny));
      await manager.row('opfs', 'kept').getByRole('link').click();
      await manager.page.getByRole('table', {name: 'Layers'}).waitFor();
      await manager.page.goBack();
      // The server is gone, its models may not be: that is not to be passed over.
      const server = manager.page.locator('[data-store=server]');
      await server.getByText('does not answer').waitFor();
      await server.getByRole('button', {name: 'Try again: Server'}).waitFor();
      await manager.close([/ERR_CONNECTION_REFUSED/, /fetch/]);
    });
  });
}

/** Presses Tab until something of this name has the focus. */
async function tabTo(page, name, backwards = false) {
  for (let i = 0; i < 80; i++) {
    if (await focused(page) === name) return;
    await page.keyboard.press(backwards ? 'Shift+Tab' : 'Tab');
  }
  throw new Error(`${name} is not reached with Tab`);
}

const focused = page => page.evaluate(() => {
  const element = document.activeElement;
  return element.getAttribute('aria-label') ?? element.textContent.trim();
});

async function axe(page, source) {
  // As the developer's tools do it: the page's own policy lets no script of others in.
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', {expression: source});
  const {result} = await session.send('Runtime.evaluate', {
    expression: 'axe.run(document, {resultTypes: ["violations"]}).then(({violations}) => JSON.stringify(violations.map(({id, nodes}) => `${id}: ${nodes.map(({html}) => html.slice(0, 120)).join(" ")}`)))',
    awaitPromise: true,
  });
  await session.detach();
  return JSON.parse(result.value);
}

module.exports = {using};
