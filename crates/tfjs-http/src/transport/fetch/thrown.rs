//! What JavaScript throws.

use std::fmt;

use js_sys::Reflect;
use tfjs_artifacts::{Error, ErrorKind};
use wasm_bindgen::JsValue;

/// The text of what was thrown: all of it that an error can keep, since JavaScript's own values stay in their thread.
#[derive(Debug)]
pub(super) struct Thrown(String);

impl Thrown {
    pub(super) fn new(value: &JsValue) -> Self {
        let text = |key: &str| Reflect::get(value, &key.into()).ok()?.as_string();
        Self(match (text("name"), text("message")) {
            (Some(name), Some(message)) => format!("{name}: {message}"),
            // Anything can be thrown.
            _ => value.as_string().unwrap_or_else(|| format!("{value:?}")),
        })
    }
}

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Thrown {}

/// A request that cannot even be tried.
pub(super) fn cannot(value: &JsValue, message: &'static str) -> Error {
    thrown(ErrorKind::InvalidUrl, value, message)
}

/// What failed, with the browser's words.
pub(super) fn thrown(kind: ErrorKind, value: &JsValue, message: &'static str) -> Error {
    Error::new(kind, format!("{message}: {}", Thrown::new(value)))
}
