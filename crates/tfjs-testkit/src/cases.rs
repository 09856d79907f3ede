//! The behaviours. Each takes a fresh place, panics if the backend behaves otherwise, and says at its end what it has seen.
//!
//! The names are the specification: [`conformance_suite!`](crate::conformance_suite) makes a test of each.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use futures::future::{Either, select};
use tfjs_artifacts::{
    DType, Error, ErrorKind, Limit, Limits, ModelArtifacts, RawJson, RelPath, Shape, Shard, ShardLayout, ShardNames,
    Sharding, SurplusBytes, WeightGroup, WeightSpec, Weights,
};
use tfjs_router::{Checksums, LoadOptions, Phase, Progress, ProgressSink, RemoveOptions, SaveOptions};
use tfjs_weights::Tensor;

use crate::at_once::{at_once, give_way};
use crate::{Damage, Damaged, FailingSource, Harness, Outcome, StallingSource, assert_same_model, samples};

/// More than any backend holds at once.
const LARGE: usize = 9 << 20;

async fn save<H: Harness>(harness: &H, artifacts: &ModelArtifacts, url: &str) -> Result<(), Error> {
    harness.router().save(artifacts, url, &SaveOptions::new()).await.map(|_| ())
}

async fn load<H: Harness>(harness: &H, url: &str) -> Result<ModelArtifacts, Error> {
    harness.router().load(url, &LoadOptions::new()).await
}

async fn list<H: Harness>(harness: &H) -> Vec<String> {
    let models = harness.router().list_models(&harness.root());
    let mut urls: Vec<_> = models.map(|model| model.unwrap().url.to_string()).collect().await;
    urls.sort();
    urls
}

#[track_caller]
fn assert_kind<T>(result: Result<T, Error>, kind: ErrorKind) {
    let Err(error) = result else { panic!("it succeeded, and should be an error of the kind {kind:?}") };
    assert_eq!(error.kind(), kind, "{error}");
}

/// Saves, loads, compares.
async fn round_trip<H: Harness>(harness: &H, artifacts: &ModelArtifacts) -> Outcome {
    let url = harness.url("model");
    save(harness, artifacts, &url).await.unwrap();
    assert_same_model(&load(harness, &url).await.unwrap(), artifacts);
    Outcome::Shown
}

/// Weights come back bit for bit, NaN payloads included.
pub async fn round_trip_is_byte_exact<H: Harness>(harness: &H) -> Outcome {
    let bits = (0..5000u32).map(|i| f32::from_bits(i.wrapping_mul(0x9e37_79b9)));
    let floats = Tensor::float32("f", Shape::vector(5000).unwrap(), bits.collect()).unwrap();
    let bools = Tensor::bool("b", Shape::vector(3).unwrap(), [true, false, true]).unwrap();
    let integers = Tensor::int32("unaligned", Shape::vector(2).unwrap(), vec![i32::MIN, i32::MAX]).unwrap();
    let complex = Tensor::complex64("c", Shape::scalar(), vec![[0.5, -0.0]]).unwrap();
    let strings = Tensor::string("s", Shape::vector(3).unwrap(), [&b"a"[..], b"", b"\xff\x80"]).unwrap();
    round_trip(harness, &samples::with_tensors([bools, floats, integers, complex, strings])).await
}

/// The text of the topology is not reformatted, reordered or rounded.
pub async fn topology_json_is_preserved_verbatim<H: Harness>(harness: &H) -> Outcome {
    let mut artifacts = samples::filled(1.0);
    let text = "{ \"b\": 1.0, \"2\": 1e-7,\n\t\"a\": [ 1E5, 12345678901234567890 ], \"\\u00e9\": \"\\/\", \"1\": {} }";
    artifacts.model_topology = Some(tfjs_artifacts::ModelTopology::Json(RawJson::parse(text).unwrap()));
    round_trip(harness, &artifacts).await
}

/// Every known key, and every unknown one in the model, its groups and its weights.
pub async fn all_optional_fields_survive<H: Harness>(harness: &H) -> Outcome {
    round_trip(harness, &samples::everything()).await
}

/// What was not there does not appear, not even as null.
pub async fn absent_fields_stay_absent<H: Harness>(harness: &H) -> Outcome {
    let mut artifacts = samples::filled(1.0);
    (artifacts.format, artifacts.generated_by, artifacts.converted_by) = (None, None, None);
    round_trip(harness, &artifacts).await
}

