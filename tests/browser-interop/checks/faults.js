'use strict';
// What must not be lost: the model that was there before a save that failed, was dropped, or died.

const {setTimeout: sleep} = require('node:timers/promises');
const {same, fails} = require('../lib/checks');
const {caller} = require('../lib/browser');

const MIB = 1 << 20;

/** Each with the size of a model that a save takes some time for. */
const STORES = [
  {scheme: 'localstorage', bytes: MIB, isTheirsToo: true},
  {scheme: 'indexeddb', bytes: 48 * MIB, isTheirsToo: true},
  {scheme: 'opfs', bytes: 48 * MIB, isTheirsToo: false},
];

async function faults(checks, start, stores = STORES) {
  await checks.group('no room', () => noRoom(checks, start));
  await checks.group('a save is dropped', () => dropped(checks, start));
  await checks.group('other pages', () => otherPages(checks, start));
  await checks.group('other pages write to localstorage', () => twoWriters(checks, start));
  await checks.group('storage is denied', () => denied(checks, start));
  for (const store of stores) await checks.group(`${store.scheme} dies in a save`, () => dies(checks, start, store));
}

/** Asserts that what is at the URL is a generated model, whole; gives its seed, which its topology names, and the bytes of its weights. */
async function assertWhole(page, url) {
  const found = await page.ours.load(url, true);
  const seed = Number(found.modelJson.modelTopology.config.name.slice('generated'.length));
  const bytes = found.shardBytes.reduce((sum, size) => sum + size, 0);
  same('the model', found, await page.ours.describe_generated(bytes, seed));
  return {seed, bytes};
}

/** Asserts that nothing else is listed either; gives the seed. */
async function assertOnly(page, url) {
  const scheme = url.slice(0, url.indexOf('://'));
  const {seed, bytes} = await assertWhole(page, url);
  const ours = await page.ours.list(`${scheme}://`);
  same('our list', Object.entries(ours).map(([url, info]) => [url, info.weightDataBytes]), [[url, bytes]]);
  if (STORES.some(store => store.scheme === scheme && store.isTheirsToo)) {
    const theirs = Object.entries(await page.theirs.list()).filter(([url]) => url.startsWith(`${scheme}://`));
    same('the list of TensorFlow.js', Object.fromEntries(theirs), ours);
  }
  return seed;
}

async function noRoom(checks, start) {
  const browser = await start('no-room');
  try {
    const page = await browser.page();
    const url = 'localstorage://previous';
    await page.ours.save_generated(url, 0.5 * MIB, 1);
    await page.evaluate(() => fillLocalStorage());
    await checks.check('localstorage is full: what is needed and available is said, the previous model stays', async () => {
      const error = await fails('StorageFull', [], () => page.ours.save_generated(url, MIB, 2));
      same('the model that is there', await assertOnly(page, url), 1);
      return needAndRoom(error, 2 * 4 / 3 * MIB);
    });
    await checks.check('localstorage is full: a new name is not half there', async () => {
      await fails('StorageFull', [], () => page.ours.save_generated('localstorage://new', MIB, 2));
      same('the model that is there', await assertOnly(page, url), 1);
    });
    await checks.check('localstorage is full: a smaller model takes the room of the previous one', async () => {
      await page.ours.save_generated(url, 0.25 * MIB, 3);
      same('the model that is there', await assertOnly(page, url), 3);
    });
    for (const {scheme} of STORES.filter(({scheme}) => scheme !== 'localstorage')) {
      const url = `${scheme}://previous`;
      // Before anything is stored: Chromium remembers for half a minute how much room IndexedDB had.
      await page.devtools('Storage.overrideQuotaForOrigin', {origin: browser.origin, quotaSize: 12 * MIB});
      await page.ours.save_generated(url, 2 * MIB, 1);
      await checks.check(`${scheme} is full: what is needed and available is said, the previous model stays`, async () => {
        const error = await fails('StorageFull', [], () => page.ours.save_generated(url, 32 * MIB, 2));
        same('the model that is there', await assertOnly(page, url), 1);
        return needAndRoom(error, 32 * MIB);
      });
      await checks.check(`${scheme} is full: a new name is not half there`, async () => {
        await fails('StorageFull', [], () => page.ours.save_generated(`${scheme}://new`, 32 * MIB, 2));
        same('the model that is there', await assertOnly(page, url), 1);
      });
      await checks.check(`${scheme} is full: a smaller model has room`, async () => {
        await page.ours.save_generated(url, 3 * MIB, 3);
        same('the model that is there', await assertOnly(page, url), 3);
      });
      await page.ours.remove(url);
    }
  } finally {
    await browser.close();
  }
}

