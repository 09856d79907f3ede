//! A Blob made of bytes that come window by window: the browser takes them over, so that they stay in no memory of the page.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsValue;
use web_sys::{Blob, BlobPropertyBag};

/// How many windows make a Blob of their own, before it becomes a part of the whole.
const WINDOWS: u32 = 16;

/// What has come so far.
#[derive(Debug, Default)]
pub(crate) struct BlobParts {
    blobs: Array,
    windows: Array,
}

impl BlobParts {
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), JsValue> {
        self.windows.push(&Uint8Array::from(bytes));
        if self.windows.length() >= WINDOWS {
            self.flush()?;
        }
        Ok(())
    }

    /// All of it as one Blob.
    pub(crate) fn finish(mut self, content_type: &str) -> Result<Blob, JsValue> {
        self.flush()?;
        let options = BlobPropertyBag::new();
        options.set_type(content_type);
        Blob::new_with_blob_sequence_and_options(&self.blobs, &options)
    }

    fn flush(&mut self) -> Result<(), JsValue> {
        let windows = std::mem::take(&mut self.windows);
        if windows.length() > 0 {
            self.blobs.push(&Blob::new_with_u8_array_sequence(&windows)?.into());
        }
        Ok(())
    }
}
