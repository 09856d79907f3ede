//! The origin private file system, as far as models need it.

use std::time::Duration;

use js_sys::{AsyncIterator, Function, IteratorNext, Promise};
use tfjs_artifacts::{Error, ErrorKind};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    File, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions, FileSystemGetFileOptions,
};

use crate::error::thrown;
use crate::global::property;
use crate::status::manager;

/// How often a file that cannot be removed is tried again, and after how long.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(20);

/// A folder.
#[derive(Clone, Debug)]
pub(super) struct Folder(FileSystemDirectoryHandle);

impl Folder {
    /// The root of the file system of this site.
    pub(super) async fn root() -> Result<Self, Error> {
        let manager = manager()?;
        let refused = |value: JsValue| thrown(&value, "the origin private file system cannot be opened");
        let Some(method) = property::<Function>(&manager, "getDirectory").map_err(refused)? else {
            let message = "this browser has no origin private file system; save to `indexeddb://` instead";
            return Err(Error::new(ErrorKind::Unsupported, message));
        };
        let promise: Promise = method.call0(&manager).map_err(refused)?.unchecked_into();
        Ok(Self(JsFuture::from(promise).await.map_err(refused)?.unchecked_into()))
    }

    /// A folder in this one.
    pub(super) async fn open(&self, name: &str) -> Result<Option<Self>, Error> {
        found(self.0.get_directory_handle(name), name).await.map(|found| found.map(Self))
    }

    /// A folder in this one, made if it is not there.
    pub(super) async fn make(&self, name: &str) -> Result<Self, Error> {
        let options = FileSystemGetDirectoryOptions::new();
        options.set_create(true);
        made(self.0.get_directory_handle_with_options(name, &options), name).await.map(Self)
    }

    /// A file in this folder.
    pub(super) async fn file(&self, name: &str) -> Result<Option<FileSystemFileHandle>, Error> {
        found(self.0.get_file_handle(name), name).await
    }

    /// A file in this folder, made if it is not there.
    pub(super) async fn make_file(&self, name: &str) -> Result<FileSystemFileHandle, Error> {
        let options = FileSystemGetFileOptions::new();
        options.set_create(true);
        made(self.0.get_file_handle_with_options(name, &options), name).await
    }

    /// The names of all files and folders in this one.
    pub(super) async fn names(&self) -> Result<Vec<String>, Error> {
        let failed = |value: JsValue| thrown(&value, "a folder of the origin private file system cannot be listed");
        let keys: AsyncIterator = self.0.keys();
        let mut names = Vec::new();
        loop {
            let next: IteratorNext =
                JsFuture::from(keys.next().map_err(failed)?).await.map_err(failed)?.unchecked_into();
            if next.done() {
                return Ok(names);
            }
            names.extend(next.value().as_string());
        }
    }

    /// Removes a file that nobody writes; tells whether it was there. A browser may let go of a file a moment after whoever wrote
    /// it has stopped.
    pub(super) async fn remove_file(&self, name: &str) -> Result<bool, Error> {
        for _ in 1..TRIES {
            match self.remove(name).await {
                Err(error) if error.kind() == ErrorKind::Conflict => gloo_timers::future::sleep(PAUSE).await,
                removed => return removed,
            }
        }
        self.remove(name).await
    }

    /// Removes a file, or a folder with nothing in it; tells whether it was there.
    pub(super) async fn remove(&self, name: &str) -> Result<bool, Error> {
        match JsFuture::from(self.0.remove_entry(name)).await {
            Ok(_) => Ok(true),
            Err(value) => {
                let error = thrown(&value, format!("`{name}` cannot be removed from the origin private file system"));
                if error.kind() == ErrorKind::NotFound { Ok(false) } else { Err(error) }
            }
        }
    }
}

async fn found<T: JsCast>(promise: Promise, name: &str) -> Result<Option<T>, Error> {
    match made(promise, name).await {
        Ok(handle) => Ok(Some(handle)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn made<T: JsCast>(promise: Promise, name: &str) -> Result<T, Error> {
    let opened = JsFuture::from(promise).await.map(JsCast::unchecked_into);
    opened.map_err(|value| thrown(&value, format!("`{name}` in the origin private file system cannot be opened")))
}

/// The file as it is now: reading it fails when it has been replaced.
pub(super) async fn snapshot(handle: &FileSystemFileHandle) -> Result<File, Error> {
    let file = JsFuture::from(handle.get_file()).await.map(JsCast::unchecked_into);
    file.map_err(|value| {
        thrown(&value, format!("`{}` in the origin private file system cannot be read", handle.name()))
    })
}
