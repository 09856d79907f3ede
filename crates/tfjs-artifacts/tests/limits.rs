//! Each limit holds: what is at it is read, what is one beyond is not.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::ops::Range;
use std::sync::Arc;

use futures::executor::block_on;
use tfjs_artifacts::{
    ByteSource, Bytes, Error, ErrorKind, Limit, Limits, ModelArtifacts, ModelJson, RawJson, Segment, SurplusBytes,
    WeightData, async_trait,
};

/// A manifest of these groups.
fn manifest(groups: &[String]) -> String {
    format!(r#"{{"weightsManifest":[{}]}}"#, groups.join(","))
}

fn group(paths: &[&str], weights: &[String]) -> String {
    let paths = RawJson::from_serialize(&paths).unwrap();
    format!(r#"{{"paths":{paths},"weights":[{}]}}"#, weights.join(","))
}

fn weight(name: &str, shape: &str, dtype: &str) -> String {
    format!(r#"{{"name":"{name}","shape":{shape},"dtype":"{dtype}"}}"#)
}

/// Loads a model whose weights are these bytes, all in its first file.
fn load(text: &str, bytes: &[u8], limits: &Limits) -> Result<ModelArtifacts, Error> {
    let model_json = ModelJson::parse_with(text.as_bytes(), limits)?;
    let mut segments: Vec<_> = model_json.paths().map(|_| Segment::Memory(Bytes::new())).collect();
    if let Some(first) = segments.first_mut() {
        *first = Segment::Memory(Bytes::copy_from_slice(bytes));
    }
    block_on(model_json.assemble(segments, SurplusBytes::Reject))
}

/// A model that has exactly `most` of something loads when that is the limit, and is refused when the limit is one less.
#[track_caller]
fn holds(limit: Limit, most: u64, text: &str, bytes: &[u8]) {
    load(text, bytes, &Limits::none().with(limit, most)).unwrap();
    let error = load(text, bytes, &Limits::none().with(limit, most - 1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    let told = format!("more than the limit `{limit}` of {}", most - 1);
    let is_depth = limit == Limit::JsonDepth && error.message().contains("nested deeper than");
    assert!(is_depth || error.message().contains(&told), "{error}");
}

#[test]
fn what_the_json_has() {
    let text = r#"{"modelTopology":[[[0]]]}"#;
    holds(Limit::JsonBytes, text.len() as u64, text, &[]);
    holds(Limit::JsonDepth, 4, text, &[]);
    // A bare manifest goes another way.
    let text = format!("[{}]", group(&["w"], &[weight("a", "[0]", "bool")]));
    holds(Limit::JsonBytes, text.len() as u64, &text, &[]);
    holds(Limit::JsonDepth, 5, &text, &[]);
}

#[test]
fn what_the_manifest_has() {
    let two = [weight("a", "[0]", "bool"), weight("b", "[0]", "bool")];
    let groups = [group(&["1", "2"], &two), group(&["3"], &[weight("c", "[0]", "bool")])];
    for text in [manifest(&groups), format!("[{}]", groups.join(","))] {
        holds(Limit::Tensors, 3, &text, &[]);
        holds(Limit::Shards, 3, &text, &[]);
        holds(Limit::Groups, 2, &text, &[]);
    }
    holds(Limit::NameBytes, 5, &manifest(&[group(&["w"], &[weight("our\u{e9}", "[0]", "bool")])]), &[]);
    holds(Limit::NameBytes, 4, &manifest(&[group(&["w.bi"], &[weight("a", "[0]", "bool")])]), &[]);
    let checksums = r#"{"weightsManifest":[{"paths":["w"],"weights":[],"sha256":[0,0]}]}"#;
    holds(Limit::Shards, 2, checksums, &[]);
}

#[test]
fn what_a_tensor_has() {
    let model = |shape: &str, dtype: &str| manifest(&[group(&["w"], &[weight("a", shape, dtype)])]);
    holds(Limit::Rank, 3, &model("[1,1,0]", "bool"), &[]);
    holds(Limit::Rank, 3, &model("[ 1.0 , 1 , 0e0 ]", "bool"), &[]);
    holds(Limit::StringElements, 2, &model("[2]", "string"), &[0; 8]);
    holds(Limit::StringBytes, 3, &model("[2]", "string"), b"\x01\0\0\0a\x03\0\0\0abc");
    holds(Limit::WeightBytes, 8, &model("[2]", "float32"), &[0; 8]);
    holds(Limit::WeightBytes, 5, &model("[1]", "string"), b"\x01\0\0\0a");
    holds(Limit::DecodedBytes, 8, &model("[2]", "float32"), &[0; 8]);
    let quantization = r#","quantization":{"dtype":"uint8","min":0,"scale":1}}"#;
    let quantized = weight("a", "[2]", "float32").replace('}', quantization);
    holds(Limit::DecodedBytes, 8, &manifest(&[group(&["w"], &[quantized])]), &[0; 2]);
}

/// What is claimed is refused before anything is made of it: these take no time and no memory.
#[test]
fn claims_are_refused_by_default() {
    let deep = format!(r#"{{"modelTopology":{}"#, "[".repeat(100_000));
    let many = |shape: &str| manifest(&[group(&["w"], &[weight("a", shape, "string")])]);
    let large = manifest(&[group(&["w"], &[weight("a", "[1099511627776]", "float32")])]);
    let ranks = manifest(&[group(&["w"], &[weight("a", &format!("[{}1]", "1,".repeat(999)), "bool")])]);
    for text in [deep, many("[1099511627776]"), many("[67108865]"), large, ranks] {
        let error = load(&text, &[], &Limits::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    }
}

/// A model in memory has the limits of a load as well.
#[test]
fn what_is_in_memory() {
    let topology = RawJson::parse("[0,1]").unwrap();
    let artifacts = ModelArtifacts::new().with_topology(topology);
    assert!(artifacts.clone().with_limits(&Limits::none().with(Limit::JsonBytes, 5)).is_ok());
    assert!(artifacts.with_limits(&Limits::none().with(Limit::JsonBytes, 4)).is_err());
    let mut binary = ModelArtifacts::new();
    binary.model_topology = Some(tfjs_artifacts::ModelTopology::GraphDef(Bytes::from_static(b"abc")));
    assert!(binary.clone().with_limits(&Limits::none().with(Limit::GraphDefBytes, 3)).is_ok());
    assert!(binary.with_limits(&Limits::none().with(Limit::GraphDefBytes, 2)).is_err());
}

/// A file that only says how long it is.
#[derive(Debug)]
struct Claims(u64);

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl ByteSource for Claims {
    fn byte_length(&self) -> u64 {
        self.0
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, _: Range<u64>) -> Result<Bytes, Error> {
        panic!("nobody may read it")
    }
}

#[test]
fn lengths_that_no_number_holds() {
    let text = manifest(&[group(&["a", "b"], &[weight("s", "[1]", "string")])]);
    let claims = || Segment::lazy(Arc::new(Claims(u64::MAX)));
    let unlimited = ModelJson::parse_with(text.as_bytes(), &Limits::none()).unwrap();
    let error = block_on(unlimited.assemble(vec![claims(), claims()], SurplusBytes::Allow)).unwrap_err();
    assert_eq!((error.kind(), error.message().contains("2^64 - 1")), (ErrorKind::InvalidData, true), "{error}");
    let limited = ModelJson::parse(text.as_bytes()).unwrap();
    let small = Segment::Memory(Bytes::new());
    let error = block_on(limited.assemble(vec![claims(), small], SurplusBytes::Allow)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    assert_eq!(WeightData::from_segments([claims(), claims()]).byte_length(), u64::MAX);
}
