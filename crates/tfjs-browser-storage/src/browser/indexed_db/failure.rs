//! What fails while a transaction runs: ours, or thrown.

use tfjs_artifacts::Error;
use wasm_bindgen::JsValue;

use crate::error::thrown;

pub(super) enum Failed {
    Error(Error),
    Thrown(JsValue),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<JsValue> for Failed {
    fn from(value: JsValue) -> Self {
        Self::Thrown(value)
    }
}

/// An error that says what could not be done, where what was thrown does not.
pub(super) fn explain(failed: Failed, message: &'static str) -> Error {
    match failed {
        Failed::Error(error) => error,
        Failed::Thrown(value) => thrown(&value, message),
    }
}
