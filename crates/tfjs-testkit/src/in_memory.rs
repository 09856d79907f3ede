//! The harness of the store in memory, which runs natively and in a browser.

use async_trait::async_trait;
use tfjs_router::{MemoryStore, Router};

use crate::{Capabilities, Damage, Damaged, Harness};

/// The store in memory, [`MemoryStore`]: a store of its own for each harness.
#[derive(Debug)]
pub struct InMemory(Router);

impl InMemory {
    /// An empty one.
    pub fn new() -> Self {
        Self(Router::builder().route(MemoryStore::new().route()).build().expect("it is the only route"))
    }
}

impl Default for InMemory {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
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
