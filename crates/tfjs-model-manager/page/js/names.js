// Names that are taken: by models as they are now, by deleted ones that can still be had back, and by models that are on their way.

const saving = new Set();
const key = (store, name) => `${store.id}\n${name}`;

/** The names in a store that a new model must not have. The store is asked now: others save there as well. */
export async function takenNames(app, store) {
  const {models} = await store.list();
  const underWay = [...saving].filter(entry => entry.startsWith(key(store, ''))).map(entry => entry.slice(key(store, '').length));
  return new Set([...models.map(({name}) => name), ...app.trash.names(store), ...underWay]);
}

/** Keeps a name from other saves of this page while `run` goes on. */
export async function reserving(store, name, run) {
  saving.add(key(store, name));
  try {
    return await run();
  } finally {
    saving.delete(key(store, name));
  }
}

/** Why a name is taken, in words. */
export function takenFailure(app, store, name) {
  const isDeleted = app.trash.names(store).includes(name);
  return isDeleted
    ? {message: `the deleted model ${name} in ${store.label} can still be had back`, advice: 'Wait some seconds, or choose another name.'}
    : {message: `there is a model ${name} in ${store.label}`, advice: 'Choose another name, or delete that model first.'};
}
