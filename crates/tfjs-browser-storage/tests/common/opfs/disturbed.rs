//! Browsers that lack something, are full, or have other tabs that do not let go.

use std::time::Duration;

use futures::TryStreamExt as _;
use js_sys::{Function, Object, Promise, Reflect};
use tfjs_artifacts::ErrorKind;
use tfjs_router::{LoadHandler as _, LoadOptions, ModelStore as _, RemoveOptions, SaveHandler as _, SaveOptions};
use tfjs_testkit::{Harness as _, assert_same_model, samples};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

use super::leftovers::Gated;
use super::{Opfs, eventually, folder_of, handler, models, names, read, weights_in, write};

/// A property of a built-in object that is another one until this is dropped.
struct Patched {
    object: Object,
    key: &'static str,
    before: JsValue,
}

impl Patched {
    /// `object` is an expression, and so is `value`.
    fn new(object: &str, key: &'static str, value: &str) -> Self {
        let object: Object = js_sys::eval(object).unwrap().unchecked_into();
        let before = Object::get_own_property_descriptor(&object, &key.into());
        let patched = Self { object, key, before };
        let descriptor = format!("({{value: {value}, configurable: true, writable: true}})");
        patched.define(&js_sys::eval(&descriptor).unwrap());
        patched
    }

    fn define(&self, descriptor: &JsValue) {
        let descriptor: &Object = descriptor.unchecked_ref();
        Reflect::define_property(&self.object, &self.key.into(), descriptor).unwrap();
    }
}

impl Drop for Patched {
    fn drop(&mut self) {
        if self.before.is_undefined() {
            Reflect::delete_property(&self.object, &self.key.into()).unwrap();
        } else {
            self.define(&self.before);
        }
    }
}

/// Holds a lock as a tab that is suspended does; the function that is returned lets go.
async fn hold(lock: &str) -> Function {
    let body = format!(
        "return new Promise(held => navigator.locks.request('{lock}', () => new Promise(release => held(release))))"
    );
    let held: Promise = Function::new_no_args(&body).call0(&JsValue::UNDEFINED).unwrap().unchecked_into();
    JsFuture::from(held).await.unwrap().unchecked_into()
}

#[wasm_bindgen_test]
async fn a_model_that_does_not_fit_is_refused_before_anything_is_written() {
    let url = Opfs::new().url("model");
    let handler = handler(&url);
    let error = {
        let _full = Patched::new("navigator.storage", "estimate", "async () => ({usage: 7000, quota: 9000})");
        handler.save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap_err()
    };
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error:?}");
    assert!(error.to_string().contains("2000 bytes are available"), "{error}");
    let needed: u64 = error.message().split(' ').find_map(|word| word.parse().ok()).unwrap();
    assert!((4000..6000).contains(&needed), "{error}");
    assert!(!names(&models().await).await.contains(&Opfs::folder_name(&url)));
}

#[wasm_bindgen_test]
async fn what_killed_saves_left_is_removed_before_a_model_is_refused() {
    let harness = Opfs::new();
    let (url, other) = (harness.url("model"), folder_of(&harness.url("killed")).await);
    write(&other, "weights-1-dead.bin", b"left").await;
    {
        let once_full = "(() => { let calls = 0; return async () => ({usage: 0, quota: calls++ ? 1e9 : 9}); })()";
        let _full = Patched::new("navigator.storage", "estimate", once_full);
        handler(&url).save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
    }
    assert!(!names(&models().await).await.contains(&Opfs::folder_name(&harness.url("killed"))));
}

#[wasm_bindgen_test]
async fn a_disk_that_becomes_full_keeps_the_previous_model() {
    let url = Opfs::new().url("model");
    let handler = handler(&url);
    handler.save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
    for method in ["write", "close"] {
        let full = "async () => { throw new DOMException('full', 'QuotaExceededError'); }";
        let patched = Patched::new("FileSystemWritableFileStream.prototype", method, full);
        let error = handler.save(&samples::filled(2.0), &SaveOptions::new()).await.unwrap_err();
        drop(patched);
        assert_eq!(error.kind(), ErrorKind::StorageFull, "{error:?}");
        assert!(error.to_string().contains(" bytes are available"), "{error}");
        assert_same_model(&handler.load(&LoadOptions::new()).await.unwrap(), &samples::filled(1.0));
        let left = names(&folder_of(&url).await).await;
        assert_eq!(left.len(), 2, "{left:?}");
    }
}

#[wasm_bindgen_test]
async fn a_record_that_cannot_be_written_keeps_the_previous_model() {
    let url = Opfs::new().url("model");
    let handler = handler(&url);
    handler.save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
    // The second file that is closed is the record.
    let full = "(() => { let calls = 0; const close = WritableStream.prototype.close; return async function () {
        if (calls++) throw new DOMException('full', 'QuotaExceededError');
        return close.call(this);
    }; })()";
    let patched = Patched::new("FileSystemWritableFileStream.prototype", "close", full);
    let error = handler.save(&samples::filled(2.0), &SaveOptions::new()).await.unwrap_err();
    drop(patched);
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error:?}");
    assert_same_model(&handler.load(&LoadOptions::new()).await.unwrap(), &samples::filled(1.0));
    let left = names(&folder_of(&url).await).await;
    assert_eq!(left.len(), 2, "{left:?}");
}

