// Deleted models that can still be had back. A model is marked first and removed some seconds later; a page that is closed in between goes on when it is
// opened again. Somebody else's model that has been saved under the name meanwhile is another one, and stays.

import {focusOn} from './dom.js';
import {tellFailure, tellUndo} from './tasks.js';

const KEY = 'tfjs-model-manager/deleted';

/** How long a model can be had back, and how long that is put off while somebody looks at the button; milliseconds. */
const TIME = 10_000;

export class Trash {
  /** `changed` is called when models appear or disappear; it gives a promise. */
  constructor(stores, changed) {
    Object.assign(this, {stores, changed, kept: [], offers: [], ending: []});
    // Another tab has marked a model, had one back, or removed one.
    addEventListener('storage', event => event.key === KEY && this.follow());
  }

  /** Whether a model is marked. */
  has(model) {
    return this.marks().some(mark => isSame(mark, model));
  }

  /** The names in a store that are marked: whoever saves under one would take away what can be had back. */
  names(store) {
    return this.marks().filter(mark => mark.store === store.id).map(({name}) => name);
  }

  /** Marks a model. */
  put({store, name, url, dateSaved}) {
    const mark = {store: store.id, name, url, dateSaved, until: Date.now() + TIME};
    this.write([...this.marks(), mark]);
    this.learnVersion(store, mark);
    this.offer(mark);
    this.changed();
  }

  /** Goes on with what an earlier visit began. */
  resume() {
    for (const mark of this.marks()) this.offer(mark);
  }

  /** Offers to undo a mark, until its time is over. */
  offer(mark) {
    const store = this.stores.find(({id}) => id === mark.store);
    if (!store || this.offers.some(offer => isSame(offer.mark, mark))) return;
    const told = tellUndo(`Deleted ${mark.name} from ${store.label}.`, () => this.undo(mark));
    this.offers.push({mark, ...told});
    const look = () => {
      const found = this.find(mark);
      if (!found) return this.close(mark);
      if (told.isLookedAt()) this.hold(mark);
      const left = (this.find(mark)?.until ?? 0) - Date.now();
      return left > 0 ? setTimeout(look, Math.min(left, 500) + 10) : this.finish(mark);
    };
    look();
  }

  /** Takes the newest mark away; whether there was one. */
  undoLast() {
    const last = this.offers.at(-1);
    if (last) this.undo(last.mark);
    return last !== undefined;
  }

  async undo(mark) {
    this.close(mark);
    if (!this.find(mark) || this.isEnding(mark)) {
      tellFailure(`${mark.name} cannot be had back`, {message: 'it has been removed already'});
      return;
    }
    this.forget(mark);
    // It is shown at once; the stores are asked meanwhile.
    this.changed();
    focusOn({model: mark.url, action: 'Delete', place: 0});
  }

  hold(mark) {
    const marks = this.marks();
    for (const other of marks) if (isSame(other, mark)) other.until = Math.max(other.until, Date.now() + 2000);
    this.write(marks);
  }

  /** Of a server: tells a model from one that somebody else uploads under its name. */
  async learnVersion(store, mark) {
    const version = await store.version?.(mark).catch(() => undefined);
    if (!version) return;
    const marks = this.marks();
    for (const other of marks) if (isSame(other, mark)) other.version = version;
    this.write(marks);
  }

  /** Removes a marked model, if it is still marked and still the same. */
  async finish(mark) {
    this.close(mark);
    if (this.isEnding(mark)) return;
    this.ending.push(mark);
    const store = this.stores.find(({id}) => id === mark.store);
    try {
      const {models} = await store.list();
      const [model, found] = [models.find(model => isSame(model, mark)), this.find(mark)];
      if (model && found) await store.remove(model, {version: found.version});
    } catch (failure) {
      if (!['Conflict', 'NotFound'].includes(failure?.kind)) tellFailure(`Deleting ${mark.name} failed`, failure);
    }
    this.ending = this.ending.filter(other => !isSame(other, mark));
    this.forget(mark);
    await this.changed();
  }

  /** A server forgets nothing by itself, and nobody may come back: what is marked there is removed as the page closes, if it is known to be the same. */
  leave() {
    for (const mark of this.marks()) {
      const store = this.stores.find(({id}) => id === mark.store);
      if (store?.isBrowser !== false || this.isEnding(mark)) continue;
      if (mark.version) store.remove(mark, {version: mark.version, keepalive: true}).catch(() => {});
      this.forget(mark);
    }
  }

  /** What another tab has done. */
  follow() {
    for (const {mark} of this.offers.filter(({mark}) => !this.find(mark))) this.close(mark);
    this.resume();
    this.changed();
  }

  forget(mark) {
    this.write(this.marks().filter(other => !isSame(other, mark)));
    this.close(mark);
  }

  close(mark) {
    for (const {close} of this.offers.filter(offer => isSame(offer.mark, mark))) close();
    this.offers = this.offers.filter(offer => !isSame(offer.mark, mark));
  }

  isEnding(mark) {
    return this.ending.some(other => isSame(other, mark));
  }

  find(mark) {
    return this.marks().find(other => isSame(other, mark));
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
