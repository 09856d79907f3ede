//! The suite over the store in memory, which a page may use beside the browser's.

mod suite {
    use wasm_bindgen_test::wasm_bindgen_test;
    tfjs_testkit::conformance_suite!(
        backend = "memory://",
        harness = tfjs_testkit::InMemory::new(),
        async_test = wasm_bindgen_test
    );
}
