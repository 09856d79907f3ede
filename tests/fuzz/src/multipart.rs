//! An upload in any chunks: whatever the server stores is a whole model, and what it refuses leaves nothing.

use std::future::Future;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use tfjs_artifacts::Error;
use tfjs_router::{LoadOptions, MemoryStore, Router};
use tfjs_server::{Models, ServerOptions};
use tower::ServiceExt as _;

use crate::memory;

/// One byte is the size of the chunks, then comes the boundary up to a line end, then the body.
pub fn check(data: &[u8]) {
    let Some((size, data)) = data.split_first() else { return };
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (boundary, body) = data.split_at(at);
    let body = Bytes::copy_from_slice(body.get(1..).unwrap_or_default());
    memory::bounded(data.len(), || wait_for(upload(usize::from(*size) + 1, boundary, body)));
}

fn wait_for(future: impl Future<Output = ()>) {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(future));
}

async fn upload(chunk: usize, boundary: &[u8], body: Bytes) {
    let content_type = [b"multipart/form-data; boundary=", boundary].concat();
    let chunks: Vec<_> = body.chunks(chunk).map(|piece| Ok::<_, Error>(body.slice_ref(piece))).collect();
    let request = Request::post("/m").header(header::CONTENT_TYPE, content_type);
    let Ok(request) = request.body(Body::from_stream(stream::iter(chunks))) else { return };

    let router = Router::builder().route(MemoryStore::new().route()).build().expect("one scheme");
    let server = |router: &Router| {
        let models = Models::new(router.clone(), "memory://").expect("memory can be listed");
        tfjs_server::router(models, ServerOptions::new())
    };
    let response = server(&router).oneshot(request).await.expect("a router always answers");
    let status = response.status();
    assert!(!status.is_server_error(), "{status}");

    let listed = router.list_models("memory://").count().await;
    if !status.is_success() {
        assert_eq!(listed, 0, "{status}, but something was stored");
        return;
    }
    assert_eq!((status, listed), (StatusCode::OK, 1));
    let stored = router.load("memory://m", &LoadOptions::new()).await.expect("what was stored loads");
    if let Some(weights) = &stored.weights {
        weights.verify().await.expect("what was stored is whole");
        weights.verify_checksums().await.expect("what was stored is what came");
    }
    let request = Request::get("/m/model.json").body(Body::empty()).expect("a request");
    let response = server(&router).oneshot(request).await.expect("a router always answers");
    assert_eq!(response.status(), StatusCode::OK, "what was stored is served");
}
