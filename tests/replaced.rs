//! Models that are replaced in the served folder, by somebody who does not ask the server, while clients load them.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};

use axum::extract::Request;
use axum::middleware::{self, Next};
use tempfile::TempDir;
use tfjs_artifacts::{Error, ErrorKind, ModelArtifacts, Sharding};
use tfjs_fs::FsHandler;
use tfjs_http::{HttpClient, HttpHandler, cached};
use tfjs_router::{LoadHandler as _, LoadOptions, SaveHandler as _, SaveOptions};
use tfjs_server::ServeOptions;
use tfjs_testkit::samples::filled;

/// A served folder with the model `m`, all of whose values are the number of its version.
struct Place {
    /// Removed when the test ends.
    _folder: TempDir,
    model: PathBuf,
    url: String,
    plan: Arc<Plan>,
}

/// What happens behind the server's back.
#[derive(Default)]
struct Plan {
    /// Before how many more requests for weights the model is replaced.
    left: AtomicUsize,
    /// The number of the last version.
    last: AtomicU16,
    /// Whether the next versions have one file of weights, and not four.
    is_single: AtomicBool,
}

impl Plan {
    /// Files whose names and JSON are the same for every number.
    async fn save(&self, model: &Path, number: u16) {
        let is_single = self.is_single.load(Ordering::SeqCst);
        let sharding = if is_single { Sharding::Single } else { Sharding::Bytes(NonZeroU64::new(1000).unwrap()) };
        let options = SaveOptions::new().with_sharding(sharding);
        FsHandler::from_path(model).save(&filled(number.into()), &options).await.unwrap();
    }

    async fn before(&self, path: &str, model: &Path) {
        let is_due = |left: usize| left.checked_sub(1).filter(|_| !path.contains("json"));
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, is_due).is_ok() {
            let number = self.last.fetch_add(1, Ordering::SeqCst) + 1;
            self.save(model, number).await;
        }
    }
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("m");
        let plan = Arc::new(Plan::default());
        plan.save(&model, 0).await;
        let behind = (Arc::clone(&plan), model.clone());
        let replace = move |request: Request, next: Next| {
            let (plan, model) = behind.clone();
            async move {
                plan.before(request.uri().path(), &model).await;
                next.run(request).await
            }
        };
        let app = tfjs_tests::served::app(folder.path()).layer(middleware::from_fn(replace));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/m/model.json", listener.local_addr().unwrap());
        tokio::spawn(tfjs_server::serve(listener, app, ServeOptions::new(), std::future::pending()));
        Self { _folder: folder, model, url, plan }
    }

    fn replace_at_next_weights(&self, times: usize) {
        self.plan.left.store(times, Ordering::SeqCst);
    }

    fn handler(&self) -> HttpHandler {
        HttpHandler::from_url(&self.url, &HttpClient::new()).unwrap()
    }

    async fn load(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        self.handler().load(options).await
    }
}

/// The number of the version that all weights are of.
async fn number_of(model: &ModelArtifacts) -> Result<f32, Error> {
    let data = model.weights.as_ref().unwrap().data();
    let bytes = data.read(0..data.byte_length()).await?;
    let (values, _) = bytes.as_chunks();
    let values: Vec<_> = values.iter().map(|value| f32::from_le_bytes(*value)).collect();
    assert_eq!(values.len(), 1000);
    assert!(values.windows(2).all(|pair| pair.first() == pair.last()), "of two versions: {values:?}");
    Ok(values.first().copied().unwrap())
}

#[tokio::test]
async fn an_eager_load_is_of_one_version() {
    let place = Place::new().await;
    for times in 1..=3 {
        let before = number_of(&place.load(&LoadOptions::new()).await.unwrap()).await.unwrap();
        place.replace_at_next_weights(times);
        let loaded = place.load(&LoadOptions::new()).await.unwrap();
        assert!(number_of(&loaded).await.unwrap() > before);
    }
}

#[tokio::test]
async fn a_load_that_meets_a_new_version_again_and_again_is_a_conflict() {
    let place = Place::new().await;
    place.replace_at_next_weights(usize::MAX);
    let error = place.load(&LoadOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{}", error.chain());
    assert!(error.chain().to_string().contains("the model was changed since this load began; load it again"));
}

#[tokio::test]
async fn a_lazy_model_says_that_it_was_replaced() {
    let place = Place::new().await;
    let lazy = place.load(&LoadOptions::lazy()).await.unwrap();
    assert_eq!(number_of(&lazy).await.unwrap(), 0.0);
    place.replace_at_next_weights(1);
    let error = number_of(&lazy).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{}", error.chain());
    assert!(error.chain().to_string().contains("load it again"), "{}", error.chain());
    let again = place.load(&LoadOptions::lazy()).await.unwrap();
    assert_eq!(number_of(&again).await.unwrap(), 1.0);
}

/// A file that was opened before the replacement has not changed; its model has.
#[tokio::test]
async fn a_lazy_model_is_of_one_version_while_it_is_opened() {
    let place = Place::new().await;
    for number in [1.0, 2.0] {
        place.replace_at_next_weights(1);
        let lazy = place.load(&LoadOptions::lazy()).await.unwrap();
        assert_eq!(number_of(&lazy).await.unwrap(), number);
    }
}

#[tokio::test]
async fn a_copy_in_a_cache_is_of_one_version() {
    let (place, folder) = (Place::new().await, tempfile::tempdir().unwrap());
    let cached = cached(place.handler(), FsHandler::from_path(folder.path().join("copy")));
    place.replace_at_next_weights(1);
    place.plan.is_single.store(true, Ordering::SeqCst);
    let loaded = cached.load(&LoadOptions::new()).await.unwrap();
    assert_eq!(number_of(&loaded).await.unwrap(), 1.0);
}

/// The JSON has the same text, and its tag is another one.
#[tokio::test]
async fn a_copy_in_a_cache_follows_a_model_that_was_trained_again() {
    let (place, folder) = (Place::new().await, tempfile::tempdir().unwrap());
    let cached = cached(place.handler(), FsHandler::from_path(folder.path().join("copy")));
    for number in 1..4 {
        place.plan.save(&place.model, number).await;
        for _ in 0..2 {
            let loaded = cached.load(&LoadOptions::new()).await.unwrap();
            assert_eq!(number_of(&loaded).await.unwrap(), f32::from(number));
        }
    }
}

/// Of the new model, whose weights are in one file, the server has none of the files that the old JSON names.
#[tokio::test]
async fn a_model_whose_files_get_other_names_is_loaded_whole() {
    let place = Place::new().await;
    place.replace_at_next_weights(1);
    place.plan.is_single.store(true, Ordering::SeqCst);
    assert_eq!(number_of(&place.load(&LoadOptions::new()).await.unwrap()).await.unwrap(), 1.0);
}
