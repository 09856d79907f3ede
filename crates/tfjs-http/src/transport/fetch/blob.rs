//! A body that the browser keeps, in memory or on its disk, until it has been sent: `fetch` takes no stream over HTTP/1.1.

use std::time::Duration;

use futures::TryStreamExt as _;
use js_sys::{Array, Uint8Array};
use tfjs_artifacts::{Error, ErrorKind};
use wasm_bindgen::JsValue;
use web_sys::Blob;

use super::thrown::Thrown;
use crate::timer::sleep;
use crate::upload::Upload;

/// After how many windows the page gets a turn: what lies in memory is never waited for.
const WINDOWS_PER_TURN: usize = 16;

/// Hands the body over to the browser window by window, so that neither the memory of WebAssembly nor that of JavaScript has
/// more than a few of them.
pub(super) async fn collect(upload: &Upload) -> Result<Blob, Error> {
    let parts = Array::new();
    let mut windows = upload.stream();
    let mut count = 0_usize;
    while let Some(window) = windows.try_next().await? {
        let bytes = Array::of1(&Uint8Array::from(&*window));
        let part = Blob::new_with_u8_array_sequence(&bytes).map_err(|value| no_room(&value))?;
        parts.push(&part);
        count = count.wrapping_add(1);
        if count.is_multiple_of(WINDOWS_PER_TURN) {
            sleep(Duration::ZERO).await;
        }
    }
    Blob::new_with_blob_sequence(&parts).map_err(|value| no_room(&value))
}

fn no_room(value: &JsValue) -> Error {
    let message = "the browser cannot keep the body of the upload until it is sent";
    Error::new(ErrorKind::LimitExceeded, message).with_source(Thrown::new(value))
}
