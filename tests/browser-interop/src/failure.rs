//! An error as an object that JavaScript can look into.

use std::error::Error as _;

use js_sys::{Object, Reflect};
use tfjs_io::Error;
use wasm_bindgen::JsValue;

/// What a promise rejects with.
#[derive(Debug)]
pub struct Failure {
    kind: String,
    operation: Option<String>,
    location: Option<String>,
    message: String,
}

impl Failure {
    /// Not of what is tested, but of the test.
    pub(crate) fn of_the_test(message: &dyn std::fmt::Display) -> Self {
        Self { kind: "Test".to_owned(), operation: None, location: None, message: message.to_string() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            message = format!("{message}: {inner}");
            source = inner.source();
        }
        Self {
            kind: format!("{:?}", error.kind()),
            operation: error.operation().map(|operation| format!("{operation:?}")),
            location: error.location().map(ToString::to_string),
            message,
        }
    }
}

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> Self {
        let object = Object::new();
        let optional = |text: Option<String>| text.map_or(Self::NULL, Self::from);
        let entries = [
            ("kind", failure.kind.into()),
            ("operation", optional(failure.operation)),
            ("location", optional(failure.location)),
            ("message", failure.message.into()),
        ];
        for (key, value) in entries {
            // A plain object takes every property.
            drop(Reflect::set(&object, &key.into(), &value));
        }
        object.into()
    }
}
