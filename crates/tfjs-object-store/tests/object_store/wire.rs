//! Over S3's protocol and real sockets: a server that dies, is busy, or hangs up; and how much memory a copy takes.

use std::io::Write as _;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use futures::{FutureExt as _, StreamExt as _};
use tfjs_artifacts::ErrorKind;
use tfjs_object_store::ObjectStoreRoutes;
use tfjs_router::{LoadHandler as _, LoadOptions, Router, SaveOptions};
use tfjs_testkit::{assert_same_model, samples};

use crate::meddling::{Meddling, at};
use crate::server::Server;
use crate::{KEY, handler, is_weights, keys, load, put, save};

#[tokio::test]
async fn a_server_that_dies_before_the_commit_has_the_old_model() {
    let server = Server::start();
    save(&server.store(), KEY, &samples::filled(1.0)).await.unwrap();
    let again = server.again();
    let store = server.store();
    let server = Arc::new(Mutex::new(server));
    let kill = move || {
        server.lock().unwrap().loopback.kill();
        async { Ok(()) }.boxed()
    };
    let store = Meddling::new(store).before_put(at("model.json", kill)).store();
    let error = save(&store, KEY, &samples::many_shards(5)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport, "{error:?}");
    assert_same_model(&load(&again.store(), KEY).await.unwrap(), &samples::filled(1.0));
    save(&again.store(), KEY, &samples::filled(2.0)).await.unwrap();
    assert_same_model(&load(&again.store(), KEY).await.unwrap(), &samples::filled(2.0));
}

#[tokio::test]
async fn a_busy_server_and_lost_connections_are_asked_again_within_bounds() {
    let server = Server::start();
    let store = server.store();
    save(&store, KEY, &samples::filled(0.0)).await.unwrap();
    for faults in [&server.loopback.faults.busy, &server.loopback.faults.dropped] {
        faults.store(2, Ordering::SeqCst);
        save(&store, KEY, &samples::many_shards(3)).await.unwrap();
        faults.store(2, Ordering::SeqCst);
        assert_same_model(&load(&store, KEY).await.unwrap(), &samples::many_shards(3));
    }
    server.loopback.faults.busy.store(usize::MAX, Ordering::SeqCst);
    let before = server.loopback.faults.requests.load(Ordering::SeqCst);
    let error = load(&store, KEY).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited, "{error:?}");
    assert!(error.is_transient());
    let asked = server.loopback.faults.requests.load(Ordering::SeqCst) - before;
    assert!(asked <= 8, "{asked} requests for one object");
}