/** The two numbers of the error: the model must fit into the first, but not into the second, or the error says that this is odd. */
function needAndRoom(error, bytes) {
  const [needed, available] = (error.text.match(/\b\d{4,}\b/g) ?? []).map(Number);
  // Chromium says that it has more than it gives.
  const isSaid = available < needed || error.text.includes(`refuses them, though it says that ${available} bytes are available`);
  if (!(needed >= bytes && needed < 1.1 * bytes + 10_000 && isSaid)) {
    throw new Error(`the model has ${bytes} bytes, and the error does not say how many are needed and available: ${error.text}`);
  }
  return `${needed} of ${available}`;
}

async function dropped(checks, start) {
  const browser = await start('dropped');
  try {
    const page = await browser.page();
    for (const {scheme} of STORES.filter(({scheme}) => scheme !== 'localstorage')) {
      const url = `${scheme}://previous`;
      await page.ours.save_generated(url, 2 * MIB, 1);
      for (const milliseconds of [1, 20, 60]) {
        await checks.check(`${scheme}: a save that is dropped after ${milliseconds} ms leaves the previous model`, async () => {
          same('that it was dropped', await page.ours.save_and_give_up(url, 256 * MIB, 2, milliseconds), true);
          same('the model that is there', await assertOnly(page, url), 1);
        });
      }
      await checks.check(`${scheme}: it is saved over afterwards, and nothing of the dropped ones takes room`, async () => {
        await page.ours.save_generated(url, 2 * MIB, 3);
        same('the model that is there', await assertOnly(page, url), 3);
        const usage = await settledUsage(page, 16 * MIB);
        return `${usage} bytes in use`;
      });
      await page.ours.remove(url);
    }
  } finally {
    await browser.close();
  }
}

/** How much the site takes; the browser frees what was removed a little later. */
async function settledUsage(page, most) {
  let usage;
  for (let tries = 0; tries < 50; tries++) {
    ({usage} = await page.evaluate(async () => navigator.storage.estimate()));
    if (usage <= most) return usage;
    await sleep(100);
  }
  throw new Error(`${usage} bytes are in use, at most ${most} were expected`);
}

async function otherPages(checks, start) {
  const browser = await start('other-pages');
  const url = 'indexeddb://model';
  try {
    const [holder, deleter, page] = [await browser.page(), await browser.page(), await browser.page()];
    await page.ours.save_generated(url, MIB, 1);
    await checks.check('another page deletes the database while a third one holds it: an error in time', async () => {
      await holder.evaluate(() => holdDatabase());
      await deleter.evaluate(() => deleteDatabase());
      // Only now has the browser heard of it.
      await waitFor(deleter, 'blocked');
      const from = Date.now();
      await fails('Timeout', ['tensorflowjs', 'close'], () => page.ours.load_directly(url, 1000));
      const took = Date.now() - from;
      if (took > 3000) throw new Error(`it should have given up after 1000 ms, but took ${took}`);
      return `after ${took} ms`;
    });
    await checks.check('it works again when that page is closed', async () => {
      await holder.close();
      await waitFor(deleter, 'deleted');
      await fails('NotFound', [url], () => page.ours.load(url, false));
      await page.ours.save_generated(url, MIB, 2);
      same('the model that is there', await assertOnly(page, url), 2);
    });
    await checks.check('we do not stand in the way of a page that deletes the database', async () => {
      await page.evaluate(url => saveForEver(url, 4 * 2 ** 20), url);
      for (let i = 0; i < 5; i++) {
        await sleep(50);
        await deleter.evaluate(() => deleteDatabase());
        await waitFor(deleter, 'deleted');
      }
      await page.reload();
      await page.ours.save_generated(url, MIB, 3);
      same('the model that is there', await assertOnly(page, url), 3);
      return '5 deletions';
    });
  } finally {
    await browser.close();
  }
}

