//! A file while it is written: it gets its bytes, and its name, when the writer is closed.

use js_sys::{Function, Promise, Uint8Array};
use tfjs_artifacts::{Error, ErrorKind};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{FileSystemFileHandle, FileSystemWritableFileStream};

use crate::error::thrown;
use crate::global::property;

/// How much of a file is in memory at a time: 1 MiB, on JavaScript's side.
const WINDOW: u32 = 1 << 20;

/// Writes a file through one window, which is used again and again.
#[derive(Debug)]
pub(super) struct Writer {
    stream: FileSystemWritableFileStream,
    window: Uint8Array,
    /// How much of the window waits to be written.
    filled: u32,
}

impl Writer {
    /// Begins to write. What the file was stays until [`close`](Self::close).
    pub(super) async fn open(handle: &FileSystemFileHandle) -> Result<Self, Error> {
        let method = property::<Function>(handle, "createWritable").map_err(|value| failed(&value))?;
        let Some(method) = method else {
            let message = "this browser can write to the origin private file system only in ways that are not atomic (Safari before 26); save to `indexeddb://` instead";
            return Err(Error::new(ErrorKind::Unsupported, message));
        };
        let promise: Promise = method.call0(handle).map_err(|value| failed(&value))?.unchecked_into();
        let stream = JsFuture::from(promise).await.map_err(|value| failed(&value))?.unchecked_into();
        Ok(Self { stream, window: Uint8Array::new_with_length(WINDOW), filled: 0 })
    }

    /// Takes the next bytes, and writes each window that becomes full.
    pub(super) async fn append(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let free = usize::try_from(WINDOW.saturating_sub(self.filled)).unwrap_or(usize::MAX);
            let (these, rest) = bytes.split_at(bytes.len().min(free));
            let end = self.filled.saturating_add(u32::try_from(these.len()).unwrap_or(WINDOW));
            self.window.subarray(self.filled, end).copy_from(these);
            self.filled = end;
            bytes = rest;
            if self.filled == WINDOW {
                self.flush().await?;
            }
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Error> {
        if self.filled == 0 {
            return Ok(());
        }
        let bytes = self.window.subarray(0, self.filled);
        self.filled = 0;
        let written = self.stream.write_with_js_u8_array(&bytes).map_err(|value| failed(&value))?;
        JsFuture::from(written).await.map(|_| ()).map_err(|value| failed(&value))
    }

    /// Writes what is left, and puts the whole in the place of what the file was.
    pub(super) async fn close(&mut self) -> Result<(), Error> {
        self.flush().await?;
        JsFuture::from(self.stream.close()).await.map(|_| ()).map_err(|value| failed(&value))
    }

    /// Forgets what was written. Does nothing after [`close`](Self::close).
    pub(super) async fn abort(self) {
        // Rejects when it has been closed or has failed: then there is nothing to forget.
        let _ = JsFuture::from(self.stream.abort()).await;
    }
}

fn failed(value: &JsValue) -> Error {
    thrown(value, "the origin private file system cannot be written")
}
