// The page: all models, or one of them if the address names it behind the `#`.

import init from './wasm/tfjs_model_manager.js';
import {startAdding} from './js/add.js';
import {byId, problem} from './js/dom.js';
import {showList} from './js/list.js';
import {hideModel, showModel} from './js/model.js';
import {showStorage} from './js/storage.js';
import {findStores} from './js/stores.js';
import {isBusy} from './js/tasks.js';
import {Trash} from './js/trash.js';

class App {
  /** What each store has said last. */
  contents = new Map();

  static async start() {
    await init();
    const app = new App();
    app.stores = await findStores();
    app.trash = new Trash(app.stores, () => {
      app.show();
      return app.refresh();
    });
    app.trash.resume();
    startAdding(app);
    await app.refresh();
    await app.route();
    addEventListener('hashchange', () => app.route());
    // Another tab may have changed what is stored.
    addEventListener('visibilitychange', () => document.visibilityState === 'visible' && app.refresh());
    addEventListener('pagehide', () => app.trash.leave());
    // What is under way ends with the page.
    addEventListener('beforeunload', event => isBusy() && event.preventDefault());
    addEventListener('keydown', event => {
      const isTyping = event.target instanceof HTMLInputElement;
      if (event.key === 'z' && (event.ctrlKey || event.metaKey) && !isTyping && app.trash.undoLast()) event.preventDefault();
    });
    document.querySelector('.skip').addEventListener('click', event => {
      event.preventDefault();
      byId('main').focus();
    });
    return app;
  }

  /**
   * Reads all stores; ends when those of the browser are shown, and `listed` when a server is, which may take its time. When several ask at once, the last
   * one is shown.
   */
  refresh() {
    const turn = this.turn = (this.turn ?? 0) + 1;
    const read = async store => [store, await store.list().catch(failure => ({failure}))];
    const ask = async stores => {
      const found = await Promise.all(stores.map(read));
      if (turn !== this.turn || found.length === 0) return;
      for (const [store, content] of found) this.contents.set(store, content);
      await this.show();
    };
    const own = ask(this.stores.filter(({isBrowser}) => isBrowser));
    this.listed = Promise.all([own, ask(this.stores.filter(({isBrowser}) => !isBrowser))]);
    return own;
  }

  /** Shows what is known, but for what is marked as deleted. */
  show() {
    const contents = this.stores.map(store => {
      const {models, ...more} = this.contents.get(store) ?? {isAwaited: true};
      return [store, {models: models?.filter(model => !this.trash.has(model)), ...more}];
    });
    this.models = contents.flatMap(([, {models = []}]) => models);
    showList(this, contents);
    return showStorage(this.models);
  }

  async route() {
    const url = modelInAddress();
    const wasModel = byId('list-view').hidden;
    byId('list-view').hidden = url !== '';
    byId('model-view').hidden = url === '';
    document.title = url === '' ? 'TensorFlow.js models' : `${url} – TensorFlow.js models`;
    if (url !== '') return showModel(this, url);
    hideModel();
    if (wasModel) byId('main').focus();
  }
}

/** What stands behind the `#`, if it is the URL of a model; an empty text if not. */
function modelInAddress() {
  try {
    const url = decodeURIComponent(location.hash.slice(1));
    return url.includes('://') ? url : '';
  } catch {
    return '';
  }
}

App.start().catch(failure => byId('stores').replaceChildren(problem('The page could not start', failure)));

// So that it also opens without a network. Not everywhere: a page that came over plain HTTP from another machine has no such thing.
if ('serviceWorker' in navigator && isSecureContext) {
  navigator.serviceWorker.register('sw.js').catch(failure => console.warn('the page will not open without a network', failure));
}
