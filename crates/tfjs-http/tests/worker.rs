//! What runs in a dedicated worker.
#![cfg(target_arch = "wasm32")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

mod browser;

// What `src/address.rs` takes from its crate.
use tfjs_http::ShardQuery;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);
