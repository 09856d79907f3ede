//! `tfjs verify`: weights that do not fit the topology.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::{Folder, tfjs};

/// A dense layer of 16 bytes: a kernel and a bias.
const LAYERS: &str = r#"{"format":"layers-model","modelTopology":{"class_name":"Sequential","config":{"name":"s","layers":[
        {"class_name":"Dense","config":{"name":"d","units":1,"batch_input_shape":[null,3]}}]}},
    "weightsManifest":[{"paths":["w"],"weights":[
        {"name":"d/kernel","shape":[3,1],"dtype":"float32"},{"name":"d/bias","shape":[1],"dtype":"float32"}]}]}"#;

/// A graph of a constant that its output needs, and one that nobody does.
const GRAPH: &str = r#"{"format":"graph-model","signature":{"outputs":{"out":{"name":"y:0"}}},
    "modelTopology":{"node":[{"name":"c","op":"Const"},{"name":"idle","op":"Const"},{"name":"y","op":"Identity","input":["c"]}]},
    "weightsManifest":[{"paths":["w"],"weights":[{"name":"c","shape":[4],"dtype":"float32"}]}]}"#;

/// The exit code, and severity and message of each finding.
fn verify(json: &str, bytes: usize) -> (i32, Vec<(String, String)>) {
    let folder = Folder::with_json(json, &[("w", &vec![0; bytes])]);
    let model = folder.model().display().to_string();
    let (plain, run) = (tfjs(["verify", &model]), tfjs(["verify", "--json", &model]));
    assert_eq!((plain.code, plain.stderr.as_str()), (run.code, ""), "{plain:?} {run:?}");
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report.get("ok"), Some(&json!(run.code == 0)), "{report}");
    let text = |finding: &Value, key| finding.get(key).and_then(Value::as_str).unwrap().to_owned();
    let findings = report.get("findings").and_then(Value::as_array).unwrap().iter();
    let findings: Vec<_> = findings.map(|finding| (text(finding, "severity"), text(finding, "message"))).collect();
    for (severity, message) in &findings {
        assert!(plain.stdout.lines().any(|line| line == format!("{severity}: {message}")), "{plain:?}");
    }
    (run.code, findings)
}

/// It is refused with exactly these errors.
#[track_caller]
fn refused(json: &str, bytes: usize, errors: &[&str]) {
    let (code, findings) = verify(json, bytes);
    let expected: Vec<_> = errors.iter().map(|&error| ("error".to_owned(), error.to_owned())).collect();
    assert_eq!((code, findings), (1, expected));
}

#[test]
fn what_fits_has_no_finding() {
    assert_eq!(verify(LAYERS, 16), (0, Vec::new()));
    assert_eq!(verify(GRAPH, 16), (0, Vec::new()));
}

