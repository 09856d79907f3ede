//! `cargo xtask graphs`: what TensorFlow.js says of each published graph, and of some that are made for it, our `GraphModel` says too.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use xshell::cmd;

use crate::models;
use crate::oracle::{Job, Oracle};
use crate::project::Project;

/// Quirks that no published graph has: the other dialect, a signature in the metadata, keys for nothing and for the same, and none.
const MADE: [(&str, &str, &str); 4] = [
    ("no-signature", "", r#""versions":{"producer":1,"minConsumer":2}"#),
    (
        "in-metadata",
        r#""signature":{"outputs":{"no":{"name":"w:0"}}},"userDefinedMetadata":{"signature":{"inputs":{"in":{"name":"x:0"}},"outputs":{"10":{"name":"z:0"},"2":{"name":"y:0"}}},"structuredOutputKeys":["b","a"]},"#,
        r#""versions":{"producer":175}"#,
    ),
    (
        "odd-keys",
        r#""signature":{"inputs":{},"outputs":{"a":{"name":"y:0"},"gone":{"name":"gone:0"},"b":{"name":"y:0"}}},"#,
        r#""versions":{"producer":"9","minConsumer":null}"#,
    ),
    ("initializer", r#""modelInitializer":{"node":[{"name":"w","op":"Const"}]},"#, r#""versions":{}"#),
];

pub(crate) fn run(project: &Project) -> Result<()> {
    let oracle = Oracle::ready(project)?;
    let tfjs = project.tfjs()?;
    let folder = project.target.join("graphs");
    let mut subjects = made(&folder)?;
    for model in models::fetch(project)? {
        if is_graph(&model.path)? {
            subjects.push((model.name, model.path));
        }
    }
    let questions: Vec<_> = subjects.iter().map(|(_, path)| Job::Graph { path: path.clone() }).collect();
    let mut nodes = 0;
    for ((name, path), answer) in subjects.iter().zip(oracle.ask(&questions)?) {
        if let Some(error) = answer.error {
            anyhow::bail!("TensorFlow.js cannot load {name}: {error}");
        }
        let expected = answer.graph.with_context(|| format!("nothing was said of {name}"))?;
        let sh = &project.sh;
        let found: Value =
            serde_json::from_str(&cmd!(sh, "{tfjs} graph --json {path}").quiet().ignore_stderr().read()?)?;
        for key in ["missingWeights", "unusedWeights"] {
            ensure!(found.get(key) == Some(&json!([])), "{name}, {key}: {:?}", found.get(key));
        }
        let found = in_their_words(&found);
        for (key, expected) in expected.as_object().context("a graph is described by an object")? {
            let ours = found.get(key).unwrap_or(&Value::Null);
            ensure!(ours == expected, "{name}, {key}: TensorFlow.js has {expected}, we have {ours}");
        }
        nodes += found.get("nodes").and_then(Value::as_u64).unwrap_or(0);
    }
    println!("graphs: {} of {nodes} nodes are the same to TensorFlow.js", subjects.len());
    fs::remove_dir_all(&folder).context("what was made has to go")
}

fn is_graph(path: &Path) -> Result<bool> {
    let json: Value = serde_json::from_slice(&fs::read(path)?)?;
    Ok(json.pointer("/modelTopology/node").is_some())
}

/// Graphs of few nodes, in both dialects.
fn made(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let dialects = [("names", r#""DT_FLOAT""#, r#""-1""#, r#""U0FNRQ==""#), ("numbers", "1", "-1", "[83,65,77,69]")];
    let mut models = Vec::new();
    for (dialect, dtype, size, text) in dialects {
        for (name, keys, versions) in MADE {
            let name = format!("{name}-{dialect}");
            let place = folder.join(&name);
            fs::create_dir_all(&place)?;
            let shape = format!(r#"{{"shape":{{"dim":[{{"size":{size}}},{{"size":"2"}}]}}}}"#);
            let node = format!(
                r#"{{"name":"x","op":"Placeholder","attr":{{"dtype":{{"type":{dtype}}},"shape":{shape}}}}},
                {{"name":"w","op":"Const","attr":{{"dtype":{{"type":{dtype}}}}}}},
                {{"name":"y","op":"AddV2","input":["x","w"],"attr":{{"kind":{{"s":{text}}}}}}},
                {{"name":"z","op":"Relu","input":["y:0","^x"]}}"#
            );
            let manifest = r#"[{"paths":["w.bin"],"weights":[{"name":"w","shape":[2],"dtype":"float32"}]}]"#;
            let model = format!(
                r#"{{"format":"graph-model",{keys}"modelTopology":{{"node":[{node}],{versions}}},"weightsManifest":{manifest}}}"#
            );
            fs::write(place.join("model.json"), model)?;
            fs::write(place.join("w.bin"), [0; 8])?;
            models.push((name, place.join("model.json")));
        }
    }
    Ok(models)
}

/// What `tfjs graph --json` says, as `tests/interop/lib/graph.js` says it.
fn in_their_words(ours: &Value) -> Value {
    let list = |key: &str, member: &str| -> Value {
        let ends = ours.get(key).and_then(Value::as_array).into_iter().flatten();
        ends.map(|end| end.get(member).cloned().unwrap_or_default()).collect()
    };
    let sorted = |value: &Value| {
        let mut names: Vec<_> = value.as_array().cloned().unwrap_or_default();
        names.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
        Value::from(names)
    };
    let get = |key: &str| ours.get(key).cloned().unwrap_or_default();
    json!({
        "modelVersion": get("modelVersion"),
        "inputNodes": list("inputs", "key"),
        "inputs": get("placeholders"),
        "outputNodes": list("outputs", "key"),
        "outputs": list("outputs", "node"),
        "signature": get("signature"),
        "structuredOutputKeys": get("structuredOutputKeys"),
        "weights": sorted(&get("weights")),
        "initializerNodes": get("initializerNodes"),
        "functions": sorted(&get("functions")),
        "nodes": ours.get("nodes").and_then(Value::as_array).map_or(0, Vec::len),
    })
}
