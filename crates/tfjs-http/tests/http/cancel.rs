//! Dropping a future ends what it began.

use std::time::Duration;

use tfjs_artifacts::ByteSource as _;
use tfjs_http::HttpHandler;
use tfjs_router::{SaveHandler as _, SaveOptions};
use tfjs_testkit::{StallingSource, samples};

use crate::server::{End, Files, Server};
use crate::{client, load, load_lazily};

/// Waits until it is so; for ever if it never is.
async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_dropped_load_closes_its_connections() {
    let files = Files::of_model(&samples::many_shards(20));
    let server = Server::start(move |request| {
        let good = files.answer(request);
        if request.path() == "/m/model.json" { good } else { good.ending(End::Stall(3)) }
    })
    .await;
    let url = server.url("/m/model.json");
    let loading = tokio::spawn(async move { load(&url).await.map(|_| ()) });
    until(|| server.requests().len() == 7).await;
    loading.abort();
    assert!(loading.await.unwrap_err().is_cancelled());
    until(|| server.connections() == 0).await;
    assert_eq!(server.requests().len(), 7);
}

#[tokio::test]
async fn a_dropped_save_closes_its_connection() {
    let server = Server::of(Files::default()).await;
    let source = StallingSource::new(vec![0; 9 << 20], 5 << 20);
    assert_eq!(source.byte_length(), 9 << 20);
    let stalling = samples::from_source(source.clone());
    let handler = HttpHandler::from_url(&server.url("/upload"), &client()).unwrap();
    let saving = tokio::spawn(async move { handler.save(&stalling, &SaveOptions::new()).await.map(|_| ()) });
    source.stalled().await;
    assert_eq!(server.connections(), 1);
    saving.abort();
    assert!(saving.await.unwrap_err().is_cancelled());
    until(|| server.connections() == 0).await;
    assert!(server.requests().is_empty(), "no request arrived whole");
}

#[tokio::test]
async fn a_dropped_lazy_model_closes_its_connections() {
    let artifacts = crate::model_of(60_000);
    let files = Files::of_model(&artifacts);
    let server = Server::start(move |request| files.answer_plainly(request).ending(End::Close)).await;
    let lazy = load_lazily(&server.url("/m/model.json"), &client()).await.unwrap();
    let weights = lazy.weights.unwrap();
    weights.data().read(0..100_000).await.unwrap();
    drop(weights);
    until(|| server.connections() == 0).await;
}
