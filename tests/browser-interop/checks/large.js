'use strict';
// A model of a gibibyte, through stores that must not take it into the memory of WebAssembly.

const {same} = require('../lib/checks');

const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** More than a window, far less than a model. */
const MOST_GROWTH = 64 * MIB;

async function large(checks, start) {
  await checks.group('large models', async () => {
    const browser = await start('large');
    try {
      // The first is about the largest in one record, which TensorFlow.js could have saved itself.
      const sizes = [['indexeddb', 480 * MIB], ['indexeddb', GIB], ['opfs', GIB]];
      for (const [scheme, bytes] of sizes) {
        const page = await browser.page();
        page.patience = 300_000;
        const url = `${scheme}://large`;
        await checks.check(`${scheme}: ${bytes / MIB} MiB there and back, the heap of WebAssembly stays small`, async () => {
          const before = await page.ours.heap();
          await page.ours.save_generated(url, bytes, 1);
          const saved = await page.ours.heap();
          const found = await page.ours.load(url, true);
          const growth = (await page.ours.heap()) - before;
          same('the tensors', found, await page.ours.describe_generated(bytes, 1));
          if (growth > MOST_GROWTH) throw new Error(`the heap grew by ${saved - before} bytes in the save, by ${growth} in all`);
          return `grew by ${(growth / MIB).toFixed(1)} MiB`;
        });
        if (scheme === 'indexeddb' && bytes < GIB) {
          await checks.check(`${scheme}: ${bytes / MIB} MiB that we saved, TensorFlow.js loads`, async () => {
            const [ours, theirs] = [await page.ours.describe_generated(bytes, 1), await page.theirs.load(url)];
            same('the tensors', theirs.tensors, ours.tensors);
            return `${theirs.tensors.length} tensors`;
          });
        }
        await page.ours.remove(url);
        await page.close();
      }
    } finally {
      await browser.close();
    }
  });
}

module.exports = {large};
