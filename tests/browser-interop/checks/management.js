'use strict';
// Listing, copying, moving, removing and overwriting what the other library has stored.

const {same, fails} = require('../lib/checks');
const {SCHEMES} = require('./pairs');

async function management(checks, page, models) {
  // The first two have the same tensors.
  const [small, large, other] = ['trained-layers', 'cut-layers', 'esrgan-slim'].map(wanted => models.find(({name}) => name === wanted));

  await checks.group('lists', async () => {
    for (const scheme of SCHEMES) {
      await checks.check(`${scheme}: both list the same models, sizes, types and dates`, async () => {
        await page.ours.copy(small.url, `${scheme}://list/ours`);
        await page.ours.copy(large.url, `${scheme}://list/ours in many files`);
        await page.theirs.save(small.url, `${scheme}://list/theirs`);
        const ours = await page.ours.list(`${scheme}://`);
        same('the names', Object.keys(ours), ['ours', 'ours in many files', 'theirs'].map(name => `${scheme}://list/${name}`));
        const theirs = Object.entries(await page.theirs.list()).filter(([url]) => url.startsWith(`${scheme}://`));
        same('the lists', ours, Object.fromEntries(theirs));
        same('the sizes of one model saved by both', sizes(ours[`${scheme}://list/ours`]), sizes(ours[`${scheme}://list/theirs`]));
        return `${theirs.length} models`;
      });
      for (const url of Object.keys(await page.ours.list(`${scheme}://`))) await page.ours.remove(url);
    }
  });

  await checks.group('the other one copies, moves and removes', async () => {
    for (const from of SCHEMES) {
      for (const to of SCHEMES) {
        const [source, copy, moved] = [`${from}://source`, `${to}://copy`, `${to}://moved`];
        await checks.check(`tf.io.copyModel and tf.io.moveModel of ours, ${from} to ${to}`, async () => {
          await page.ours.copy(large.url, source);
          await page.theirs.copy(source, copy);
          const tensors = large.assertIsOurs(await page.ours.load(copy, false));
          await page.theirs.move(source, moved);
          await fails('NotFound', [source], () => page.ours.load(source, false));
          return `${tensors + large.assertIsOurs(await page.ours.load(moved, false))} tensors`;
        });
        await checks.check(`tf.io.removeModel of ours, ${to}`, async () => {
          for (const url of [copy, moved]) await page.theirs.remove(url);
          same('our list', await page.ours.list(`${to}://`), {});
          same('what is left', await leftovers(page), []);
        });
        await checks.check(`our copy of theirs, ${from} to ${to}`, async () => {
          await page.theirs.save(large.url, source);
          await page.ours.copy(source, copy);
          return `${large.assertIsTheirs(await page.theirs.load(copy))} tensors`;
        });
        await checks.check(`our removal of theirs, ${from} and ${to}`, async () => {
          for (const url of [source, copy]) await page.ours.remove(url);
          same('their list', await page.theirs.list(), {});
          same('what is left', await leftovers(page), []);
        });
      }
    }
  });

  await checks.group('TensorFlow.js saves over ours', async () => {
    for (const scheme of SCHEMES) {
      const url = `${scheme}://overwritten`;
      await checks.check(`${scheme}: another model`, async () => {
        await page.ours.copy_with_checksums(large.url, url);
        await page.theirs.save(other.url, url);
        return `${other.assertIsOurs(await page.ours.load(url, false))} tensors`;
      });
      await checks.check(`${scheme}: the same model with other weights`, async () => {
        await page.ours.copy_with_checksums(large.url, url);
        await page.theirs.overwriteWeights(url);
        const [ours, theirs] = [await page.ours.load(url, false), await page.theirs.load(url)];
        same('the tensors', ours.tensors, theirs.tensors);
        const digests = ({tensors}) => tensors.map(({sha256}) => sha256).join();
        if (digests(theirs) === digests(large.source)) throw new Error('TensorFlow.js has changed nothing: nothing was compared');
        return `${ours.tensors.length} tensors`;
      });
      await page.ours.remove(url);
    }
    await checks.check('localstorage: another model, over one that we had put aside when our page died', async () => {
      const url = 'localstorage://overwritten';
      await page.ours.copy(large.url, url);
      await page.evaluate(() => dieInSave('overwritten'));
      await page.theirs.save(other.url, url);
      const tensors = other.assertIsOurs(await page.ours.load(url, false));
      await page.ours.remove(url);
      same('what is left', (await leftovers(page)).filter(key => key.includes('overwritten')), []);
      return `${tensors} tensors`;
    });
    const url = 'indexeddb://overwritten';
    await checks.check('indexeddb: weights in an array of buffers are read by both', async () => {
      await page.ours.copy(other.url, url);
      const buffers = await page.evaluate(() => cutRecord('overwritten', 100_000));
      const theirs = await page.theirs.load(url);
      same('how many buffers', [theirs.buffers, buffers > 1], [buffers, true]);
      return `${other.assertIsTheirs(theirs) + other.assertIsOurs(await page.ours.load(url, true))} tensors`;
    });
    await checks.check('indexeddb: a model in records that it does not know', async () => {
      await page.ours.save_in_records_of_its_own(url, 40 << 20, 1);
      const before = (await leftovers(page)).length;
      await page.theirs.save(other.url, url);
      const tensors = other.assertIsOurs(await page.ours.load(url, false));
      // Whoever saves next removes what nobody needs.
      await page.ours.copy(small.url, url);
      const after = (await leftovers(page)).length;
      if (before < 5 || after !== 2) throw new Error(`there were ${before} records, and there are ${after} afterwards`);
      return `${tensors} tensors`;
    });
    await checks.check('indexeddb: it copies and removes a model in records that it does not know', async () => {
      await page.ours.save_in_records_of_its_own(url, 40 << 20, 1);
      await page.theirs.copy(url, 'indexeddb://copy').catch(() => {});
      await page.theirs.remove(url);
      await fails('NotFound', [url], () => page.ours.load(url, true));
      // The copy is a name without weights, and says so.
      const copied = await page.ours.load('indexeddb://copy', true).then(() => 'it loads', error => error.kind);
      if (!['InvalidData', 'NotFound'].includes(copied)) throw new Error(`the copy should be no model, but ${copied}`);
      await page.ours.copy(small.url, url);
      for (const name of [url, 'indexeddb://copy']) await page.ours.remove(name).catch(() => {});
      same('what is left', await leftovers(page), []);
      return copied;
    });
  });
}

const sizes = ({dateSaved, ...others}) => others;

/** Every key of localStorage, and of each store in the database. */
function leftovers(page) {
  return page.evaluate(async () => {
    const request = indexedDB.open('tensorflowjs');
    const database = await new Promise((resolve, reject) => Object.assign(request, {onsuccess: () => resolve(request.result), onerror: () => reject(request.error)}));
    const keys = Object.keys(localStorage);
    for (const store of database.objectStoreNames) {
      const all = database.transaction(store).objectStore(store).getAllKeys();
      await new Promise(resolve => Object.assign(all, {onsuccess: resolve}));
      keys.push(...all.result.map(key => `${store}: ${key}`));
    }
    database.close();
    return keys;
  });
}

module.exports = {management};
