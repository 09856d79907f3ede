'use strict';
// The driver of `cargo xtask bench browser`: `node bench.js CONFIG`, where CONFIG is JSON:
//
//   {"chromium": FILE, "modules": DIR, "wasm": DIR, "folder": DIR, "works": [ID..]}
//
// Writes {ID: {"ours": {"cost": NANOSECONDS, "size": BYTES}, "tfjs": {..}}} on stdout.

const path = require('node:path');
const {Browser} = require('./lib/browser');
const {serve} = require('./lib/server');

async function main({chromium, modules, wasm, folder, works}) {
  const server = await serve([
    ['/wasm/', wasm],
    ['/tf.min.js', path.join(modules, '@tensorflow', 'tfjs', 'dist', 'tf.min.js')],
    ['/', __dirname],
  ]);
  const measured = {};
  try {
    const browser = await Browser.start(chromium, path.join(folder, 'profile'), server.origin, ['--js-flags=--expose-gc']);
    try {
      for (const id of works) {
        // A page of its own: the memory that one work leaves behind is nobody else's.
        const page = await browser.context.newPage();
        await page.goto(`${server.origin}/bench.html`);
        await page.waitForFunction('window.isReady === true');
        if (!(await page.evaluate('window.works')).includes(id)) throw new Error(`no work is called ${id}`);
        measured[id] = await page.evaluate(id => window.measure(id), id);
        await page.close();
      }
    } finally {
      await browser.close();
    }
  } finally {
    server.close();
  }
  process.stdout.write(JSON.stringify(measured));
}

main(JSON.parse(process.argv[2])).catch(error => {
  console.error(error);
  process.exitCode = 1;
});
