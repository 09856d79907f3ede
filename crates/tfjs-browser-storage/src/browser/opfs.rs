//! `opfs://name`: models in the origin private file system.
//!
//! ```text
//! tfjs-io/                       in the root of the file system
//!   %4dy%20%4dodel/              one folder for each model, its name encoded
//!     model                      the record: what the model is, and which file has its weights
//!     weights-19a3…-5b0c….bin    the bytes of all weights, under a name that is used once
//! ```
//!
//! Writing `model` anew is what replaces a model: see `save.rs`. Who may remove which file is told by locks: see `../locks.rs`.

mod files;
mod handler;
mod load;
mod name;
mod place;
mod record;
mod save;
mod source;
mod staged;
mod store;
mod sweep;
mod writer;

use std::sync::Arc;

use tfjs_router::Route;

use crate::by_name::single;

pub use handler::OpfsHandler;

/// The scheme of this store.
pub const SCHEME: &str = "opfs";

/// The route of this store.
pub fn route() -> Route {
    Route::new(SCHEME)
        .with_load(|source| OpfsHandler::from_url(single(source)?).map(Arc::new))
        .with_save(|url| OpfsHandler::from_url(url).map(Arc::new))
        .with_store(|url| OpfsHandler::from_url(url).map(Arc::new))
        .with_place(|url| Ok(url.rest().to_owned()))
}

/// Why there is no origin private file system here; `None` if there is.
pub(crate) fn why_missing() -> Option<&'static str> {
    const MISSING: &str = "the origin private file system, which needs a page that comes over HTTPS or from localhost, and a newer browser";
    let Ok(manager) = crate::status::manager() else { return Some(MISSING) };
    let directory = crate::global::property::<js_sys::Function>(&manager, "getDirectory");
    directory.ok().flatten().is_none().then_some(MISSING)
}