/** What a page writes to localStorage reaches others a little later. */
async function twoWriters(checks, start) {
  const browser = await start('two-writers');
  const url = 'localstorage://contested';
  try {
    const [saver, remover, reader] = [await browser.page(), await browser.page(), await browser.page()];
    await checks.check('one page saves while another one removes: a whole model is left, or none', async () => {
      const calling = (page, name) => page.page.evaluate(([name, url]) => keepCalling(name, url, 400), [name, url]);
      const found = {5: 0, 0: 0};
      for (let round = 0; round < 12; round++) {
        await Promise.all([calling(saver, 'save'), calling(remover, 'remove')]);
        await sleep(1000);
        const strings = await reader.evaluate(() => Object.keys(localStorage).length);
        if (!(strings in found)) throw new Error(`in round ${round} ${strings} strings are left`);
        found[strings] += 1;
        if (strings === 0) await fails('NotFound', [url], () => reader.ours.load(url, false));
        else await assertOnly(reader, url);
      }
      return `${found[5]} times a model, ${found[0]} times none`;
    });
    await checks.check('two pages save while a third one loads: it never finds less than a model', async () => {
      await saver.ours.save_generated(url, 4096, 1);
      await sleep(1000);
      const writers = [saver, remover].map(page => page.page.evaluate(url => keepCalling('save', url, 4000), url));
      let [isOver, loads] = [false, 0];
      const saved = Promise.all(writers).finally(() => { isOver = true; });
      try {
        for (; !isOver; loads++) await assertWhole(reader, url);
      } finally {
        await saved;
      }
      return `${loads} loads`;
    });
  } finally {
    await browser.close();
  }
}

async function waitFor(page, state) {
  await page.page.waitForFunction(state => window.deletion === state, state, {timeout: 10_000});
}

async function denied(checks, start) {
  const browser = await start('denied');
  try {
    const page = await browser.page();
    const frame = await page.sandboxedFrame();
    const ours = caller(page, frame, 'ours');
    for (const {scheme} of STORES) {
      await checks.check(`${scheme} in a sandboxed frame: the router says why it cannot`, async () => {
        return (await fails('PermissionDenied', [scheme, 'denies', 'sandbox'], () => ours.load(`${scheme}://model`, false))).kind;
      });
      await checks.check(`${scheme} in a sandboxed frame: the handler says that it is denied`, async () => {
        const error = await fails('PermissionDenied', [scheme], () => ours.load_directly(`${scheme}://model`, 1000));
        return error.kind;
      });
    }
    await checks.check('nothing panics', () => same('the panics', page.panics, []));
  } finally {
    await browser.close();
  }
}

/** When what is killed, milliseconds after the page has begun to save for ever. */
const KILLS = [
  {whom: 'tab', after: [35, 120, 333]},
  {whom: 'browser', after: [80, 250]},
];

async function dies(checks, start, {scheme, bytes}) {
  const profile = `dies-${scheme}`;
  const url = `${scheme}://model`;
  let browser = await start(profile);
  try {
    let page = await browser.page();
    await page.ours.save_generated(url, bytes, 1);
    // The browser writes localStorage to the disk when it likes, and when it ends.
    await browser.close();
    browser = await start(profile);
    page = await browser.page();
    for (const {whom, after} of KILLS) {
      for (const milliseconds of after) {
        await checks.check(`${scheme}: the ${whom} is killed ${milliseconds} ms after the first of many saves has begun`, async () => {
          await page.evaluate(([url, bytes]) => saveForEver(url, bytes), [url, bytes]);
          await sleep(milliseconds);
          if (whom === 'tab') {
            for (const renderer of await browser.renderers()) process.kill(renderer, 'SIGKILL');
            await page.close().catch(() => {});
          } else {
            await browser.kill();
            browser = await start(profile);
          }
          page = await browser.page();
          return `model ${await assertOnly(page, url)} is whole`;
        });
      }
    }
    // What localStorage has been told reaches the disk when the browser likes.
    if (scheme !== 'localstorage') {
      await checks.check(`${scheme}: the browser is killed as soon as a save has ended: it is kept`, async () => {
        for (const seed of [7, 8, 9]) {
          await page.ours.save_generated(url, bytes, seed);
          await browser.kill();
          browser = await start(profile);
          page = await browser.page();
          same('the model that is there', await assertOnly(page, url), seed);
        }
      });
    }
    await checks.check(`${scheme}: the next save is as any other, and what was left takes no room`, async () => {
      await page.ours.save_generated(url, bytes, 0);
      same('the model that is there', await assertOnly(page, url), 0);
      return `${await settledUsage(page, 2.5 * bytes)} bytes in use`;
    });
  } finally {
    await browser.close();
  }
}

module.exports = {faults};
