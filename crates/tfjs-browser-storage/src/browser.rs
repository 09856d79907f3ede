//! All there is, where there is a browser.

#[cfg(any(feature = "downloads", feature = "opfs", feature = "picked-files"))]
pub(crate) mod blob_source;
#[cfg(any(feature = "indexeddb", feature = "localstorage", feature = "opfs"))]
pub(crate) mod by_name;
#[cfg(feature = "downloads")]
pub mod downloads;
pub(crate) mod error;
pub(crate) mod global;
#[cfg(any(feature = "indexeddb", feature = "localstorage"))]
pub(crate) mod in_order;
#[cfg(feature = "indexeddb")]
pub mod indexed_db;
#[cfg(any(feature = "indexeddb", feature = "localstorage"))]
pub(crate) mod listing;
#[cfg(feature = "localstorage")]
pub mod local_storage;
#[cfg(any(feature = "indexeddb", feature = "localstorage", feature = "opfs"))]
pub(crate) mod locks;
mod media;
#[cfg(feature = "opfs")]
pub mod opfs;
#[cfg(feature = "picked-files")]
pub(crate) mod picked_files;
#[cfg(any(feature = "indexeddb", feature = "opfs"))]
pub(crate) mod quota;
#[cfg(any(feature = "indexeddb", feature = "localstorage"))]
pub(crate) mod reference;
pub(crate) mod status;
#[cfg(any(feature = "indexeddb", feature = "localstorage", feature = "opfs"))]
pub(crate) mod stored;
#[cfg(any(feature = "indexeddb", feature = "localstorage", feature = "opfs"))]
pub(crate) mod timer;

#[cfg(feature = "downloads")]
#[doc(inline)]
pub use downloads::DownloadsHandler;
#[cfg(feature = "indexeddb")]
#[doc(inline)]
pub use indexed_db::IndexedDbHandler;
#[cfg(feature = "localstorage")]
#[doc(inline)]
pub use local_storage::LocalStorageHandler;
pub use media::{missing, routes};
#[cfg(feature = "opfs")]
#[doc(inline)]
pub use opfs::OpfsHandler;
#[cfg(feature = "picked-files")]
pub use picked_files::{BrowserFiles, PickedFiles, browser_files};
pub use status::{StorageStatus, request_persistence, storage_status};
