//! What a save leaves in the store, whatever happens while it is at work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{Either, select};
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tfjs_artifacts::{Error, ErrorKind, ModelTopology, RelPath};
use tfjs_object_store::GRACE_PERIOD;
use tfjs_router::{LoadHandler as _, LoadOptions, ModelSource, ModelUrl, Router, SaveHandler as _, SaveOptions};
use tfjs_testkit::{FailingSource, StallingSource, assert_same_model, samples};

use crate::meddling::{Meddling, at, broken};
use crate::{KEY, get, handler, is_weights, keys, load, memory, put, save};

const JSON: &str = "model.json";

#[tokio::test]
async fn weight_files_have_names_of_their_own_and_the_json_names_them() {
    let store = memory();
    save(&store, KEY, &samples::filled(1.0)).await.unwrap();
    let first = keys(&store).await;
    let [json, weights] = first.as_slice() else { panic!("{first:?}") };
    assert_eq!(json, "models/m/model.json");
    assert!(weights.starts_with("models/m/model.weights.g") && is_weights(weights), "{weights}");
    let text = String::from_utf8(get(&store, json).await.to_vec()).unwrap();
    assert!(text.contains(weights.strip_prefix("models/m/").unwrap()));

    save(&store, KEY, &samples::filled(1.0)).await.unwrap();
    let second = keys(&store).await;
    assert_eq!(second.len(), 2);
    assert_ne!(first, second, "no save writes over a file of another");

    let options = SaveOptions::new().with_weights_file_name(RelPath::parse("w/x.dat").unwrap());
    handler(&store, KEY).save(&samples::filled(1.0), &options).await.unwrap();
    let third = keys(&store).await;
    assert!(third.len() == 2 && third.iter().any(|key| key.starts_with("models/m/w/x.g")), "{third:?}");
    let options = SaveOptions::new().with_weights_file_name(RelPath::parse("x.json").unwrap());
    let error = handler(&store, KEY).save(&samples::filled(1.0), &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidUrl);
}

