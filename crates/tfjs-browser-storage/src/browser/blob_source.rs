//! A Blob, and so a File, that is read when it is used.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use js_sys::{ArrayBuffer, Uint8Array};
use tfjs_artifacts::{ByteSource, Error, ErrorKind, Operation};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use crate::error::Thrown;

/// How much is in JavaScript's memory at once; what is asked for comes into ours window by window.
const WINDOW: u64 = 4 << 20;

/// The bytes of a Blob.
#[derive(Clone, Debug)]
pub(crate) struct BlobSource {
    blob: Blob,
    byte_length: u64,
    location: String,
    version: Option<String>,
}

impl BlobSource {
    /// Errors name the location. The version is another one for other bytes.
    pub(crate) fn new(blob: Blob, location: &str, version: Option<String>) -> Self {
        Self { byte_length: byte_length(&blob), blob, location: location.to_owned(), version }
    }

    async fn read_window(&self, range: Range<u64>) -> Result<Uint8Array, JsValue> {
        let part = self.blob.slice_with_f64_and_f64(to_f64(range.start), to_f64(range.end))?;
        let buffer = JsFuture::from(part.array_buffer()).await?;
        Ok(Uint8Array::new(&buffer.unchecked_into::<ArrayBuffer>()))
    }

    async fn read_range(&self, range: &Range<u64>) -> Result<Vec<u8>, Error> {
        let length = range.end.saturating_sub(range.start);
        let too_large = || {
            let message = format!("{length} bytes at once do not fit into memory; load lazily and read in parts");
            Error::new(ErrorKind::LimitExceeded, message)
        };
        let mut bytes = Vec::new();
        let capacity = usize::try_from(length).map_err(|error| too_large().with_source(error))?;
        bytes.try_reserve_exact(capacity).map_err(|error| too_large().with_source(error))?;
        let mut start = range.start;
        while start < range.end {
            let end = range.end.min(start.saturating_add(WINDOW));
            let window = self.read_window(start..end).await.map_err(|error| unreadable(&error))?;
            let (got, asked) = (u64::from(window.length()), end - start);
            if got != asked {
                return Err(Error::new(ErrorKind::Transport, format!("asked for {asked} bytes, got {got}")));
            }
            let filled = bytes.len();
            bytes.resize(filled + window.length() as usize, 0);
            if let Some(free) = bytes.get_mut(filled..) {
                window.copy_to(free);
            }
            start = end;
        }
        Ok(bytes)
    }
}

/// How many bytes a Blob has.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a size is whole, not negative, and below 2^53"
)]
pub(crate) fn byte_length(blob: &Blob) -> u64 {
    blob.size() as u64
}

/// Offsets lie within a Blob, so that they are below 2^53.
#[expect(clippy::cast_precision_loss, reason = "below 2^53 every whole number is a double")]
fn to_f64(offset: u64) -> f64 {
    offset as f64
}

/// Browsers read a file when it is asked for, and refuse when it is not the one that was opened.
fn unreadable(error: &JsValue) -> Error {
    let thrown = Thrown::new(error);
    let (kind, message) = match thrown.name.as_str() {
        "NotReadableError" => (
            ErrorKind::Conflict,
            "the browser does not read it any more: it was changed since it was opened, or may not be read; open it again",
        ),
        "NotFoundError" => (ErrorKind::NotFound, "it is not there any more since it was opened; open it again"),
        _ => (thrown.kind(), "the browser could not read it"),
    };
    Error::new(kind, message).with_source(thrown)
}

#[async_trait(?Send)]
impl ByteSource for BlobSource {
    fn byte_length(&self) -> u64 {
        self.byte_length
    }

    fn version(&self) -> Option<String> {
        self.version.clone()
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let read = self.read_range(&range).await;
        read.map(Bytes::from).map_err(|error| error.with_operation(Operation::Read).with_location(&self.location))
    }
}
