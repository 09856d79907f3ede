// The body of a function of `name` and `change`: changes the record of a model in the database of TensorFlow.js behind the
// library's back. `change` gets the record and the store, and gives what to put in its
// place.
return new Promise((resolve, reject) => {
  const open = indexedDB.open('tensorflowjs', 1);
  open.onerror = () => reject(open.error);
  open.onsuccess = () => {
    const database = open.result;
    const transaction = database.transaction(['models_store'], 'readwrite');
    const store = transaction.objectStore('models_store');
    const get = store.get(name);
    get.onsuccess = () => store.put(change(get.result, store));
    transaction.onabort = () => { database.close(); reject(transaction.error); };
    transaction.oncomplete = () => { database.close(); resolve(); };
  };
});
