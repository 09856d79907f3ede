//! The database of TensorFlow.js, used behind the library's back.

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Runs the body of an async function, in which `open(version)`, `done(transaction)` and `result(request)` are promises.
pub(crate) async fn js(body: &str) -> Result<JsValue, JsValue> {
    let prelude = "
        const result = request => new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
        const done = transaction => new Promise((resolve, reject) => {
          transaction.oncomplete = () => resolve();
          transaction.onabort = () => reject(transaction.error);
        });
        const open = (version, upgrade) => {
          const request = indexedDB.open('tensorflowjs', version);
          if (upgrade) request.onupgradeneeded = () => upgrade(request.result);
          return result(request);
        };
        const both = database => database.transaction(['models_store', 'model_info_store'], 'readwrite');";
    let function = Function::new_no_args(&format!("return (async () => {{ {prelude} {body} }})()"));
    let promise: Promise = function.call0(&JsValue::UNDEFINED)?.unchecked_into();
    JsFuture::from(promise).await
}

/// As [`js`], for a body that returns a string.
pub(crate) async fn text(body: &str) -> String {
    js(body).await.unwrap().as_string().unwrap()
}
