//! Routes, and what a router says when there is none.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::executor::block_on;
use tfjs_artifacts::{
    Completion, DType, Error, ErrorKind, ModelArtifacts, RawJson, SaveResult, Sha256, Shape, Shard, Sharding,
    SurplusBytes, WeightGroup, WeightSpec, Weights,
};
use tfjs_router::{
    LoadHandler as _, LoadOptions, MemoryStore, ModelSource, ModelUrl, RemoveOptions, Route, Router, SaveOptions,
    from_memory, with_save_handler,
};

fn topology_only() -> ModelArtifacts {
    ModelArtifacts::new().with_topology(RawJson::parse(r#"{"node":[]}"#).unwrap())
}

/// A scheme that can only be loaded from.
fn read_only(scheme: &str) -> Route {
    Route::new(scheme).with_load(|_| Ok(Arc::new(from_memory(topology_only()))))
}

fn router() -> Router {
    Router::builder()
        .route(read_only("http"))
        .route(MemoryStore::new().route())
        .hint("s3", "the feature `s3`")
        .build()
        .unwrap()
}

#[track_caller]
fn check<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind, message: &str) {
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
}

#[test]
fn schemes_are_listed_and_compared_without_case() {
    assert_eq!(router().schemes().collect::<Vec<_>>(), ["http", "memory"]);
    assert!(block_on(router().load("HTTP://x", &LoadOptions::new())).is_ok());
}

/// Otherwise a save would make a folder of that name.
#[test]
fn a_path_that_was_meant_as_a_url_is_none() {
    let router = Router::builder()
        .route(read_only("http"))
        .route(MemoryStore::new().route())
        .route(read_only("file").with_plain_paths())
        .hint("s3", "the feature `s3`")
        .build()
        .unwrap();
    for (given, meant) in [
        ("s3:/b/m", "s3://b/m"),
        ("S3:b", "s3://b"),
        ("http:/h/m?token=hush", "http://h/m"),
        ("http:/user:hush@h/m", "http://h/m"),
        ("http//h/m", "http://h/m"),
        ("file:/x", "file:///x"),
        ("file:x", "file://x"),
        ("memory:m", "memory://m"),
    ] {
        let message = format!(
            "what begins with a scheme is no path: did you mean `{meant}`? If it is a path, write `./` before it"
        );
        check(router.parse(given), ErrorKind::InvalidUrl, &message);
        check(block_on(router.save(&topology_only(), given, &SaveOptions::new())), ErrorKind::InvalidUrl, &message);
        check(block_on(router.load(given, &LoadOptions::new())), ErrorKind::InvalidUrl, &message);
        let path = format!("./{given}");
        assert_eq!(router.parse(&path).unwrap(), ModelUrl::plain_path(&path));
    }
    for path in ["http", "http/m", "s3", "odd:/x", "./s3:/b", "a/s3:/b", "C:/x", "https:/"] {
        assert_eq!(router.parse(path).unwrap(), ModelUrl::plain_path(path));
    }
}

#[test]
fn a_scheme_that_is_not_there_is_explained() {
    let load = |url: &str| block_on(router().load(url, &LoadOptions::new()));
    check(
        load("s3://bucket/key?X-Signature=secret"),
        ErrorKind::Unsupported,
        "cannot find a handler for `s3://bucket/key`: there is no scheme `s3`; this router has `http`, `memory`; \
         `s3` needs the feature `s3`",
    );
    check(
        load("htpp://x"),
        ErrorKind::Unsupported,
        "cannot find a handler for `htpp://x`: there is no scheme `htpp`; this router has `http`, `memory`; \
         did you mean `http`?",
    );
    check(
        load("zzz://x"),
        ErrorKind::Unsupported,
        "cannot find a handler for `zzz://x`: there is no scheme `zzz`; this router has `http`, `memory`",
    );
    check(
        load("some/path"),
        ErrorKind::Unsupported,
        "cannot find a handler for `some/path`: no scheme takes plain paths; this router has `http`, `memory`",
    );
}

#[test]
fn what_a_scheme_cannot_do_is_said() {
    let saved = block_on(router().save(&topology_only(), "http://x", &SaveOptions::new()));
    let message = "cannot find a handler for `http://x`: models at `http://` cannot be saved to";
    check(saved, ErrorKind::Unsupported, message);
    let message = "cannot find a handler for `http://x`: models at `http://` cannot be listed or removed";
    check(block_on(router().remove_model("http://x", &RemoveOptions::new())), ErrorKind::Unsupported, message);
    // Nothing was saved: that the source cannot be removed is known before.
    let (load, save) = (LoadOptions::new(), SaveOptions::new());
    let message = "cannot move `http://x`: nothing can be removed there, so nothing was copied; copy the model instead";
    check(block_on(router().move_model("http://x", "memory://y", &load, &save)), ErrorKind::Unsupported, message);
    assert!(block_on(router().load("memory://y", &load)).is_err());
}

#[test]
fn two_routes_of_one_kind_are_refused_when_the_router_is_built() {
    let twice = Router::builder().route(read_only("Http")).route(read_only("http")).build();
    check(twice, ErrorKind::Conflict, "two routes have the scheme `http`");
    let paths = Router::builder().route(read_only("aa").with_plain_paths()).route(read_only("bb").with_plain_paths());
    check(paths.build(), ErrorKind::Conflict, "the routes `aa` and `bb` both take plain paths");
    assert_eq!(Router::builder().route(read_only("no scheme")).build().unwrap_err().kind(), ErrorKind::InvalidUrl);
}

#[test]
fn places_that_make_no_sense_are_refused() {
    let message = "cannot load `memory://`: a model in memory needs a name, as in `memory://my-model`";
    check(block_on(router().load("memory://", &LoadOptions::new())), ErrorKind::InvalidUrl, message);
    let url = |text: &str| ModelUrl::parse(text).unwrap();
    let pair = ModelSource::Pair { topology: url("memory://a"), weights: url("memory://b") };
    let message = "cannot load `memory://a`: a model in memory has one URL, not two";
    check(router().load_handler(&pair), ErrorKind::InvalidUrl, message);
}

#[test]
fn copies_go_between_schemes_and_same_names_are_two_places() {
    let router = router();
    let (load, save) = (LoadOptions::new(), SaveOptions::new());
    block_on(router.copy_model("http://m", "memory://m", &load, &save)).unwrap();
    let loaded = block_on(router.load("memory://m", &load)).unwrap();
    assert_eq!(loaded.topology_json(), topology_only().topology_json());
}

/// A medium that takes a model and does not say whether it has it.
fn requests(saves: &Arc<AtomicUsize>) -> Route {
    let saves = Arc::clone(saves);
    Route::new("ask").with_save(move |_| {
        let saves = Arc::clone(&saves);
        Ok(Arc::new(with_save_handler(move |artifacts: ModelArtifacts| {
            saves.fetch_add(1, Ordering::Relaxed);
            let mut result = SaveResult::now(&artifacts);
            result.completion = Completion::Requested;
            std::future::ready(Ok(result))
        })))
    })
}

#[test]
fn the_source_of_a_move_stays_while_nobody_knows_whether_it_arrived() {
    let (load, save) = (LoadOptions::new(), SaveOptions::new());
    let saves = Arc::new(AtomicUsize::new(0));
    let loadable = requests(&saves).with_load(|_| Ok(Arc::new(from_memory(topology_only()))));
    for (route, copies, message) in [
        (
            requests(&saves),
            0,
            "cannot move `ask://m`: nobody could tell whether the model arrived; copy it, and remove the source when the copy is there",
        ),
        (
            loadable,
            1,
            "cannot move `ask://m`: the copy was sent, but nobody can tell whether it arrived; the source stays: \
             remove it when the copy is there",
        ),
    ] {
        let router = Router::builder().route(MemoryStore::new().route()).route(route).build().unwrap();
        block_on(router.save(&topology_only(), "memory://m", &save)).unwrap();
        check(block_on(router.move_model("memory://m", "ask://m", &load, &save)), ErrorKind::Unsupported, message);
        assert_eq!(saves.load(Ordering::Relaxed), copies);
        assert!(block_on(router.load("memory://m", &load)).is_ok());
        let copied = block_on(router.copy_model("memory://m", "ask://m", &load, &save)).unwrap();
        assert_eq!(copied.completion, Completion::Requested);
        saves.store(0, Ordering::Relaxed);
    }
}

#[test]
fn passthrough_handlers() {
    let handler = from_memory(topology_only());
    let loaded = block_on(handler.load(&LoadOptions::new())).unwrap();
    assert_eq!(loaded.model_topology, topology_only().model_topology);

    let seen = Arc::new(std::sync::Mutex::new(None));
    let router = {
        let seen = Arc::clone(&seen);
        let open = move |_: &ModelUrl| {
            let seen = Arc::clone(&seen);
            Ok(Arc::new(with_save_handler(move |artifacts: ModelArtifacts| {
                let result = SaveResult::now(&artifacts);
                *seen.lock().unwrap() = Some(artifacts);
                std::future::ready(Ok(result))
            })))
        };
        Router::builder().route(Route::new("hook").with_save(open)).build().unwrap()
    };
    let saved = block_on(router.save(&topology_only(), "hook://x", &SaveOptions::new())).unwrap();
    assert_eq!(saved.model_artifacts_info.model_topology_bytes, 11);
    assert_eq!(seen.lock().unwrap().take().unwrap().model_topology, topology_only().model_topology);
}

/// Damaged weights name the model that they came from; if nobody knows it, the one that they were to become.
#[test]
fn a_save_of_damaged_weights_says_which() {
    let spec = WeightSpec::new("w", Shape::vector(1_000_001).unwrap(), DType::Bool);
    let mut shard = Shard::new("w".parse().unwrap(), 1_000_001);
    shard.sha256 = Some(Sha256::of(b"something else"));
    let group = WeightGroup::new(vec![spec], vec![shard]);
    let damaged = Weights::new(vec![group], vec![0; 1_000_001].into(), SurplusBytes::Reject).unwrap();
    let save = |weights: &Weights, options: &SaveOptions| {
        let artifacts = topology_only().with_weights(weights.clone());
        block_on(router().save(&artifacts, "memory://m", options)).unwrap_err().to_string()
    };
    let message = save(&damaged, &SaveOptions::new());
    assert!(message.starts_with("cannot save `memory://m`: shard `w` has the SHA-256 "), "{message}");
    let message = save(&damaged.clone().with_location("/models/model.json"), &SaveOptions::new());
    assert!(message.starts_with("cannot read `/models/model.json`: shard `w` has the SHA-256 "), "{message}");

    let sound = Weights::single(damaged.specs().cloned().collect(), "w".parse().unwrap(), damaged.data().clone());
    let message = save(&sound.unwrap(), &SaveOptions::new().with_sharding(Sharding::Bytes(1.try_into().unwrap())));
    assert_eq!(message, "cannot save `memory://m`: the weights cannot be cut or named like that");
}
