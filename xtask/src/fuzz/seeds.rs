//! Inputs to begin with: the goldens, and a few of what the goldens have not, in the form that each target takes apart.
//!
//! `tests/fuzz/src` says what the forms are.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Writes `SEEDS/TARGET/*`.
pub(super) fn write(root: &Path, seeds: &Path) -> Result<()> {
    for parent in ["goldens", "models"] {
        let parent = root.join("tests").join(parent);
        for entry in fs::read_dir(&parent).with_context(|| format!("listing {}", parent.display()))? {
            let folder = entry?.path();
            let name = folder.file_name().context("a golden has a name")?.to_string_lossy().into_owned();
            let text = fs::read(folder.join("model.json"))?;
            let files = files(&folder, &text)?;
            write_model(seeds, &name, &text, &files)?;
        }
    }
    for (index, json) in MODELS.iter().enumerate() {
        let weights = (0..=u8::MAX).collect();
        write_model(seeds, &format!("written-{index}"), json.as_bytes(), &[("w.bin".to_owned(), weights)])?;
    }
    for (index, url) in URLS.iter().enumerate() {
        put(seeds, "urls", &index.to_string(), url.as_bytes())?;
    }
    for (index, json) in TOPOLOGIES.iter().enumerate() {
        let json = format!(r#"{{"modelTopology":{json}}}"#);
        put(seeds, "topology", &format!("written-{index}"), json.as_bytes())?;
    }
    put(seeds, "graph_def", "two-nodes", GRAPH_DEF)?;
    for target in ["npz", "safetensors"] {
        let folder = root.join("tests/fuzz/seeds").join(target);
        for entry in fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))? {
            let path = entry?.path();
            let name = path.file_name().context("a seed has a name")?.to_string_lossy().into_owned();
            put(seeds, target, &name, &fs::read(&path)?)?;
        }
    }
    for (index, strings) in RECORDS.iter().enumerate() {
        put(seeds, "local_storage_record", &index.to_string(), strings.join("\0").as_bytes())?;
    }
    Ok(())
}

/// What the goldens have not: checksums, keys that nobody knows, types of unknown size, names that JavaScript treats as its own.
const MODELS: [&str; 3] = [
    r#"{"weightsManifest":[{"paths":["./w.bin"],"weights":[{"name":"__proto__","shape":[64],"dtype":"float32","x":1.0}],"sha256":["0000000000000000000000000000000000000000000000000000000000000000"]}],"y":{"z":[1e999]}}"#,
    r#"[{"paths":["w.bin"],"weights":[{"name":"s","shape":[2,1],"dtype":"string"},{"name":"u","shape":[],"dtype":"int64"}]}]"#,
    r#"{"modelTopology":{"node":[]},"weightsManifest":[{"paths":["w.bin"],"weights":[{"name":"q","shape":[128],"dtype":"int32","group":"optimizer","quantization":{"dtype":"uint16","min":-1e3,"scale":0.5,"original_dtype":"float32"}}]}]}"#,
];

/// What the goldens have not: models in models, layers that are called twice, layers around layers, graphs with functions.
const TOPOLOGIES: [&str; 4] = [
    r#"{"class_name":"Functional","config":{"name":"m","layers":[{"class_name":"InputLayer","name":"i","config":{"batch_input_shape":[null,4],"dtype":"float32","name":"i"},"inbound_nodes":[]},{"class_name":"Dense","name":"d","config":{"units":4,"name":"d"},"inbound_nodes":[[["i",0,0,{}]],[["d",0,0,{}]]]}],"input_layers":[["i",0,0]],"output_layers":[["d",1,0]]}}"#,
    r#"{"class_name":"Sequential","config":{"name":"o","layers":[{"class_name":"Sequential","config":{"name":"n","layers":[{"class_name":"Conv2D","config":{"name":"c","filters":2,"kernel_size":[3,3],"strides":[1,1],"padding":"same","batch_input_shape":[null,8,8,1]}}]}},{"class_name":"Flatten","config":{"name":"f"}}]}}"#,
    r#"{"class_name":"Sequential","config":{"layers":[{"class_name":"Bidirectional","config":{"name":"b","batch_input_shape":[null,3,4],"merge_mode":"concat","layer":{"class_name":"LSTM","config":{"name":"l","units":2,"return_sequences":true}}}},{"class_name":"TimeDistributed","config":{"name":"t","layer":{"class_name":"Dense","config":{"name":"d","units":1}}}}]}}"#,
    r#"{"node":[{"name":"x","op":"Placeholder","attr":{"dtype":{"type":"DT_FLOAT"},"shape":{"shape":{"dim":[{"size":"-1"}]}}}},{"name":"y","op":"StatefulPartitionedCall","input":["x"],"attr":{"f":{"func":{"name":"g"}}}}],"library":{"function":[{"signature":{"name":"g","inputArg":[{"name":"a","type":"DT_FLOAT"}],"outputArg":[{"name":"r","type":"DT_FLOAT"}]},"nodeDef":[{"name":"n","op":"Relu","input":["a"]}],"ret":{"r":"n:activations:0"}}]},"versions":{"producer":1}}"#,
];

/// `x = Placeholder(dtype=DT_FLOAT)`, `y = Relu(x)`.
const GRAPH_DEF: &[u8] =
    b"\x0a\x1d\x0a\x01x\x12\x0bPlaceholder\x2a\x0b\x0a\x05dtype\x12\x02\x30\x01\x0a\x0c\x0a\x01y\x12\x04Relu\x1a\x01x";

