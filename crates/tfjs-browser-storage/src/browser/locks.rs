//! Locks that all tabs and workers of the site see.
//!
//! | lock of | held | while |
//! |---|---|---|
//! | localStorage | exclusively | a model is written, removed, or put back, and for a moment after |
//! | a model in OPFS | exclusively | its folder is made, its record is replaced or removed, what is left over is removed |
//! | a weights file in OPFS, or a set of chunks in IndexedDB | exclusively | it is written, until its record is there; it is removed |
//! | the same | shared | somebody may read it |
//!
//! Nobody waits for the lock of a weights file while they hold that of the model, so no two wait for each other. The browser
//! releases the locks of a tab that ends, however it ends.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::{Either, select};
use js_sys::{Function, Object, Promise, Reflect};
use tfjs_artifacts::{Error, ErrorKind};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortController;

use crate::error::{denied, thrown};
use crate::global::{global, property};
use crate::timer::sleep;

/// `navigator.locks`, which web-sys keeps among what is not stable.
#[derive(Clone, Debug)]
pub(crate) struct Locks {
    manager: JsValue,
    request: Function,
}

/// A lock that is held; it is released when this is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    release: Function,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // What a promise's `resolve` is: it does not throw.
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Exclusive,
    Shared,
}

impl Locks {
    /// `None` if the browser has no locks.
    pub(crate) fn get() -> Result<Option<Self>, Error> {
        let Some(navigator) = global::<JsValue>("navigator").map_err(|value| denied(&value))? else { return Ok(None) };
        let manager = property::<JsValue>(&navigator, "locks").map_err(|value| denied(&value))?;
        let Some(manager) = manager else { return Ok(None) };
        let request = property(&manager, "request").map_err(|value| denied(&value))?;
        Ok(request.map(|request| Self { manager, request }))
    }

    /// For those who change something; whoever cannot is told to do `instead`.
    #[cfg(any(feature = "indexeddb", feature = "opfs"))]
    pub(crate) fn required(instead: &str) -> Result<Self, Error> {
        Self::get()?.ok_or_else(|| {
            let message = format!(
                "this browser has no Web Locks here, without which tabs would take each other's files away; they need a page that comes over HTTPS or from localhost, and a newer browser; {instead}"
            );
            Error::new(ErrorKind::Unsupported, message)
        })
    }

    /// Waits for an exclusive lock.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] when others hold it longer than this.
    pub(crate) async fn exclusive(&self, name: &str, patience: Duration) -> Result<Lock, Error> {
        within(patience, self.exclusive_at_last(name)).await
    }

    /// Waits for a shared lock.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] when somebody holds the exclusive one longer than this.
    #[cfg(feature = "indexeddb")]
    pub(crate) async fn shared(&self, name: &str, patience: Duration) -> Result<Lock, Error> {
        let shared = async { self.request(name, Mode::Shared, true).await?.ok_or_else(|| failed(&JsValue::UNDEFINED)) };
        within(patience, shared).await
    }

    /// Waits for an exclusive lock as long as it takes.
    pub(crate) async fn exclusive_at_last(&self, name: &str) -> Result<Lock, Error> {
        self.request(name, Mode::Exclusive, true).await?.ok_or_else(|| failed(&JsValue::UNDEFINED))
    }

    /// An exclusive lock, if nobody has or awaits one.
    #[cfg(any(feature = "indexeddb", feature = "opfs"))]
    pub(crate) async fn try_exclusive(&self, name: &str) -> Result<Option<Lock>, Error> {
        self.request(name, Mode::Exclusive, false).await
    }

    /// A shared lock, if nobody has or awaits an exclusive one.
    #[cfg(feature = "opfs")]
    pub(crate) async fn try_shared(&self, name: &str) -> Result<Option<Lock>, Error> {
        self.request(name, Mode::Shared, false).await
    }

    /// The lock; `None` if it is not free and this should not wait. Dropping the future takes the request back.
    async fn request(&self, name: &str, mode: Mode, waits: bool) -> Result<Option<Lock>, Error> {
        let (sender, granted) = oneshot::channel();
        // The browser calls it once, or never when the request ends before.
        let callback = Closure::once_into_js(move |lock: JsValue| hold(&lock, sender));
        let options = Object::new();
        let set = |key: &str, value: &JsValue| Reflect::set(&options, &key.into(), value);
        set("mode", &if mode == Mode::Shared { "shared" } else { "exclusive" }.into()).map_err(|e| failed(&e))?;
        // The browser does not take both.
        let _withdrawal = if waits {
            let withdrawal = Withdrawal(AbortController::new().map_err(|value| failed(&value))?);
            set("signal", &withdrawal.0.signal()).map_err(|value| failed(&value))?;
            Some(withdrawal)
        } else {
            set("ifAvailable", &JsValue::TRUE).map_err(|value| failed(&value))?;
            None
        };
        let released = self.request.call3(&self.manager, &name.into(), &options, &callback);
        let released: Promise = released.map_err(|value| failed(&value))?.unchecked_into();
        // Settles when the lock is released, or at once if there will be none.
        match select(granted, JsFuture::from(released)).await {
            Either::Left((Ok(lock), _)) => Ok(lock),
            Either::Left((Err(_), released)) => Err(failed(&released.await.err().unwrap_or(JsValue::UNDEFINED))),
            Either::Right((Err(value), _)) => Err(failed(&value)),
            // Without a lock to hold, it is released as soon as the callback returns.
            Either::Right((Ok(_), granted)) => granted.await.map_err(|_| failed(&JsValue::UNDEFINED)),
        }
    }
}

/// What the browser calls when the lock is ours, or, with `null`, not free: it is held until the promise is resolved.
fn hold(lock: &JsValue, sender: oneshot::Sender<Option<Lock>>) -> Promise {
    if lock.is_null() {
        // Nobody waits any more if this fails.
        let _ = sender.send(None);
        return Promise::resolve(&JsValue::UNDEFINED);
    }
    let release = Rc::new(RefCell::new(None));
    let promise = Promise::new(&mut |resolve, _reject| {
        release.borrow_mut().replace(resolve);
    });
    if let Some(release) = release.take() {
        // If nobody waits any more, the lock comes back and is dropped.
        let _ = sender.send(Some(Lock { release }));
    }
    promise
}

/// Takes a request back when it is dropped. A lock that was granted stays.
#[derive(Debug)]
struct Withdrawal(AbortController);

impl Drop for Withdrawal {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn failed(value: &JsValue) -> Error {
    thrown(value, "the browser does not grant the lock that keeps tabs apart")
}

/// The lock, unless it takes longer than this.
async fn within(patience: Duration, lock: impl Future<Output = Result<Lock, Error>>) -> Result<Lock, Error> {
    match select(Box::pin(lock), sleep(patience)).await {
        Either::Left((locked, _)) => locked,
        Either::Right(((), _)) => Err(held_too_long(patience)),
    }
}

/// Seconds with as many decimals as it takes, down to milliseconds. Formatting a float would be a part of the download for this alone.
fn seconds(duration: Duration) -> String {
    let text = format!("{}.{:03}", duration.as_secs(), duration.subsec_millis());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Somebody else does not let go.
pub(crate) fn held_too_long(patience: Duration) -> Error {
    let seconds = seconds(patience);
    let message = format!("another tab or worker has held the model for more than {seconds} s; close it, or try again");
    Error::new(ErrorKind::Timeout, message)
}
