//! Models among files that were picked, in a page and in a worker.

use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use tfjs_artifacts::{
    DType, Error, ErrorKind, ModelArtifacts, ModelTopology, RawJson, Shape, Shard, ShardLayout, ShardNames, Sharding,
    SurplusBytes, WeightData, WeightGroup, WeightSpec, Weights, encode_manifest, encode_model_json,
};
use tfjs_browser_storage::{PickedFiles, browser_files};
use tfjs_router::{LoadHandler as _, LoadOptions, ModelStore, SaveHandler};
use tfjs_testkit::{Ability, Outcome, assert_same_model, record_ability, samples};
use tfjs_weights::{TensorReader, Values};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::{Blob, File};

/// A file as a browser gives it: with a path if a folder was picked.
pub(crate) fn file(path: &str, bytes: &[u8]) -> File {
    with_path(path, |name| File::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes)), name).unwrap())
}

fn with_path(path: &str, make: impl FnOnce(&str) -> File) -> File {
    let name = path.rsplit('/').next().unwrap();
    let file = make(name);
    if name != path {
        let property = Object::new();
        Reflect::set(&property, &"value".into(), &path.into()).unwrap();
        Object::define_property(&file, &"webkitRelativePath".into(), &property);
    }
    file
}

/// The files of a model: `model.json` last.
pub(crate) fn files_of(artifacts: &ModelArtifacts, prefix: &str) -> Vec<File> {
    let weights = artifacts.weights.as_ref().unwrap();
    let layout = ShardLayout::new(weights, &ShardNames::for_model("model").unwrap(), Sharding::Keep).unwrap();
    let all: Vec<u8> = weights
        .data()
        .segments()
        .flat_map(|segment| match segment {
            tfjs_artifacts::Segment::Memory(bytes) => bytes.to_vec(),
            tfjs_artifacts::Segment::Lazy { .. } => panic!("samples are in memory"),
        })
        .collect();
    let at = |offset: u64| usize::try_from(offset).unwrap();
    let shard = |shard: &tfjs_artifacts::PlannedShard| {
        file(&format!("{prefix}{}", shard.path), &all[at(shard.range.start)..at(shard.range.end)])
    };
    let json = encode_model_json(artifacts, Some(&layout)).unwrap();
    let mut files: Vec<_> = layout.shards().map(shard).collect();
    files.push(file(&format!("{prefix}model.json"), json.as_bytes()));
    files
}

async fn load(files: Vec<File>) -> Result<ModelArtifacts, Error> {
    browser_files(files).load(&LoadOptions::new()).await
}

#[track_caller]
fn check(error: &Error, kind: ErrorKind, message: &str) {
    assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
}

/// A model of one tensor of bytes in these files.
fn manifest(paths: &[&str], bytes: u64) -> String {
    let paths: Vec<_> = paths.iter().map(|path| format!("\"{path}\"")).collect();
    format!(
        r#"{{"modelTopology":{{"node":[]}},"weightsManifest":[{{"paths":[{}],"weights":[{{"name":"w","shape":[{bytes}],"dtype":"bool"}}]}}]}}"#,
        paths.join(",")
    )
}

async fn bytes(artifacts: &ModelArtifacts) -> Vec<u8> {
    let data = artifacts.weights.as_ref().unwrap().data();
    data.read(0..data.byte_length()).await.unwrap().to_vec()
}

#[wasm_bindgen_test]
async fn files_may_come_in_any_order_and_the_json_under_any_name() {
    let everything = samples::everything();
    let files = files_of(&everything, "");
    for turn in 0..files.len() {
        let mut turned = files.clone();
        turned.rotate_left(turn);
        assert_same_model(&load(turned.clone()).await.unwrap(), &everything);
        turned.reverse();
        assert_same_model(&load(turned).await.unwrap(), &everything);
    }
    let mut renamed = files;
    let json = renamed.pop().unwrap();
    renamed.insert(1, File::new_with_blob_sequence(&Array::of1(&json), "export (1)").unwrap());
    assert_same_model(&load(renamed).await.unwrap(), &everything);
    record_ability("browser_files", Ability::Load, Outcome::Shown);
}

/// With a type that could save or manage models, two implementations fit, and this does not compile.
#[wasm_bindgen_test]
fn picked_files_can_only_be_loaded() {
    trait CannotSave<Which> {
        const PROVEN: bool = true;
    }
    trait CannotManage<Which> {
        const PROVEN: bool = true;
    }
    impl<T> CannotSave<()> for T {}
    impl<T: SaveHandler> CannotSave<u8> for T {}
    impl<T> CannotManage<()> for T {}
    impl<T: ModelStore> CannotManage<u8> for T {}
    const { assert!(<PickedFiles as CannotSave<_>>::PROVEN && <PickedFiles as CannotManage<_>>::PROVEN) };
    for ability in [Ability::Save, Ability::Manage] {
        record_ability("browser_files", ability, Outcome::Refused("the type `PickedFiles` has only `load`"));
    }
}

