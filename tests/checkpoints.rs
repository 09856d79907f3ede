//! Checkpoints on a disk, with a reader that never waits; and on a server.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tfjs_io::{Checkpoints, ErrorKind, LoadOptions, SaveOptions, default_router};
use tfjs_testkit::{assert_same_model, samples::filled};

/// A checkpoint holds its own number, so a reader sees whether it was given another one, or parts of two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_always_finds_a_whole_one_that_is_not_older() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("run").display().to_string();
    let checkpoints = Checkpoints::new(default_router().unwrap(), &place, 2.try_into().unwrap());
    let is_over = Arc::new(AtomicBool::new(false));
    let (reader, reader_is_over) = (checkpoints.clone(), Arc::clone(&is_over));
    let reading = tokio::spawn(async move {
        let (mut last, mut count) = (0, 0);
        while !reader_is_over.load(Ordering::Relaxed) {
            match reader.load_latest(&LoadOptions::new()).await {
                Ok((number, artifacts)) => {
                    assert!(number >= last, "{number} came after {last}");
                    assert_same_model(&artifacts, &filled(f32::from(u16::try_from(number).unwrap())));
                    (last, count) = (number, count + 1);
                }
                Err(error) => assert_eq!((error.kind(), last), (ErrorKind::NotFound, 0), "{error}"),
            }
        }
        count
    });
    for number in 1..=30u16 {
        let saved = checkpoints.save(&filled(f32::from(number)), &SaveOptions::new()).await.unwrap();
        assert_eq!(saved.number, u64::from(number));
        assert!(saved.left.is_empty(), "{:?}", saved.left);
    }
    is_over.store(true, Ordering::Relaxed);
    assert!(reading.await.unwrap() > 0);
    let mut names: Vec<_> =
        std::fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["checkpoint-000029", "checkpoint-000030", "latest"]);
}

/// A server of this folder, or of uploads that it never gives back.
async fn serve(app: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(tfjs_server::serve(listener, app, tfjs_server::ServeOptions::new(), std::future::pending()));
    place
}

#[tokio::test]
async fn a_server_keeps_each_under_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let place = serve(tfjs_tests::served::app(folder.path())).await;
    let checkpoints = Checkpoints::new(default_router().unwrap(), &place, 2.try_into().unwrap());
    let options = LoadOptions::new();
    for number in 1..=3u16 {
        let saved = checkpoints.save(&filled(f32::from(number)), &SaveOptions::new()).await.unwrap();
        assert_eq!(saved.number, u64::from(number));
        let (latest, artifacts) = checkpoints.load_latest(&options).await.unwrap();
        assert_eq!(latest, saved.number);
        assert_same_model(&artifacts, &filled(f32::from(number)));
    }
    assert_eq!(checkpoints.numbers(&options).await.unwrap(), [2, 3]);
    // Nobody removes models over HTTP.
    assert!(folder.path().join("checkpoint-000001").is_dir());
}

#[tokio::test]
async fn who_gives_nothing_back_is_refused_at_the_first() {
    let takes_all = axum::Router::new().fallback(|method: axum::http::Method| async move {
        if method == axum::http::Method::POST { axum::http::StatusCode::OK } else { axum::http::StatusCode::NOT_FOUND }
    });
    let place = serve(takes_all).await;
    let checkpoints = Checkpoints::new(default_router().unwrap(), &place, 2.try_into().unwrap());
    let error = checkpoints.save(&filled(1.0), &SaveOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("cannot be loaded from here"), "{error}");
}
