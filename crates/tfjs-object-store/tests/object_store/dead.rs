//! What a process that ended in the middle of an upload in parts leaves, and who cleans up.

use std::time::Duration;

use tfjs_object_store::{GRACE_PERIOD, ObjectStoreRoutes};
use tfjs_router::{LoadOptions, Router, SaveOptions};
use tfjs_testkit::{StallingSource, assert_same_model, samples};

use crate::server::GoogleServer;
use crate::{KEY, keys, load};

const URL: &str = "gs://bucket/models/m";
const LENGTH: usize = 20 << 20;

fn router(server: &GoogleServer) -> Router {
    Router::builder().routes(ObjectStoreRoutes::new().with_gcs(server.builder()).routes()).build().unwrap()
}

async fn save(server: &GoogleServer, value: f32) {
    router(server).save(&samples::filled(value), URL, &SaveOptions::new()).await.unwrap();
}

/// A save whose runtime ends while its third part is being read: nothing of it runs after that.
async fn die(server: &GoogleServer) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (router, source) = (router(server), StallingSource::new(vec![1; LENGTH], 17 << 20));
    let model = samples::from_source(source.clone());
    runtime.spawn(async move { router.save(&model, URL, &SaveOptions::new()).await.map(drop) });
    source.stalled().await;
    runtime.shutdown_background();
}

async fn notes(server: &GoogleServer) -> usize {
    keys(&server.store()).await.iter().filter(|key| key.contains(".upload")).count()
}

#[tokio::test]
async fn an_upload_of_a_dead_process_is_ended_by_a_later_save() {
    let server = GoogleServer::start();
    save(&server, 1.0).await;
    die(&server).await;
    assert_eq!((server.google.uploads(), notes(&server).await), (1, 1));
    assert_same_model(&load(&server.store(), KEY).await.unwrap(), &samples::filled(1.0));

    // It may still be at work.
    save(&server, 2.0).await;
    assert_eq!((server.google.uploads(), notes(&server).await), (1, 1));

    server.google.age(GRACE_PERIOD + Duration::from_mins(1));
    save(&server, 3.0).await;
    assert_eq!((server.google.uploads(), keys(&server.store()).await.len()), (0, 2));
    assert_same_model(&load(&server.store(), KEY).await.unwrap(), &samples::filled(3.0));
}

#[tokio::test]
async fn an_upload_that_is_through_leaves_no_note() {
    let server = GoogleServer::start();
    let model = samples::from_source(tfjs_testkit::FailingSource::new(vec![1; LENGTH], LENGTH as u64));
    router(&server).save(&model, URL, &SaveOptions::new()).await.unwrap();
    assert_eq!((server.google.uploads(), keys(&server.store()).await.len()), (0, 2));
    let loaded = router(&server).load(URL, &LoadOptions::new()).await.unwrap();
    assert_eq!(loaded.weights.unwrap().data().read(0..5).await.unwrap(), vec![1; 5]);
}

#[tokio::test]
async fn an_upload_that_is_dropped_or_fails_is_ended_at_once() {
    let server = GoogleServer::start();
    let (router, source) = (router(&server), StallingSource::new(vec![1; LENGTH], 17 << 20));
    let model = samples::from_source(source.clone());
    let options = SaveOptions::new();
    tokio::select! {
        _ = router.save(&model, URL, &options) => panic!("it waits for a source that says nothing"),
        () = source.stalled() => {}
    }
    // A task of this runtime does it.
    for _ in 0..200 {
        if server.google.uploads() == 0 && keys(&server.store()).await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((server.google.uploads(), keys(&server.store()).await.len()), (0, 0));

    let model = samples::from_source(tfjs_testkit::FailingSource::new(vec![1; LENGTH], 17 << 20));
    router.save(&model, URL, &SaveOptions::new()).await.unwrap_err();
    assert_eq!((server.google.uploads(), keys(&server.store()).await.len()), (0, 0));
}