/// The browser has replaced the record, and says that it has not.
#[wasm_bindgen_test]
async fn weights_stay_if_their_record_is_there() {
    let url = Opfs::new().url("model");
    let handler = handler(&url);
    handler.save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
    let liar = "(() => { let calls = 0; const close = WritableStream.prototype.close; return async function () {
        await close.call(this);
        if (calls++) throw new DOMException('lost', 'UnknownError');
    }; })()";
    let patched = Patched::new("FileSystemWritableFileStream.prototype", "close", liar);
    let error = handler.save(&samples::filled(2.0), &SaveOptions::new()).await.unwrap_err();
    drop(patched);
    assert_eq!(error.kind(), ErrorKind::Unexpected, "{error:?}");
    assert_same_model(&handler.load(&LoadOptions::new()).await.unwrap(), &samples::filled(2.0));
}

/// Between reading the record and opening its weights, another tab replaces the model.
#[wasm_bindgen_test]
async fn a_model_that_is_replaced_while_it_is_opened_is_looked_at_again() {
    let url = Opfs::new().url("model");
    let handler = handler(&url);
    handler.save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
    let gone_once = "(() => { let calls = 0; const get = FileSystemDirectoryHandle.prototype.getFileHandle;
        return async function (name, options) {
            if (name.startsWith('weights-') && !calls++) throw new DOMException('gone', 'NotFoundError');
            return get.call(this, name, options);
        };
    })()";
    let patched = Patched::new("FileSystemDirectoryHandle.prototype", "getFileHandle", gone_once);
    let loaded = handler.load(&LoadOptions::new()).await;
    drop(patched);
    assert_same_model(&loaded.unwrap(), &samples::filled(1.0));
}

#[wasm_bindgen_test]
async fn browsers_that_cannot_write_atomically_say_what_can() {
    let url = Opfs::new().url("model");
    let handler = handler(&url);
    handler.save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
    for (object, key) in [
        ("FileSystemFileHandle.prototype", "createWritable"),
        ("navigator", "locks"),
        ("navigator.storage", "getDirectory"),
        ("navigator", "storage"),
    ] {
        let patched = Patched::new(object, key, "undefined");
        let error = handler.save(&samples::filled(2.0), &SaveOptions::new()).await.unwrap_err();
        drop(patched);
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
        let says = if key == "storage" { "HTTPS" } else { "indexeddb://" };
        assert!(error.to_string().contains(says), "{error}");
    }
    // What is there can be read without locks.
    {
        let _none = Patched::new("navigator", "locks", "undefined");
        assert_same_model(&handler.load(&LoadOptions::new()).await.unwrap(), &samples::filled(1.0));
    }
    let left = names(&folder_of(&url).await).await;
    assert_eq!(left.len(), 2, "{left:?}");
}

#[wasm_bindgen_test]
async fn a_suspended_tab_does_not_stop_others_for_ever() {
    let url = Opfs::new().url("model");
    let patient = handler(&url);
    let handler = patient.clone().with_patience(Duration::from_millis(60));
    patient.save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
    let folder = Opfs::folder_name(&url);
    let weights = weights_in(&folder_of(&url).await).await;
    let lock = format!("tfjs-io/opfs/{folder}");

    let release = hold(&lock).await;
    let kind = handler.save(&samples::filled(2.0), &SaveOptions::new()).await.unwrap_err().kind();
    assert_eq!(kind, ErrorKind::Timeout);
    assert_eq!(handler.remove(&RemoveOptions::new()).await.unwrap_err().kind(), ErrorKind::Timeout);
    // A load needs only the weights.
    assert_same_model(&handler.load(&LoadOptions::new()).await.unwrap(), &samples::filled(1.0));
    // A save that is patient enough gets through.
    let (model, options) = (samples::filled(3.0), SaveOptions::new());
    let (saved, ()) = futures::join!(patient.save(&model, &options), async {
        gloo_timers::future::sleep(Duration::from_millis(50)).await;
        release.call0(&JsValue::UNDEFINED).unwrap();
    });
    saved.unwrap();

    let weights_now = weights_in(&folder_of(&url).await).await;
    assert_ne!(weights_now, weights);
    let release = hold(&format!("{lock}/{weights_now}")).await;
    assert_eq!(handler.load(&LoadOptions::new()).await.unwrap_err().kind(), ErrorKind::Timeout);
    release.call0(&JsValue::UNDEFINED).unwrap();
    assert_same_model(&handler.load(&LoadOptions::new()).await.unwrap(), &samples::filled(3.0));
}

