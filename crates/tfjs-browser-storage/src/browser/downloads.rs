//! `downloads://name`: a model that the browser downloads.

mod blobs;
mod crc32;
mod handler;
mod page;
mod zip;

use std::sync::Arc;

use tfjs_artifacts::{Error, ErrorKind};
use tfjs_router::{LoadHandler, ModelSource, Route};

pub use handler::DownloadsHandler;

/// The scheme of downloads.
pub const SCHEME: &str = "downloads";

/// The route of `downloads://`, which can only be saved to.
pub fn route() -> Route {
    Route::new(SCHEME)
        .with_load(|_: &ModelSource| Err::<Arc<Arc<dyn LoadHandler>>, _>(cannot_load()))
        .with_save(|url| DownloadsHandler::from_url(url).map(Arc::new))
}

/// Why nothing can be downloaded here; `None` if it can.
pub(crate) fn why_missing() -> Option<&'static str> {
    (!crate::global::is_window()).then_some("a page: a worker has no document, so that it cannot download")
}

fn cannot_load() -> Error {
    let message = "what was downloaded is not the page's any more; let the user pick the files, and load those with `browser_files`";
    Error::new(ErrorKind::Unsupported, message)
}
