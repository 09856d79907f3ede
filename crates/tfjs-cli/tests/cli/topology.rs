//! `tfjs graph` and `tfjs diff`.

use crate::support::{Folder, Run, tfjs};
use serde_json::json;

const GRAPH: &str = r#"{"format":"graph-model","signature":{"inputs":{"in":{"name":"x:0"}},"outputs":{"out":{"name":"y:0"}}},
    "modelTopology":{"node":[{"name":"x","op":"Placeholder","attr":{"dtype":{"type":1},"shape":{"shape":{"dim":[{"size":"-1"}]}}}},
        {"name":"w","op":"Const"},{"name":"y","op":"<b>&\"","input":["x","w","^x"]}],"versions":{"producer":3}},
    "weightsManifest":[{"paths":["w"],"weights":[{"name":"w","shape":[2],"dtype":"float32"}]}]}"#;

const LAYERS: &str = r#"{"modelTopology":{"class_name":"Sequential","config":{"name":"s","layers":[
        {"class_name":"Dense","config":{"name":"first","units":2,"use_bias":false,"batch_input_shape":[null,3]}},
        {"class_name":"Dense","config":{"name":"second","units":1,"use_bias":false}}]}},
    "weightsManifest":[{"paths":["w"],"weights":[
        {"name":"first/kernel","shape":[3,2],"dtype":"float32"},{"name":"second/kernel","shape":[2,1],"dtype":"float32"}]}]}"#;

fn run(command: &str, folder: &Folder, flags: &[&str]) -> Run {
    let model = folder.model().display().to_string();
    tfjs([&[command, &model], flags].concat())
}

