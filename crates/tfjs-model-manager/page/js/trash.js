// Deleted models that can still be had back. A model is marked first and removed some seconds later; a page that is closed in between removes it when
// it is opened again. Somebody else's model that has been saved under the name meanwhile is another one, and stays.

import {tellFailure, tellUndo} from './tasks.js';

const KEY = 'tfjs-model-manager/deleted';

/** How long a model can be had back, and how long that is put off while somebody looks at the button; milliseconds. */
const TIME = 10_000;

export class Trash {
  /** `changed` is called when models appear or disappear. */
  constructor(stores, changed) {
    Object.assign(this, {stores, changed, kept: [], open: [], ending: []});
  }

  /** Whether a model is marked. */
  has({url, dateSaved}) {
    return this.marks().some(mark => mark.url === url && mark.dateSaved === dateSaved);
  }

  /** Marks a model. */
  put({store, name, url, dateSaved}) {
    const mark = {store: store.id, name, url, dateSaved, until: Date.now() + TIME};
    this.write([...this.marks(), mark]);
    this.learnVersion(store, mark);
    const close = tellUndo(`Deleted ${name} from ${store.label}.`, () => this.undo(mark), () => this.hold(mark));
    this.open.push({mark, close});
    this.wait(mark);
    this.changed();
  }

  /** Of a server, which does not tell with a date of its own who has saved over a model. */
  async learnVersion(store, mark) {
    const version = await store.version?.(mark).catch(() => undefined);
    if (!version) return;
    const marks = this.marks();
    for (const other of marks) if (isSame(other, mark)) other.version = version;
    this.write(marks);
  }

  /** Takes the newest mark away; whether there was one. */
  undoLast() {
    const last = this.open.at(-1);
    if (last) this.undo(last.mark);
    return last !== undefined;
  }

  undo(mark) {
    this.forget(mark);
    this.changed();
  }

  hold(mark) {
    const marks = this.marks();
    for (const other of marks) if (isSame(other, mark)) other.until = Date.now() + TIME;
    this.write(marks);
  }

  wait(mark) {
    const left = () => (this.marks().find(other => isSame(other, mark))?.until ?? 0) - Date.now();
    const look = () => (left() > 0 ? setTimeout(look, left() + 20) : this.finish(mark));
    setTimeout(look, left() + 20);
  }

  /** Ends what an earlier visit began. */
  async resume() {
    for (const mark of this.marks()) await this.finish(mark);
  }

  /** Removes a marked model, if it is still marked and still the same. */
  async finish(mark) {
    if (!this.marks().some(other => isSame(other, mark))) return this.forget(mark);
    if (this.ending.some(other => isSame(other, mark))) return;
    this.ending.push(mark);
    const store = this.stores.find(({id}) => id === mark.store);
    try {
      const {models} = await store.list();
      const model = models.find(model => isSame(model, mark));
      if (model) await store.remove(model, {version: this.marks().find(other => isSame(other, mark))?.version});
    } catch (failure) {
      if (!['Conflict', 'NotFound'].includes(failure?.kind)) tellFailure(`Deleting ${mark.name} failed`, failure);
    }
    this.ending = this.ending.filter(other => !isSame(other, mark));
    this.forget(mark);
    this.changed();
  }

  /** A server forgets nothing by itself, and nobody may come back: what is marked there is removed as the page closes. */
  leave() {
    for (const mark of this.kept) {
      const store = this.stores.find(({id}) => id === mark.store);
      store.remove(mark, {version: mark.version, keepalive: true}).catch(() => {});
    }
    this.kept = [];
  }

  forget(mark) {
    this.write(this.marks().filter(other => !isSame(other, mark)));
    for (const {close} of this.open.filter(entry => isSame(entry.mark, mark))) close();
    this.open = this.open.filter(entry => !isSame(entry.mark, mark));
  }

  marks() {
    try {
      return [...JSON.parse(localStorage.getItem(KEY) ?? '[]'), ...this.kept];
    } catch {
      return this.kept;
    }
  }

  write(marks) {
    const stored = marks.filter(({store}) => store !== 'server');
    this.kept = marks.filter(({store}) => store === 'server');
    try {
      if (stored.length > 0) localStorage.setItem(KEY, JSON.stringify(stored));
      else localStorage.removeItem(KEY);
    } catch {
      // Storage is full or denied: then a mark lasts as long as the page.
      this.kept = marks;
    }
  }
}

const isSame = (a, b) => a.url === b.url && a.dateSaved === b.dateSaved;
