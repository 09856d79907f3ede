//! How much the browser stores for this site, how much it would, and whether it keeps it.

use js_sys::{Function, Promise};
use tfjs_artifacts::{Error, ErrorKind};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::StorageManager;

use crate::error::{Thrown, denied, thrown};
use crate::global::{global, property};

/// What the browser stores for this site (its origin), in all of IndexedDB, the origin private file system and caches.
///
/// Browsers round these numbers, and count some bytes late. Local storage has a limit of its own and is not in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StorageStatus {
    /// How many bytes are stored; `None` if the browser does not tell.
    pub usage: Option<u64>,
    /// How many bytes may be stored; `None` if the browser does not tell.
    pub quota: Option<u64>,
    /// Whether the browser keeps it until the user deletes it. If not, it may delete all of it when the disk is full, or when the
    /// site has not been visited for long. `None` if the browser does not tell.
    pub persisted: Option<bool>,
}

impl StorageStatus {
    /// How many bytes more may be stored; `None` if the browser does not tell.
    pub fn available(&self) -> Option<u64> {
        Some(self.quota?.saturating_sub(self.usage?))
    }
}

/// Asks the browser what it stores for this site; works in pages and in workers.
///
/// # Errors
/// [`ErrorKind::Unsupported`] where there is no storage manager: on pages that come neither over HTTPS nor from localhost, and in
/// old browsers. [`ErrorKind::PermissionDenied`] in a frame whose sandbox has no storage. Otherwise what the browser throws.
pub async fn storage_status() -> Result<StorageStatus, Error> {
    let manager = manager()?;
    let refused = |value: JsValue| refused(&value, "the browser does not say how much it stores");
    let mut status = StorageStatus::default();
    if let Some(estimate) = call(&manager, "estimate").await.map_err(refused)? {
        status.usage = bytes(&estimate, "usage");
        status.quota = bytes(&estimate, "quota");
    }
    if let Some(persisted) = call(&manager, "persisted").await.map_err(refused)? {
        status.persisted = persisted.as_bool();
    }
    Ok(status)
}

/// Asks the browser to keep what is stored until the user deletes it; tells whether it will. Some browsers decide by
/// themselves, others ask the user: the future waits for the answer.
///
/// # Errors
/// [`ErrorKind::Unsupported`] in a worker, where browsers do not take the question, and where there is no storage manager (see
/// [`storage_status`]). Otherwise what the browser throws.
pub async fn request_persistence() -> Result<bool, Error> {
    let answer = call(&manager()?, "persist").await;
    let answer = answer.map_err(|value| refused(&value, "the browser does not promise to keep what is stored"))?;
    let unsupported = || {
        let message = "only a page can ask the browser to keep what is stored, a worker cannot; ask there";
        Error::new(ErrorKind::Unsupported, message)
    };
    answer.map(|answer| answer.is_truthy()).ok_or_else(unsupported)
}

/// `navigator.storage`.
pub(crate) fn manager() -> Result<StorageManager, Error> {
    let navigator: Option<JsValue> = global("navigator").map_err(|value| denied(&value))?;
    let manager = navigator.map_or(Ok(None), |navigator| property(&navigator, "storage"));
    let manager = manager.map_err(|value| denied(&value))?;
    manager.ok_or_else(|| {
        let message =
            "the browser has no storage manager here; it needs a page that comes over HTTPS or from localhost";
        Error::new(ErrorKind::Unsupported, message)
    })
}

/// The standard of storage has a `TypeError` for whoever has none.
fn refused(value: &JsValue, message: &'static str) -> Error {
    if Thrown::new(value).name == "TypeError" { denied(value) } else { thrown(value, message) }
}

/// What a method without arguments promises; `None` if there is no such method.
async fn call(manager: &StorageManager, method: &str) -> Result<Option<JsValue>, JsValue> {
    let Some(method) = property::<Function>(manager, method)? else { return Ok(None) };
    let promise: Promise = method.call0(manager)?.unchecked_into();
    JsFuture::from(promise).await.map(Some)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is not negative, and far below 2^53")]
fn bytes(estimate: &JsValue, name: &str) -> Option<u64> {
    let bytes = property::<JsValue>(estimate, name).ok()??.as_f64()?;
    (bytes >= 0.0).then_some(bytes as u64)
}