#[test]
fn a_graph_is_drawn_in_each_format() {
    let folder = Folder::with_json(GRAPH, &[("w", &[0; 8])]);
    let dot = run("graph", &folder, &[]);
    assert_eq!((dot.code, dot.stderr.as_str()), (0, ""), "{dot:?}");
    assert!(dot.stdout.starts_with("digraph \"graph-model, version 3.undefined\" {\n"), "{dot:?}");
    assert!(dot.stdout.contains(r#"n1 [label="<b>&\"\ny\nout""#) && !dot.stdout.contains("Const"), "{dot:?}");
    assert!(dot.stdout.contains("  n0 -> n1;\n  n0 -> n1 [style=dashed];\n"), "{dot:?}");
    let with_constants = run("graph", &folder, &["--constants"]);
    assert!(with_constants.stdout.contains(r"Const\nw\nfloat32 [2]"), "{with_constants:?}");
    let svg = run("graph", &folder, &["--format", "svg"]);
    assert!(svg.stdout.contains("&lt;b&gt;&amp;&quot;") && svg.stdout.ends_with("</svg>\n"), "{svg:?}");
    let html = run("graph", &folder, &["--format", "html"]);
    assert!(html.stdout.starts_with("<!doctype html>") && html.stdout.ends_with("</html>\n"), "{html:?}");
}

#[test]
fn a_graph_as_json() {
    let folder = Folder::with_json(GRAPH, &[("w", &[0; 8])]);
    let document = run("graph", &folder, &["--json"]).json();
    let is = |pointer: &str, value: serde_json::Value| assert_eq!(document.pointer(pointer), Some(&value), "{pointer}");
    is("/modelVersion", json!("3.undefined"));
    is("/inputs/0", json!({"key": "in", "node": "x", "dtype": "DT_FLOAT", "shape": [-1]}));
    is("/outputs/0/key", json!("out"));
    is("/nodes/2", json!({"name": "y", "op": "<b>&\"", "inputs": ["x", "w", "x"]}));
    is("/missingWeights", json!([]));
}

#[test]
fn layers_are_drawn_as_a_chain() {
    let folder = Folder::with_json(LAYERS, &[("w", &[0; 32])]);
    let run_dot = run("graph", &folder, &[]);
    assert_eq!(run_dot.stdout.matches(" -> ").count(), 1, "{run_dot:?}");
    assert!(run_dot.stdout.contains("first") && run_dot.stdout.contains("6 parameters"), "{run_dot:?}");
    let document = run("graph", &folder, &["--json"]).json();
    assert_eq!(document.pointer("/layers/1/className"), Some(&json!("Dense")));
}

#[test]
fn what_differs_is_told_and_ends_with_one() {
    let bytes = |last: f32| [1f32, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, last].map(f32::to_le_bytes).concat();
    let one = Folder::with_json(LAYERS, &[("w", &bytes(8.0))]);
    let changed = LAYERS.replace(r#""units":1"#, r#""units":1,"activation":"relu""#);
    let other = Folder::with_json(&changed, &[("w", &bytes(8.5))]);
    let other_model = other.model().display().to_string();
    let told = run("diff", &one, &[&other_model]);
    assert_eq!((told.code, told.stderr.as_str()), (1, ""), "{told:?}");
    assert_eq!(
        told.stdout,
        "modelTopology: `second`: config.activation: nothing | \"relu\"\n\
         weight `second/kernel`: 1 of 2 values differ, at most by 5e-1\n"
    );
    let document = run("diff", &one, &[&other_model, "--json", "--tolerance", "1"]);
    assert_eq!(document.code, 1, "{document:?}");
    let document: serde_json::Value = serde_json::from_str(&document.stdout).unwrap();
    assert_eq!(document.pointer("/equal"), Some(&json!(false)));
    assert_eq!(document.pointer("/tensors/values"), Some(&json!([])));
    assert_eq!(document.pointer("/topology/changed/0/name"), Some(&json!("second")));

    let same = run("diff", &one, &[&one.model().display().to_string()]);
    assert_eq!((same.code, same.stdout.as_str()), (0, ""), "{same:?}");
    let nothing = run("diff", &one, &["missing"]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (1, ""), "{nothing:?}");
    assert!(nothing.stderr.starts_with("error: "), "{nothing:?}");
}

/// As docs/compatibility.md says: an error where two readers could see two models, and JavaScript's rule in what is only carried.
#[test]
fn of_equal_keys() {
    let run = |json: &str, command: &str| {
        let folder = Folder::with_json(json, &[("w", &[1])]);
        tfjs([command, folder.model().to_str().unwrap()])
    };
    let weight = r#""name":"w","shape":[],"dtype":"bool""#;
    let group = format!(r#""paths":["w"],"weights":[{{{weight}}}]"#);
    for (key, json) in [
        ("modelTopology", r#"{"modelTopology":{"node":[]},"modelTopology":{"node":[]}}"#.to_owned()),
        ("x", r#"{"modelTopology":{"node":[]},"x":1,"x":2}"#.to_owned()),
        ("paths", format!(r#"{{"weightsManifest":[{{"paths":["v"],{group}}}]}}"#)),
        ("name", format!(r#"{{"weightsManifest":[{{"paths":["w"],"weights":[{{"name":"v",{weight}}}]}}]}}"#)),
    ] {
        let refused = run(&json, "inspect");
        assert!(refused.code == 1 && refused.stderr.contains(&format!("has the key `{key}` twice")), "{refused:?}");
    }
    let carried = r#"{"a":1,"a":2}"#;
    let layer = r#"{"class_name":"Dense","config":{"name":"first","name":"last","units":1,"units":2,"batch_input_shape":[null,3]}}"#;
    let layers = format!(
        r#"{{"modelTopology":{{"class_name":"Sequential","config":{{"layers":[{layer}]}}}},"userDefinedMetadata":{carried}}}"#
    );
    let summary = run(&layers, "summary");
    assert!(
        summary.code == 0 && summary.stdout.contains("last (Dense)") && summary.stdout.contains("[null,2]"),
        "{summary:?}"
    );
    let graph = run(r#"{"modelTopology":{"node":[{"name":"a","name":"b","op":"Const"}]}}"#, "graph");
    assert!(graph.code == 1 && graph.stderr.contains("duplicate field `name`"), "{graph:?}");
}
