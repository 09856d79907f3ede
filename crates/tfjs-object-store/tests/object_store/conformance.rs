//! The suite, over memory and over S3's and Google's protocols. Over Microsoft's it is in `tests/azurite`.

use std::sync::Arc;

use tfjs_router::Router;

use crate::objects::Objects;

fn in_memory() -> Objects {
    let store = crate::memory();
    let route = tfjs_object_store::route("objects", Arc::clone(&store));
    Objects::new(store, Router::builder().route(route).build().unwrap(), ("objects://", "models"), None)
}

#[cfg(feature = "s3")]
fn over_the_wire() -> Objects {
    let server = crate::server::Server::start();
    let routes = tfjs_object_store::ObjectStoreRoutes::new().with_s3(server.builder());
    let router = Router::builder().routes(routes.routes()).build().unwrap();
    Objects::new(server.store(), router, ("s3://bucket/", "models"), Some(Box::new(server)))
}

#[cfg(all(feature = "gcs", feature = "s3"))]
fn as_google() -> Objects {
    let server = crate::server::GoogleServer::start();
    let routes = tfjs_object_store::ObjectStoreRoutes::new().with_gcs(server.builder());
    let router = Router::builder().routes(routes.routes()).build().unwrap();
    Objects::new(server.store(), router, ("gs://bucket/", "models"), Some(Box::new(server)))
}

mod in_memory {
    tfjs_testkit::conformance_suite!(
        backend = "any ObjectStore (folders)",
        harness = super::in_memory(),
        block_on = crate::objects::tokio_block_on
    );
}

mod json_objects {
    tfjs_testkit::conformance_suite!(
        backend = "any ObjectStore (JSON objects)",
        harness = super::in_memory().called(".json"),
        block_on = crate::objects::tokio_block_on
    );
}

mod without_a_runtime {
    tfjs_testkit::conformance_suite!(
        backend = "any ObjectStore (without a runtime)",
        harness = super::in_memory(),
        block_on = tfjs_testkit::block_on
    );
}

#[cfg(feature = "s3")]
mod over_the_wire {
    tfjs_testkit::conformance_suite!(
        backend = "s3://",
        harness = super::over_the_wire(),
        block_on = crate::objects::tokio_block_on
    );
}

#[cfg(all(feature = "gcs", feature = "s3"))]
mod as_google {
    tfjs_testkit::conformance_suite!(
        backend = "gs://",
        harness = super::as_google(),
        block_on = crate::objects::tokio_block_on
    );
}
