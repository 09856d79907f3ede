//! Reading and writing `model.json`: vectors F, and every bad file with the message it gets.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use futures::executor::block_on;
use tfjs_artifacts::*;

/// The topology T1 of vectors F: 555 bytes when stringified.
const T1: &str = r#"{"class_name":"Sequential","keras_version":"2.1.4","config":[{"class_name":"Dense","config":{"kernel_initializer":{"class_name":"VarianceScaling","config":{"distribution":"uniform","scale":1,"seed":null,"mode":"fan_avg"}},"name":"dense","kernel_constraint":null,"bias_regularizer":null,"bias_constraint":null,"dtype":"float32","activation":"linear","trainable":true,"kernel_regularizer":null,"bias_initializer":{"class_name":"Zeros","config":{}},"units":1,"batch_input_shape":[null,3],"use_bias":true,"activity_regularizer":null}}],"backend":"tensorflow"}"#;

/// A model saved by LayersModel in Node, with Adam before any training (vectors F).
const LAYERS: &str = r#"{"modelTopology":{"class_name":"Sequential","config":{"name":"seq","layers":[{"class_name":"Dense","config":{"units":1,"activation":"linear","use_bias":true,"kernel_initializer":{"class_name":"Ones","config":{}},"bias_initializer":{"class_name":"Zeros","config":{}},"kernel_regularizer":null,"bias_regularizer":null,"activity_regularizer":null,"kernel_constraint":null,"bias_constraint":null,"name":"d1","trainable":true,"batch_input_shape":[null,2],"dtype":"float32"}}]},"keras_version":"tfjs-layers 4.22.0","backend":"tensor_flow.js"},"weightsManifest":[{"paths":["weights.bin"],"weights":[{"name":"d1/kernel","shape":[2,1],"dtype":"float32"},{"name":"d1/bias","shape":[1],"dtype":"float32"}]}],"format":"layers-model","generatedBy":"TensorFlow.js tfjs-layers v4.22.0","convertedBy":null,"userDefinedMetadata":{"outputLabels":["a"]}}"#;

/// Loads without limits: what is behind them holds by itself.
fn load(text: &str, shards: &[&[u8]]) -> Result<ModelArtifacts, Error> {
    let segments = shards.iter().map(|shard| Segment::Memory(Bytes::copy_from_slice(shard))).collect();
    block_on(ModelJson::parse_with(text.as_bytes(), &Limits::none())?.assemble(segments, SurplusBytes::Reject))
}

fn sizes(artifacts: &ModelArtifacts) -> (u64, u64, u64) {
    let info = SaveResult::now(artifacts).model_artifacts_info;
    (info.model_topology_bytes, info.weight_specs_bytes, info.weight_data_bytes)
}

/// The text that a save into `{stem}.json` writes.
fn written(artifacts: &ModelArtifacts, stem: &str) -> String {
    let names = ShardNames::for_model(stem).unwrap();
    let layout = artifacts
        .weights
        .as_ref()
        .map(|weights| ShardLayout::new(weights, &names, Sharding::Keep).unwrap().with_dot_slash());
    encode_model_json(artifacts, layout.as_ref()).unwrap()
}

#[test]
fn vector_f_shared_fixture_sizes() {
    let text = format!(
        r#"{{"modelTopology":{T1},"weightsManifest":[{{"paths":["w"],"weights":[{{"name":"dense/kernel","shape":[3,1],"dtype":"float32"}},{{"name":"dense/bias","shape":[1],"dtype":"float32"}}]}}]}}"#
    );
    assert_eq!(sizes(&load(&text, &[&[0; 16]]).unwrap()), (555, 109, 16));
}

#[test]
fn vector_f_downloads_text() {
    let text = r#"{"modelTopology":{"a":1},"format":"layers-model","generatedBy":"g","convertedBy":null,"weightsManifest":[{"paths":["./test-model.weights.bin"],"weights":[{"name":"w","shape":[2],"dtype":"float32"}]}],"userDefinedMetadata":{},"modelInitializer":{},"trainingConfig":{"loss":"x","metrics":["m"],"optimizer_config":{}}}"#;
    let artifacts = load(text, &[&[0; 8]]).unwrap();
    assert_eq!(sizes(&artifacts), (7, 44, 8));
    assert_eq!(written(&artifacts, "test-model"), text);
}

