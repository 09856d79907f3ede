//! Lists are read page by page, and removals hide the model first.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::{StreamExt as _, TryStreamExt as _};
use tfjs_artifacts::{ErrorKind, ModelArtifacts, RawJson};
use tfjs_router::{ModelStore as _, RemoveOptions, Router};
use tfjs_testkit::samples;

use crate::meddling::{Meddling, at, broken};
use crate::{KEY, handler, keys, load, memory, put, save};

#[tokio::test]
async fn a_list_of_ten_thousand_models_begins_before_it_ends() {
    const MODELS: usize = 10_000;
    let (inner, json) = (memory(), r#"{"modelTopology": {"node": []}}"#);
    for index in 0..MODELS {
        put(&inner, &format!("models/m{index:05}/model.json"), json).await;
    }
    let meddling = Meddling::new(inner);
    let counts = Arc::clone(&meddling.counts);
    let store = meddling.store();
    let mut models = handler(&store, "models").list();
    let first = models.next().await.unwrap().unwrap();
    assert_eq!(first.url.to_string(), "Meddling/models/m00000");
    let listed = counts.listed.load(Ordering::SeqCst);
    assert!(listed < 100, "{listed} objects were listed before the first model was told");
    let rest: Vec<_> = models.try_collect().await.unwrap();
    assert_eq!(rest.len(), MODELS - 1);
    assert!(rest.iter().map(|model| &model.url).is_sorted());
}

#[tokio::test]
async fn other_json_is_passed_over_and_a_broken_model_is_told() {
    let store = memory();
    let model = ModelArtifacts::new().with_topology(RawJson::parse("{}").unwrap());
    for key in ["models/a", "models/a/deep", "models/named.json", "models/odd.json/model.json"] {
        save(&store, key, &model).await.unwrap();
    }
    put(&store, "models/package.json", "{\"name\": 1}").await;
    let router = Router::builder().route(tfjs_object_store::route("oo", Arc::clone(&store))).build().unwrap();
    let listed: Vec<_> =
        router.list_models("oo://models").map_ok(|model| model.url.to_string()).try_collect().await.unwrap();
    let expected = ["oo://models/a/deep", "oo://models/a", "oo://models/named.json", "oo://models/odd.json/model.json"];
    assert_eq!(listed, expected);
    for url in listed {
        router.load(&url, &tfjs_router::LoadOptions::new()).await.unwrap();
    }
    put(&store, "models/broken/model.json", "{").await;
    let errors =
        router.list_models("oo://models").filter(|model| std::future::ready(model.is_err())).collect::<Vec<_>>();
    let errors = errors.await;
    assert_eq!(errors.len(), 1);
    assert!(errors[0].as_ref().unwrap_err().to_string().contains("oo://models/broken/model.json"), "{errors:?}");
}

#[tokio::test]
async fn a_removal_hides_the_model_first_and_takes_all_of_it() {
    let inner = memory();
    save(&inner, KEY, &samples::everything()).await.unwrap();
    let store =
        Meddling::new(Arc::clone(&inner)).before_delete(at(".bin", || Box::pin(async { Err(broken()) }))).store();
    let error = handler(&store, KEY).remove(&RemoveOptions::new()).await.unwrap_err();
    assert!(error.to_string().contains("the model is removed"), "{error}");
    assert_eq!(load(&inner, KEY).await.unwrap_err().kind(), ErrorKind::NotFound);

    let store = memory();
    save(&store, KEY, &samples::everything()).await.unwrap();
    handler(&store, KEY).remove(&RemoveOptions::new()).await.unwrap();
    assert_eq!(keys(&store).await, [""; 0]);
}

#[tokio::test]
async fn a_removal_leaves_what_another_model_uses_and_what_is_not_whole() {
    let store = memory();
    save(&store, KEY, &samples::filled(1.0)).await.unwrap();
    let json = crate::get(&store, "models/m/model.json").await;
    put(&store, "models/m/other.json", json).await;
    handler(&store, KEY).remove(&RemoveOptions::new()).await.unwrap();
    load(&store, "models/m/other.json").await.unwrap();

    put(&store, "models/n/model.json", r#"{"weightsManifest": [{"paths": ["x.bin"], "weights": []}]}"#).await;
    put(&store, "models/n/x.bin", "surplus").await;
    let error = handler(&store, "models/n").remove(&RemoveOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(error.to_string().contains("not whole"), "{error}");
    assert!(keys(&store).await.contains(&"models/n/x.bin".to_owned()));
}
