//! What the page or the worker offers: looked up in the global object by name, because a worker has no `window`.

use wasm_bindgen::{JsCast, JsValue};

use js_sys::Reflect;

/// A property of the global object: `None` if it is not there, or `null`; an error if it must not be looked at.
pub(crate) fn global<T: JsCast>(name: &str) -> Result<Option<T>, JsValue> {
    property(&js_sys::global(), name)
}

/// A property of an object; `None` if it is not there, or `null`, or something else.
pub(crate) fn property<T: JsCast>(object: &JsValue, name: &str) -> Result<Option<T>, JsValue> {
    let value = Reflect::get(object, &JsValue::from_str(name))?;
    // Not `dyn_into`, which asks with `instanceof`: some of these are not of the class that they have in a window.
    Ok((!value.is_undefined() && !value.is_null()).then(|| value.unchecked_into()))
}

/// Whether the code runs in a page, and not in a worker.
#[cfg(any(feature = "downloads", feature = "localstorage"))]
pub(crate) fn is_window() -> bool {
    global::<JsValue>("document").is_ok_and(|document| document.is_some())
}
