'use strict';
// Chromium with a profile of its own, as a process that can be killed like any other.

const fs = require('node:fs');
const path = require('node:path');
const {spawn} = require('node:child_process');
const {setTimeout: sleep} = require('node:timers/promises');
const {chromium} = require('playwright-core');

const FLAGS = [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--remote-debugging-port=0',
];

/** How long Chromium may take to start, and a call in a page to answer; milliseconds. */
const PATIENCE = 30_000;

class Browser {
  static async start(executable, profile, origin, flags = []) {
    const port = path.join(profile, 'DevToolsActivePort');
    fs.rmSync(port, {force: true});
    // A group of its own, so that killing it kills its renderers.
    const child = spawn(executable, [...FLAGS, ...flags, `--user-data-dir=${profile}`, 'about:blank'], {detached: true, stdio: 'ignore'});
    const browser = new Browser(child, origin);
    try {
      const address = await listening(child, port);
      browser.connection = await chromium.connectOverCDP(`http://127.0.0.1:${address}`);
      browser.context = browser.connection.contexts()[0];
    } catch (error) {
      await browser.kill();
      throw error;
    }
    return browser;
  }

  constructor(child, origin) {
    this.child = child;
    this.origin = origin;
    this.exit = new Promise(resolve => child.once('exit', resolve));
  }

  /** A page with both libraries in it. */
  async page() {
    const page = new Page(await this.context.newPage());
    await page.open(`${this.origin}/page.html`);
    return page;
  }

  /** As the user closes it. */
  async close() {
    const session = await this.connection.newBrowserCDPSession();
    await session.send('Browser.close').catch(() => {});
    await Promise.race([this.exit, sleep(5000)]);
    await this.kill();
  }

  /** As the power fails. */
  async kill() {
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
    await this.exit;
  }

  /** The processes that run pages. */
  async renderers() {
    const session = await this.connection.newBrowserCDPSession();
    const {processInfo} = await session.send('SystemInfo.getProcessInfo');
    await session.detach();
    return processInfo.filter(({type}) => type === 'renderer').map(({id}) => id);
  }
}

async function listening(child, file) {
  for (const start = Date.now(); Date.now() - start < PATIENCE; await sleep(20)) {
    if (child.exitCode !== null) throw new Error(`Chromium ended with code ${child.exitCode} before it listened`);
    const port = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n')[0] : '';
    if (port !== '') return port;
  }
  throw new Error(`Chromium does not listen after ${PATIENCE} ms`);
}

/** What was thrown in the page: `kind` is ours, or the name of an exception of JavaScript. */
class PageError extends Error {
  constructor({kind, operation, message}) {
    super(`${kind}: ${message}`);
    Object.assign(this, {kind, operation, text: message});
  }
}

/** A page, or a frame of one. */
class Page {
  constructor(page) {
    this.page = page;
    // A panic in a future settles no promise: it is only seen here.
    this.panics = [];
    page.on('pageerror', error => this.panics.push(error.message));
    this.ours = caller(this, page, 'ours');
    this.theirs = caller(this, page, 'theirs');
    this.picked = caller(this, page, 'picked');
  }

  async open(url) {
    await this.page.goto(url);
    await this.page.waitForFunction('window.call !== undefined', undefined, {timeout: PATIENCE});
  }

  /** A frame in it that may run scripts, and nothing else; with both libraries in it. */
  async sandboxedFrame() {
    const element = await this.page.evaluateHandle(() => {
      const frame = Object.assign(document.createElement('iframe'), {src: '/page.html'});
      frame.setAttribute('sandbox', 'allow-scripts');
      return document.body.appendChild(frame);
    });
    const frame = await element.contentFrame();
    await frame.waitForFunction('window.call !== undefined', undefined, {timeout: PATIENCE});
    return frame;
  }

  reload() {
    return this.open(this.page.url());
  }

  close() {
    return this.page.close();
  }

  /** As the user picks files. */
  pick(files) {
    return this.page.setInputFiles('#files', files);
  }

  /** Runs `run`, and gives the paths of so many files that the page lets the browser download meanwhile, under their names. */
  async downloads(count, folder, run) {
    const downloads = [];
    const listener = download => downloads.push(download);
    this.page.on('download', listener);
    try {
      await run();
      for (const start = Date.now(); downloads.length < count && Date.now() - start < PATIENCE;) await sleep(10);
      // One too many would come right behind.
      await sleep(200);
    } finally {
      this.page.off('download', listener);
    }
    if (downloads.length !== count) throw new Error(`${count} downloads were expected, but ${downloads.length} came`);
    const files = downloads.map(download => path.join(folder, download.suggestedFilename()));
    for (const [i, file] of files.entries()) await downloads[i].saveAs(file);
    return files;
  }

  evaluate(...args) {
    return limited(this, this.page.evaluate(...args), PATIENCE, 'a script');
  }

  /** With the tools of the developer. */
  async devtools(method, parameters) {
    const session = await this.page.context().newCDPSession(this.page);
    const result = await session.send(method, parameters);
    // What is overridden for a page stays as long as somebody looks at it.
    this.sessions = [...(this.sessions ?? []), session];
    return result;
  }
}

/** `caller(..).load(url)` calls the function `load` of this side in the page, or in a frame of it. */
function caller(page, frame, side) {
  return new Proxy({}, {
    get: (_, name) => async (...args) => {
      const answer = frame.evaluate(([side, name, args]) => window.call(side, name, args), [side, name, args]);
      const {value, error} = await limited(page, answer, page.patience ?? PATIENCE, `${side}.${String(name)}(${args.join(', ')})`);
      if (error) throw new PageError(error);
      return value;
    },
  });
}

async function limited(page, answer, milliseconds, what) {
  const timer = new AbortController();
  const late = sleep(milliseconds, undefined, {signal: timer.signal}).then(() => {
    throw new Error(`${what} gave no answer within ${milliseconds} ms ${page.panics.join('; ')}`);
  }, () => new Promise(() => {}));
  try {
    return await Promise.race([answer, late]);
  } finally {
    timer.abort();
  }
}

module.exports = {Browser, PageError, caller};
