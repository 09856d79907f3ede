//! `tfjs summary`: what TensorFlow.js prints, and nothing else.

use crate::support::{Folder, tfjs};

const MODEL: &str = r#"{"modelTopology": {"class_name": "Sequential", "config": {"name": "s", "layers": [
    {"class_name": "Dense", "config": {"name": "hidden", "units": 3, "batch_input_shape": [null, 2]}},
    {"class_name": "Dense", "config": {"name": "out", "units": 1, "use_bias": false, "trainable": false}}
]}}, "weightsManifest": [{"paths": ["w.bin"], "weights": [{"name": "hidden/kernel", "shape": [2, 3], "dtype": "float32"}]}]}"#;

/// What `model.summary(120)` printed in TensorFlow.js 4.22.
const SUMMARY: &str = "\
________________________________________________________________________________________________________________________
Layer (type)                          Input Shape                        Output shape                     Param #      \x20
========================================================================================================================
hidden (Dense)                        [[null,2]]                         [null,3]                         9            \x20
________________________________________________________________________________________________________________________
out (Dense)                           [[null,3]]                         [null,1]                         3            \x20
========================================================================================================================
Total params: 12
Trainable params: 9
Non-trainable params: 3
________________________________________________________________________________________________________________________
";

fn run(json: &str, arguments: &[&str]) -> crate::support::Run {
    let folder = Folder::with_json(json, &[("w.bin", &[0; 24])]);
    let model = folder.model();
    tfjs([&["summary", model.to_str().unwrap()], arguments].concat())
}

#[test]
fn the_summary_is_all_of_standard_output() {
    let summary = run(MODEL, &[]);
    assert_eq!((summary.code, summary.stdout.as_str()), (0, SUMMARY));
    let told = "the weights do not fit the layers: 2 of the layers have no value: `hidden/bias`, `out/kernel`\n";
    assert_eq!(summary.stderr, told);
}

#[test]
fn as_json_it_has_the_numbers_too() {
    let json = run(MODEL, &["--json"]).json();
    assert_eq!((json["totalParams"].as_u64(), json["trainableParams"].as_u64()), (Some(12), Some(9)));
    assert!(json["summary"].as_str().unwrap().ends_with(
        "Non-trainable params: 3\n____________________________________________________________\
        ____________________________________________________________\n"
    ));
}

#[test]
fn a_graph_has_none() {
    let graph = run(r#"{"modelTopology": {"node": []}}"#, &[]);
    assert_eq!((graph.code, graph.stdout.as_str()), (1, ""));
    let told = "this is a graph-model, not a layers-model: `tfjs inspect` says what it is, and `tfjs graph` draws it\n";
    assert!(graph.stderr.ends_with(told), "{graph:?}");
}
