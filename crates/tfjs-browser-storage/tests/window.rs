//! What runs in a page.
#![cfg(all(target_arch = "wasm32", target_os = "unknown"))]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common {
    pub(crate) mod downloads;
    pub(crate) mod generated;
    pub(crate) mod indexed_db;
    pub(crate) mod indexed_db_faults;
    pub(crate) mod indexed_db_large;
    pub(crate) mod local_storage;
    pub(crate) mod local_storage_faults;
    pub(crate) mod media;
    pub(crate) mod memory;
    pub(crate) mod numbers;
    pub(crate) mod opfs;
    pub(crate) mod opfs_large;
    pub(crate) mod picked_files;
    pub(crate) mod raw;
    pub(crate) mod status;
}

use wasm_bindgen_test::wasm_bindgen_test_configure;

wasm_bindgen_test_configure!(run_in_browser);

mod indexed_db_chunks_suite {
    use wasm_bindgen_test::wasm_bindgen_test;
    tfjs_testkit::conformance_suite!(
        backend = "indexeddb:// (chunks)",
        harness = crate::common::indexed_db::Place::chunked(),
        async_test = wasm_bindgen_test
    );
}

mod indexed_db_suite {
    use wasm_bindgen_test::wasm_bindgen_test;
    tfjs_testkit::conformance_suite!(
        backend = "indexeddb:// (records of TensorFlow.js)",
        harness = crate::common::indexed_db::Place::new(),
        async_test = wasm_bindgen_test
    );
}

mod local_storage_suite {
    use wasm_bindgen_test::wasm_bindgen_test;
    tfjs_testkit::conformance_suite!(
        backend = "localstorage://",
        harness = crate::common::local_storage::Place::new(),
        async_test = wasm_bindgen_test
    );
}
