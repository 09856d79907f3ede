//! An error in words, with what its reader can do.

use js_sys::{Object, Reflect};
use tfjs_io::{Error, ErrorKind};
use wasm_bindgen::JsValue;

/// What a promise rejects with: an object with `kind`, `message` and `advice`.
#[derive(Debug)]
pub struct Failure {
    kind: String,
    message: String,
    advice: &'static str,
}

impl Failure {
    /// The user has asked for it.
    pub(crate) fn cancelled() -> Self {
        Self { kind: "Cancelled".to_owned(), message: "it was cancelled; nothing was saved".to_owned(), advice: "" }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        // What is about no place, such as a choice of files, says itself what to do.
        let advice = error.location().map_or("", |_| advice(error.kind()));
        Self { kind: format!("{:?}", error.kind()), message: error.chain().to_string(), advice }
    }
}

/// What a user of the page can do, whatever exactly it was. Empty where only the message can tell.
fn advice(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::AlreadyExists => "Choose another name.",
        ErrorKind::Conflict => "Somebody else changed it at the same time. Look at the list, and try again.",
        ErrorKind::InvalidData => {
            "If the message does not say what to do: the files are damaged, or of something else. Get them again from where they come from."
        }
        ErrorKind::InvalidUrl => "Choose a name or an address without what the message names.",
        ErrorKind::NotFound => "Check the name or the address, and that all weight files are beside model.json.",
        ErrorKind::PermissionDenied => {
            "Choose another place, or ask whoever runs the server, or the browser, to allow it."
        }
        ErrorKind::Unauthenticated => "Enter the token of the server.",
        ErrorKind::RateLimited | ErrorKind::Timeout => "Wait a little, and try again.",
        ErrorKind::StorageFull => "Delete models that are not needed any more, or choose another store.",
        ErrorKind::Transport => {
            "Check the connection and the address. A server of another site must also allow this page to read (CORS)."
        }
        ErrorKind::Unsupported => "Choose another store, or another browser.",
        _ => "",
    }
}

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> Self {
        let object = Object::new();
        let entries = [("kind", failure.kind), ("message", failure.message), ("advice", failure.advice.to_owned())];
        for (key, value) in entries {
            // A plain object takes every property.
            drop(Reflect::set(&object, &key.into(), &value.into()));
        }
        object.into()
    }
}
