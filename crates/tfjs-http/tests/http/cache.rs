//! A model on the web that is kept in a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tfjs_artifacts::{Error, ErrorKind, ModelArtifacts, RawJson};
use tfjs_fs::FsHandler;
use tfjs_http::{CachePolicy, Cached, HttpHandler, cached};
use tfjs_router::{LoadHandler as _, LoadOptions, SaveHandler as _, SaveOptions};
use tfjs_testkit::{assert_same_model, samples};

use crate::client;
use crate::server::{End, Files, Reply, Server};

const JSON: &str = "/m/model.json";

/// A server that can be switched off, its files, and a folder.
struct Place {
    files: Files,
    server: Server,
    is_away: Arc<AtomicBool>,
    folder: tempfile::TempDir,
}

impl Place {
    async fn new() -> Self {
        let files = Files::of_model(&samples::everything());
        let is_away = Arc::new(AtomicBool::new(false));
        let (served, away) = (files.clone(), Arc::clone(&is_away));
        let server =
            Server::start(
                move |request| {
                    if away.load(Ordering::SeqCst) { Reply::new(503, "away") } else { served.answer(request) }
                },
            )
            .await;
        Self { files, server, is_away, folder: tempfile::tempdir().unwrap() }
    }

    fn cached(&self, policy: CachePolicy) -> Cached<FsHandler> {
        let http = HttpHandler::from_url(&self.server.url(&format!("{JSON}?token=secret")), &client()).unwrap();
        cached(http, FsHandler::from_path(self.folder.path().join("copy"))).with_policy(policy)
    }

    async fn load(&self, policy: CachePolicy) -> Result<ModelArtifacts, Error> {
        self.cached(policy).load(&LoadOptions::new()).await
    }

    fn replace(&self, artifacts: &ModelArtifacts) {
        let new = Files::of_model(artifacts);
        for path in new.paths() {
            self.files.put(&path, new.get(&path).unwrap());
        }
    }
}

#[tokio::test]
async fn network_first_asks_and_reads_what_it_has() {
    let place = Place::new().await;
    assert_same_model(&place.load(CachePolicy::NetworkFirst).await.unwrap(), &samples::everything());
    place.server.forget_requests();
    assert_same_model(&place.load(CachePolicy::NetworkFirst).await.unwrap(), &samples::everything());
    let requests = place.server.requests();
    assert_eq!(requests.len(), 1, "the weights come from the store");
    assert!(requests[0].header("if-none-match").is_some());
}

#[tokio::test]
async fn network_first_sees_a_new_model() {
    let place = Place::new().await;
    place.load(CachePolicy::NetworkFirst).await.unwrap();
    place.replace(&samples::filled(2.0));
    assert_same_model(&place.load(CachePolicy::NetworkFirst).await.unwrap(), &samples::filled(2.0));
    assert_same_model(&place.load(CachePolicy::OnlyCache).await.unwrap(), &samples::filled(2.0));
}

#[tokio::test]
async fn network_first_does_without_a_server_that_is_away() {
    let place = Place::new().await;
    place.load(CachePolicy::NetworkFirst).await.unwrap();
    place.is_away.store(true, Ordering::SeqCst);
    assert_same_model(&place.load(CachePolicy::NetworkFirst).await.unwrap(), &samples::everything());
}

#[tokio::test]
async fn a_model_that_is_gone_is_gone() {
    let place = Place::new().await;
    place.load(CachePolicy::NetworkFirst).await.unwrap();
    place.files.remove(JSON);
    assert_eq!(place.load(CachePolicy::NetworkFirst).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn cache_first_asks_once() {
    let place = Place::new().await;
    place.load(CachePolicy::CacheFirst).await.unwrap();
    place.server.forget_requests();
    place.replace(&samples::filled(2.0));
    assert_same_model(&place.load(CachePolicy::CacheFirst).await.unwrap(), &samples::everything());
    assert!(place.server.requests().is_empty());
}

#[tokio::test]
async fn only_cache_never_asks() {
    let place = Place::new().await;
    assert_eq!(place.load(CachePolicy::OnlyCache).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(place.server.requests().is_empty());
}

#[tokio::test]
async fn what_is_stored_shows_no_secret_and_what_is_loaded_no_key() {
    let place = Place::new().await;
    let loaded = place.load(CachePolicy::NetworkFirst).await.unwrap();
    assert!(loaded.unknown.iter().all(|(key, _)| key != "tfjsHttpCache"));
    let stored = std::fs::read_to_string(place.folder.path().join("copy/model.json")).unwrap();
    assert!(
        stored.contains("\"tfjsHttpCache\":{\"url\":\"http://127.0.0.1:") && !stored.contains("secret"),
        "{stored}"
    );
}

#[tokio::test]
async fn a_new_model_that_breaks_off_leaves_the_old_one() {
    let place = Place::new().await;
    place.load(CachePolicy::NetworkFirst).await.unwrap();
    place.replace(&samples::filled(2.0));
    let files = place.files.clone();
    let broken = Server::start(move |request| {
        let good = files.answer(request);
        if request.path().contains(".weights.") { good.ending(End::Cut(10)) } else { good }
    })
    .await;
    // The same store, as if the same server had broken.
    let http = HttpHandler::from_url(&broken.url(JSON), &client()).unwrap();
    let store = FsHandler::from_path(place.folder.path().join("copy"));
    cached(http, store).load(&LoadOptions::new()).await.unwrap_err();
    assert_same_model(&place.load(CachePolicy::OnlyCache).await.unwrap(), &samples::everything());
}

#[tokio::test]
async fn a_model_of_somebody_else_in_the_store_is_not_taken_for_this_one() {
    let place = Place::new().await;
    let mut other = samples::filled(3.0);
    other.unknown.push(("tfjsHttpCache".to_owned(), RawJson::parse(r#"{"url":"http://other/m.json"}"#).unwrap()));
    let store = FsHandler::from_path(place.folder.path().join("copy"));
    store.save(&other, &SaveOptions::new()).await.unwrap();
    assert_eq!(place.load(CachePolicy::OnlyCache).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_same_model(&place.load(CachePolicy::CacheFirst).await.unwrap(), &samples::everything());
}

#[tokio::test]
async fn lazy_weights_come_from_the_store() {
    let place = Place::new().await;
    let lazy = place.cached(CachePolicy::NetworkFirst).load(&LoadOptions::lazy()).await.unwrap();
    place.is_away.store(true, Ordering::SeqCst);
    let read = lazy.weights.unwrap().load(|_| ()).await.unwrap();
    assert_eq!(read.data().byte_length(), 39);
}

/// The time is kept by the runtime, also while the store is waited for.
#[test]
fn a_total_timeout_without_a_runtime_is_an_error_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let load = |client| {
        let http = HttpHandler::from_url("http://127.0.0.1:1/m/model.json", &client).unwrap();
        let cached = cached(http, FsHandler::from_path(folder.path().join("m"))).with_policy(CachePolicy::OnlyCache);
        tfjs_testkit::block_on(async move { cached.load(&LoadOptions::new()).await }).unwrap_err()
    };
    assert_eq!(load(client()).kind(), ErrorKind::NotFound);
    let error = load(client().with_total_timeout(Duration::from_mins(1)));
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("Tokio runtime"), "{error}");
}
