#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod blocking;
mod error;
mod handler;
mod links;
mod load;
mod model_dir;
mod ownership;
mod path;
mod save;
mod source;
mod staged;
mod store;

use std::sync::Arc;

use tfjs_router::Route;

pub use handler::FsHandler;

/// The scheme of this backend.
pub const SCHEME: &str = "file";

/// The routes of this backend: `file://`, and plain paths.
pub fn routes() -> [Route; 1] {
    let route = Route::new(SCHEME)
        .with_plain_paths()
        .with_load(|source| FsHandler::from_source(source).map(Arc::new))
        .with_save(|url| FsHandler::from_url(url).map(Arc::new))
        .with_store(|url| FsHandler::from_url(url).map(Arc::new))
        .with_place(|url| Ok(FsHandler::from_url(url)?.place()));
    [route]
}
