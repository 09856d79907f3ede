//! What runs in a page.
#![cfg(all(target_arch = "wasm32", target_os = "unknown"))]

use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
fn smoke() {
    assert!(js_sys::global().is_object());
}

#[path = "common/opfs.rs"]
mod opfs;
