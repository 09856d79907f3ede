//! All there is, where there is a browser.

pub(crate) mod blob_source;
pub(crate) mod by_name;
pub mod downloads;
pub(crate) mod error;
pub(crate) mod global;
pub mod indexed_db;
pub mod local_storage;
pub(crate) mod locks;
pub mod opfs;
pub(crate) mod picked_files;
pub(crate) mod quota;
pub(crate) mod reference;
pub(crate) mod status;
pub(crate) mod stored;
pub(crate) mod timer;

use tfjs_router::Route;

#[doc(inline)]
pub use downloads::DownloadsHandler;
#[doc(inline)]
pub use indexed_db::IndexedDbHandler;
#[doc(inline)]
pub use local_storage::LocalStorageHandler;
#[doc(inline)]
pub use opfs::OpfsHandler;
pub use picked_files::{BrowserFiles, PickedFiles, browser_files};
pub use status::{StorageStatus, request_persistence, storage_status};

/// The routes of the media that exist here: a worker has fewer than a page.
pub fn routes() -> Vec<Route> {
    let media = media().into_iter();
    media.filter(|medium| medium.why_missing.is_none()).map(|medium| (medium.route)()).collect()
}

/// The schemes of the media that do not exist here, each with what it needs: for
/// [`RouterBuilder::hint`](tfjs_router::RouterBuilder::hint).
pub fn missing() -> Vec<(&'static str, &'static str)> {
    media().into_iter().filter_map(|medium| Some((medium.scheme, medium.why_missing?))).collect()
}

/// A scheme, and whether its medium exists here.
struct Medium {
    scheme: &'static str,
    why_missing: Option<&'static str>,
    route: fn() -> Route,
}

fn media() -> [Medium; 4] {
    [
        Medium {
            scheme: local_storage::SCHEME,
            why_missing: local_storage::why_missing(),
            route: local_storage::route,
        },
        Medium { scheme: indexed_db::SCHEME, why_missing: indexed_db::why_missing(), route: indexed_db::route },
        Medium { scheme: opfs::SCHEME, why_missing: opfs::why_missing(), route: opfs::route },
        Medium { scheme: downloads::SCHEME, why_missing: downloads::why_missing(), route: downloads::route },
    ]
}
