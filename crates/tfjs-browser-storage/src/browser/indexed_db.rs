//! `indexeddb://name`: a record in the database of TensorFlow.js.

mod chunks;
mod database;
mod failure;
mod handler;
mod record;
mod request;
mod weights;

use std::sync::Arc;

use tfjs_router::Route;
use web_sys::IdbFactory;

use crate::by_name::single;
use crate::global::global;

pub use handler::IndexedDbHandler;

/// The scheme of models in IndexedDB.
pub const SCHEME: &str = "indexeddb";

/// The route of `indexeddb://`.
pub fn route() -> Route {
    Route::new(SCHEME)
        .with_load(|source| IndexedDbHandler::from_url(single(source)?).map(Arc::new))
        .with_save(|url| IndexedDbHandler::from_url(url).map(Arc::new))
        .with_store(|url| Ok(Arc::new(handler::Below::new(url.rest()))))
        .with_place(|url| Ok(url.rest().to_owned()))
}

/// Why there is no IndexedDB here; `None` if there is.
pub(crate) fn why_missing() -> Option<&'static str> {
    match global::<IdbFactory>("indexedDB") {
        // Which is denied is there all the same: whoever uses it is told.
        Ok(Some(_)) | Err(_) => None,
        Ok(None) => Some("IndexedDB, which this browser does not offer here"),
    }
}
