//! A model of a gigabyte.

use wasm_bindgen_test::wasm_bindgen_test;

use super::opfs::passes_through;

#[wasm_bindgen_test]
async fn a_gigabyte_does_not_go_through_the_heap() {
    passes_through(1 << 30).await;
}
