//! What runs in a dedicated worker.
#![cfg(all(target_arch = "wasm32", target_os = "unknown"))]

use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[wasm_bindgen_test]
fn smoke() {
    assert!(js_sys::global().is_object());
}

#[path = "common/opfs.rs"]
mod opfs;
