//! The database of TensorFlow.js: opened as it opens it, shared with it and with other pages.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::{Either, select};
use tfjs_artifacts::{Error, ErrorKind};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{IdbDatabase, IdbFactory, IdbObjectStoreParameters, IdbOpenDbRequest};

use super::request::Callback;
use crate::error::{denied, thrown};
use crate::global::global;
use crate::timer::sleep;

/// Name, version, stores and key of the reference. None of them may change: an older TensorFlow.js in another page would be
/// locked out of a newer version.
const NAME: &str = "tensorflowjs";
const VERSION: u32 = 1;
pub(super) const MODELS_STORE: &str = "models_store";
pub(super) const MODEL_INFO_STORE: &str = "model_info_store";
const KEY_PATH: &str = "modelPath";

/// How long to wait until the database is open, unless told otherwise.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// An open database; dropping it closes it. It closes by itself when another page wants to delete or change the database, so
/// that it is never the one that blocks.
pub(super) struct Database {
    database: IdbDatabase,
    _on_version_change: Callback,
}

impl Database {
    /// Opens the database, and makes it if it is not there.
    pub(super) async fn open(patience: Duration) -> Result<Self, Error> {
        let factory: IdbFactory = match global("indexedDB") {
            Ok(Some(factory)) => factory,
            Ok(None) => {
                return Err(Error::new(ErrorKind::Unsupported, "there is no IndexedDB here; use another scheme"));
            }
            Err(error) => return Err(denied(&error)),
        };
        let request = factory.open_with_u32(NAME, VERSION).map_err(|error| denied(&error))?;
        let database = match select(Opening::new(request), sleep(patience)).await {
            Either::Left((database, _)) => database?,
            Either::Right(((), _)) => return Err(blocked(patience)),
        };
        let on_version_change = {
            let database = database.clone();
            Callback::new(move || database.close())
        };
        database.set_onversionchange(Some(on_version_change.as_ref().unchecked_ref()));
        let this = Self { database, _on_version_change: on_version_change };
        let names = this.database.object_store_names();
        match [MODELS_STORE, MODEL_INFO_STORE].into_iter().find(|store| !names.contains(store)) {
            None => Ok(this),
            Some(missing) => {
                let message = format!(
                    "the database `{NAME}` is not one of TensorFlow.js: it has no object store `{missing}`; delete it, if nobody else needs it"
                );
                Err(Error::new(ErrorKind::InvalidData, message))
            }
        }
    }

    pub(super) fn get(&self) -> &IdbDatabase {
        &self.database
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.database.set_onversionchange(None);
        // Waits for the transactions that still run.
        self.database.close();
    }
}

/// A request to open the database.
///
/// It cannot be taken back: when nobody waits for it any more, it still makes the stores of a new database, and closes what it
/// has opened.
struct Opening {
    request: IdbOpenDbRequest,
    end: oneshot::Receiver<Result<(), Error>>,
    callbacks: Option<[Callback; 4]>,
    is_abandoned: Rc<Cell<bool>>,
}

impl Opening {
    fn new(request: IdbOpenDbRequest) -> Self {
        let (sender, end) = oneshot::channel();
        let sender = Rc::new(Cell::new(Some(sender)));
        let is_abandoned = Rc::new(Cell::new(false));
        let settle = move |end| {
            if let Some(sender) = sender.take() {
                // Nobody waits any more.
                drop(sender.send(end));
            }
        };
        let on_success = {
            let (request, is_abandoned, settle) = (request.clone(), Rc::clone(&is_abandoned), settle.clone());
            Callback::new(move || {
                if is_abandoned.get()
                    && let Some(database) = result(&request)
                {
                    database.close();
                }
                settle(Ok(()));
            })
        };
        let on_error = {
            let (request, settle) = (request.clone(), settle.clone());
            Callback::new(move || settle(Err(failed(&request))))
        };
        let on_blocked = Callback::new(move || settle(Err(blocked(Duration::ZERO))));
        let on_upgrade = {
            let request = request.clone();
            Callback::new(move || {
                // What throws here aborts the upgrade, and the request fails.
                if let Some(database) = result(&request)
                    && make_stores(&database).is_err()
                    && let Some(transaction) = request.transaction()
                {
                    drop(transaction.abort());
                }
            })
        };
        request.set_onsuccess(Some(on_success.as_ref().unchecked_ref()));
        request.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        request.set_onblocked(Some(on_blocked.as_ref().unchecked_ref()));
        request.set_onupgradeneeded(Some(on_upgrade.as_ref().unchecked_ref()));
        let callbacks = Some([on_success, on_error, on_blocked, on_upgrade]);
        Self { request, end, callbacks, is_abandoned }
    }
}

impl Future for Opening {
    type Output = Result<IdbDatabase, Error>;

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        let end = std::task::ready!(std::pin::Pin::new(&mut self.end).poll(context));
        let opened = end.unwrap_or_else(|_| Err(Error::new(ErrorKind::Unexpected, "opening ended without a word")));
        // A blocked request goes on; it is left to itself like one that nobody waits for.
        if !matches!(&opened, Err(error) if error.kind() == ErrorKind::Timeout) {
            self.callbacks = None;
            clear(&self.request);
        }
        std::task::Poll::Ready(opened.and_then(|()| {
            result(&self.request).ok_or_else(|| Error::new(ErrorKind::Unexpected, "an open database is missing"))
        }))
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        let Some(callbacks) = self.callbacks.take() else { return };
        self.is_abandoned.set(true);
        callbacks.into_iter().for_each(Closure::forget);
    }
}

fn clear(request: &IdbOpenDbRequest) {
    request.set_onsuccess(None);
    request.set_onerror(None);
    request.set_onblocked(None);
    request.set_onupgradeneeded(None);
}

fn result(request: &IdbOpenDbRequest) -> Option<IdbDatabase> {
    request.result().ok()?.dyn_into().ok()
}

/// The stores as the reference makes them.
fn make_stores(database: &IdbDatabase) -> Result<(), JsValue> {
    let parameters = IdbObjectStoreParameters::new();
    parameters.set_key_path(&KEY_PATH.into());
    for store in [MODELS_STORE, MODEL_INFO_STORE] {
        database.create_object_store_with_optional_parameters(store, &parameters)?;
    }
    Ok(())
}

fn failed(request: &IdbOpenDbRequest) -> Error {
    let error = request.error().ok().flatten().map_or(JsValue::UNDEFINED, JsValue::from);
    let error = thrown(&error, format!("the database `{NAME}` cannot be opened"));
    match error.kind() {
        ErrorKind::Conflict => {
            let message = format!(
                "the database `{NAME}` has a version above {VERSION}, which TensorFlow.js does not know: somebody else uses its name"
            );
            Error::new(ErrorKind::Conflict, message).with_source(error)
        }
        _ => error,
    }
}

/// No event tells of a request that waits behind another page's deletion, so time has to.
fn blocked(patience: Duration) -> Error {
    let message = format!(
        "the database `{NAME}` did not open within {patience:?}: another page is deleting or changing it, while a third one keeps it open; close the other pages of this site and try again"
    );
    Error::new(ErrorKind::Timeout, message)
}
