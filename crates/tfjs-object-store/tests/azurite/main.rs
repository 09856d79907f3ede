//! The suite over Azurite. `cargo xtask azurite` starts one, makes its container, says in the environment where it is, and runs this; it is
//! not among the tests that run without it.
#![cfg(feature = "azure")]
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[expect(dead_code, reason = "the models of tests/object_store have URLs of another kind, too")]
#[path = "../object_store/objects.rs"]
mod objects;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use object_store::azure::MicrosoftAzureBuilder;
use tfjs_object_store::{ObjectStoreRoutes, RustlsConnector};
use tfjs_router::Router;

use objects::Objects;

/// Each behaviour has a prefix of its own.
static NEXT: AtomicUsize = AtomicUsize::new(0);

fn azurite() -> Objects {
    assert!(std::env::var_os("AZURITE_BLOB_STORAGE_URL").is_some(), "there is no Azurite: run `cargo xtask azurite`");
    let builder = MicrosoftAzureBuilder::from_env();
    let routes = ObjectStoreRoutes::new().with_azure(builder.clone());
    let router = Router::builder().routes(routes.routes()).build().unwrap();
    let store = builder.with_container_name("container").with_http_connector(RustlsConnector::new()).build().unwrap();
    let prefix = format!("suite/{}", NEXT.fetch_add(1, Ordering::Relaxed));
    Objects::new(Arc::new(store), router, ("az://container/", &prefix), None)
}

mod azurite {
    tfjs_testkit::conformance_suite!(
        backend = "az://",
        harness = super::azurite(),
        block_on = crate::objects::tokio_block_on
    );
}
