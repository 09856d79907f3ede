//! The suite over the store in memory, which a page may use beside the browser's.

use tfjs_router::{MemoryStore, Router};
use tfjs_testkit::{Capabilities, Damage, Damaged, Harness};

struct InMemory(Router);

impl InMemory {
    fn new() -> Self {
        Self(Router::builder().route(MemoryStore::new().route()).build().unwrap())
    }
}

#[async_trait::async_trait(?Send)]
impl Harness for InMemory {
    fn router(&self) -> Router {
        self.0.clone()
    }

    fn url(&self, name: &str) -> String {
        format!("memory://{name}")
    }

    fn root(&self) -> String {
        "memory://".to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all().without_raw_medium().without_lazy_loading()
    }

    async fn damage(&self, _url: &str, _damage: Damage) -> Damaged {
        Damaged::Impossible
    }
}

mod suite {
    use wasm_bindgen_test::wasm_bindgen_test;
    tfjs_testkit::conformance_suite!(
        backend = "memory://",
        harness = super::InMemory::new(),
        async_test = wasm_bindgen_test
    );
}
