//! A model that is larger than what the memory of WebAssembly may grow by.
#![cfg(all(target_arch = "wasm32", target_os = "unknown"))]
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common {
    pub(crate) mod generated;
}

use common::generated::{assert_whole, heap_bytes, model};
use tfjs_browser_storage::IndexedDbHandler;
use tfjs_router::{LoadHandler as _, LoadOptions, SaveHandler as _, SaveOptions};
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const GIB: u64 = 1 << 30;
const MAY_GROW: u64 = 64 << 20;

#[wasm_bindgen_test]
async fn a_gibibyte_goes_through_indexed_db_and_not_through_the_heap() {
    let handler = IndexedDbHandler::new("large").unwrap();
    let before = heap_bytes();
    handler.save(&model(GIB), &SaveOptions::new()).await.unwrap();
    assert_whole(&handler.load(&LoadOptions::lazy()).await.unwrap(), GIB).await;
    let grown = heap_bytes() - before;
    console_log!("1 GiB through IndexedDB: the memory of WebAssembly grew by {} KiB", grown >> 10);
    assert!(grown <= MAY_GROW, "{grown}");
}
