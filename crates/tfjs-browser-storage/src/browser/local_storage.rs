//! `localstorage://name`: five strings, as TensorFlow.js lays them out.

mod handler;
mod keys;
mod record;
mod transaction;
mod writer;

use std::sync::Arc;

use tfjs_artifacts::{Error, ErrorKind};
use tfjs_router::Route;
use web_sys::Storage;

use crate::by_name::single;
use crate::error::denied;
use crate::global::global;

pub use handler::LocalStorageHandler;

/// The scheme of models in localStorage.
pub const SCHEME: &str = "localstorage";

/// The route of `localstorage://`.
pub fn route() -> Route {
    Route::new(SCHEME)
        .with_load(|source| LocalStorageHandler::from_url(single(source)?).map(Arc::new))
        .with_save(|url| LocalStorageHandler::from_url(url).map(Arc::new))
        .with_store(|url| Ok(Arc::new(handler::Below::new(url.rest()))))
        .with_place(|url| Ok(url.rest().to_owned()))
}

/// Why there is no localStorage here; `None` if there is.
pub(crate) fn why_missing() -> Option<&'static str> {
    match global::<Storage>("localStorage") {
        // Which is denied is there all the same: whoever uses it is told.
        Ok(Some(_)) | Err(_) => None,
        Ok(None) if crate::global::is_window() => Some("localStorage, which this browser does not offer to this page"),
        Ok(None) => Some("a page: a worker has no localStorage, use `indexeddb://` or `opfs://`"),
    }
}

/// The storage of the page.
fn storage() -> Result<Storage, Error> {
    match global("localStorage") {
        Ok(Some(storage)) => Ok(storage),
        Ok(None) => {
            let message = "there is no localStorage here; a worker never has one: use `indexeddb://` or `opfs://`";
            Err(Error::new(ErrorKind::Unsupported, message))
        }
        Err(error) => Err(denied(&error)),
    }
}