#[test]
fn weights_that_tensorflow_js_refuses_are_errors() {
    let renamed = LAYERS.replace("d/bias", "d/other");
    refused(
        &renamed,
        16,
        &["the weight `d/bias` of the layers is not in the file", "the weight `d/other` belongs to no layer"],
    );
    let turned = LAYERS.replace("[3,1]", "[1,3]");
    refused(&turned, 16, &["the weight `d/kernel` has the shape [1,3], but its layer wants [3,1]"]);
    let of_other_type = LAYERS.replace(r#""shape":[1],"dtype":"float32""#, r#""shape":[1],"dtype":"int32""#);
    refused(&of_other_type, 16, &["the weight `d/bias` is int32, but its layer wants float32"]);
    let left_out = LAYERS.replace(r#",{"name":"d/bias","shape":[1],"dtype":"float32"}"#, "");
    refused(&left_out, 12, &["the weight `d/bias` of the layers is not in the file"]);
    let layer = r#"{"class_name":"Dense","config":{"name":"d","units":1,"batch_input_shape":[null,1]}}"#;
    let inner = format!(r#"{{"class_name":"Sequential","config":{{"name":"inner","layers":[{layer}]}}}}"#);
    let twice = LAYERS.replace("[null,3]}}", &format!("[null,3]}}}},{inner}"));
    let error =
        "two weights of the layers are named `d/kernel`: give one of the layers that they belong to another name";
    refused(&twice, 16, &[error]);
}

#[test]
fn constants_without_a_weight_are_errors() {
    refused(
        &GRAPH.replace(r#""name":"c","shape""#, r#""name":"b","shape""#),
        16,
        &["the constant `c` of the graph has no weight"],
    );
}

/// Nothing to compare with, a class that only its users know, a topology that nobody here can read.
#[test]
fn what_tensorflow_js_takes_is_no_error() {
    let (topology, manifest) = LAYERS.split_once(r#""weightsManifest":"#).unwrap();
    let without_weights = format!("{}}}", topology.trim_end().trim_end_matches(','));
    assert_eq!(verify(&without_weights, 0), (0, Vec::new()));
    let without_topology = format!(r#"{{"weightsManifest":{manifest}"#);
    assert_eq!(verify(&without_topology, 16), (0, Vec::new()));
    let optimizer = LAYERS.replace(
        r#"{"name":"d/bias""#,
        r#"{"name":"m","shape":[],"dtype":"float32","group":"optimizer"},{"name":"d/bias""#,
    );
    assert_eq!(verify(&optimizer, 20), (0, Vec::new()));

    let warnings = |json: &str| {
        let (code, findings) = verify(json, 16);
        assert!(code == 0 && findings.iter().all(|(severity, _)| severity == "warning"), "{findings:?}");
        findings.into_iter().map(|(_, message)| message).collect::<Vec<_>>()
    };
    let custom = LAYERS.replace("Dense", "Mine").replace("d/bias", "elsewhere/bias");
    let told = warnings(&custom);
    assert!(told.len() == 2 && told[0].contains("of the class `Mine`"), "{told:?}");
    assert_eq!(told[1], "the weight `elsewhere/bias` belongs to no layer");
    let odd = LAYERS.replace(r#""units":1"#, r#""units":"many""#);
    let told = warnings(&odd);
    assert!(told.len() == 1 && told[0].starts_with("the weights were not compared with the layers: "), "{told:?}");
}

/// A model whose files another process replaces all the time, whole, is never damaged.
#[test]
fn a_model_that_is_being_replaced_is_whole() {
    let folder = Folder::with_json(LAYERS, &[]);
    let weights: Vec<_> = (0..200).map(|i| format!(r#"{{"name":"w{i}","shape":[25000],"dtype":"float32"}}"#)).collect();
    let manifest = format!(r#"{{"weightsManifest":[{{"paths":["w"],"weights":[{}]}}]}}"#, weights.join(","));
    let sources = [1, 2].map(|value| {
        let source = Folder::with_json(&manifest, &[("w", &vec![value; 20_000_000])]);
        let split = source.path().join("split");
        let run = tfjs(["cp", "--shard-size", "100000", source.model().to_str().unwrap(), split.to_str().unwrap()]);
        assert_eq!(run.code, 0, "{run:?}");
        (source, split)
    });
    let is_over = AtomicBool::new(false);
    let model = folder.path().join("replaced");
    std::thread::scope(|scope| {
        let replace = || {
            for (_, source) in sources.iter().cycle().take_while(|_| !is_over.load(Ordering::Relaxed)) {
                let run = tfjs(["cp", "--no-sync", source.to_str().unwrap(), model.to_str().unwrap()]);
                assert_eq!(run.code, 0, "{run:?}");
            }
        };
        let replacing = scope.spawn(replace);
        while !model.join("model.json").exists() {
            std::thread::yield_now();
        }
        let runs: Vec<_> = (0..20).map(|_| tfjs(["verify", model.to_str().unwrap()])).collect();
        is_over.store(true, Ordering::Relaxed);
        replacing.join().unwrap();
        for run in runs {
            assert_eq!((run.code, run.stdout.as_str()), (0, "ok: 200 tensors, 19.07 MiB of weights\n"), "{run:?}");
        }
    });
}
