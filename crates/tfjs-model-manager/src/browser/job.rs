//! Something that takes time: it tells how far it is, and can be cancelled.

use std::cell::RefCell;

use futures::future::{AbortHandle, AbortRegistration, Abortable};
use js_sys::Function;
use tfjs_io::{Error, Phase, Progress, ProgressSink};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::failure::Failure;

/// A load, save or copy. It runs once.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Job {
    handle: AbortHandle,
    registration: RefCell<Option<AbortRegistration>>,
    progress: Function,
}

#[wasm_bindgen]
impl Job {
    /// One that calls `progress(bytes, totalBytes)`.
    #[wasm_bindgen(constructor)]
    pub fn new(progress: Function) -> Self {
        let (handle, registration) = AbortHandle::new_pair();
        Self { handle, registration: RefCell::new(Some(registration)), progress }
    }

    /// Drops what is under way: nothing is saved, and requests are aborted.
    pub fn cancel(&self) {
        self.handle.abort();
    }
}

impl Job {
    /// Who is told of the bytes.
    pub(super) fn progress(&self) -> ProgressSink {
        let function = self.progress.clone();
        ProgressSink::new(move |progress: Progress| {
            if progress.phase == Phase::Weights {
                #[expect(clippy::cast_precision_loss, reason = "a bar has no 2^53 pixels")]
                let (bytes, total) = (progress.bytes as f64, progress.total_bytes as f64);
                // A bar that cannot be drawn is no reason to stop.
                drop(function.call2(&JsValue::NULL, &bytes.into(), &total.into()));
            }
        })
    }

    /// Runs a future until its end, or until it is cancelled.
    pub(super) async fn run<T>(&self, future: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
        let registration = self.registration.take().ok_or_else(Failure::cancelled)?;
        match Abortable::new(future, registration).await {
            Ok(done) => done.map_err(Failure::from),
            Err(_) => Err(Failure::cancelled()),
        }
    }
}