#[wasm_bindgen_test]
async fn lazy_weights_are_those_of_an_eager_load() {
    let many = samples::many_shards(200);
    let lazy = browser_files(files_of(&many, "picked/")).load(&LoadOptions::lazy()).await.unwrap();
    let weights = lazy.weights.as_ref().unwrap();
    assert!(!weights.data().is_in_memory());
    let loaded = weights.load(|_| ()).await.unwrap();
    assert_same_model(&lazy.clone().with_weights(loaded), &many);
}

#[wasm_bindgen_test]
async fn paths_are_told_apart_by_their_folders() {
    let json = manifest(&["a/w.bin", "b/w.bin", "w.bin"], 3);
    let picked = [("top/m/w.bin", b"3"), ("top/m/b/w.bin", b"2"), ("top/m/a/w.bin", b"1"), ("top/w.bin", b"4")];
    let mut files: Vec<_> = picked.iter().map(|(path, bytes)| file(path, *bytes)).collect();
    files.push(file("top/m/model.json", json.as_bytes()));
    assert_eq!(bytes(&load(files).await.unwrap()).await, b"123");
    // Without folders the name is enough, if it is one only.
    let files =
        vec![file("w2", b"2"), file("w1", b"1"), file("model.json", manifest(&["x/w1", "x/y/w2"], 2).as_bytes())];
    assert_eq!(bytes(&load(files).await.unwrap()).await, b"12");
    // What lies at its place is not taken for another as well.
    let files = vec![file("m/w.bin", b"1"), file("m/model.json", manifest(&["w.bin", "x/w.bin"], 2).as_bytes())];
    let message = "cannot load `m/model.json`: the picked files are not those of the manifest (missing: `x/w.bin`); \
                   pick the model's whole folder";
    check(&load(files).await.unwrap_err(), ErrorKind::NotFound, message);
}

#[wasm_bindgen_test]
async fn what_is_missing_ambiguous_and_too_much_is_said_at_once() {
    let json = manifest(&["a.bin", "x/twice.bin", "c.bin", "y/one.bin", "z/one.bin"], 5);
    let files = || {
        let picked = ["model.json", "p/twice.bin", "q/twice.bin", "one.bin", "README.md", "c.bin"];
        picked.map(|path| file(path, if path == "model.json" { json.as_bytes() } else { b"1" })).to_vec()
    };
    let message = "cannot load `model.json`: the picked files are not those of the manifest (missing: `a.bin`; \
                   ambiguous: `x/twice.bin` (2 files have this name: `p/twice.bin`, `q/twice.bin`), \
                   `y/one.bin` (`one.bin` could be any of 2 with this name), \
                   `z/one.bin` (`one.bin` could be any of 2 with this name); not in the manifest: `README.md`); \
                   pick the model's whole folder";
    check(&load(files()).await.unwrap_err(), ErrorKind::NotFound, message);
    // Two files of one name cannot be told apart, whichever comes first.
    let twins = vec![file("w", b"1"), file("model.json", manifest(&["w"], 1).as_bytes()), file("w", b"2")];
    let message = "cannot load `model.json`: the picked files are not those of the manifest (ambiguous: `w` (2 files have \
                   this name: `w`, `w`)); pick the model's whole folder";
    check(&load(twins).await.unwrap_err(), ErrorKind::InvalidData, message);
    let paths: Vec<_> = (0..8).map(|index| format!("w{index}")).collect();
    let paths: Vec<_> = paths.iter().map(String::as_str).collect();
    let error = load(vec![file("model.json", manifest(&paths, 8).as_bytes())]).await.unwrap_err().to_string();
    assert!(error.contains("(missing: `w0`, `w1`, `w2`, `w3`, `w4`, 3 more)"), "{error}");
}

