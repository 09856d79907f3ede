//! What a page downloads: clicks are seen, and the browser is kept from following them.

use std::io::{Cursor, Read as _, Seek, SeekFrom};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use tfjs_artifacts::{
    Completion, DType, Error, ErrorKind, ModelArtifacts, ModelTopology, RawJson, RelPath, SaveResult, Shape, Sharding,
    SurplusBytes, WeightSpec, Weights,
};
use tfjs_browser_storage::{DownloadsHandler, browser_files, downloads};
use tfjs_router::{
    Checksums, LoadHandler as _, LoadOptions, MemoryStore, Phase, Progress, ProgressSink, RemoveOptions, Router,
    SaveHandler as _, SaveOptions,
};
use tfjs_testkit::{Ability, FailingSource, Outcome, StallingSource, assert_same_model, record_ability, samples};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::{Blob, File};

#[path = "../../src/browser/downloads/crc32.rs"]
mod crc32;
#[path = "../../src/browser/downloads/zip/format.rs"]
mod format;

#[wasm_bindgen_test]
fn checksums_are_those_of_zip_files() {
    let bytes: Vec<u8> = (0..1000_u32).map(|place| (place * place % 251) as u8).collect();
    for length in (0..70).chain([255, 256, 999, 1000]) {
        for cut in [0, 1, 7, 16, 33].into_iter().filter(|cut| *cut <= length) {
            let mut sum = crc32::Crc32::new();
            sum.update(&bytes[..cut]);
            sum.update(&bytes[cut..length]);
            assert_eq!(sum.finish(), crc32fast::hash(&bytes[..length]), "{length} bytes, cut at {cut}");
        }
    }
}

/// Sees the clicks on links whose file names begin like this.
struct Clicks {
    prefix: String,
    seen: Array,
    stop: Function,
}

/// One of them.
struct Click {
    name: String,
    url: String,
    /// Milliseconds.
    at: f64,
    was_in_the_page: bool,
    is_in_the_page: bool,
    was_hidden: bool,
    content: Blob,
}

impl Clicks {
    fn of(prefix: &str) -> Self {
        let seen = Array::new();
        let listen = Function::new_with_args(
            "prefix, seen",
            "const listener = (event) => {
                const link = event.target;
                if (!(link instanceof HTMLAnchorElement) || !link.download.startsWith(prefix)) return;
                event.preventDefault();
                seen.push({
                    link, name: link.download, url: link.href, at: performance.now(), attached: document.contains(link),
                    hidden: link.hidden, content: fetch(link.href).then((answer) => answer.blob()),
                });
            };
            document.addEventListener('click', listener, true);
            return () => document.removeEventListener('click', listener, true);",
        );
        let stop = listen.call2(&JsValue::NULL, &prefix.into(), &seen).unwrap().unchecked_into();
        Self { prefix: prefix.to_owned(), seen, stop }
    }

    fn handler(&self) -> DownloadsHandler {
        DownloadsHandler::new(&self.prefix).unwrap()
    }

    fn count(&self) -> u32 {
        self.seen.length()
    }

    async fn all(&self) -> Vec<Click> {
        let mut all = Vec::new();
        for click in self.seen.iter() {
            let get = |key: &str| Reflect::get(&click, &key.into()).unwrap();
            let link: web_sys::Node = get("link").unchecked_into();
            all.push(Click {
                name: get("name").as_string().unwrap(),
                url: get("url").as_string().unwrap(),
                at: get("at").as_f64().unwrap(),
                was_in_the_page: get("attached").is_truthy(),
                is_in_the_page: link.is_connected(),
                was_hidden: get("hidden").is_truthy(),
                content: JsFuture::from(get("content").unchecked_into::<Promise>()).await.unwrap().unchecked_into(),
            });
        }
        all
    }

    async fn names(&self) -> Vec<String> {
        self.all().await.into_iter().map(|click| click.name).collect()
    }

    /// As the user would pick them afterwards.
    async fn files(&self) -> Vec<File> {
        let file = |click: Click| File::new_with_blob_sequence(&Array::of1(&click.content), &click.name).unwrap();
        self.all().await.into_iter().map(file).collect()
    }

    async fn load(&self) -> ModelArtifacts {
        browser_files(self.files().await).load(&LoadOptions::new()).await.unwrap()
    }
}

impl Drop for Clicks {
    fn drop(&mut self) {
        self.stop.call0(&JsValue::NULL).unwrap();
    }
}

