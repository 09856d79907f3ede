//! Models that are larger than what the memory of WebAssembly may grow by.

use tfjs_browser_storage::IndexedDbHandler;
use tfjs_router::{LoadHandler as _, LoadOptions, SaveHandler as _, SaveOptions};
use wasm_bindgen_test::wasm_bindgen_test;

use super::generated::{assert_whole, heap_bytes, model};

const MODEL: u64 = 160 << 20;
const MAY_GROW: u64 = 16 << 20;

async fn goes_through(handler: IndexedDbHandler) {
    let before = heap_bytes();
    handler.save(&model(MODEL), &SaveOptions::new()).await.unwrap();
    assert_whole(&handler.load(&LoadOptions::lazy()).await.unwrap(), MODEL).await;
    let grown = heap_bytes() - before;
    assert!(grown <= MAY_GROW, "the memory of WebAssembly grew by {grown} bytes");
}

#[wasm_bindgen_test]
async fn a_large_model_in_one_record_does_not_go_through_the_heap() {
    goes_through(IndexedDbHandler::new("large").unwrap()).await;
}

#[wasm_bindgen_test]
async fn a_large_model_in_many_records_does_not_go_through_the_heap() {
    goes_through(IndexedDbHandler::new("large").unwrap().with_largest_record(MODEL - 1)).await;
}