/// A model without weights.
pub async fn topology_only<H: Harness>(harness: &H) -> Outcome {
    let artifacts = ModelArtifacts::new().with_topology(RawJson::parse(r#"{"node":[]}"#).unwrap());
    round_trip(harness, &artifacts).await
}

/// Weights without a model.
pub async fn weights_only<H: Harness>(harness: &H) -> Outcome {
    let mut artifacts = samples::filled(1.0);
    artifacts.model_topology = None;
    round_trip(harness, &artifacts).await
}

/// A group without tensors in a file without bytes, as TensorFlow.js saves a model without weights.
pub async fn empty_weights<H: Harness>(harness: &H) -> Outcome {
    round_trip(harness, &samples::with_tensors([])).await
}

/// Scalars, and tensors with a dimension of zero.
pub async fn zero_dim_tensor<H: Harness>(harness: &H) -> Outcome {
    let scalar = Tensor::float32("scalar", Shape::scalar(), vec![1.5]).unwrap();
    let empty = Tensor::float32("empty", Shape::new([2, 0, 3]).unwrap(), Vec::new()).unwrap();
    round_trip(harness, &samples::with_tensors([empty, scalar])).await
}

/// More files than a process may usually hold open.
pub async fn many_shards<H: Harness>(harness: &H) -> Outcome {
    round_trip(harness, &samples::many_shards(1100)).await
}

/// Weights that do not fit into one window of a stream; where they do not fit at all, the previous model stays.
pub async fn larger_than_one_chunk<H: Harness>(harness: &H) -> Outcome {
    let values = (0..u16::MAX).cycle().take(LARGE / 4).map(f32::from).collect::<Vec<_>>();
    let shape = Shape::vector(values.len() as u64).unwrap();
    let large = samples::with_tensors([Tensor::float32("w", shape, values).unwrap()]);
    if harness.capabilities().large {
        return round_trip(harness, &large).await;
    }
    let url = harness.url("model");
    assert_kind(save(harness, &large, &url).await, ErrorKind::StorageFull);
    assert_kind(load(harness, &url).await, ErrorKind::NotFound);
    save(harness, &samples::everything(), &url).await.unwrap();
    assert_kind(save(harness, &large, &url).await, ErrorKind::StorageFull);
    assert_same_model(&load(harness, &url).await.unwrap(), &samples::everything());
    Outcome::Refused("the save is an error of the kind `StorageFull`, and the previous model stays")
}

/// Two odd names are two models; tensors may be called anything.
pub async fn names_with_unicode_and_slashes<H: Harness>(harness: &H) -> Outcome {
    let shape = || Shape::vector(1).unwrap();
    let named = |name: &str| Tensor::float32(name, shape(), vec![1.0]).unwrap();
    let model = samples::with_tensors(["模型/核:0", "__proto__", "a\"b\\c", " ", ""].map(named));
    let (one, two) = (harness.url("模型 1/ü b"), harness.url("100% & more"));
    save(harness, &model, &one).await.unwrap();
    save(harness, &samples::filled(2.0), &two).await.unwrap();
    assert_same_model(&load(harness, &one).await.unwrap(), &model);
    assert_same_model(&load(harness, &two).await.unwrap(), &samples::filled(2.0));
    Outcome::Shown
}

/// The second model replaces the first, with all its files.
pub async fn save_overwrites<H: Harness>(harness: &H) -> Outcome {
    let url = harness.url("model");
    for artifacts in [samples::everything(), samples::many_shards(9), samples::filled(1.0), samples::everything()] {
        save(harness, &artifacts, &url).await.unwrap();
        assert_same_model(&load(harness, &url).await.unwrap(), &artifacts);
    }
    Outcome::Shown
}

/// What was loaded and saved again is what was loaded.
pub async fn save_twice_is_stable<H: Harness>(harness: &H) -> Outcome {
    let (one, two) = (harness.url("one"), harness.url("two"));
    save(harness, &samples::everything(), &one).await.unwrap();
    let first = load(harness, &one).await.unwrap();
    save(harness, &first, &two).await.unwrap();
    assert_same_model(&load(harness, &two).await.unwrap(), &first);
    Outcome::Shown
}

/// Nothing there.
pub async fn load_missing_is_not_found<H: Harness>(harness: &H) -> Outcome {
    assert_kind(load(harness, &harness.url("nobody")).await, ErrorKind::NotFound);
    Outcome::Shown
}

/// The error says where.
pub async fn error_names_the_location<H: Harness>(harness: &H) -> Outcome {
    let error = load(harness, &harness.url("nobody")).await.unwrap_err();
    assert!(error.location().is_some_and(|location| location.as_str().contains("nobody")), "{error:?}");
    assert!(error.operation().is_some(), "{error:?}");
    Outcome::Shown
}

/// A save whose weights cannot be read to their end changes nothing.
pub async fn failed_save_keeps_the_previous_model<H: Harness>(harness: &H) -> Outcome {
    let url = harness.url("model");
    let previous = samples::filled(1.0);
    save(harness, &previous, &url).await.unwrap();
    for readable in [0, 5 << 20, LARGE as u64 - 1] {
        let broken = samples::from_source(FailingSource::new(vec![0; LARGE], readable));
        assert_kind(save(harness, &broken, &url).await, ErrorKind::Transport);
        assert_same_model(&load(harness, &url).await.unwrap(), &previous);
    }
    if harness.capabilities().manages {
        let listed = list(harness).await;
        assert_eq!(listed.len(), 1, "{listed:?}");
    }
    Outcome::Shown
}

/// Each byte of the weights is once the last one that can be read.
pub async fn a_save_that_fails_at_any_byte_keeps_the_previous_model<H: Harness>(harness: &H) -> Outcome {
    const BYTES: usize = 24;
    let url = harness.url("model");
    let previous = samples::filled(1.0);
    save(harness, &previous, &url).await.unwrap();
    for readable in 0..BYTES as u64 {
        let broken = samples::from_source(FailingSource::new(vec![0; BYTES], readable));
        assert_kind(save(harness, &broken, &url).await, ErrorKind::Transport);
        assert_same_model(&load(harness, &url).await.unwrap(), &previous);
    }
    let whole = samples::from_source(FailingSource::new(vec![0; BYTES], BYTES as u64));
    save(harness, &whole, &url).await.unwrap();
    load(harness, &url).await.unwrap();
    Outcome::Shown
}

/// A save that fails where nothing was leaves nothing.
pub async fn interrupted_save_is_not_loadable<H: Harness>(harness: &H) -> Outcome {
    let url = harness.url("model");
    let broken = samples::from_source(FailingSource::new(vec![0; LARGE], 5 << 20));
    assert_kind(save(harness, &broken, &url).await, ErrorKind::Transport);
    assert_kind(load(harness, &url).await, ErrorKind::NotFound);
    if harness.capabilities().manages {
        assert_eq!(list(harness).await, [""; 0]);
    }
    Outcome::Shown
}

/// Dropping the future of a save leaves the previous model.
pub async fn cancelled_save_is_all_or_nothing<H: Harness>(harness: &H) -> Outcome {
    let url = harness.url("model");
    let previous = samples::filled(1.0);
    save(harness, &previous, &url).await.unwrap();
    for readable in [0, 5 << 20] {
        let source = StallingSource::new(vec![0; LARGE], readable);
        let stalling = samples::from_source(source.clone());
        let saving = Box::pin(save(harness, &stalling, &url));
        match select(saving, Box::pin(source.stalled())).await {
            Either::Left((result, _)) => panic!("the save ended: {result:?}"),
            Either::Right(((), saving)) => drop(saving),
        }
        assert_same_model(&load(harness, &url).await.unwrap(), &previous);
    }
    Outcome::Shown
}

/// Of two saves at once, one wins, whole.
pub async fn concurrent_saves_last_wins_whole<H: Harness>(harness: &H) -> Outcome {
    let url = harness.url("model");
    for round in 0u8..8 {
        let (one, two) = (samples::filled(1.0 + f32::from(round)), samples::filled(-1.0));
        let (first, second) = futures::join!(save(harness, &one, &url), save(harness, &two, &url));
        first.unwrap();
        second.unwrap();
        let loaded = load(harness, &url).await.unwrap();
        let value = |model: &ModelArtifacts| format!("{:?}", model.weights.as_ref().unwrap().data().segments().next());
        assert!([value(&one), value(&two)].contains(&value(&loaded)), "a mixture of two models");
    }
    Outcome::Shown
}

/// Two models are saved in turns by somebody else. What is loaded meanwhile is one of them, with all its files.
pub async fn loads_during_saves_find_one_of_them_whole<H: Harness>(harness: &H) -> Outcome {
    let (router, url) = (harness.router(), harness.url("model"));
    save(harness, &samples::numbered(1), &url).await.unwrap();
    // Whoever drops it ends the saves; and who saves holds on to it as `Weak`, until a save fails.
    let saves = Arc::new(AtomicU32::new(0));
    let going_on = Arc::downgrade(&saves);
    let saving = {
        let url = url.clone();
        async move {
            while let Some(saves) = going_on.upgrade() {
                for number in [2, 1] {
                    router.save(&samples::numbered(number), &url, &SaveOptions::new()).await?;
                    give_way().await;
                }
                saves.fetch_add(2, Ordering::Relaxed);
            }
            Ok::<(), Error>(())
        }
    };
    let loading = async move {
        let mut is_enough = enough();
        // Some saves are waited for, however slow they are.
        while Arc::weak_count(&saves) > 0 && (!is_enough() || saves.load(Ordering::Relaxed) < 4) {
            assert_numbered(&load(harness, &url).await.unwrap()).await;
            give_way().await;
        }
    };
    at_once(saving, loading).await.unwrap();
    Outcome::Shown
}

/// Says after how many loads it is enough: some have been cut in two by a save, and nobody has waited for long.
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
fn enough() -> impl FnMut() -> bool {
    let (mut loads, since) = (0, std::time::Instant::now());
    move || {
        loads += 1;
        loads > 2000 || since.elapsed() > std::time::Duration::from_millis(250)
    }
}

/// In a browser there is no such clock, and a load is interrupted only where it waits.
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
fn enough() -> impl FnMut() -> bool {
    let mut loads = 0;
    move || {
        loads += 1;
        loads > 40
    }
}

async fn assert_numbered(loaded: &ModelArtifacts) {
    let number: u8 = loaded.user_defined_metadata.as_ref().unwrap().get().parse().unwrap();
    let bytes = loaded.weights.as_ref().unwrap().data().read(0..400).await.unwrap();
    let others = bytes.iter().filter(|byte| **byte != number).count();
    assert_eq!(
        others,
        0,
        "a mixture of two saves: bytes of the weights that are not those of the JSON, of {}; a load looks once at what is \
         there, and a save replaces it in one step",
        bytes.len()
    );
}

/// The files of a model that is replaced by one with fewer go, and so do all files of one that is removed.
pub async fn nothing_is_left_behind<H: Harness>(harness: &H) -> Outcome {
    let url = harness.url("model");
    let before = harness.count().await;
    save(harness, &samples::filled(1.0), &url).await.unwrap();
    let one_file = harness.count().await;
    for artifacts in [samples::many_shards(9), samples::everything(), samples::filled(1.0)] {
        save(harness, &artifacts, &url).await.unwrap();
    }
    assert_eq!(harness.count().await, one_file, "files of models that were replaced are left behind");
    if harness.capabilities().manages {
        save(harness, &samples::many_shards(9), &url).await.unwrap();
        harness.router().remove_model(&url, &RemoveOptions::new()).await.unwrap();
        assert_eq!(list(harness).await, [""; 0]);
        assert_eq!(harness.count().await, before, "files of a model that was removed are left behind");
    }
    match before {
        Some(_) => Outcome::Shown,
        None => Outcome::NotApplicable("what its medium holds is not counted"),
    }
}

/// What lazy loads do in a medium that cannot read a part of what it holds.
const READ_AT_ONCE: Outcome = Outcome::Refused("a lazy load reads all weights at once, and they are the same");

/// In place of a behaviour that reads weights later.
const NOTHING_LEFT_TO_READ: Outcome =
    Outcome::NotApplicable("a lazy load reads all weights at once, so nothing is left to be read later");

/// Reading weights when they are used gives the same weights; media that cannot, load them at once.
pub async fn lazy_load_equals_eager_load<H: Harness>(harness: &H) -> Outcome {
    let url = harness.url("model");
    save(harness, &samples::everything(), &url).await.unwrap();
    let mut lazy = harness.router().load(&url, &LoadOptions::lazy()).await.unwrap();
    let weights = lazy.weights.take().unwrap();
    assert_eq!(weights.data().is_in_memory(), !harness.capabilities().lazy);
    lazy.weights = Some(weights.load(|_| ()).await.unwrap());
    assert_same_model(&lazy, &load(harness, &url).await.unwrap());
    if harness.capabilities().lazy { Outcome::Shown } else { READ_AT_ONCE }
}

/// A range of lazy weights has the bytes that it has in the whole, also where it crosses files.
pub async fn ranges_of_lazy_weights_are_those_of_the_whole<H: Harness>(harness: &H) -> Outcome {
    let url = harness.url("model");
    save(harness, &samples::everything(), &url).await.unwrap();
    let eager = load(harness, &url).await.unwrap().weights.unwrap();
    let all = eager.data().read(0..39).await.unwrap();
    let lazy = harness.router().load(&url, &LoadOptions::lazy()).await.unwrap().weights.unwrap();
    assert_eq!(lazy.data().is_in_memory(), !harness.capabilities().lazy);
    for (start, end) in [(0, 1), (38, 39), (3, 3), (1, 38), (0, 39), (17, 23)] {
        let range = all.slice(start..end);
        assert_eq!(lazy.data().read(start as u64..end as u64).await.unwrap(), range, "{start} to {end}");
    }
    if harness.capabilities().lazy { Outcome::Shown } else { READ_AT_ONCE }
}

/// Every loader has the limits of the call, eager or lazy, from the text of the JSON to the lengths of strings.
pub async fn limits_are_those_of_the_call<H: Harness>(harness: &H) -> Outcome {
    let url = harness.url("model");
    save(harness, &samples::everything(), &url).await.unwrap();
    let router = harness.router();
    for options in [LoadOptions::new(), LoadOptions::lazy()] {
        let enough = [(Limit::Tensors, 3), (Limit::Rank, 2), (Limit::NameBytes, 1 << 8), (Limit::StringElements, 2)];
        let enough = enough.into_iter().chain([(Limit::StringBytes, 3), (Limit::WeightBytes, 39)]);
        let enough = enough.fold(Limits::none(), |limits, (limit, most)| limits.with(limit, most));
        router.load(&url, &options.clone().with_limits(enough)).await.unwrap();
        let too_few = [(Limit::JsonBytes, 40), (Limit::Tensors, 2), (Limit::Rank, 1), (Limit::StringElements, 1)];
        for (limit, most) in too_few.into_iter().chain([(Limit::WeightBytes, 38), (Limit::DecodedBytes, 35)]) {
            let limited = options.clone().with_limits(Limits::none().with(limit, most));
            let Err(error) = router.load(&url, &limited).await else {
                panic!(
                    "loaded in spite of the limit `{limit}` of {most}; `ModelJson::parse_with` and `finish_load` keep limits"
                )
            };
            assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{limit}: {error}");
            let told = format!("the limit `{limit}` of {most}");
            assert!(error.chain().to_string().contains(&told), "{limit}: {error}");
        }
        let limited = options.with_limits(Limits::none().with(Limit::StringBytes, 2));
        let error = match router.load(&url, &limited).await {
            Ok(loaded) => loaded.weights.unwrap().locate().await.map(|_| ()).unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    }
    Outcome::Shown
}

/// A model that is read while it is replaced.
pub async fn lazy_model_can_be_saved_over_itself<H: Harness>(harness: &H) -> Outcome {
    let url = harness.url("model");
    save(harness, &samples::everything(), &url).await.unwrap();
    let lazy = harness.router().load(&url, &LoadOptions::lazy()).await.unwrap();
    assert_eq!(lazy.weights.as_ref().unwrap().data().is_in_memory(), !harness.capabilities().lazy);
    save(harness, &lazy, &url).await.unwrap();
    assert_same_model(&load(harness, &url).await.unwrap(), &samples::everything());
    if harness.capabilities().lazy { Outcome::Shown } else { NOTHING_LEFT_TO_READ }
}

/// Files of any size, or one for each group, hold the same bytes for the same tensors.
pub async fn resharding_keeps_every_byte<H: Harness>(harness: &H) -> Outcome {
    let (router, artifacts) = (harness.router(), samples::everything());
    for sharding in
        [1, 7, 4096].map(|bytes| Sharding::Bytes(NonZeroU64::new(bytes).unwrap())).into_iter().chain([Sharding::Single])
    {
        let url = harness.url("model");
        router.save(&artifacts, &url, &SaveOptions::new().with_sharding(sharding)).await.unwrap();
        let loaded = load(harness, &url).await.unwrap();
        let (ours, theirs) = (artifacts.weights.as_ref().unwrap(), loaded.weights.as_ref().unwrap());
        if let Sharding::Bytes(bytes) = sharding {
            let groups = ours.groups().iter().zip(theirs.groups());
            assert!(groups.clone().all(|(ours, theirs)| ours.byte_length() == theirs.byte_length()));
            let expected = |length: u64| length.div_ceil(bytes.get());
            assert!(groups.clone().all(|(ours, theirs)| theirs.shards.len() as u64 == expected(ours.byte_length())));
        }
        // Cut again as it was, it is what it was.
        let names = ShardNames::for_model("model").unwrap();
        let layout = ShardLayout::new(ours, &names, Sharding::Keep).unwrap();
        let mut again = loaded.clone();
        again.weights = Some(theirs.with_layout(&layout).unwrap());
        assert_same_model(&again, &artifacts);
    }
    Outcome::Shown
}

/// Checksums are there when they were asked for, and stay in copies, also in copies that are cut anew.
pub async fn checksums_are_written_and_kept<H: Harness>(harness: &H) -> Outcome {
    let (router, artifacts) = (harness.router(), samples::everything());
    let (one, two) = (harness.url("one"), harness.url("two"));
    let checksums = |model: &ModelArtifacts| {
        let shards: Vec<_> = model.weights.as_ref().unwrap().shards().map(|shard| shard.sha256).collect();
        shards
    };
    save(harness, &artifacts, &one).await.unwrap();
    assert!(checksums(&load(harness, &one).await.unwrap()).iter().all(Option::is_none));

    router.save(&artifacts, &one, &SaveOptions::new().with_checksums(Checksums::Write)).await.unwrap();
    let written = load(harness, &one).await.unwrap();
    assert!(
        checksums(&written).iter().all(Option::is_some),
        "saved with `Checksums::Write`, and a file has no checksum; `Digests` makes them, before the JSON is encoded"
    );
    router.copy_model(&one, &two, &LoadOptions::new(), &SaveOptions::new()).await.unwrap();
    assert_eq!(checksums(&load(harness, &two).await.unwrap()), checksums(&written));

    let sharding = Sharding::Bytes(NonZeroU64::new(9).unwrap());
    router.copy_model(&one, &two, &LoadOptions::new(), &SaveOptions::new().with_sharding(sharding)).await.unwrap();
    let cut = checksums(&load(harness, &two).await.unwrap());
    assert!(cut.len() > 3 && cut.iter().all(Option::is_some));
    Outcome::Shown
}

/// Where the JSON is a file, no weights are written over it; elsewhere its name is one like any other.
pub async fn weights_never_take_the_name_of_the_json<H: Harness>(harness: &H) -> Outcome {
    let (url, previous, next) = (harness.url("model"), samples::filled(1.0), samples::filled(2.0));
    save(harness, &previous, &url).await.unwrap();
    let options = SaveOptions::new().with_weights_file_name(RelPath::parse("model.json").unwrap());
    match harness.router().save(&next, &url, &options).await {
        Ok(_) => {
            let loaded = load(harness, &url).await;
            assert_same_model(
                &loaded.expect("a weights file called `model.json` is refused, or is not in the way"),
                &next,
            );
            Outcome::NotApplicable("no file of it is the JSON, and a weights file of that name is as good as any")
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{error}");
            assert_same_model(&load(harness, &url).await.unwrap(), &previous);
            Outcome::Shown
        }
    }
}

/// A byte that changed is found by the checksum, and nothing is made of it.
pub async fn changed_weights_are_found_by_their_checksum<H: Harness>(harness: &H) -> Outcome {
    let (router, url) = (harness.router(), harness.url("model"));
    router.save(&samples::filled(1.0), &url, &SaveOptions::new().with_checksums(Checksums::Write)).await.unwrap();
    if !damage(harness, &url, Damage::ChangeWeights).await {
        return undamageable();
    }
    assert_kind(load(harness, &url).await, ErrorKind::InvalidData);
    let copied = router.copy_model(&url, &harness.url("copy"), &LoadOptions::new(), &SaveOptions::new()).await;
    assert_kind(copied, ErrorKind::InvalidData);
    assert_kind(load(harness, &harness.url("copy")).await, ErrorKind::NotFound);
    Outcome::Shown
}

/// Progress never goes back, knows its total, and ends once, on success only.
pub async fn progress_is_monotone_ends_at_one_and_only_on_success<H: Harness>(harness: &H) -> Outcome {
    let heard = Arc::new(Mutex::new(Vec::<Progress>::new()));
    let sink = {
        let heard = Arc::clone(&heard);
        ProgressSink::new(move |progress| heard.lock().unwrap().push(progress))
    };
    let take = || std::mem::take(&mut *heard.lock().unwrap());
    let check = |events: Vec<Progress>, total: u64, shards: u64| {
        let (last, moving) = events.split_last().unwrap();
        assert_eq!((last.phase, last.bytes), (Phase::Done, total));
        assert!(moving.iter().all(|event| event.phase == Phase::Weights));
        assert!(events.is_sorted_by_key(|event| (event.bytes, event.shard)));
        assert!(events.iter().all(|event| event.total_bytes == total && event.shards == shards));
        assert!(events.iter().all(|event| (1..=shards).contains(&event.shard)));
    };
    let url = harness.url("model");
    let (saving, loading) =
        (SaveOptions::new().with_progress(sink.clone()), LoadOptions::new().with_progress(sink.clone()));
    for (artifacts, total, shards) in [(samples::everything(), 39, 3), (samples::many_shards(40), 280, 40)] {
        harness.router().save(&artifacts, &url, &saving).await.unwrap();
        check(take(), total, shards);
        harness.router().load(&url, &loading).await.unwrap();
        check(take(), total, shards);
    }
    let broken = samples::from_source(FailingSource::new(vec![0; LARGE], 5 << 20));
    assert_kind(harness.router().save(&broken, &url, &saving).await, ErrorKind::Transport);
    assert!(take().iter().all(|event| event.phase != Phase::Done));
    assert_kind(harness.router().load(&harness.url("nobody"), &loading).await, ErrorKind::NotFound);
    assert_eq!(take(), []);
    Outcome::Shown
}

/// Saved models are listed under URLs that load them.
pub async fn list_after_save<H: Harness>(harness: &H) -> Outcome {
    if !harness.capabilities().manages {
        return without_management(harness).await;
    }
    assert_eq!(list(harness).await, [""; 0]);
    let mut urls = vec![harness.url("one"), harness.url("zwei ü"), harness.url("100%")];
    for url in &urls {
        save(harness, &samples::filled(1.0), url).await.unwrap();
    }
    let listed = list(harness).await;
    for url in &listed {
        assert_same_model(&load(harness, url).await.unwrap(), &samples::filled(1.0));
    }
    urls.sort();
    assert_eq!(listed.len(), urls.len());
    Outcome::Shown
}

/// What a save reports is what the list shows, but for the date.
pub async fn save_reports_the_sizes_that_the_list_shows<H: Harness>(harness: &H) -> Outcome {
    if !harness.capabilities().manages {
        return without_management(harness).await;
    }
    let saved =
        harness.router().save(&samples::everything(), &harness.url("model"), &SaveOptions::new()).await.unwrap();
    let listed = harness.router().list_models(&harness.root()).next().await.unwrap().unwrap();
    let mut info = listed.info;
    info.date_saved = saved.model_artifacts_info.date_saved;
    assert_eq!(info, saved.model_artifacts_info);
    assert_eq!(info.weight_data_bytes, 39);
    Outcome::Shown
}

/// A removed model is gone, and only that one.
pub async fn remove_then_load_is_not_found<H: Harness>(harness: &H) -> Outcome {
    if !harness.capabilities().manages {
        return without_management(harness).await;
    }
    let (gone, kept) = (harness.url("gone"), harness.url("kept"));
    save(harness, &samples::everything(), &gone).await.unwrap();
    save(harness, &samples::filled(1.0), &kept).await.unwrap();
    let info = harness.router().remove_model(&gone, &RemoveOptions::new()).await.unwrap();
    assert_eq!(info.weight_data_bytes, 39);
    assert_kind(load(harness, &gone).await, ErrorKind::NotFound);
    assert_same_model(&load(harness, &kept).await.unwrap(), &samples::filled(1.0));
    assert_eq!(list(harness).await.len(), 1);
    Outcome::Shown
}

/// Nothing to remove.
pub async fn remove_missing_is_not_found<H: Harness>(harness: &H) -> Outcome {
    if !harness.capabilities().manages {
        return without_management(harness).await;
    }
    assert_kind(
        harness.router().remove_model(&harness.url("nobody"), &RemoveOptions::new()).await,
        ErrorKind::NotFound,
    );
    Outcome::Shown
}

/// A copy leaves the source, and is the same model.
pub async fn copy_keeps_source<H: Harness>(harness: &H) -> Outcome {
    let (source, copy) = (harness.url("source"), harness.url("copy"));
    save(harness, &samples::everything(), &source).await.unwrap();
    let router = harness.router();
    router.copy_model(&source, &copy, &LoadOptions::new(), &SaveOptions::new()).await.unwrap();
    assert_same_model(&load(harness, &source).await.unwrap(), &samples::everything());
    assert_same_model(&load(harness, &copy).await.unwrap(), &samples::everything());
    Outcome::Shown
}

/// Source and destination must be two places.
pub async fn copy_onto_itself_is_refused<H: Harness>(harness: &H) -> Outcome {
    let url = harness.url("model");
    save(harness, &samples::filled(1.0), &url).await.unwrap();
    let copied = harness.router().copy_model(&url, &url, &LoadOptions::new(), &SaveOptions::new()).await;
    assert_kind(copied, ErrorKind::InvalidUrl);
    assert_same_model(&load(harness, &url).await.unwrap(), &samples::filled(1.0));
    Outcome::Shown
}

/// What a move does from a medium that cannot remove.
const NOT_MOVED: Outcome =
    Outcome::Refused("a move is an error of the kind `Unsupported`, and both places stay as they were");

/// A move removes the source when the destination is there.
pub async fn move_deletes_source_only_after_success<H: Harness>(harness: &H) -> Outcome {
    let (source, moved) = (harness.url("source"), harness.url("moved"));
    save(harness, &samples::everything(), &source).await.unwrap();
    let router = harness.router();
    let done = router.move_model(&source, &moved, &LoadOptions::new(), &SaveOptions::new()).await;
    if !harness.capabilities().manages {
        assert_kind(done, ErrorKind::Unsupported);
        assert_same_model(&load(harness, &source).await.unwrap(), &samples::everything());
        assert_kind(load(harness, &moved).await, ErrorKind::NotFound);
        return NOT_MOVED;
    }
    done.unwrap();
    assert_kind(load(harness, &source).await, ErrorKind::NotFound);
    assert_same_model(&load(harness, &moved).await.unwrap(), &samples::everything());
    Outcome::Shown
}

/// A source that cannot be read to its end stays, and so does what was at the destination.
pub async fn move_of_a_broken_source_changes_nothing<H: Harness>(harness: &H) -> Outcome {
    let (source, moved) = (harness.url("source"), harness.url("moved"));
    save(harness, &samples::filled(1.0), &source).await.unwrap();
    save(harness, &samples::filled(2.0), &moved).await.unwrap();
    if !damage(harness, &source, Damage::ShortenWeights).await {
        return undamageable();
    }
    let router = harness.router();
    let done = router.move_model(&source, &moved, &LoadOptions::new(), &SaveOptions::new()).await;
    let manages = harness.capabilities().manages;
    assert_kind(done, if manages { ErrorKind::InvalidData } else { ErrorKind::Unsupported });
    assert_same_model(&load(harness, &moved).await.unwrap(), &samples::filled(2.0));
    assert_kind(load(harness, &source).await, ErrorKind::InvalidData);
    if manages { Outcome::Shown } else { NOT_MOVED }
}

/// Saves a model, damages it, and expects this error, loading eagerly and lazily.
async fn check_damage<H: Harness>(harness: &H, how: Damage, kind: ErrorKind) -> Outcome {
    let url = harness.url("model");
    save(harness, &samples::filled(1.0), &url).await.unwrap();
    if !damage(harness, &url, how).await {
        return undamageable();
    }
    assert_kind(load(harness, &url).await, kind);
    let copied =
        harness.router().copy_model(&url, &harness.url("copy"), &LoadOptions::new(), &SaveOptions::new()).await;
    assert_kind(copied, kind);
    assert_kind(load(harness, &harness.url("copy")).await, ErrorKind::NotFound);
    Outcome::Shown
}

/// A byte is missing.
pub async fn weights_shorter_than_manifest_is_invalid_data<H: Harness>(harness: &H) -> Outcome {
    check_damage(harness, Damage::ShortenWeights, ErrorKind::InvalidData).await
}

/// A byte too many.
pub async fn weights_longer_than_manifest_is_invalid_data<H: Harness>(harness: &H) -> Outcome {
    check_damage(harness, Damage::LengthenWeights, ErrorKind::InvalidData).await
}

/// The weights are gone.
pub async fn missing_weights_are_not_found<H: Harness>(harness: &H) -> Outcome {
    check_damage(harness, Damage::RemoveWeights, ErrorKind::NotFound).await
}

/// A page that is as long as the weights are.
pub async fn html_in_place_of_weights_is_invalid_data<H: Harness>(harness: &H) -> Outcome {
    check_damage(harness, Damage::WeightsAreHtml, ErrorKind::InvalidData).await
}

/// Half a JSON file.
pub async fn truncated_json_is_invalid_data<H: Harness>(harness: &H) -> Outcome {
    check_damage(harness, Damage::TruncateJson, ErrorKind::InvalidData).await
}

/// A manifest that names a file outside.
pub async fn manifest_path_escape_is_rejected<H: Harness>(harness: &H) -> Outcome {
    let mut outcome = Outcome::Shown;
    for json in [
        r#"{"weightsManifest":[{"paths":["../secret"],"weights":[]}]}"#,
        r#"{"weightsManifest":[{"paths":["/etc/passwd"],"weights":[]}]}"#,
        r#"{"weightsManifest":[{"paths":["a\\..\\b"],"weights":[]}]}"#,
    ] {
        outcome = check_damage(harness, Damage::ReplaceJson(json), ErrorKind::InvalidData).await;
    }
    outcome
}

/// JSON that would overflow the stack of a recursive reader.
pub async fn deep_json_is_refused<H: Harness>(harness: &H) -> Outcome {
    let deep: &'static str = Box::leak("[".repeat(10_000).into_boxed_str());
    check_damage(harness, Damage::ReplaceJson(deep), ErrorKind::LimitExceeded).await
}

/// What a medium does not have is an error that says so.
pub async fn unsupported_is_reported_as_unsupported<H: Harness>(harness: &H) -> Outcome {
    if !harness.capabilities().manages {
        assert_unmanaged(harness).await;
    }
    let unknown = harness.router().load("no-such-scheme://x", &LoadOptions::new()).await;
    let error = unknown.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    for scheme in harness.router().schemes() {
        assert!(error.to_string().contains(scheme), "{error} does not name `{scheme}`");
    }
    Outcome::Shown
}

/// A medium that cannot list or remove says so.
async fn assert_unmanaged<H: Harness>(harness: &H) {
    let listed = harness.router().list_models(&harness.root()).next().await.unwrap();
    assert_kind(listed, ErrorKind::Unsupported);
    assert_kind(
        harness.router().remove_model(&harness.url("model"), &RemoveOptions::new()).await,
        ErrorKind::Unsupported,
    );
}

/// In place of a behaviour that needs to list or remove.
async fn without_management<H: Harness>(harness: &H) -> Outcome {
    assert_unmanaged(harness).await;
    Outcome::Refused("listing and removing are errors of the kind `Unsupported`")
}

/// Damages a model, where that is possible. A medium without bytes to damage says so, and the types that it stores cannot hold
/// what the damage would be.
async fn damage<H: Harness>(harness: &H, url: &str, damage: Damage) -> bool {
    let damaged = harness.damage(url, damage).await == Damaged::Done;
    assert_eq!(damaged, harness.capabilities().raw_medium, "not what the harness says of its medium");
    if !damaged {
        assert_damage_has_no_type();
    }
    damaged
}

/// In place of a behaviour that needs a damaged model.
fn undamageable() -> Outcome {
    Outcome::NotApplicable(
        "it holds no bytes that could be damaged, and its types cannot hold what the damage would be",
    )
}

fn assert_damage_has_no_type() {
    let path = RelPath::parse("w").unwrap();
    for bytes in [7, 9] {
        let spec = WeightSpec::new("w", Shape::vector(2).unwrap(), DType::Float32);
        let group = WeightGroup::new(vec![spec], vec![Shard::new(path.clone(), bytes)]);
        let data = vec![0; usize::try_from(bytes).unwrap()].into();
        assert!(Weights::new(vec![group], data, SurplusBytes::Reject).is_err());
    }
    assert!(RelPath::parse("../secret").is_err());
    assert!(RawJson::parse(&"[".repeat(10_000)).is_err());
}
