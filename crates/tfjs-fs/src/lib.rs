#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod blocking;
mod commit;
#[cfg(test)]
mod crash;
mod disk;
mod error;
#[cfg(test)]
mod faulty;
mod finished;
mod handler;
mod journal;
mod leftovers;
mod links;
mod load;
mod lock;
mod made_folders;
mod model_dir;
mod ownership;
mod path;
mod replace;
mod same_file;
mod save;
mod source;
mod stage;
mod store;
mod trace;
mod view;
mod windows_path;

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
        .with_place(|url| Ok(FsHandler::from_url(url)?.place()))
        .with_escaped_names("");
    [route]
}
