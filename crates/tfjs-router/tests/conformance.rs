//! The suite over the store in memory.

mod memory {
    tfjs_testkit::conformance_suite!(
        backend = "memory://",
        harness = tfjs_testkit::InMemory::new(),
        block_on = tfjs_testkit::block_on
    );
}