async fn read(blob: &Blob) -> Vec<u8> {
    Uint8Array::new(&JsFuture::from(blob.array_buffer()).await.unwrap()).to_vec()
}

async fn text(click: &Click) -> String {
    String::from_utf8(read(&click.content).await).unwrap()
}

async fn save(clicks: &Clicks, artifacts: &ModelArtifacts) -> Result<SaveResult, Error> {
    clicks.handler().save(artifacts, &SaveOptions::new()).await
}

/// With all weights in one group and one file, as they are downloaded.
async fn joined(artifacts: &ModelArtifacts) -> ModelArtifacts {
    let weights = artifacts.weights.as_ref().unwrap();
    artifacts.clone().with_weights(weights.joined(RelPath::parse("w").unwrap()).await.unwrap())
}

#[wasm_bindgen_test]
async fn the_files_are_those_of_tensorflow_js() {
    let json = r#"{"modelTopology":{"a":1},"format":"layers-model","generatedBy":"g","convertedBy":null,"weightsManifest":[{"paths":["./test-model.weights.bin"],"weights":[{"name":"w","shape":[2],"dtype":"float32"}]}],"userDefinedMetadata":{},"modelInitializer":{},"trainingConfig":{"loss":"x","metrics":["m"],"optimizer_config":{}}}"#;
    let raw = |text: &str| Some(RawJson::parse(text).unwrap());
    let spec = WeightSpec::new("w", Shape::new([2]).unwrap(), DType::Float32);
    let weights = Weights::single(vec![spec], "elsewhere".parse().unwrap(), b"\0\0\x80\x3f\0\0\0\x40".to_vec().into());
    let mut model = ModelArtifacts::new().with_topology(raw(r#"{"a":1}"#).unwrap()).with_weights(weights.unwrap());
    model.format = raw("\"layers-model\"");
    model.generated_by = raw("\"g\"");
    model.converted_by = raw("null");
    model.user_defined_metadata = raw("{}");
    model.model_initializer = raw("{}");
    model.training_config = raw(r#"{"loss":"x","metrics":["m"],"optimizer_config":{}}"#);

    let clicks = Clicks::of("test-model");
    let saved = save(&clicks, &model).await.unwrap();
    assert_eq!((saved.completion, saved.model_artifacts_info.weight_data_bytes), (Completion::Requested, 8));
    let all = clicks.all().await;
    let [first, second] = all.as_slice() else { panic!("{} clicks", all.len()) };
    assert_eq!((&*first.name, &*second.name), ("test-model.json", "test-model.weights.bin"));
    assert_eq!((&*first.content.type_(), &*second.content.type_()), ("application/json", "application/octet-stream"));
    assert_eq!(text(first).await, json);
    assert_eq!(read(&second.content).await, b"\0\0\x80\x3f\0\0\0\x40");
    // In the page while they are clicked, unseen, and not all at once.
    for click in &all {
        assert!(click.was_in_the_page && click.was_hidden && !click.is_in_the_page, "{}", click.name);
    }
    assert!(second.at - first.at >= 250.0, "{} ms", second.at - first.at);
}

#[wasm_bindgen_test]
async fn what_is_downloaded_can_be_picked_again() {
    let topology = RawJson::parse(r#"{"node":[]}"#).unwrap();
    let weights_only = ModelArtifacts::new().with_weights(samples::filled(2.0).weights.unwrap());
    let with_weights = [
        samples::filled(1.5),
        samples::everything(),
        samples::many_shards(300),
        samples::with_tensors([]),
        samples::from_source(FailingSource::new(vec![0; 3 << 20], 3 << 20)),
        weights_only,
    ];
    for (index, model) in with_weights.into_iter().enumerate() {
        let clicks = Clicks::of(&format!("again-{index}"));
        save(&clicks, &model).await.unwrap();
        assert_eq!(clicks.count(), 2, "a file of weights, whatever they were cut into");
        let mut expected = joined(&model).await;
        expected.weights = Some(expected.weights.unwrap().load(|_| ()).await.unwrap());
        assert_same_model(&clicks.load().await, &expected);
    }
    let without = ModelArtifacts::new().with_topology(topology);
    let clicks = Clicks::of("again-without");
    save(&clicks, &without).await.unwrap();
    assert_eq!(clicks.names().await, ["again-without.json"]);
    let all = clicks.all().await;
    // `tf.io.browserFiles` takes nothing without a manifest.
    let json = r#"{"modelTopology":{"node":[]},"weightsManifest":[{"paths":["./again-without.weights.bin"]}]}"#;
    assert_eq!(text(&all[0]).await, json);
    assert_same_model(&clicks.load().await, &without);
    record_ability("downloads://", Ability::Save, Outcome::Shown);
}

#[wasm_bindgen_test]
async fn weights_are_cut_and_named_as_the_options_say() {
    let model = samples::everything();
    let of = |sharding| SaveOptions::new().with_sharding(sharding);
    let clicks = Clicks::of("cut");
    let twenty = NonZeroU64::new(20).unwrap();
    clicks.handler().save(&model, &of(Sharding::Bytes(twenty))).await.unwrap();
    let names = clicks.names().await;
    assert_eq!(names, ["cut.json", "cut.group1-shard1of2.bin", "cut.group1-shard2of2.bin", "cut.group3-shard1of1.bin"]);
    assert_eq!(clicks.load().await.weights.unwrap().groups().len(), 3);
    drop(clicks);

    let clicks = Clicks::of("single");
    clicks.handler().save(&model, &of(Sharding::Single)).await.unwrap();
    let names = clicks.names().await;
    assert_eq!(names, ["single.json", "single.group1-shard1of1.bin", "single.group3-shard1of1.bin"]);
    drop(clicks);

    let clicks = Clicks::of("");
    let named = SaveOptions::new().with_weights_file_name("named.bin".parse().unwrap());
    DownloadsHandler::new("model").unwrap().save(&model, &named).await.unwrap();
    assert_eq!(clicks.names().await, ["model.json", "named.bin"]);
    assert!(text(&clicks.all().await[0]).await.contains(r#""paths":["./named.bin"]"#));
    for bad in ["sub/w.bin", "model.json", "what?"] {
        let options = SaveOptions::new().with_weights_file_name(bad.parse().unwrap());
        let error = DownloadsHandler::new("").unwrap().save(&model, &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{error}");
    }
    assert_eq!(clicks.count(), 2);
}

#[wasm_bindgen_test]
async fn names_are_those_that_browsers_keep() {
    for name in ["a/b", "a\\b", "a\nb", "c:d", "what?", "*", ".hidden", " x", "\"q\"", "<x>", "a|b"] {
        let error = DownloadsHandler::new(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidUrl);
        let router = Router::builder().route(downloads::route()).build().unwrap();
        let saved = router.save(&samples::filled(1.0), &format!("downloads://{name}"), &SaveOptions::new()).await;
        assert_eq!(saved.unwrap_err().kind(), ErrorKind::InvalidUrl);
    }
    // Chromium makes `_` of these, and cuts what is too long.
    for name in ["short~1", "soft\u{ad}hyphen", "\u{202e}gpj", "no\u{ffff}", "\u{a0}x", &"x".repeat(240)] {
        assert_eq!(DownloadsHandler::new(name).unwrap_err().kind(), ErrorKind::InvalidUrl, "{name:?}");
    }
    let clicks = Clicks::of("");
    let router = Router::builder().route(downloads::route()).build().unwrap();
    router.save(&samples::filled(1.0), "downloads://", &SaveOptions::new()).await.unwrap();
    router.save(&samples::filled(1.0), "downloads://猫 1.5", &SaveOptions::new()).await.unwrap();
    let names = ["model.json", "model.weights.bin", "猫 1.5.json", "猫 1.5.weights.bin"];
    assert_eq!(clicks.names().await, names);
}

#[wasm_bindgen_test]
async fn checksums_are_compared_and_made() {
    let mut model = samples::many_shards(4);
    for (name, checksums) in [("with-sums", Checksums::Write), ("without-sums", Checksums::Keep)] {
        let clicks = Clicks::of(name);
        clicks.handler().save(&model, &SaveOptions::new().with_checksums(checksums)).await.unwrap();
        let loaded = clicks.load().await;
        let has_sums = loaded.weights.as_ref().unwrap().shards().all(|shard| shard.sha256.is_some());
        assert_eq!(has_sums, checksums == Checksums::Write);
        if has_sums {
            // The sums of files that are joined are made anew.
            let again = Clicks::of("again-with-sums");
            save(&again, &loaded).await.unwrap();
            assert!(again.load().await.weights.unwrap().shards().all(|shard| shard.sha256.is_some()));
        }
    }
    let mut groups = model.weights.as_ref().unwrap().groups().to_vec();
    groups[0].shards[2].sha256 = Some(tfjs_artifacts::Sha256::of(b"other"));
    let data = model.weights.as_ref().unwrap().data().clone();
    model.weights = Some(Weights::new(groups, data, SurplusBytes::Reject).unwrap());
    let clicks = Clicks::of("damaged");
    for handler in [clicks.handler(), clicks.handler().with_zip()] {
        let error = handler.save(&model, &SaveOptions::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(
            error.to_string().starts_with("cannot save `downloads://damaged`: shard `shard2` has the SHA-256"),
            "{error}"
        );
    }
    assert_eq!(clicks.count(), 0);
}

#[wasm_bindgen_test]
async fn nothing_is_downloaded_of_what_cannot_be_read_or_written() {
    let clicks = Clicks::of("broken");
    let broken = samples::from_source(FailingSource::new(vec![0; 5 << 20], 4 << 20));
    let mut binary = samples::filled(1.0);
    binary.model_topology = Some(ModelTopology::GraphDef(Bytes::from_static(b"pb")));
    for handler in [clicks.handler(), clicks.handler().with_zip()] {
        let error = handler.save(&broken, &SaveOptions::new()).await.unwrap_err();
        assert_eq!(error.to_string(), "cannot save `downloads://broken`: injected: the source broke");
        let error = handler.save(&binary, &SaveOptions::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let error = handler.save(&ModelArtifacts::new(), &SaveOptions::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
    TimeoutFuture::new(400).await;
    assert_eq!(clicks.count(), 0);
}

#[wasm_bindgen_test]
async fn a_save_that_is_dropped_downloads_nothing_or_everything() {
    let clicks = Clicks::of("dropped-early");
    let source = StallingSource::new(vec![0; 3 << 20], 1 << 20);
    let stalling = samples::from_source(source.clone());
    let handler = clicks.handler();
    let options = SaveOptions::new();
    match select(handler.save(&stalling, &options), Box::pin(source.stalled())).await {
        Either::Left((saved, _)) => panic!("{saved:?}"),
        Either::Right(((), saving)) => drop(saving),
    }
    TimeoutFuture::new(400).await;
    assert_eq!(clicks.count(), 0);
    drop(clicks);

    let clicks = Clicks::of("dropped-late");
    let (handler, model) = (clicks.handler(), samples::filled(4.0));
    match select(handler.save(&model, &options), TimeoutFuture::new(150)).await {
        Either::Left((saved, _)) => panic!("{saved:?}"),
        Either::Right(((), saving)) => drop(saving),
    }
    assert_eq!(clicks.names().await, ["dropped-late.json"]);
    TimeoutFuture::new(400).await;
    assert_same_model(&clicks.load().await, &joined(&model).await);
}

/// The browser may still be asking the user where to put the file.
#[wasm_bindgen_test]
async fn urls_stay_for_a_while_and_then_go() {
    let replace = Function::new_with_args(
        "waits",
        "const real = window.setTimeout;
        window.setTimeout = (run, wait, ...others) => {
            waits.push(wait);
            return real(run, wait >= 10000 ? 600 : wait, ...others);
        };
        return () => { window.setTimeout = real; };",
    );
    let waits = Array::new();
    let restore: Function = replace.call1(&JsValue::NULL, &waits).unwrap().unchecked_into();
    let clicks = Clicks::of("revoked");
    let saved = save(&clicks, &samples::filled(1.0)).await;
    restore.call0(&JsValue::NULL).unwrap();
    saved.unwrap();
    let waits: Vec<_> = waits.iter().filter_map(|wait| wait.as_f64()).collect();
    assert_eq!(waits.iter().filter(|wait| **wait == 40_000.0).count(), 2, "{waits:?}");
    let all = clicks.all().await;
    let is_there = async |url: &str| {
        let fetch = Function::new_with_args("url", "return fetch(url).then(() => true, () => false)");
        let fetched = fetch.call1(&JsValue::NULL, &url.into()).unwrap().unchecked_into::<Promise>();
        JsFuture::from(fetched).await.unwrap().is_truthy()
    };
    assert!(is_there(&all[1].url).await);
    TimeoutFuture::new(900).await;
    for click in &all {
        assert!(!is_there(&click.url).await, "{}", click.name);
    }
}

#[wasm_bindgen_test]
async fn progress_ends_when_all_is_asked_for() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::<Progress>::new()));
    let sink = {
        let seen = Arc::clone(&seen);
        ProgressSink::new(move |progress| seen.lock().unwrap().push(progress))
    };
    let clicks = Clicks::of("progress");
    let model = samples::from_source(FailingSource::new(vec![0; 5 << 20], 5 << 20));
    clicks.handler().save(&model, &SaveOptions::new().with_progress(sink)).await.unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen.len() >= 6);
    assert!(seen.is_sorted_by_key(|progress| progress.bytes));
    assert!(seen.iter().all(|progress| (progress.shards, progress.total_bytes) == (1, 5 << 20)));
    let last = seen.last().unwrap();
    assert_eq!((last.phase, last.bytes), (Phase::Done, 5 << 20));
    assert_eq!(seen.iter().filter(|progress| progress.phase == Phase::Done).count(), 1);
}

#[wasm_bindgen_test]
async fn nothing_is_loaded_from_downloads_or_moved_there() {
    let store = MemoryStore::new();
    let router = Router::builder().route(downloads::route()).route(store.route()).build().unwrap();
    let error = router.load("downloads://m", &LoadOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let message = "cannot load `downloads://m`: what was downloaded is not the page's any more; let the user pick the files, and \
                   load those with `browser_files`";
    assert_eq!(error.to_string(), message);

    let clicks = Clicks::of("moved");
    let (load, options) = (LoadOptions::new(), SaveOptions::new());
    router.save(&samples::filled(1.0), "memory://m", &options).await.unwrap();
    let error = router.move_model("memory://m", "downloads://moved", &load, &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(clicks.count(), 0);
    assert!(router.load("memory://m", &load).await.is_ok());
    let copied = router.copy_model("memory://m", "downloads://moved", &load, &options).await.unwrap();
    assert_eq!((copied.completion, clicks.count()), (Completion::Requested, 2));
    let how = "let the user pick the files, and load those with `browser_files`";
    record_ability("downloads://", Ability::Load, Outcome::Refused(how));
}

#[wasm_bindgen_test]
async fn downloads_are_neither_listed_nor_removed_nor_moved() {
    let router = Router::builder().route(downloads::route()).route(MemoryStore::new().route()).build().unwrap();
    let listed = router.list_models("downloads://").next().await.unwrap();
    assert_eq!(listed.unwrap_err().kind(), ErrorKind::Unsupported);
    let removed = router.remove_model("downloads://m", &RemoveOptions::new()).await;
    assert_eq!(removed.unwrap_err().kind(), ErrorKind::Unsupported);
    let moved = router.move_model("downloads://m", "memory://m", &LoadOptions::new(), &SaveOptions::new()).await;
    assert_eq!(moved.unwrap_err().kind(), ErrorKind::Unsupported);
    let how = "what was downloaded is not the page's any more";
    record_ability("downloads://", Ability::Manage, Outcome::Refused(how));
}

#[wasm_bindgen_test]
async fn a_zip_holds_the_model_as_it_is() {
    for (index, model) in
        [samples::everything(), samples::many_shards(200), samples::filled(1.0)].into_iter().enumerate()
    {
        let clicks = Clicks::of(&format!("zipped {index} é"));
        let saved = clicks.handler().with_zip().save(&model, &SaveOptions::new()).await.unwrap();
        assert_eq!(saved.completion, Completion::Requested);
        let all = clicks.all().await;
        let [click] = all.as_slice() else { panic!("{} clicks", all.len()) };
        assert_eq!((&*click.name, &*click.content.type_()), (&*format!("{}.zip", clicks.prefix), "application/zip"));
        let mut archive = zip::ZipArchive::new(Cursor::new(read(&click.content).await)).unwrap();
        assert_eq!(archive.by_index(0).unwrap().name().unwrap(), format!("{}.json", clicks.prefix));
        let mut files = Vec::new();
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).unwrap();
            let mut bytes = Vec::new();
            // Compares the checksum too.
            entry.read_to_end(&mut bytes).unwrap();
            let this_year = js_sys::Date::new_0().get_full_year();
            assert_eq!(entry.last_modified().map(|time| u32::from(time.year())), Some(this_year));
            assert_eq!(entry.unix_mode(), Some(0o100_644));
            files.push(super::picked_files::file(&entry.name().unwrap(), &bytes));
        }
        assert_same_model(&browser_files(files).load(&LoadOptions::new()).await.unwrap(), &model);
    }
    // In a folder of the zip it may be.
    let clicks = Clicks::of("deep");
    let options = SaveOptions::new().with_weights_file_name("sub/w.bin".parse().unwrap());
    clicks.handler().with_zip().save(&samples::filled(1.0), &options).await.unwrap();
    let archive = zip::ZipArchive::new(Cursor::new(read(&clicks.all().await[0].content).await)).unwrap();
    assert_eq!(archive.file_names().map(Result::unwrap).collect::<Vec<_>>(), ["deep.json", "sub/w.bin"]);
}

/// A file of which only some ranges are there; the rest is zeros.
struct Sparse {
    length: u64,
    written: Vec<(u64, Vec<u8>)>,
    position: u64,
}

impl std::io::Read for Sparse {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let end = self.length.min(self.position + into.len() as u64);
        let count = usize::try_from(end.saturating_sub(self.position)).unwrap();
        for (index, byte) in into[..count].iter_mut().enumerate() {
            let at = self.position + index as u64;
            let found = self.written.iter().find(|(start, bytes)| (*start..*start + bytes.len() as u64).contains(&at));
            *byte = found.map_or(0, |(start, bytes)| bytes[usize::try_from(at - start).unwrap()]);
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(offset) => offset,
            SeekFrom::End(offset) => self.length.strict_add_signed(offset),
            SeekFrom::Current(offset) => self.position.strict_add_signed(offset),
        };
        Ok(self.position)
    }
}

/// Files beyond the limits of the first zip programs: of more than 4 GiB, behind more than 4 GiB, and more than 65535.
#[wasm_bindgen_test]
fn a_large_zip_is_read_by_others() {
    let modified = format::DosTime::new([2026, 2, 28], [23, 59, 59]);
    for lengths in [vec![5 << 30, 7], vec![u64::from(u32::MAX), 0], vec![1; 70_000]] {
        let (mut sparse, mut directory) = (Sparse { length: 0, written: Vec::new(), position: 0 }, Vec::new());
        let names: Vec<_> = (0..lengths.len()).map(|index| format!("shard {index}")).collect();
        let looked_at = [0, 1, lengths.len() - 1];
        for (index, (name, &bytes)) in names.iter().zip(&lengths).enumerate() {
            let entry = format::Entry { name, bytes, crc32: 0x1234_5678, modified, offset: sparse.length };
            let header = entry.local_header().unwrap();
            directory.extend(entry.directory_header().unwrap());
            let length = header.len() as u64;
            if looked_at.contains(&index) {
                sparse.written.push((sparse.length, header));
            }
            sparse.length += length + bytes;
        }
        let end = format::end(lengths.len() as u64, directory.len() as u64, sparse.length);
        let behind = [directory, end].concat();
        let length = behind.len() as u64;
        sparse.written.push((sparse.length, behind));
        sparse.length += length;
        let mut archive = zip::ZipArchive::new(sparse).unwrap();
        assert_eq!(archive.len(), lengths.len());
        for index in looked_at {
            let entry = archive.by_index_raw(index).unwrap();
            assert_eq!(
                (&*entry.name().unwrap(), entry.size(), entry.compressed_size()),
                (&*names[index], lengths[index], lengths[index])
            );
            assert_eq!(entry.crc32(), 0x1234_5678);
            let time = entry.last_modified().unwrap();
            assert_eq!((time.month(), time.day(), time.hour(), time.minute(), time.second()), (2, 28, 23, 59, 58));
        }
    }
}

/// Neither our memory nor JavaScript's holds the model.
#[wasm_bindgen_test]
async fn a_large_model_passes_through_little_memory() {
    /// Bytes that are made when they are read, and counted.
    #[derive(Debug)]
    struct Made(Arc<AtomicU64>);

    #[async_trait::async_trait(?Send)]
    impl tfjs_artifacts::ByteSource for Made {
        fn byte_length(&self) -> u64 {
            160 << 20
        }

        fn version(&self) -> Option<String> {
            None
        }

        async fn read(&self, range: std::ops::Range<u64>) -> Result<Bytes, Error> {
            let length = range.end - range.start;
            self.0.fetch_add(length, Ordering::Relaxed);
            Ok(vec![1; usize::try_from(length).unwrap()].into())
        }
    }

    let read = Arc::new(AtomicU64::new(0));
    let model = samples::from_source(Made(Arc::clone(&read)));
    let clicks = Clicks::of("large");
    let before = super::picked_files::memory();
    save(&clicks, &model).await.unwrap();
    let grown = super::picked_files::memory() - before;
    assert!(grown < 16 << 20, "{grown} bytes more");
    assert_eq!(read.load(Ordering::Relaxed), 160 << 20);
    assert_eq!(clicks.all().await[1].content.size(), f64::from(160 << 20));
}