#[wasm_bindgen_test]
async fn files_that_are_no_part_of_the_model_may_be_there() {
    let model = samples::filled(0.5);
    let mut files = files_of(&model, "tm/");
    files.insert(0, file("tm/metadata.json", br#"{"labels":["Class 1","Class 2"]}"#));
    files.insert(0, file("tm/labels.json", br#"["cat", "dog"]"#));
    files.insert(0, file("tm/broken.json", b"{"));
    files.insert(0, file("tm/empty.json", b"[]"));
    files.insert(0, file("tm/README.md", b"# Model"));
    files.insert(0, file("tm/.DS_Store", b"{\"modelTopology\":{},\"weightsManifest\":[]}"));
    assert_same_model(&load(files).await.unwrap(), &model);
}

#[wasm_bindgen_test]
async fn two_models_are_one_too_many() {
    let mut files = files_of(&samples::filled(1.0), "both/one/");
    files.extend(files_of(&samples::filled(2.0), "both/two/"));
    let message = "cannot load: there are 2 models among the picked files: `both/one/model.json`, `both/two/model.json`; \
                   pick the files of one of them";
    check(&load(files).await.unwrap_err(), ErrorKind::InvalidData, message);
}

#[wasm_bindgen_test]
async fn where_there_is_no_model_it_is_said_why() {
    let message = "cannot load: no file was picked: a model is a `model.json` and its weight files";
    check(&load(Vec::new()).await.unwrap_err(), ErrorKind::NotFound, message);
    let message = "cannot load: none of the picked files is JSON (`a.bin`, `b.bin`); \
                   pick `model.json` together with its weight files";
    check(&load(vec![file("a.bin", b"1"), file("b.bin", b"")]).await.unwrap_err(), ErrorKind::NotFound, message);
    let alone = vec![file("metadata.json", b"{\"labels\":[]}"), file("w", b"1")];
    let message = "cannot load `metadata.json`: the JSON contains neither `modelTopology` nor `weightsManifest`: it is not a \
                   TensorFlow.js model";
    check(&load(alone).await.unwrap_err(), ErrorKind::InvalidData, message);
    let several = vec![file("model.json", b"<!doctype html>"), file("empty.json", b"[]"), file("x", b" \n{\"a\":1}")];
    let message = "cannot load: none of the picked JSON files is a model (`model.json`: the file looks like an HTML or XML page, \
                   not weights or JSON; check the address, `empty.json`: the JSON contains neither `modelTopology` nor `weightsManifest`: it is not a TensorFlow.js model, `x`: the JSON \
                   contains neither `modelTopology` nor `weightsManifest`: it is not a TensorFlow.js model); pick `model.json` \
                   together with its weight files";
    check(&load(several).await.unwrap_err(), ErrorKind::InvalidData, message);
}

#[wasm_bindgen_test]
async fn weights_must_be_what_the_manifest_says() {
    let with = |weights: &[u8]| vec![file("w", weights), file("model.json", manifest(&["w"], 20).as_bytes())];
    let message = "cannot load `model.json`: shard `w` holds 19 bytes but the tensors of group 1 need 20: the bytes end inside \
                   tensor `w`";
    check(&load(with(&[1; 19])).await.unwrap_err(), ErrorKind::InvalidData, message);
    let message = "cannot load `model.json`: shard `w` holds 21 bytes but the tensors of group 1 take 20: the rest belongs to no tensor; \
                   if that is right, allow it with `SurplusBytes::Allow` or `--allow-surplus`";
    check(&load(with(&[1; 21])).await.unwrap_err(), ErrorKind::InvalidData, message);
    let lenient = LoadOptions::new().with_surplus_bytes(SurplusBytes::Allow);
    assert!(browser_files(with(&[1; 21])).load(&lenient).await.is_ok());
    for page in [&b"<!DOCTYPE html>     "[..], b"<!DOCTYPE html><p>Not found"] {
        let error = load(with(page)).await.unwrap_err().to_string();
        assert!(error.starts_with("cannot load `model.json`: shard `w` looks like an HTML or XML page"), "{error}");
    }
}

#[wasm_bindgen_test]
async fn a_bare_manifest_and_a_topology_alone_are_models() {
    let weights = samples::filled(3.0).weights.unwrap();
    let layout = ShardLayout::as_they_are(&weights);
    let json = encode_manifest(&weights, &layout).unwrap();
    let all = weights.data().read(0..4000).await.unwrap();
    let bare =
        load(vec![file("model.weights.bin", &all), file("weights_manifest.json", json.as_bytes())]).await.unwrap();
    assert!(bare.model_topology.is_none());
    assert_eq!(bytes(&bare).await, all);
    // The second names a file that TensorFlow.js never wrote.
    for manifest in ["", r#","weightsManifest":[{"paths":["./model.weights.bin"]}]"#] {
        let json = format!(r#"{{"modelTopology":{{"node":[]}}{manifest}}}"#);
        let loaded = load(vec![file("m.json", json.as_bytes())]).await.unwrap();
        assert_eq!(loaded.topology_json().map(RawJson::get), Some(r#"{"node":[]}"#));
        assert!(loaded.weights.is_none());
    }
}

/// As the converters before 1.0 wrote it.
#[wasm_bindgen_test]
async fn a_binary_topology_lies_beside_its_manifest() {
    let json = br#"[{"paths":["w"],"weights":[{"name":"w","shape":[1],"dtype":"bool"}]}]"#;
    let picked = |pb: &str| {
        vec![file(pb, b"pb"), file("m/w", b"1"), file("m/weights_manifest.json", json), file("saved_model.pb", b"no")]
    };
    let loaded = load(picked("m/tensorflowjs_model.pb")).await.unwrap();
    assert_eq!(loaded.model_topology, Some(ModelTopology::GraphDef("pb".into())));
    assert_eq!(bytes(&loaded).await, b"1");
    assert_eq!(load(picked("elsewhere/tensorflowjs_model.pb")).await.unwrap().model_topology, None);
}

/// Weights that begin as JSON does are not looked at when a `.json` file is the model, and otherwise only their beginning.
#[wasm_bindgen_test]
async fn weights_are_not_read_to_find_the_json() {
    let mut all = vec![0; 8 << 20];
    all[0] = b'{';
    let weights = file("w.bin", &all);
    let reads = Array::new();
    let count = Function::new_with_args(
        "file, reads",
        "file.slice = (start, end) => { reads.push(end - start); return Blob.prototype.slice.call(file, start, end); };",
    );
    count.call2(&JsValue::NULL, &weights, &reads).unwrap();
    let json = manifest(&["w.bin"], 8 << 20);
    let lazy = LoadOptions::lazy();
    browser_files(vec![weights.clone(), file("model.json", json.as_bytes())]).load(&lazy).await.unwrap();
    assert_eq!(reads.length(), 0);
    let loaded = browser_files(vec![weights, file("model", json.as_bytes())]).load(&lazy).await;
    // The price of a name that says nothing: what looks like JSON has to be parsed.
    assert!(loaded.is_ok() && reads.length() >= 1);
    assert_eq!(reads.get(0).as_f64(), Some(1024.0));
}

/// Two gibibytes and more, of which only a little is read.
#[wasm_bindgen_test]
async fn a_model_larger_than_memory_is_read_where_it_is_needed() {
    let repeated = |blob: &Blob, times: u32| {
        let parts: Array = (0..times).map(|_| JsValue::from(blob)).collect();
        Blob::new_with_blob_sequence(&parts).unwrap()
    };
    let mebibyte = Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(&vec![7; 1 << 20][..]))).unwrap();
    let large = repeated(&repeated(&mebibyte, 64), 72);
    let end = Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(&2.5f32.to_le_bytes()[..]))).unwrap();
    let weights = File::new_with_blob_sequence(&Array::of2(&large, &end), "w.bin").unwrap();
    let bytes = 72u64 << 26;
    let specs = vec![
        WeightSpec::new("large", Shape::vector(bytes).unwrap(), DType::Bool),
        WeightSpec::new("last", Shape::scalar(), DType::Float32),
    ];
    let json = format!(
        r#"[{{"paths":["w.bin"],"weights":[{{"name":"large","shape":[{bytes}],"dtype":"bool"}},{{"name":"last","shape":[],"dtype":"float32"}}]}}]"#
    );
    let files = vec![weights, file("model.json", json.as_bytes())];
    let before = memory();
    let model = browser_files(files.clone()).load(&LoadOptions::lazy()).await.unwrap();
    let weights = model.weights.unwrap();
    assert!(weights.specs().eq(&specs));
    assert_eq!(weights.data().byte_length(), bytes + 4);
    assert_eq!(weights.data().read(bytes - 2..bytes + 1).await.unwrap(), [7, 7, 0].as_slice());
    let reader = TensorReader::open(&weights).await.unwrap();
    let last = reader.tensor("last").await.unwrap();
    assert!(matches!(last.values(), Values::Float32(values) if **values == [2.5]));
    assert!(memory() - before < 16 << 20, "{} bytes more", memory() - before);
    let error = browser_files(files).load(&LoadOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    let message = "cannot read `w.bin`: 4831838212 bytes at once do not fit into memory; load lazily and read in parts";
    assert_eq!(error.to_string(), message);
}

pub(crate) fn memory() -> u32 {
    let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    memory.buffer().unchecked_into::<js_sys::ArrayBuffer>().byte_length()
}

/// One range that takes several reads.
#[wasm_bindgen_test]
async fn what_is_read_in_windows_is_whole() {
    let all: Vec<u8> = (0..(9u32 << 20) + 5).map(|index| (index % 251) as u8).collect();
    let length = all.len() as u64;
    let files = vec![file("w", &all), file("model.json", manifest(&["w"], length).as_bytes())];
    let eager = load(files.clone()).await.unwrap();
    assert!(bytes(&eager).await == all);
    let lazy = browser_files(files).load(&LoadOptions::lazy()).await.unwrap();
    let data = lazy.weights.unwrap().data().clone();
    assert!(data.read(3..length - 2).await.unwrap() == all[3..all.len() - 2]);
    assert!(data.read(5..5).await.unwrap().is_empty());
}

/// Runs an asynchronous function.
async fn run(body: &str, argument: &JsValue) -> JsValue {
    let function = Function::new_with_args("argument", &format!("return (async () => {{ {body} }})()"));
    let promise: Promise = function.call1(&JsValue::NULL, argument).unwrap().unchecked_into();
    JsFuture::from(promise).await.unwrap()
}

/// Opens a file of the origin private file system, whose files change as those on a disk do.
const WRITE: &str = "const folder = await navigator.storage.getDirectory();
    const handle = await folder.getFileHandle(argument, { create: true });
    const writable = await handle.createWritable();";

#[wasm_bindgen_test]
async fn a_file_that_changes_after_it_was_picked_is_a_conflict() {
    let name: JsValue = format!("picked-{}", js_sys::Math::random()).into();
    let first = format!("{WRITE} await writable.write('12345678'); await writable.close(); return handle.getFile();");
    let picked: File = run(&first, &name).await.unchecked_into();
    let json = manifest(&[&name.as_string().unwrap()], 8);
    let files = vec![picked, file("model.json", json.as_bytes())];
    let lazy = browser_files(files).load(&LoadOptions::lazy()).await.unwrap();
    assert_eq!(bytes(&lazy).await, b"12345678");
    run(&format!("{WRITE} await writable.write('other, longer'); await writable.close();"), &name).await;
    let error = lazy.weights.unwrap().data().read(0..4).await.unwrap_err();
    let message = format!(
        "cannot read `{}`: the browser does not read it any more: it was changed since it was opened, or may not be read; open \
         it again",
        name.as_string().unwrap()
    );
    check(&error, ErrorKind::Conflict, &message);
    run("const folder = await navigator.storage.getDirectory(); await folder.removeEntry(argument);", &name).await;
}

/// Checksums of the manifest are compared, and files without bytes are files.
#[wasm_bindgen_test]
async fn checksums_and_files_without_bytes() {
    let digest = tfjs_artifacts::Sha256::of(b"1");
    let json = format!(
        r#"[{{"paths":["w"],"weights":[{{"name":"w","shape":[1],"dtype":"bool"}}],"sha256":["{digest}"]}},{{"paths":["none"],"weights":[]}}]"#
    );
    let files = |byte: &[u8]| vec![file("none", b""), file("w", byte), file("m.json", json.as_bytes())];
    assert_eq!(bytes(&load(files(b"1")).await.unwrap()).await, b"1");
    let error = load(files(b"2")).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot read `m.json`: shard `w` has the SHA-256"), "{error}");
}

/// So that who caches what was read can tell files apart.
#[wasm_bindgen_test]
async fn another_file_is_another_version() {
    let version = async |path: &str, bytes: &[u8]| {
        let json = manifest(&["w"], bytes.len() as u64);
        let files = vec![file(path, bytes), file("m/model.json", json.as_bytes())];
        let loaded = browser_files(files).load(&LoadOptions::lazy()).await.unwrap();
        let segment = loaded.weights.unwrap().data().segments().next().unwrap().clone();
        let tfjs_artifacts::Segment::Lazy { source, .. } = segment else { panic!("it is lazy") };
        source.version().unwrap()
    };
    assert_ne!(version("m/w", b"1").await, version("m/w", b"12").await);
    assert_ne!(version("m/w", b"1").await, version("n/w", b"1").await);
}

/// Groups, so that specs and files are counted right.
#[wasm_bindgen_test]
async fn groups_stay_groups() {
    let group = |name: &str| {
        let spec = WeightSpec::new(name, Shape::vector(2).unwrap(), DType::Bool);
        WeightGroup::new(vec![spec], vec![Shard::new(name.parse().unwrap(), 2)])
    };
    let data = WeightData::from(b"1234".to_vec());
    let weights = Weights::new(vec![group("a"), group("b")], data, SurplusBytes::Reject).unwrap();
    let model = samples::layers_model(weights);
    assert_same_model(&load(files_of(&model, "")).await.unwrap(), &model);
}
