//! Bytes on their way into a Blob, which the browser keeps wherever it has room.

use js_sys::{Array, Uint8Array};
use tfjs_artifacts::Error;
use wasm_bindgen::JsValue;
use web_sys::{Blob, BlobPropertyBag};

use crate::error::thrown;

/// How many bytes a part has, the last aside: what is in our memory and in JavaScript's.
const PART: usize = 1 << 20;

/// Makes a Blob of many parts, and holds no more of it than one.
#[derive(Debug, Default)]
pub(super) struct BlobWriter {
    parts: Array,
    pending: Vec<u8>,
}

impl BlobWriter {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.pending.is_empty() && bytes.len() >= PART {
            return self.push(bytes);
        }
        self.pending.extend_from_slice(bytes);
        self.flush(PART)
    }

    /// What another Blob has.
    pub(super) fn append(&mut self, blob: &Blob) -> Result<(), Error> {
        self.flush(1)?;
        self.parts.push(blob);
        Ok(())
    }

    pub(super) fn finish(mut self, media_type: &str) -> Result<Blob, Error> {
        self.flush(1)?;
        let options = BlobPropertyBag::new();
        options.set_type(media_type);
        Blob::new_with_blob_sequence_and_options(&self.parts, &options).map_err(|error| refused(&error))
    }

    /// Makes a part of what there is, if it is so much.
    fn flush(&mut self, at_least: usize) -> Result<(), Error> {
        if self.pending.len() < at_least {
            return Ok(());
        }
        let pending = std::mem::take(&mut self.pending);
        self.push(&pending)
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let part = Array::of1(&Uint8Array::from(bytes));
        // A Blob of its own, so that the bytes leave JavaScript's memory as soon as its collector wants them to.
        let part = Blob::new_with_u8_array_sequence(&part).map_err(|error| refused(&error))?;
        self.parts.push(&part);
        Ok(())
    }
}

fn refused(error: &JsValue) -> Error {
    thrown(error, "the browser does not take the bytes of a download")
}