#[tokio::test]
async fn wrong_credentials_are_told_and_not_printed() {
    let server = Server::start();
    let builder = server.builder().with_access_key_id("nobody").with_secret_access_key("very-secret");
    let routes = ObjectStoreRoutes::new().with_s3(builder);
    let router = Router::builder().routes(routes.routes()).build().unwrap();
    let error = router.load("s3://bucket/m", &LoadOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    assert!(error.to_string().contains("s3://bucket/m/model.json"), "{error}");
    assert!(!format!("{error:?} {routes:?}").contains("very-secret"));

    let error = router.load("s3://key:very-secret@bucket/m", &LoadOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidUrl);
    assert!(!format!("{error:?}").contains("very-secret"), "{error:?}");
}

#[test]
fn a_cloud_without_a_runtime_is_an_error() {
    let router = Router::builder().routes(ObjectStoreRoutes::new().routes()).build().unwrap();
    let error = tfjs_testkit::block_on(router.load("s3://bucket/m", &LoadOptions::new())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("Tokio runtime"), "{error}");
    let listed = tfjs_testkit::block_on(router.list_models("s3://bucket").next()).unwrap();
    assert_eq!(listed.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[cfg(feature = "azure")]
#[tokio::test]
async fn a_signature_in_a_url_is_not_printed() {
    use object_store::azure::MicrosoftAzureBuilder;
    use object_store::{BackoffConfig, RetryConfig};

    let signature = vec![("sv".to_owned(), "2024".to_owned()), ("sig".to_owned(), "very-secret".to_owned())];
    let retry = RetryConfig { backoff: BackoffConfig::default(), max_retries: 0, ..RetryConfig::default() };
    // Nobody listens there.
    let builder = MicrosoftAzureBuilder::new()
        .with_account("account")
        .with_endpoint("http://127.0.0.1:9".to_owned())
        .with_allow_http(true)
        .with_sas_authorization(signature)
        .with_retry(retry);
    let routes = ObjectStoreRoutes::new().with_azure(builder);
    let router = Router::builder().routes(routes.routes()).build().unwrap();
    let error = router.load("az://container/m", &LoadOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport, "{error:?}");
    assert!(!format!("{error:?}").contains("very-secret"), "{error:?}");
}

#[tokio::test]
async fn a_lazy_load_reads_ranges_and_a_dropped_upload_leaves_no_part() {
    let server = Server::start();
    let meddling = Meddling::new(server.store());
    let counts = Arc::clone(&meddling.counts);
    let store = meddling.store();
    let large = samples::from_source(tfjs_testkit::FailingSource::new(vec![7; 20 << 20], 20 << 20));
    save(&store, KEY, &large).await.unwrap();
    assert_eq!(counts.parts.load(Ordering::SeqCst), 3);
    let lazy = handler(&store, KEY).load(&LoadOptions::lazy()).await.unwrap();
    let data = lazy.weights.unwrap().data().clone();
    assert_eq!(data.read(11 << 20..(11 << 20) + 5).await.unwrap(), vec![7; 5]);
    assert_eq!(counts.largest_read.load(Ordering::SeqCst), 5);
    assert_eq!(keys(&store).await.len(), 2);
}

/// This server ignores `If-Match` on reads: what it returns tells that it is something else.
#[tokio::test]
async fn a_server_that_ignores_conditions_is_found_out() {
    let server = Server::start();
    let store = server.store();
    save(&store, KEY, &samples::filled(1.0)).await.unwrap();
    let lazy = handler(&store, KEY).load(&LoadOptions::lazy()).await.unwrap();
    let data = lazy.weights.unwrap().data().clone();
    data.read(0..4).await.unwrap();
    let key = keys(&store).await.into_iter().find(|key| is_weights(key)).unwrap();
    put(&store, &key, vec![7; 4000]).await;
    assert_eq!(data.read(0..4).await.unwrap_err().kind(), ErrorKind::Conflict);
}

/// A model of 300 MiB: what is under way to the store at once, and what is asked of it at once, does not depend on that.
#[tokio::test]
async fn a_large_model_is_copied_through_a_bounded_window() {
    const MIB: u64 = 1 << 20;
    const LENGTH: u64 = 300 * MIB;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    large_model(&folder.path().join("from"), LENGTH);

    let server = Server::start();
    let meddling = Meddling::new(server.store_for_much());
    let counts = Arc::clone(&meddling.counts);
    let router = Router::builder()
        .routes(tfjs_fs::routes())
        .route(tfjs_object_store::route("objects", meddling.store()))
        .build()
        .unwrap();
    let (load, save) = (LoadOptions::new(), SaveOptions::new());
    router.copy_model(&path("from"), "objects://m", &load, &save).await.unwrap();
    let most = counts.most_under_way.load(Ordering::SeqCst);
    assert!((16 * MIB..=40 * MIB).contains(&most), "{most} bytes were under way at once");

    router.copy_model("objects://m", &path("to"), &load, &save).await.unwrap();
    let most = counts.largest_read.load(Ordering::SeqCst);
    assert!(most <= 4 * MIB, "{most} bytes were asked for at once");
    let loaded = router.load(&path("to"), &LoadOptions::lazy()).await.unwrap();
    let data = loaded.weights.unwrap().data().clone();
    assert_eq!(data.byte_length(), LENGTH);
    for offset in [0, 100 * MIB, LENGTH - 8] {
        assert_eq!(data.read(offset..offset + 8).await.unwrap(), offset.to_le_bytes().as_slice());
    }
}

/// Zeros, but for some offsets that are written where they are.
fn large_model(folder: &std::path::Path, length: u64) {
    use std::io::{Seek as _, SeekFrom};
    std::fs::create_dir(folder).unwrap();
    let mut file = std::fs::File::create(folder.join("model.weights.bin")).unwrap();
    file.set_len(length).unwrap();
    for offset in [0, 100 << 20, length - 8] {
        file.seek(SeekFrom::Start(offset)).unwrap();
        file.write_all(&offset.to_le_bytes()).unwrap();
    }
    let json = format!(
        r#"{{"modelTopology": {{}}, "weightsManifest": [{{"paths": ["model.weights.bin"], "weights": [{{"name": "w", "shape": [{}], "dtype": "float32"}}]}}]}}"#,
        length / 4
    );
    std::fs::write(folder.join("model.json"), json).unwrap();
}