/// A model that somebody else is just changing is not replaced, however long the weights took.
#[wasm_bindgen_test]
async fn a_save_waits_for_the_model_again_before_it_replaces_it() {
    let url = Opfs::new().url("model");
    let handler = handler(&url).with_patience(Duration::from_millis(60));
    handler.save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
    let folder = folder_of(&url).await;
    let (source, open) = Gated::new(8);
    let (slow, options) = (samples::from_source(source), SaveOptions::new());
    let (saved, release) = futures::join!(handler.save(&slow, &options), async {
        let weights = async || names(&folder).await.iter().filter(|name| name.starts_with("weights-")).count();
        eventually(async || weights().await >= 2).await;
        let release = hold(&format!("tfjs-io/opfs/{}", Opfs::folder_name(&url))).await;
        open.send(()).unwrap();
        release
    });
    assert_eq!(saved.unwrap_err().kind(), ErrorKind::Timeout);
    assert_same_model(&handler.load(&LoadOptions::new()).await.unwrap(), &samples::filled(1.0));
    assert_eq!(names(&folder).await.len(), 2);
    release.call0(&JsValue::UNDEFINED).unwrap();
}

/// No lock is left when nothing uses the model any more.
#[wasm_bindgen_test]
async fn no_lock_is_leaked() {
    let url = Opfs::new().url("model");
    let handler = handler(&url);
    handler.save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
    let lazy = handler.load(&LoadOptions::lazy()).await.unwrap();
    handler.save(&lazy, &SaveOptions::new()).await.unwrap();
    let held = async || {
        let query: Promise = js_sys::eval("navigator.locks.query()").unwrap().unchecked_into();
        let snapshot = JsFuture::from(query).await.unwrap();
        let snapshot = String::from(js_sys::JSON::stringify(&snapshot).unwrap());
        snapshot.matches(&format!("tfjs-io/opfs/{}", Opfs::folder_name(&url))).count()
    };
    assert!(held().await > 0);
    drop(lazy);
    eventually(async || held().await == 0).await;
    assert_eq!(names(&folder_of(&url).await).await.len(), 2);
}

/// What a newer version stored is neither misread nor in the way.
#[wasm_bindgen_test]
async fn a_record_of_another_version_is_unsupported_and_can_be_removed_and_replaced() {
    let harness = Opfs::new();
    let url = harness.url("model");
    let handler = handler(&url);
    for replaces in [true, false] {
        handler.save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
        let folder = folder_of(&url).await;
        write(&folder, "model", br#"{"formatVersion":2,"whatever":[]}"#).await;
        let error = handler.load(&LoadOptions::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
        assert!(error.to_string().contains("format 2"), "{error}");
        let listed: Result<Vec<_>, _> = harness.router().list_models(&harness.root()).try_collect().await;
        assert_eq!(listed.unwrap_err().kind(), ErrorKind::Unsupported);
        if replaces {
            handler.save(&samples::filled(2.0), &SaveOptions::new()).await.unwrap();
            assert_same_model(&handler.load(&LoadOptions::new()).await.unwrap(), &samples::filled(2.0));
            assert_eq!(names(&folder).await.len(), 2);
        } else {
            let info = handler.remove(&RemoveOptions::new()).await.unwrap();
            assert_eq!((info.weight_data_bytes, info.model_topology_bytes), (4000, 0));
            assert!(!names(&models().await).await.contains(&Opfs::folder_name(&url)));
        }
    }
}

#[wasm_bindgen_test]
async fn records_that_are_none_are_invalid_data_and_can_be_removed() {
    let url = Opfs::new().url("model");
    let handler = handler(&url);
    for damage in [
        &b"{"[..],
        b"\xff",
        b"[]",
        br#"{"formatVersion":"1"}"#,
        br#"{"formatVersion":1}"#,
        br#"{"formatVersion":1,"weights":"../../secret","modelArtifactsInfo":{"dateSaved":"2026-11-23T14:30:19.064Z","modelTopologyType":"JSON","modelTopologyBytes":0,"weightSpecsBytes":0,"weightDataBytes":0},"stored":{}}"#,
        br#"{"formatVersion":1,"weights":null,"modelArtifactsInfo":{"dateSaved":"soon","modelTopologyType":"JSON","modelTopologyBytes":0,"weightSpecsBytes":0,"weightDataBytes":0},"stored":{}}"#,
    ] {
        handler.save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
        write(&folder_of(&url).await, "model", damage).await;
        let error = handler.load(&LoadOptions::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error:?}");
        let info = handler.remove(&RemoveOptions::new()).await.unwrap();
        assert_eq!(info.weight_data_bytes, 4000);
        assert_eq!(handler.load(&LoadOptions::new()).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
    // Weights that the record claims, and that are not those of the manifest.
    handler.save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
    let folder = folder_of(&url).await;
    let record = String::from_utf8(read(&folder, "model").await).unwrap();
    for (from, to) in
        [("\"shardBytes\":[4000]", "\"shardBytes\":[4000,1]"), ("\"shardBytes\":[4000]", "\"shardBytes\":[]")]
    {
        let changed = record.replace(from, to);
        assert_ne!(changed, record);
        write(&folder, "model", changed.as_bytes()).await;
        assert_eq!(handler.load(&LoadOptions::new()).await.unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
