'use strict';
// The programs of docs/guides/browser-app.md, Rust and JavaScript, as they stand there.

const fs = require('node:fs');
const path = require('node:path');
const {same} = require('../lib/checks');

const GUIDE = path.join(__dirname, '..', '..', '..', 'docs', 'guides', 'browser-app.md');
const MIB = 1 << 20;

/** What the page imports of the program; and what it can tell of whatever a call rejects with. */
const PROGRAM = `
  const {countTensors, keepModel} = window.program;
  const heard = error => error && {
    isError: error instanceof Error, name: error.name, kind: error.kind, location: error.location, message: error.message, cause: heard(error.cause),
  };
  const outcome = call => call.then(value => ({value: String(value)}), error => ({error: heard(error)}));
`;

/** Writes what the guide's worker is into a folder, for the server. */
function writeWorker(folder) {
  const blocks = [...fs.readFileSync(GUIDE, 'utf8').matchAll(/^```js\n(.*?)^```/gms)].map(([, code]) => code);
  const worker = blocks.find(code => code.startsWith('// worker.js\n'));
  if (worker === undefined) throw new Error(`${GUIDE} has no worker any more`);
  fs.mkdirSync(folder, {recursive: true});
  fs.writeFileSync(path.join(folder, 'worker.js'), worker);
}

async function guide(checks, page, model) {
  const run = script => page.evaluate(`(async () => {${PROGRAM}${script}})()`);
  await checks.group('the guide for programs in a page', async () => {
    await checks.check('an exception has the kind, the place and the message of the error', async () => {
      const {error} = await run(`return outcome(countTensors('indexeddb://who?'))`);
      const {isError, kind, location} = error;
      same('it', {isError, kind, location}, {isError: true, kind: 'NotFound', location: 'indexeddb://who?'});
    });
    await checks.check('and its causes', async () => {
      // Nobody listens there.
      const {error} = await run(`return outcome(countTensors('http://127.0.0.1:9/model.json?SECRET'))`);
      same('the kind', error.kind, 'Transport');
      same('the place', error.location, 'http://127.0.0.1:9/model.json');
      if (!error.cause?.message) throw new Error(`it came of nothing: ${JSON.stringify(error)}`);
      return error.cause.message;
    });
    await checks.check('a path without a scheme is told how to become a URL', async () => {
      for (const url of ['models/m', '/models/m', './models/m/model.json']) {
        const {error} = await run(`return outcome(countTensors('${url}'))`);
        same('the kind', error.kind, 'Unsupported');
        if (!error.message.includes('new URL(path, location.href).href')) throw new Error(error.message);
      }
    });
    await cancelling(checks, page, run);
    await worker(checks, page, run, model);
  });
}

async function cancelling(checks, page, run) {
  await page.ours.save_generated('opfs://large', 256 * MIB, 1);
  await page.ours.save_generated('indexeddb://kept', MIB, 2);
  const before = await page.ours.load('indexeddb://kept', true);
  const signals = {
    'has been aborted': ['AbortSignal.abort()', 'AbortError'],
    'is aborted after 20 ms': ['(a => (setTimeout(() => a.abort(), 20), a.signal))(new AbortController())', 'AbortError'],
    'has a timeout of 40 ms': ['AbortSignal.timeout(40)', 'TimeoutError'],
  };
  for (const [what, [signal, name]] of Object.entries(signals)) {
    await checks.check(`a save whose signal ${what} leaves the previous model`, async () => {
      const {error} = await run(`return outcome(keepModel('opfs://large', 'kept', ${signal}))`);
      same('the exception', error?.name, name);
      same('the model that is there', await page.ours.load('indexeddb://kept', true), before);
    });
  }
  await checks.check('one that nobody aborts is saved', async () => {
    const {value} = await run(`return outcome(keepModel('opfs://large', 'kept', new AbortController().signal))`);
    same('the bytes of its weights', value, String(256 * MIB));
  });
  for (const url of ['opfs://large', 'indexeddb://kept']) await page.ours.remove(url);
}

async function worker(checks, page, run, model) {
  const ask = messages => run(`
    const worker = new Worker('/guide/worker.js', {type: 'module'});
    const url = '${model.url}';
    try {
      return await new Promise((resolve, reject) => {
        worker.onmessage = ({data}) => resolve({...data, bytes: data.bytes && String(data.bytes)});
        worker.onerror = event => reject(new Error(event.message));
        for (const message of ${messages}) worker.postMessage(message);
      });
    } finally {
      worker.terminate();
    }`);
  await checks.check('a worker that is asked before it is ready saves, and the page finds the model', async () => {
    const {id, bytes, error} = await ask(`[{id: 7, url, name: 'of a worker'}]`);
    same('the answer', {id, error}, {id: 7, error: undefined});
    const {shardBytes} = await page.ours.load('indexeddb://of a worker', true);
    same('the bytes of its weights', bytes, String(shardBytes.reduce((sum, size) => sum + size, 0)));
    await page.ours.remove('indexeddb://of a worker');
  });
  await checks.check('its errors arrive with their kind and place', async () => {
    const {error} = await ask(`[{id: 1, url: 'localstorage://x', name: 'x'}]`);
    same('the kind', error.kind, 'Unsupported');
    same('the place', error.location, 'localstorage://x');
    if (!error.message.includes('a worker has no localStorage')) throw new Error(error.message);
  });
  await checks.check('what it does can be aborted', async () => {
    const {error} = await ask(`[{id: 1, url, name: 'x'}, {id: 1, abort: true}]`);
    same('the exception', error?.name, 'AbortError');
    same('what is listed', await page.ours.list('indexeddb://'), {});
  });
}

module.exports = {guide, writeWorker};