const URLS: [&str; 8] = [
    "file:///models/m%20n",
    "IndexedDB://My Model://v1",
    r"C:\models\model.json",
    "http://host:80/m/model.json?x=1#y",
    "./w/a b.bin?v=2",
    "../../x",
    "nul.bin",
    "a/com¹.x",
];

const INFO: &str = r#"{"dateSaved":"2020-01-01T00:00:00.000Z","modelTopologyType":"JSON","modelTopologyBytes":2,"weightSpecsBytes":46,"weightDataBytes":8}"#;
const EXTRA: &str = r#"{"format":"layers-model","generatedBy":"TensorFlow.js v4.22.0","convertedBy":null,"tfjsIo":{"shardBytes":[4,4],"modelJson":{"format":"layers-model","generatedBy":"TensorFlow.js v4.22.0","convertedBy":null,"weightsManifest":[{"paths":["a","b"],"weights":[{"name":"w","shape":[2],"dtype":"float32"}]}]}}}"#;
const SPECS: &str = r#"[{"name":"w","shape":[2],"dtype":"float32"}]"#;

/// Info, topology, specs, data and metadata.
const RECORDS: [[&str; 5]; 4] = [
    [INFO, "{}", SPECS, "AAAAAAAAAAA=", r#"{"format":"layers-model","generatedBy":"x","convertedBy":null}"#],
    [INFO, "{}", SPECS, "AAAAAAAAAAA=", EXTRA],
    [INFO, "{}", "undefined", "\u{1}", "\u{1}"],
    [INFO, "null", "[]", "", "{}"],
];

/// All that has to be understood of a `model.json`: the rest may hold what serde_json takes for no text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModelJson<'a> {
    #[serde(borrow)]
    weights_manifest: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Group {
    paths: Vec<String>,
}

/// The text of a bare manifest, if there is one in a `model.json`.
fn manifest(text: &[u8]) -> Result<Option<&str>> {
    // A bare manifest is its own.
    if text.starts_with(b"[") {
        return Ok(Some(str::from_utf8(text)?));
    }
    Ok(serde_json::from_slice::<ModelJson<'_>>(text)?.weights_manifest.map(RawValue::get))
}

/// The weight files that a manifest names, in order.
fn files(folder: &Path, text: &[u8]) -> Result<Vec<(String, Vec<u8>)>> {
    let groups: Vec<Group> = manifest(text)?.map(serde_json::from_str).transpose()?.unwrap_or_default();
    let paths = groups.into_iter().flat_map(|group| group.paths);
    paths.map(|path| Ok((path.clone(), fs::read(folder.join(path))?))).collect()
}

/// A model for every target that takes one.
fn write_model(seeds: &Path, name: &str, text: &[u8], files: &[(String, Vec<u8>)]) -> Result<()> {
    let bytes: Vec<u8> = files.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect();
    let lengths = files.iter().rev().skip(1).rev().map(|(_, bytes)| u16::try_from(bytes.len()));
    let lengths: Vec<u8> = lengths.collect::<Result<Vec<_>, _>>()?.into_iter().flat_map(u16::to_le_bytes).collect();

    put(seeds, "model_json", name, text)?;
    if let Some(manifest) = manifest(text)? {
        put(seeds, "model_json", &format!("{name}-bare"), manifest.as_bytes())?;
    }
    put(seeds, "topology", name, text)?;
    put(seeds, "decode_weights", name, &[text, &[0], &lengths, &bytes].concat())?;
    put(seeds, "stream_decoder", name, &[text, &[0], &[1, 7, 3, 64, 0, 255, 2, 13], &bytes].concat())?;

    let json = part("model.json", text);
    let joined = part("model.weights.bin", &bytes);
    let each: Vec<u8> = files.iter().flat_map(|(path, bytes)| part(path, bytes)).collect();
    let head: &[u8] = b"\x10b\n";
    put(seeds, "multipart", &format!("{name}-joined"), &[head, &json, &joined, END].concat())?;
    put(seeds, "multipart", &format!("{name}-weights-first"), &[head, &joined, &json, END].concat())?;
    put(seeds, "multipart", &format!("{name}-each"), &[head, &json, &each, END].concat())
}

fn part(name: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\r\n");
    [head.as_bytes(), bytes, b"\r\n"].concat()
}

const END: &[u8] = b"--b--\r\n";

fn put(seeds: &Path, target: &str, name: &str, bytes: &[u8]) -> Result<()> {
    let folder = seeds.join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), bytes).with_context(|| format!("writing a seed into {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_of_two_files_is_seeded_for_every_target_that_takes_one() {
        let folder = tempfile::tempdir().unwrap();
        let files = [("a".to_owned(), vec![1, 2]), ("b".to_owned(), vec![3])];
        write_model(folder.path(), "m", b"{}", &files).unwrap();
        let read = |path: &str| fs::read(folder.path().join(path)).unwrap();
        assert_eq!(read("decode_weights/m"), b"{}\0\x02\0\x01\x02\x03");
        assert!(read("stream_decoder/m").ends_with(b"\x01\x02\x03"));
        assert!(read("multipart/m-joined").ends_with(b"\r\n\r\n\x01\x02\x03\r\n--b--\r\n"));
    }
}
