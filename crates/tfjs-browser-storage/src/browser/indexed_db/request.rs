//! Requests and transactions of IndexedDB as futures.
//!
//! A transaction commits by itself as soon as nobody has asked it for anything more, so nothing may be awaited between its
//! requests. Here all requests are made in one go, and then only the end of the transaction is awaited.

use futures::channel::oneshot;
use js_sys::{Function, Object, Reflect};
use tfjs_router::Durability;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{IdbDatabase, IdbTransaction};

use super::database::{MODEL_INFO_STORE, MODELS_STORE};

/// A callback that tells how something ended; more than one may hold the other end.
pub(super) type Callback = Closure<dyn FnMut()>;

/// A transaction over both stores. Dropping it before it has ended aborts it.
pub(super) struct Transaction {
    transaction: IdbTransaction,
    end: oneshot::Receiver<Result<(), JsValue>>,
    has_ended: bool,
    _callbacks: [Callback; 2],
}

/// What a transaction may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Read,
    Write(Durability),
}

impl Transaction {
    pub(super) fn begin(database: &IdbDatabase, mode: Mode) -> Result<Self, JsValue> {
        let transaction = begin(database, mode)?;
        let (sender, end) = oneshot::channel();
        let sender = std::rc::Rc::new(std::cell::Cell::new(Some(sender)));
        let on_complete = {
            let sender = std::rc::Rc::clone(&sender);
            Callback::new(move || settle(&sender, Ok(())))
        };
        let on_abort = {
            let transaction = transaction.clone();
            Callback::new(move || settle(&sender, Err(reason(&transaction))))
        };
        transaction.set_oncomplete(Some(on_complete.as_ref().unchecked_ref()));
        transaction.set_onabort(Some(on_abort.as_ref().unchecked_ref()));
        Ok(Self { transaction, end, has_ended: false, _callbacks: [on_complete, on_abort] })
    }

    pub(super) fn models(&self) -> Result<web_sys::IdbObjectStore, JsValue> {
        self.transaction.object_store(MODELS_STORE)
    }

    pub(super) fn infos(&self) -> Result<web_sys::IdbObjectStore, JsValue> {
        self.transaction.object_store(MODEL_INFO_STORE)
    }

    /// Waits until it has committed: only then has anything been written.
    pub(super) async fn complete(mut self) -> Result<(), JsValue> {
        let end = (&mut self.end).await;
        self.has_ended = true;
        end.unwrap_or_else(|_| Err(JsValue::from_str("the transaction ended without saying how")))
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.transaction.set_oncomplete(None);
        self.transaction.set_onabort(None);
        if !self.has_ended {
            // It throws if the transaction has just ended: then there is nothing left to abort.
            drop(self.transaction.abort());
        }
    }
}

fn settle(sender: &std::cell::Cell<Option<oneshot::Sender<Result<(), JsValue>>>>, end: Result<(), JsValue>) {
    if let Some(sender) = sender.take() {
        // Nobody waits any more: the future was dropped.
        drop(sender.send(end));
    }
}

/// Why a transaction was aborted. A database that the browser closes aborts without an error.
fn reason(transaction: &IdbTransaction) -> JsValue {
    match transaction.error() {
        Some(error) => error.into(),
        None => js_sys::Error::new("the browser has closed the database").into(),
    }
}

/// `strict` means that when it is complete the disk has it, `relaxed` that the system has, `default` what the browser prefers.
fn begin(database: &IdbDatabase, mode: Mode) -> Result<IdbTransaction, JsValue> {
    let stores = js_sys::Array::of2(&MODELS_STORE.into(), &MODEL_INFO_STORE.into());
    let (mode, durability) = match mode {
        Mode::Read => ("readonly", "relaxed"),
        Mode::Write(Durability::Default) => ("readwrite", "default"),
        Mode::Write(Durability::Strict) => ("readwrite", "strict"),
        Mode::Write(Durability::Relaxed) => ("readwrite", "relaxed"),
    };
    let options = Object::new();
    Reflect::set(&options, &"durability".into(), &durability.into())?;
    let function: Function = Reflect::get(database, &"transaction".into())?.unchecked_into();
    Ok(function.call3(database, &stores, &mode.into(), &options)?.unchecked_into())
}
