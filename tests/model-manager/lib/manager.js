'use strict';
// The page, as its user sees it: everything is found by its role and its name.

const fs = require('node:fs');
const path = require('node:path');
const {setTimeout: sleep} = require('node:timers/promises');

/** How long something may take; milliseconds. */
const PATIENCE = 20_000;

const LABELS = {indexeddb: 'IndexedDB', localstorage: 'localStorage', opfs: 'Private files', server: 'Server'};

class Manager {
  static async open(context, world, {hash = '', origin = world.origin, size = {width: 1200, height: 900}, scheme = 'light'} = {}) {
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    await page.setViewportSize(size);
    await page.emulateMedia({colorScheme: scheme, reducedMotion: 'reduce'});
    const manager = new Manager(page, world, origin);
    page.on('pageerror', error => manager.errors.push(error.message));
    page.on('console', message => message.type() === 'error' && manager.errors.push(message.text()));
    await page.goto(`${origin}/.page/${hash}`);
    await manager.isReady();
    return manager;
  }

  constructor(page, world, origin) {
    Object.assign(this, {page, world, origin, errors: []});
  }

  async isReady() {
    try {
      await this.page.locator('#stores:has(section):not(:has([aria-busy]))').waitFor({state: 'attached'});
    } catch (error) {
      throw new Error([error.message, ...this.errors].join('\n'));
    }
  }

  async reload() {
    await this.page.reload();
    await this.isReady();
  }

  store(id) {
    return this.page.getByRole('region', {name: LABELS[id], exact: true});
  }

  row(id, name) {
    return this.store(id).getByRole('row').filter({has: this.page.getByRole('link', {name, exact: true})});
  }

  /** The names of the models in a store. */
  names(id) {
    return this.store(id).getByRole('row').getByRole('link').allTextContents();
  }

  async has(id, name) {
    await this.row(id, name).waitFor();
  }

  async hasNot(id, name) {
    await this.row(id, name).waitFor({state: 'detached'});
  }

  act(id, name, action) {
    return this.row(id, name).getByRole('button', {name: `${action} ${name} in ${LABELS[id]}`, exact: true}).click();
  }

  async saveTo(id, name = '') {
    await this.page.getByLabel('Save to').selectOption(id);
    if (id !== 'target') await this.page.locator('#add-name').fill(name);
  }

  /** As the user chooses files in the dialog of the system. */
  async pick(folder) {
    const chooser = this.page.waitForEvent('filechooser');
    await this.page.getByRole('button', {name: 'Choose files…'}).click();
    await (await chooser).setFiles(filesIn(folder));
  }

  /** As the user chooses a folder, with what is below it. */
  async pickFolder(folder) {
    const chooser = this.page.waitForEvent('filechooser');
    await this.page.getByRole('button', {name: 'Choose a folder…'}).click();
    await (await chooser).setFiles(folder);
  }

  /** As the user drops them. */
  async drop(files) {
    const contents = files.map(file => ({name: path.basename(file), base64: fs.readFileSync(file).toString('base64')}));
    const transfer = await this.page.evaluateHandle(contents => {
      const transfer = new DataTransfer();
      for (const {name, base64} of contents) transfer.items.add(new File([Uint8Array.from(atob(base64), char => char.charCodeAt(0))], name));
      return transfer;
    }, contents);
    await this.page.locator('#drop').dispatchEvent('dragover', {dataTransfer: transfer});
    await this.page.locator('#drop').dispatchEvent('drop', {dataTransfer: transfer});
  }

  /** As the user types an address. */
  async load(address) {
    await this.page.getByLabel('Address of a model.json').fill(address);
    await this.page.getByRole('button', {name: 'Load it'}).click();
  }

  /** The dialog that copies and moves, filled in. */
  async transfer(id, name, {to, as, move = false, target, replace = false}) {
    await this.act(id, name, 'Copy or move…');
    const dialog = this.page.getByRole('dialog');
    if (move) await dialog.getByLabel('Move').check();
    await dialog.getByRole('combobox', {name: 'To'}).selectOption(target ? 'target' : to);
    if (target) await dialog.getByLabel('Upload address').fill(target);
    else if (as !== undefined) await dialog.getByLabel('Name', {exact: true}).fill(as);
    if (replace) await dialog.getByLabel('replace it').check();
    return dialog;
  }

  /** Until the values of all tensors are shown; those that are out of sight are not read. */
  async allRead() {
    for (const row of await this.page.locator('[data-tensor]').all()) {
      await row.scrollIntoViewIfNeeded();
      await this.page.locator(`[data-tensor="${await row.getAttribute('data-tensor')}"][data-read]`).waitFor();
    }
  }

  /** The words of the error that is shown; it is put away. */
  async failure() {
    const alert = this.page.locator('#tasks').getByRole('alert').first();
    await alert.waitFor();
    const text = await alert.locator('p').allTextContents();
    await alert.getByRole('button', {name: 'Dismiss'}).click();
    return text.join(' ');
  }

  /** What was said last to those who do not see the page. */
  async said(text) {
    await this.page.getByRole('status').filter({hasText: text}).first().waitFor({state: 'attached'});
  }

  /** The tensors of a stored model, as it comes down as files. */
  async tensors(id, name) {
    const folder = fs.mkdtempSync(path.join(this.world.folder, 'download-'));
    const files = await this.downloads(2, folder, () => this.act(id, name, 'Download'));
    return this.world.command.tensors(files.find(file => file.endsWith('.json')));
  }

  async downloads(count, folder, run) {
    const downloads = [];
    const listener = download => downloads.push(download);
    this.page.on('download', listener);
    await run();
    for (const start = Date.now(); downloads.length < count && Date.now() - start < PATIENCE;) await sleep(20);
    this.page.off('download', listener);
    if (downloads.length !== count) throw new Error(`${count} downloads were expected, but ${downloads.length} came`);
    const files = downloads.map(download => path.join(folder, download.suggestedFilename()));
    for (const [i, file] of files.entries()) await downloads[i].saveAs(file);
    return files;
  }

  /** Another page of the same origin, with TensorFlow.js in it. */
  async tensorflow() {
    const page = await this.page.context().newPage();
    const address = `${this.origin}/tensorflow.html`;
    await page.route(address, route => route.fulfill({contentType: 'text/html', body: '<!doctype html><script src="tf.min.js"></script>'}));
    await page.route(`${this.origin}/tf.min.js`, route => route.fulfill({contentType: 'text/javascript', body: this.world.web.tensorflow}));
    await page.goto(address);
    // A page that is not in front draws nothing, and what is clicked in it is waited for.
    await this.page.bringToFront();
    return page;
  }

  /** Nothing that a developer would see in the console. */
  async close(expected = []) {
    const errors = this.errors.filter(error => !expected.some(pattern => pattern.test(error)));
    await this.page.close();
    if (errors.length > 0) throw new Error(`the console has errors: ${errors.join('; ')}`);
  }
}

/** The files of a folder, without those below it. */
function filesIn(folder) {
  return fs.readdirSync(folder).map(name => path.join(folder, name)).filter(file => fs.statSync(file).isFile());
}

module.exports = {LABELS, Manager, filesIn};