#[test]
fn vector_f_topology_only_as_the_reference_leaves_it() {
    // The path names a file that the reference never wrote; nothing is to be opened.
    let text = r#"{"modelTopology":{"a":1},"weightsManifest":[{"paths":["./model.weights.bin"]}]}"#;
    let artifacts = load(text, &[]).unwrap();
    assert_eq!(sizes(&artifacts), (7, 0, 0));
    assert_eq!(written(&artifacts, "model"), r#"{"modelTopology":{"a":1}}"#);
    // For who must be read by the reference's `browserFiles`.
    let layout = ShardLayout::of_no_weights("model.weights.bin".parse().unwrap()).with_dot_slash();
    assert_eq!(encode_model_json(&artifacts, Some(&layout)).unwrap(), text);
}

#[test]
fn vector_f_layers_model_saved_by_node() {
    let artifacts = load(LAYERS, &[&[0; 12]]).unwrap();
    assert_eq!(sizes(&artifacts), (519, 103, 12));
    assert_eq!(artifacts.model_format(), ModelFormat::LayersModel);
    let adam = LAYERS.replace(
        r#","dtype":"float32"}]}],"format""#,
        r#","dtype":"float32"},{"name":"iter","shape":[],"dtype":"int32","group":"optimizer"}]}],"format""#,
    );
    let adam = load(&adam, &[&[0; 16]]).unwrap();
    assert_eq!(sizes(&adam), (519, 166, 16));
    assert!(adam.weights.unwrap().specs().last().unwrap().is_optimizer());
}

#[test]
fn vector_f_node_with_all_fields() {
    let text = r#"{"modelTopology":{"a":1},"weightsManifest":[{"paths":["weights.bin"],"weights":[]}],"format":"graph-model","generatedBy":"g","convertedBy":"c","trainingConfig":{"loss":"x","optimizer_config":{}},"signature":{"s":1},"userDefinedMetadata":{"u":1}}"#;
    let artifacts = load(text, &[&[]]).unwrap();
    // An empty group is not a missing one: `[]` is two bytes.
    assert_eq!(sizes(&artifacts), (7, 2, 0));
    assert_eq!(artifacts.model_format(), ModelFormat::GraphModel);
    let expected = r#"{"modelTopology":{"a":1},"format":"graph-model","generatedBy":"g","convertedBy":"c","weightsManifest":[{"paths":["./model.weights.bin"],"weights":[]}],"signature":{"s":1},"userDefinedMetadata":{"u":1},"trainingConfig":{"loss":"x","optimizer_config":{}}}"#;
    assert_eq!(written(&artifacts, "model"), expected);
}

#[test]
fn vector_a8_specs_with_a_group() {
    let specs = r#"[{"name":"z","shape":[1],"dtype":"float32","group":"optimizer"}]"#;
    let text = format!(r#"[{{"paths":["a"],"weights":{specs}}}]"#);
    assert!(written(&load(&text, &[&[0; 4]]).unwrap(), "model").contains(specs));
}

/// Vectors I: the manifest of the Python writer, with its spaces, key order and `6.0`.
#[test]
fn vector_i_python_manifest() {
    let text = r#"[{"paths": ["group1-shard1of1.bin"], "weights": [{"name": "weight1", "shape": [3], "dtype": "float32", "quantization": {"dtype": "float16", "original_dtype": "float32"}}, {"name": "weight2", "shape": [2], "dtype": "int32"}, {"name": "weight3", "shape": [2], "dtype": "float32", "quantization": {"dtype": "uint8", "min": 6.0, "scale": 0.00392156862745098, "original_dtype": "float32"}}, {"name": "weight4", "shape": [1], "dtype": "string"}]}]"#;
    let bytes = [&[0u8; 6][..], &[0; 8], &[0, 255], &[5, 0, 0, 0], b"hello"].concat();
    assert_eq!(bytes.len(), 25);
    let artifacts = load(text, &[&bytes]).unwrap();
    let quantization = artifacts.weights.as_ref().unwrap().specs().nth(2).unwrap().quantization.clone().unwrap();
    assert_eq!(quantization.min.unwrap().get(), "6.0");
    let compact = written(&artifacts, "model");
    assert!(
        compact.contains(
            r#""quantization":{"dtype":"uint8","min":6.0,"scale":0.00392156862745098,"original_dtype":"float32"}"#
        ),
        "{compact}"
    );
}

/// Vectors I: shards cut inside tensors and inside a string.
#[test]
fn vector_i_shards() {
    let manifest = |paths: &str, weights: &str| format!(r#"[{{"paths":[{paths}],"weights":[{weights}]}}]"#);
    let text = manifest(
        r#""a","b","c""#,
        r#"{"name":"i","shape":[3],"dtype":"int32"},{"name":"b","shape":[4],"dtype":"bool"},{"name":"f","shape":[2],"dtype":"float32"}"#,
    );
    let hex: [&[u8]; 3] =
        [&[1, 0, 0, 0, 2, 0, 0, 0], &[3, 0, 0, 0, 1, 0, 0, 1], &[0x33, 0x33, 0x83, 0x40, 0x33, 0x33, 0xa3, 0x40]];
    let weights = load(&text, &hex).unwrap().weights.unwrap();
    assert_eq!(block_on(weights.locate()).unwrap()[1], TensorPlace::At(12..16));

    let text = manifest(r#""a","b","c""#, r#"{"name":"s","shape":[1],"dtype":"string"}"#);
    let weights = load(&text, &[&[10, 0, 0, 0, b'h'], b"ellow", b"orld"]).unwrap().weights.unwrap();
    assert_eq!(block_on(weights.locate()).unwrap(), [TensorPlace::At(0..14)]);
}

#[test]
fn everything_unknown_survives_in_order() {
    let text = r#"{"modelTopology":{"z": 1.0, "a":[ 1e3 ]},"format":null,"weightsManifest":[{"paths":["./model.weights.bin"],"weights":[{"name":"w","shape":[1],"dtype":"float32","quantization":{"dtype":"uint8","min":-0.0,"scale":1,"original_dtype":"float32","x":null},"note":"é","group":"model"}],"checksum":{"b":1,"a":2}}],"signature":null,"zeta":1,"alpha":null}"#;
    // Known keys of a weight come first, so `group` moves before `quantization`; values and unknown order stay.
    let expected = text
        .replace(r#","group":"model"}"#, "}")
        .replace(r#""dtype":"float32","quantization""#, r#""dtype":"float32","group":"model","quantization""#);
    let artifacts = load(text, &[&[0]]).unwrap();
    assert_eq!(written(&artifacts, "model"), expected);
    assert_eq!(written(&load(&expected, &[&[0]]).unwrap(), "model"), expected);
}

#[test]
fn several_shards_get_the_converters_names() {
    let text = r#"{"modelTopology":{},"weightsManifest":[{"paths":["x","y/z"],"weights":[{"name":"a","shape":[3],"dtype":"bool"}]},{"paths":[],"weights":[]},{"paths":["q"],"weights":[{"name":"b","shape":[],"dtype":"bool"}]}]}"#;
    let artifacts = load(text, &[b"\0\0", b"\0", b"\0"]).unwrap();
    let paths = |stem: &str| {
        let layout = ShardLayout::new(
            artifacts.weights.as_ref().unwrap(),
            &ShardNames::for_model(stem).unwrap(),
            Sharding::Keep,
        )
        .unwrap();
        layout.shards().map(|shard| (shard.path.to_string(), shard.range.clone())).collect::<Vec<_>>()
    };
    let named = |prefix: &str| {
        [("group1-shard1of2.bin", 0..2), ("group1-shard2of2.bin", 2..3), ("group3-shard1of1.bin", 3..4)]
            .map(|(name, range)| (format!("{prefix}{name}"), range))
    };
    let first = |name: &str| {
        let names = ShardNames::for_weights_file(name.parse().unwrap());
        let layout = ShardLayout::new(artifacts.weights.as_ref().unwrap(), &names, Sharding::Keep).unwrap();
        layout.shards().next().unwrap().path.to_string()
    };
    assert_eq!(first("w.bin"), "w.group1-shard1of2.bin");
    assert_eq!(first("v1.0/weights"), "v1.0/weights.group1-shard1of2.bin");
    assert_eq!(first(".hidden"), ".hidden.group1-shard1of2.bin");
    assert_eq!(paths("model"), named(""));
    assert_eq!(paths("other"), named("other."));
    assert_eq!(paths("100% #1"), named("100=25 =231."));
}

/// A save on any system makes names that are files on every system, and not one file for two names.
#[test]
fn names_that_some_system_cannot_have_are_not_made() {
    for stem in ["con", "nul.v1", "COM1", "a?b", "a:b", "a*", "a|b", "a\u{7}"] {
        ShardNames::for_model(stem).expect_err(stem);
    }
    let text = r#"{"modelTopology":{},"weightsManifest":[{"paths":["x"],"weights":[{"name":"a","shape":[40],"dtype":"bool"}]},{"paths":["X"],"weights":[{"name":"b","shape":[],"dtype":"bool"}]}]}"#;
    let weights = load(text, &[&[0; 40], b"\0"]).unwrap().weights.unwrap();
    let planned = |name: &str, bytes: u64| {
        let names = ShardNames::for_weights_file(name.parse().unwrap());
        let layout = ShardLayout::new(&weights, &names, Sharding::Bytes(bytes.try_into().unwrap()));
        layout.map(|layout| layout.shards().map(|shard| shard.path.to_string().to_lowercase()).collect::<Vec<_>>())
    };
    for name in ["w?x=1", "v?1/w.bin", "w#1", "100%/w.bin"] {
        let error = planned(name, 100).unwrap_err().to_string();
        assert!(error.contains("TensorFlow.js could not fetch the file from the web"), "{error}");
    }
    let names = planned("W", 1).unwrap();
    assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), 41);
}

#[test]
fn shards_of_a_size_are_named_and_cut_as_the_converter_does() {
    let text = r#"{"modelTopology":{},"weightsManifest":[{"paths":["x"],"weights":[{"name":"a","shape":[10],"dtype":"bool"}]},{"paths":["y"],"weights":[]}]}"#;
    let weights = load(text, &[&[0; 10], b""]).unwrap().weights.unwrap();
    let names = ShardNames::for_model("model").unwrap();
    let planned = |bytes: u64| {
        let sharding = Sharding::Bytes(bytes.try_into().unwrap());
        let layout = ShardLayout::new(&weights, &names, sharding);
        layout.map(|layout| {
            layout.shards().map(|shard| (shard.path.to_string(), shard.range.clone())).collect::<Vec<_>>()
        })
    };
    let shard = |i: usize, n: usize, range| (format!("group1-shard{i}of{n}.bin"), range);
    // An empty group has no file.
    assert_eq!(planned(4).unwrap(), [shard(1, 3, 0..4), shard(2, 3, 4..8), shard(3, 3, 8..10)]);
    assert_eq!(planned(5).unwrap(), [shard(1, 2, 0..5), shard(2, 2, 5..10)]);
    assert_eq!(planned(10).unwrap(), [shard(1, 1, 0..10)]);
    assert_eq!(planned(1 << 22).unwrap(), [shard(1, 1, 0..10)]);

    let spec = WeightSpec::new("w", Shape::vector(3_000_000).unwrap(), DType::Bool);
    let large = Weights::single(vec![spec], "w".parse().unwrap(), vec![0; 3_000_000].into()).unwrap();
    let error = ShardLayout::new(&large, &names, Sharding::Bytes(2.try_into().unwrap())).unwrap_err();
    let message = "shards of 2 bytes would make 1500000 files, more than 1000000; choose a larger size";
    assert_eq!(error.to_string(), message);
    // It is the sum that counts.
    let group = |name: &str| {
        let spec = WeightSpec::new(name, Shape::vector(600_000).unwrap(), DType::Bool);
        WeightGroup::new(vec![spec], vec![Shard::new(name.parse().unwrap(), 600_000)])
    };
    let data = vec![0; 1_200_000].into();
    let two = Weights::new(vec![group("a"), group("b")], data, SurplusBytes::Reject).unwrap();
    let error = ShardLayout::new(&two, &names, Sharding::Bytes(1.try_into().unwrap())).unwrap_err();
    assert_eq!(error, LayoutError::TooManyShards { shard_bytes: 1, shards: 1_200_000 });
}

#[track_caller]
fn bad_text(text: &str, message: &str) {
    let error = ModelJson::parse(text.as_bytes()).expect_err(text);
    assert_eq!(error.to_string(), message, "{text}");
}

#[test]
fn bad_json_says_what_it_is() {
    bad_text("", "the file is empty");
    bad_text(" \n", "the file is empty");
    bad_text(
        "\u{feff}{}",
        "the file begins with a byte order mark (EF BB BF), which JSON does not allow; save it as UTF-8 without one",
    );
    bad_text(
        "<!DOCTYPE html><p>404",
        "the file looks like an HTML or XML page, not weights or JSON; check the address",
    );
    bad_text(
        "version https://git-lfs.github.com/spec/v1\noid",
        "the file is a git-lfs pointer; run `git lfs pull` where it came from",
    );
    bad_text("{\"modelTopology\": {", "not valid JSON at line 1, column 19: EOF while parsing an object");
    bad_text("{}", "the JSON contains neither `modelTopology` nor `weightsManifest`: it is not a TensorFlow.js model");
    bad_text(
        "{\"modelTopology\":null}",
        "the JSON contains neither `modelTopology` nor `weightsManifest`: it is not a TensorFlow.js model",
    );
    bad_text("3", "expected an object (model.json) or an array (a bare weights manifest), found `3`");
    bad_text(
        &format!("{{\"modelTopology\":{}", "[".repeat(10_000)),
        "JSON is nested deeper than 512 levels (at line 1); that is the limit `json-depth`, which can be set to 512 at most",
    );
    assert!(ModelJson::parse(b"{\"\xff\":1}").unwrap_err().to_string().ends_with("is not UTF-8 (at byte 2)"));
}

#[test]
fn bad_manifests_say_where() {
    let manifest = |rest: &str| format!(r#"{{"weightsManifest":{rest}}}"#);
    bad_text(&manifest("3"), "weightsManifest should be an array of groups, found `3`");
    bad_text(&manifest("[3]"), "weightsManifest[0] should be an object, found `3`");
    bad_text(&manifest("[{}]"), "weightsManifest[0] has no `paths`");
    bad_text(&manifest(r#"[{"paths":[1]}]"#), "weightsManifest[0].paths[0] should be a string, found `1`");
    bad_text(&manifest(r#"[{"paths":["a","./a"]}]"#), "weightsManifest[0]: `a` is named twice");
    bad_text(&manifest(r#"[{"paths":[],"weights":[]},{"paths":[]}]"#), "weightsManifest[1] has no `weights`");
    bad_text(&manifest(r#"[{"paths":[],"paths":[]}]"#), "weightsManifest[0] has the key `paths` twice");
    bad_text(r#"{"modelTopology":{},"format":1,"format":2}"#, "model.json has the key `format` twice");
}

#[test]
fn bad_paths_are_refused() {
    let tail = "; paths must be relative to model.json, stay in its folder, and be the same file on every system";
    for (path, reason) in [
        ("../x", "climbs with `..`"),
        ("/etc/passwd", "is absolute"),
        (r"C:\\x", "has a backslash"),
        (r"a\\..\\b", "has a backslash"),
        ("", "is empty"),
        ("w/NUL.bin", "is the name of a device of Windows"),
        ("w.bin.", "ends with a dot or a space, which Windows cuts off"),
        ("w.bin:x", "has a colon (a drive, a scheme or an alternate stream)"),
    ] {
        let shown = path.replace("\\\\", "\\").escape_debug().to_string();
        bad_text(
            &format!(r#"[{{"paths":["{path}"],"weights":[]}}]"#),
            &format!("weightsManifest[0].paths[0]: shard path `{shown}` {reason}{tail}"),
        );
    }
}

#[test]
fn bad_specs_name_the_tensor() {
    let with = |spec: &str| format!(r#"[{{"paths":[],"weights":[{spec}]}}]"#);
    let shape = |shape: &str| with(&format!(r#"{{"name":"w","shape":{shape},"dtype":"float32"}}"#));
    bad_text(
        &shape("[-1]"),
        "the shape of tensor `w` is wrong: dimension 0 is `-1`, not an integer from 0 to 2^53 - 1",
    );
    bad_text(
        &shape("[2,1.5]"),
        "the shape of tensor `w` is wrong: dimension 1 is `1.5`, not an integer from 0 to 2^53 - 1",
    );
    bad_text(
        &shape("[4294967296,4294967296]"),
        "the shape of tensor `w` is wrong: [4294967296,4294967296] has more than 2^53 - 1 elements",
    );
    bad_text(&with(r#"{"shape":[],"dtype":"float32"}"#), "weightsManifest[0].weights[0] has no `name`");
    bad_text(&with(r#"{"name":"w","dtype":"float32"}"#), "weightsManifest[0].weights[0] has no `shape`");
    bad_text(&with(r#"{"name":"w","shape":[],"dtype":3}"#), "the dtype of tensor `w` should be a string, found `3`");
    bad_text(
        &with(r#"{"name":"w","shape":[],"dtype":"float32","quantization":null}"#),
        "the quantization of tensor `w` should be an object, found `null`",
    );
    bad_text(
        &with(r#"{"name":"w","shape":[],"dtype":"float32","quantization":{}}"#),
        "the quantization of tensor `w` has no `dtype`",
    );
}

#[track_caller]
fn bad_bytes(weights: &str, shards: &[&[u8]], message: &str) {
    let paths: Vec<_> = (0..shards.len()).map(|index| format!("\"s{index}\"")).collect();
    let text = format!(r#"[{{"paths":[{}],"weights":[{weights}]}}]"#, paths.join(","));
    let error = load(&text, shards).expect_err(&text);
    assert_eq!((error.to_string().as_str(), error.kind()), (message, ErrorKind::InvalidData));
}

#[test]
fn wrong_lengths_name_shard_tensor_and_numbers() {
    let two = r#"{"name":"a","shape":[2],"dtype":"float32"},{"name":"b","shape":[],"dtype":"int32"}"#;
    bad_bytes(
        two,
        &[&[0; 10]],
        "shard `s0` holds 10 bytes but the tensors of group 1 need 12: the bytes end inside tensor `b`",
    );
    bad_bytes(
        two,
        &[&[]],
        "shard `s0` holds 0 bytes but the tensors of group 1 need 12: the bytes end inside tensor `a`",
    );
    bad_bytes(two, &[], "there is no shard but the tensors of group 1 need 12: the bytes end inside tensor `a`");
    bad_bytes(
        two,
        &[&[0; 5], &[0; 9]],
        "the shards hold 14 bytes (`s0` 5, `s1` 9) but the tensors of group 1 take 12: the rest belongs to no tensor; \
         if that is right, allow it with `SurplusBytes::Allow` or `--allow-surplus`",
    );
    bad_bytes(
        two,
        &[b"<html>404</html>"],
        "shard `s0` looks like an HTML or XML page, not weights or JSON; check the address",
    );
    // Of the right length, and still not weights.
    bad_bytes(
        r#"{"name":"a","shape":[33],"dtype":"bool"}"#,
        &[b"<!doctype html><title>404</title>"],
        "shard `s0` looks like an HTML or XML page, not weights or JSON; check the address",
    );
    bad_bytes(
        two,
        &[b"version https://git-lfs.github.com/spec/v1"],
        "shard `s0` is a git-lfs pointer; run `git lfs pull` where it came from",
    );
    bad_bytes(&two.replace("\"b\"", "\"a\""), &[&[0; 12]], "two tensors are named `a`");
}

#[test]
fn weights_that_merely_begin_like_a_page_are_weights() {
    let text = r#"[{"paths":["s"],"weights":[{"name":"a","shape":[8],"dtype":"bool"}]}]"#;
    for bytes in [b"<html>xx", b"{\"error\"", b"<?xml ve"] {
        assert!(load(text, &[bytes]).is_ok());
    }
}

#[test]
fn a_manifest_without_groups_is_kept() {
    let text = r#"{"modelTopology":{},"weightsManifest":[]}"#;
    let artifacts = load(text, &[]).unwrap();
    // `JSON.stringify([])` has two bytes.
    assert_eq!(sizes(&artifacts), (2, 2, 0));
    assert_eq!(written(&artifacts, "model"), text);
    let alone = r#"{"weightsManifest":[]}"#;
    assert_eq!(written(&load(alone, &[]).unwrap(), "model"), alone);
    bad_text("[]", "the JSON contains neither `modelTopology` nor `weightsManifest`: it is not a TensorFlow.js model");
    // What a topology-only save leaves behind, without the topology.
    let left_behind = r#"[{"paths":["w.bin"]}]"#;
    let nothing =
        "no group of `weightsManifest` has `weights`, and there is no `modelTopology`: there is no model in it";
    bad_text(left_behind, nothing);
    bad_text(&format!(r#"{{"weightsManifest":{left_behind}}}"#), nothing);
    bad_text(&format!(r#"{{"modelTopology":null,"weightsManifest":{left_behind}}}"#), nothing);
}

#[test]
fn what_could_not_be_loaded_again_is_not_written() {
    let error = encode_model_json(&ModelArtifacts::new(), None).unwrap_err();
    assert_eq!(error.to_string(), "there is neither a topology nor weights to save");
}

/// Whatever is put among the unknown keys: what is written can be read, and says what the fields say.
#[test]
fn no_key_is_written_twice() {
    let json = |text: &str| RawJson::parse(text).unwrap();
    let keys = |keys: &[&str]| keys.iter().map(|key| ((*key).to_owned(), json("7"))).collect::<Vec<_>>();
    let mut spec = WeightSpec::new("w", Shape::vector(1).unwrap(), DType::Float32);
    spec.group = Some("model".to_owned());
    spec.quantization = Some(Quantization::new(QuantizationDType::Uint8));
    let quantization = spec.quantization.as_mut().unwrap();
    (quantization.min, quantization.scale) = (Some(json("0")), Some(json("1")));
    quantization.unknown = keys(&["dtype", "min", "scale", "x", "x"]);
    spec.unknown = keys(&["name", "shape", "dtype", "group", "quantization", "x", "x"]);
    let mut plain = WeightSpec::new("v", Shape::vector(1).unwrap(), DType::Bool);
    plain.unknown = keys(&["quantization", "group"]);
    let mut group = WeightGroup::new(vec![spec, plain], vec![Shard::new("w".parse().unwrap(), 2)]);
    group.unknown = keys(&["paths", "weights", "x", "x"]);
    let weights = Weights::new(vec![group], vec![0; 2].into(), SurplusBytes::Reject).unwrap();
    let mut artifacts = ModelArtifacts::new().with_topology(json("{}")).with_weights(weights);
    artifacts.unknown = keys(&["modelTopology", "weightsManifest", "x", "x"]);
    artifacts.unknown.push(("weightsManifest".to_owned(), RawJson::null()));
    let quantized = r#"{"name":"w","shape":[1],"dtype":"float32","group":"model","quantization":{"dtype":"uint8","min":0,"scale":1,"x":7},"x":7}"#;
    let plain = r#"{"name":"v","shape":[1],"dtype":"bool","group":7}"#;
    let expected = format!(
        r#"{{"modelTopology":{{}},"weightsManifest":[{{"paths":["./model.weights.bin"],"weights":[{quantized},{plain}],"x":7}}],"x":7}}"#
    );
    assert_eq!(written(&artifacts, "model"), expected);
    assert_eq!(written(&load(&expected, &[&[0; 2]]).unwrap(), "model"), expected);
}

#[test]
fn lone_surrogates_are_no_text() {
    let tail = "has a string with a lone surrogate (`\\ud800` to `\\udfff`), which is not Unicode text";
    bad_text(r#"{"modelTopology":{},"\ud800":1}"#, &format!("model.json {tail}"));
    bad_text(
        r#"[{"paths":[],"weights":[{"name":"\udfff","shape":[],"dtype":"bool"}]}]"#,
        &format!("weightsManifest[0].weights[0].name {tail}"),
    );
    // Where the text is kept as it is, they are kept too.
    let text = r#"{"modelTopology":{"a":"\ud800"}}"#;
    assert_eq!(written(&load(text, &[]).unwrap(), "model"), text);
}

#[test]
fn huge_claims_allocate_nothing() {
    let huge = r#"{"name":"a","shape":[9007199254740991],"dtype":"complex64"}"#;
    bad_bytes(
        huge,
        &[&[0; 4]],
        "shard `s0` holds 4 bytes but the tensors of group 1 need 72057594037927928: the bytes end inside tensor `a`",
    );
    let strings = r#"{"name":"a","shape":[9007199254740991],"dtype":"string"}"#;
    bad_bytes(
        strings,
        &[&[0; 4]],
        "shard `s0` holds 4 bytes but the tensors of group 1 need at least 36028797018963964: the bytes end inside tensor `a`",
    );
    let many: Vec<_> = (0..300).map(|i| huge.replace("\"a\"", &format!("\"{i}\""))).collect();
    let error = load(&format!(r#"[{{"paths":["s"],"weights":[{}]}}]"#, many.join(",")), &[&[0; 4]]).unwrap_err();
    assert!(error.to_string().contains(&format!("need {}", u64::MAX)), "{error}");
}

#[test]
fn strings_must_fit_exactly() {
    let strings = r#"{"name":"s","shape":[2],"dtype":"string"},{"name":"b","shape":[],"dtype":"bool"}"#;
    let bytes = |second: u8, tail: usize| [&[1, 0, 0, 0, b'x', second, 0, 0, 0][..], &vec![0; tail]].concat();
    assert!(
        load(r#"[{"paths":["s"],"weights":[{"name":"s","shape":[2],"dtype":"string"}]}]"#, &[&bytes(2, 2)]).is_ok()
    );
    bad_bytes(strings, &[&bytes(9, 3)], "string 1 of tensor `s` claims 9 bytes, but group 1 has 3 left");
    bad_bytes(
        strings,
        &[&bytes(2, 2)],
        "shard `s0` holds 11 bytes but the tensors of group 1 need at least 12: the bytes end inside tensor `b`",
    );
    bad_bytes(
        strings,
        &[&bytes(2, 4)],
        "shard `s0` holds 13 bytes but the tensors of group 1 take 12: the rest belongs to no tensor; \
         if that is right, allow it with `SurplusBytes::Allow` or `--allow-surplus`",
    );
    bad_bytes(
        strings,
        &[&[5, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
        "shard `s0` holds 10 bytes but the tensors of group 1 need at least 13: the bytes end inside tensor `s`",
    );
}

#[test]
fn surplus_can_be_allowed() {
    let text = r#"[{"paths":["s"],"weights":[{"name":"a","shape":[],"dtype":"bool"}]},{"paths":["t"],"weights":[{"name":"b","shape":[],"dtype":"bool"}]}]"#;
    let segments = || [b"\0\x07", b"\x01\x07"].map(|bytes| Segment::Memory(Bytes::from_static(bytes))).into();
    let assemble = |surplus| block_on(ModelJson::parse(text.as_bytes()).unwrap().assemble(segments(), surplus));
    assert!(assemble(SurplusBytes::Reject).is_err());
    let weights = assemble(SurplusBytes::Allow).unwrap().weights.unwrap();
    // Each group keeps its own place, unlike in the reference, where the first group's slack shifts the second.
    assert_eq!(block_on(weights.locate()).unwrap(), [TensorPlace::At(0..1), TensorPlace::At(2..3)]);
}

#[test]
fn a_tensor_of_unknown_dtype_leaves_the_others_readable() {
    let text = |more: &str| {
        format!(
            r#"[{{"paths":["s"],"weights":[{{"name":"a","shape":[],"dtype":"bool"}},{{"name":"u","shape":[3],"dtype":"int64"}},{more}{{"name":"z","shape":[],"dtype":"bool"}}]}}]"#
        )
    };
    let places =
        |text: &str, bytes: usize| block_on(load(text, &[&vec![0; bytes]]).unwrap().weights.unwrap().locate()).unwrap();
    let (first, last) = (TensorPlace::At(0..1), TensorPlace::At(25..26));
    assert_eq!(places(&text(""), 26), [first.clone(), TensorPlace::At(1..25), last.clone()]);
    let lost = TensorPlace::Unknown { because_of: "u".into() };
    let two = text(r#"{"name":"v","shape":[],"dtype":"x"},"#);
    assert_eq!(places(&two, 26), [first, lost.clone(), lost, last]);
}
