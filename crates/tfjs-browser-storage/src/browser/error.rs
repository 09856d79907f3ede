//! What JavaScript throws, as errors of this library.

use std::fmt;

use js_sys::Reflect;
use tfjs_artifacts::{Error, ErrorKind};
use wasm_bindgen::JsValue;

/// Name and message of what was thrown: all that can cross into an error that is `Send`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Thrown {
    pub(crate) name: String,
    pub(crate) message: String,
}

impl Thrown {
    pub(crate) fn new(value: &JsValue) -> Self {
        let text = |key: &str| Reflect::get(value, &key.into()).ok().and_then(|text| text.as_string());
        let name = text("name").unwrap_or_else(|| "Error".to_owned());
        // A rejection may be anything; a string is the usual oddity.
        let message = text("message").or_else(|| value.as_string()).unwrap_or_else(|| format!("{value:?}"));
        Self { name, message }
    }

    /// Whether the browser keeps its storage from this page. Chromium has an `UnknownError` for blocked cookies.
    fn is_denial(&self) -> bool {
        self.name == "SecurityError" || self.message.starts_with("The user denied permission")
    }

    /// The class of the error, by the name of the DOMException.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self.name.as_str() {
            _ if self.is_denial() => ErrorKind::PermissionDenied,
            "QuotaExceededError" | "NS_ERROR_DOM_QUOTA_REACHED" => ErrorKind::StorageFull,
            "NotAllowedError" => ErrorKind::PermissionDenied,
            "NotFoundError" => ErrorKind::NotFound,
            // The first: somebody else has the file or folder open.
            "NoModificationAllowedError" | "TypeMismatchError" | "VersionError" | "ConstraintError" => {
                ErrorKind::Conflict
            }
            "AbortError" | "InvalidStateError" | "TransactionInactiveError" | "NotReadableError" | "NetworkError" => {
                ErrorKind::Transport
            }
            "TimeoutError" => ErrorKind::Timeout,
            "NotSupportedError" => ErrorKind::Unsupported,
            "DataError" | "DataCloneError" | "EncodingError" | "SyntaxError" => ErrorKind::InvalidData,
            // What an ArrayBuffer that cannot be allocated throws.
            "RangeError" => ErrorKind::LimitExceeded,
            _ => ErrorKind::Unexpected,
        }
    }
}

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

impl std::error::Error for Thrown {}

/// An error whose cause is what was thrown; its kind is told by the name of that. Whatever was tried, storage that is denied is denied.
pub(crate) fn thrown(value: &JsValue, message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    let thrown = Thrown::new(value);
    if thrown.is_denial() {
        return denied(value);
    }
    Error::new(thrown.kind(), message).with_source(thrown)
}

/// Storage that the browser keeps from this page.
pub(crate) fn denied(value: &JsValue) -> Error {
    let message = "the browser denies its storage to this page, by its settings or by the sandbox of a frame; allow it there, or use another scheme";
    Error::new(ErrorKind::PermissionDenied, message).with_source(Thrown::new(value))
}