#[tokio::test]
async fn what_only_the_old_model_used_goes_and_nothing_else() {
    let store = memory();
    // As the Python converter writes it.
    let specs = r#"[{"name": "w", "shape": [1], "dtype": "float32"}, {"name": "v", "shape": [1], "dtype": "float32"}]"#;
    let manifest = |paths: &str| {
        format!(r#"{{"modelTopology": {{}}, "weightsManifest": [{{"paths": [{paths}], "weights": {specs}}}]}}"#)
    };
    put(&store, "models/m/group1-shard1of2.bin", "0123").await;
    put(&store, "models/m/group1-shard2of2.bin", "0123").await;
    put(&store, "models/m/precious.bin", "0123").await;
    put(&store, "models/m/model.json", manifest(r#""group1-shard1of2.bin", "group1-shard2of2.bin""#)).await;
    put(&store, "models/m/b.json", manifest(r#""group1-shard2of2.bin", "precious.bin""#)).await;
    save(&store, KEY, &samples::filled(1.0)).await.unwrap();
    let left = keys(&store).await;
    assert!(!left.contains(&"models/m/group1-shard1of2.bin".to_owned()), "{left:?}");
    assert!(left.contains(&"models/m/group1-shard2of2.bin".to_owned()), "another model uses it: {left:?}");
    load(&store, "models/m/b.json").await.unwrap();

    // What is not called like a weight file of the model stays, though the replaced manifest names it.
    save(&store, "models/m/b.json", &samples::filled(2.0)).await.unwrap();
    let left = keys(&store).await;
    assert!(left.contains(&"models/m/precious.bin".to_owned()), "{left:?}");
    assert!(!left.contains(&"models/m/group1-shard2of2.bin".to_owned()), "{left:?}");
    assert_same_model(&load(&store, KEY).await.unwrap(), &samples::filled(1.0));
}

#[tokio::test]
async fn a_lazy_model_that_is_replaced_is_a_conflict_and_not_other_weights() {
    let store = memory();
    for overwritten in [false, true] {
        save(&store, KEY, &samples::filled(1.0)).await.unwrap();
        let lazy = handler(&store, KEY).load(&LoadOptions::lazy()).await.unwrap();
        let weights = lazy.weights.unwrap();
        if overwritten {
            let key = keys(&store).await.into_iter().find(|key| is_weights(key)).unwrap();
            put(&store, &key, vec![7; 4000]).await;
        } else {
            save(&store, KEY, &samples::filled(2.0)).await.unwrap();
        }
        let error = weights.data().read(0..4).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert!(error.to_string().contains("load the model again"), "{error}");
    }
}

#[tokio::test]
async fn a_load_finds_one_of_two_models_when_it_is_replaced_meanwhile() {
    let inner = memory();
    for shards in [false, true] {
        save(&inner, KEY, &samples::filled(1.0)).await.unwrap();
        let (other, once) = (Arc::clone(&inner), Arc::new(AtomicUsize::new(0)));
        let replace = move || {
            let (other, once) = (Arc::clone(&other), Arc::clone(&once));
            async move {
                if once.fetch_add(1, Ordering::SeqCst) == 0 {
                    save(&other, KEY, &samples::filled(2.0)).await.unwrap();
                }
                Ok(())
            }
            .boxed()
        };
        let store = if shards {
            Meddling::new(Arc::clone(&inner)).before_get(at(".bin", replace)).store()
        } else {
            Meddling::new(Arc::clone(&inner)).before_get(at(JSON, replace)).store()
        };
        assert_same_model(&load(&store, KEY).await.unwrap(), &samples::filled(2.0));
    }
}

#[tokio::test]
async fn neighbouring_small_reads_share_a_request() {
    let inner = memory();
    save(&inner, KEY, &samples::filled(1.0)).await.unwrap();
    let meddling = Meddling::new(inner);
    let counts = Arc::clone(&meddling.counts);
    let lazy = handler(&meddling.store(), KEY).load(&LoadOptions::lazy()).await.unwrap();
    let data = lazy.weights.unwrap().data().clone();
    let before = counts.gets.load(Ordering::SeqCst);
    let mut read = Vec::new();
    for start in (0..4000).step_by(4) {
        read.extend_from_slice(&data.read(start..start + 4).await.unwrap());
    }
    assert_eq!(read, 1f32.to_le_bytes().repeat(1000));
    assert_eq!(counts.gets.load(Ordering::SeqCst) - before, 2, "one read, and one block for those that follow");
    // Who reads again asks again.
    data.read(0..4).await.unwrap();
    assert_eq!(counts.gets.load(Ordering::SeqCst) - before, 3);
}

/// A saver that is always faster, so many times.
fn rival(inner: &Arc<dyn ObjectStore>, times: usize) -> Arc<dyn ObjectStore> {
    let (other, count) = (Arc::clone(inner), Arc::new(AtomicUsize::new(0)));
    let hook = at(JSON, move || {
        let (other, count) = (Arc::clone(&other), Arc::clone(&count));
        async move {
            if count.fetch_add(1, Ordering::SeqCst) < times {
                save(&other, KEY, &samples::filled(2.0)).await.unwrap();
            }
            Ok(())
        }
        .boxed()
    });
    Meddling::new(Arc::clone(inner)).before_put(hook).store()
}

#[tokio::test]
async fn a_save_that_loses_a_race_is_the_last_one_and_leaves_nothing_of_the_other() {
    let inner = memory();
    save(&inner, KEY, &samples::filled(0.0)).await.unwrap();
    save(&rival(&inner, 1), KEY, &samples::filled(1.0)).await.unwrap();
    assert_same_model(&load(&inner, KEY).await.unwrap(), &samples::filled(1.0));
    assert_eq!(keys(&inner).await.len(), 2);
    // Also where nothing was.
    let inner = memory();
    save(&rival(&inner, 1), KEY, &samples::filled(1.0)).await.unwrap();
    assert_same_model(&load(&inner, KEY).await.unwrap(), &samples::filled(1.0));
    assert_eq!(keys(&inner).await.len(), 2);
}

#[tokio::test]
async fn a_save_that_loses_every_race_is_a_conflict_and_leaves_the_other_whole() {
    let inner = memory();
    let error = save(&rival(&inner, usize::MAX), KEY, &samples::filled(1.0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_same_model(&load(&inner, KEY).await.unwrap(), &samples::filled(2.0));
    assert_eq!(keys(&inner).await.len(), 2, "what was sent is taken back");
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_a_save() {
    let inner = memory();
    save(&inner, KEY, &samples::filled(1.0)).await.unwrap();
    let store = Meddling::new(Arc::clone(&inner)).after_put(at(JSON, || async { Err(broken()) }.boxed())).store();
    save(&store, KEY, &samples::filled(2.0)).await.unwrap();
    assert_same_model(&load(&inner, KEY).await.unwrap(), &samples::filled(2.0));
    assert_eq!(keys(&inner).await.len(), 2, "and what it replaced is gone");
    // The store tried by itself again, and now its own condition does not hold.
    let lost =
        || async { Err(object_store::Error::Precondition { path: String::new(), source: "injected".into() }) }.boxed();
    let store = Meddling::new(Arc::clone(&inner)).after_put(at(JSON, lost)).store();
    save(&store, KEY, &samples::filled(3.0)).await.unwrap();
    assert_same_model(&load(&inner, KEY).await.unwrap(), &samples::filled(3.0));
    assert_eq!(keys(&inner).await.len(), 2);
}

#[tokio::test]
async fn a_commit_that_failed_keeps_the_old_model_and_a_later_save_removes_what_it_left() {
    let inner = memory();
    save(&inner, KEY, &samples::filled(1.0)).await.unwrap();
    let before = keys(&inner).await;
    let store = Meddling::new(Arc::clone(&inner)).before_put(at(JSON, || async { Err(broken()) }.boxed())).store();
    let error = save(&store, KEY, &samples::filled(2.0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
    assert_same_model(&load(&inner, KEY).await.unwrap(), &samples::filled(1.0));
    // The commit may still arrive, so its weights are there.
    let left = keys(&inner).await.into_iter().find(|key| !before.contains(key)).unwrap();

    // As long as that save may be alive nobody touches them; then they go.
    let meddling = Meddling::new(Arc::clone(&inner));
    let store = meddling.clone().store();
    for (age, stays) in [(GRACE_PERIOD / 2, true), (GRACE_PERIOD + Duration::from_mins(1), false)] {
        meddling.age(&left, age);
        save(&store, KEY, &samples::filled(3.0)).await.unwrap();
        assert_eq!(keys(&inner).await.contains(&left), stays, "{age:?}");
        assert_same_model(&load(&inner, KEY).await.unwrap(), &samples::filled(3.0));
    }
    assert_eq!(keys(&inner).await.len(), 2);
}

#[tokio::test]
async fn files_of_an_old_save_that_a_model_uses_stay() {
    let inner = memory();
    save(&inner, KEY, &samples::filled(1.0)).await.unwrap();
    let copied = get(&inner, "models/m/model.json").await;
    put(&inner, "models/m/copy.json", copied).await;
    let meddling = Meddling::new(Arc::clone(&inner));
    meddling.age(".weights.", GRACE_PERIOD * 2);
    // All files are equally old then, so none is older than what was written now.
    let first = keys(&inner).await.into_iter().find(|key| is_weights(key)).unwrap();
    meddling.age(&first, GRACE_PERIOD * 4);
    save(&meddling.store(), KEY, &samples::filled(2.0)).await.unwrap();
    assert_same_model(&load(&inner, "models/m/copy.json").await.unwrap(), &samples::filled(1.0));
}

#[tokio::test]
async fn a_refused_commit_leaves_nothing() {
    let inner = memory();
    let refuse = || {
        async { Err(object_store::Error::PermissionDenied { path: String::new(), source: "injected".into() }) }.boxed()
    };
    let store = Meddling::new(Arc::clone(&inner)).before_put(at(JSON, refuse)).store();
    let error = save(&store, KEY, &samples::many_shards(3)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert_eq!(keys(&inner).await, [""; 0]);
}

#[tokio::test]
async fn a_save_that_fails_midway_takes_everything_back() {
    let inner = memory();
    let meddling = Meddling::new(Arc::clone(&inner));
    let counts = Arc::clone(&meddling.counts);
    let broken = samples::from_source(FailingSource::new(vec![0; 20 << 20], 17 << 20));
    let error = save(&meddling.store(), KEY, &broken).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(counts.parts.load(Ordering::SeqCst) > 0);
    assert_eq!(counts.aborts.load(Ordering::SeqCst), 1, "the upload is aborted");
    assert_eq!(keys(&inner).await, [""; 0]);
}

#[tokio::test]
async fn a_save_that_is_dropped_aborts_its_upload_and_removes_its_files() {
    let inner = memory();
    let meddling = Meddling::new(Arc::clone(&inner));
    let counts = Arc::clone(&meddling.counts);
    let store = meddling.store();
    let source = StallingSource::new(vec![0; 20 << 20], 17 << 20);
    let model = samples::from_source(source.clone());
    let saving = Box::pin(save(&store, KEY, &model));
    match select(saving, Box::pin(source.stalled())).await {
        Either::Left((saved, _)) => panic!("the save ended: {saved:?}"),
        Either::Right(((), saving)) => drop(saving),
    }
    for _ in 0..100 {
        if counts.aborts.load(Ordering::SeqCst) == 1 {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(counts.aborts.load(Ordering::SeqCst), 1);
    assert_eq!(keys(&inner).await, [""; 0]);
}

#[tokio::test]
async fn a_store_without_conditions_is_written_to_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap());
    for model in [samples::everything(), samples::many_shards(9), samples::filled(1.0)] {
        save(&store, KEY, &model).await.unwrap();
        assert_same_model(&load(&store, KEY).await.unwrap(), &model);
    }
    assert_eq!(keys(&store).await.len(), 2);
    // The names are those of the file backend's too: it reads what is there.
    let loaded = tfjs_fs::FsHandler::from_path(folder.path().join(KEY)).load(&LoadOptions::new()).await.unwrap();
    assert_same_model(&loaded, &samples::filled(1.0));
}

#[tokio::test]
async fn who_may_not_list_or_delete_saves_all_the_same() {
    let inner = memory();
    save(&inner, KEY, &samples::filled(1.0)).await.unwrap();
    let refuse = |_| {
        async { Err(object_store::Error::PermissionDenied { path: String::new(), source: "injected".into() }) }.boxed()
    };
    save(&Meddling::new(Arc::clone(&inner)).before_delete(refuse).store(), KEY, &samples::filled(2.0)).await.unwrap();
    assert_same_model(&load(&inner, KEY).await.unwrap(), &samples::filled(2.0));
    assert_eq!(keys(&inner).await.len(), 3);
}

#[tokio::test]
async fn errors_say_where() {
    let error: Error = load(&memory(), KEY).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot load `InMemory/models/m/model.json`: there is no such object or bucket");
}

#[tokio::test]
async fn a_save_whose_files_were_taken_for_those_of_a_dead_one_is_a_conflict() {
    let inner = memory();
    let (other, once) = (Arc::clone(&inner), Arc::new(AtomicUsize::new(0)));
    let hook = at(JSON, move || {
        let (other, once) = (Arc::clone(&other), Arc::clone(&once));
        async move {
            if once.fetch_add(1, Ordering::SeqCst) == 0 {
                let key = keys(&other).await.into_iter().find(|key| is_weights(key)).unwrap();
                other.delete(&key.as_str().into()).await?;
                save(&other, KEY, &samples::filled(2.0)).await.unwrap();
            }
            Ok(())
        }
        .boxed()
    });
    let store = Meddling::new(Arc::clone(&inner)).before_put(hook).store();
    let error = save(&store, KEY, &samples::filled(1.0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("removed the weight files of this save"), "{error}");
    assert_same_model(&load(&inner, KEY).await.unwrap(), &samples::filled(2.0));
}

#[tokio::test]
async fn a_binary_topology_loads_as_a_pair_and_is_not_saved() {
    let store = memory();
    put(&store, "m/tensorflowjs_model.pb", "graph").await;
    let manifest = r#"[{"paths": ["w.bin"], "weights": [{"name": "w", "shape": [1], "dtype": "float32"}]}]"#;
    put(&store, "m/weights_manifest.json", manifest).await;
    put(&store, "m/w.bin", "0123").await;
    let router = Router::builder().route(tfjs_object_store::route("objects", Arc::clone(&store))).build().unwrap();
    let url = |name: &str| ModelUrl::parse(&format!("objects://m/{name}")).unwrap();
    let pair = ModelSource::Pair { topology: url("tensorflowjs_model.pb"), weights: url("weights_manifest.json") };
    let loaded = router.load_handler(&pair).unwrap().load(&LoadOptions::new()).await.unwrap();
    assert!(matches!(&loaded.model_topology, Some(ModelTopology::GraphDef(bytes)) if bytes == "graph"));
    assert_eq!(loaded.weights.as_ref().unwrap().data().byte_length(), 4);

    let error = save(&store, KEY, &loaded).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert_eq!(keys(&store).await.len(), 3);
}

#[tokio::test]
async fn a_prefix_and_its_json_are_one_place() {
    let store = memory();
    save(&store, "m", &samples::filled(1.0)).await.unwrap();
    let router = Router::builder().route(tfjs_object_store::route("objects", store)).build().unwrap();
    let (load, save) = (LoadOptions::new(), SaveOptions::new());
    let copied = router.copy_model("objects://m", "objects://m/model.json", &load, &save).await;
    assert_eq!(copied.unwrap_err().kind(), ErrorKind::InvalidUrl);
}
