//! The real TensorFlow.js, asked through the scripts in `tests/interop`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use xshell::cmd;

use crate::npm;
use crate::project::Project;

/// TensorFlow.js, installed.
pub(crate) struct Oracle<'p> {
    project: &'p Project,
    modules: PathBuf,
}

/// A question; `oracle.js` says what each means.
#[derive(Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(crate) enum Job {
    Digest {
        path: PathBuf,
    },
    Info {
        path: PathBuf,
    },
    Graph {
        path: PathBuf,
    },
    Reload {
        source: PathBuf,
        copy: PathBuf,
    },
    Reshard {
        source: PathBuf,
        destination: PathBuf,
        groups: usize,
        #[serde(rename = "shardBytes")]
        shard_bytes: Vec<usize>,
    },
    #[serde(rename_all = "camelCase")]
    Upload {
        source: PathBuf,
        url: String,
        load_url: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        request_init: Option<RequestInit>,
        as_model: bool,
    },
}

/// How TensorFlow.js is told to send its upload.
#[derive(Serialize, Clone)]
pub(crate) struct RequestInit {
    pub(crate) method: String,
    pub(crate) headers: BTreeMap<String, String>,
}

/// What the question was for: a field that the operation does not give is at its default.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Answer {
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) info: Option<Info>,
    /// What a copy lost, gained or changed beside its tensors; None unless a copy was compared.
    pub(crate) differences: Option<Vec<String>>,
    /// What `tests/interop/lib/graph.js` says of a graph.
    pub(crate) graph: Option<Value>,
    /// Why this one question could not be answered.
    pub(crate) error: Option<String>,
}

/// A decoded tensor, as the reference and `tfjs tensors --json` both describe it.
#[derive(Deserialize, Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) dtype: String,
    pub(crate) shape: Vec<u64>,
    pub(crate) sha256: String,
}

/// The byte counts of `getModelArtifactsInfoForJSON`.
#[derive(Deserialize, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Info {
    pub(crate) model_topology_bytes: u64,
    pub(crate) weight_specs_bytes: u64,
    pub(crate) weight_data_bytes: u64,
}

impl<'p> Oracle<'p> {
    /// Installs TensorFlow.js into `target/interop` if it is not there.
    pub(crate) fn ready(project: &'p Project) -> Result<Self> {
        let modules = npm::modules(project)?;
        Ok(Self { project, modules })
    }

    /// One answer for each job, in order, from one Node process.
    pub(crate) fn ask(&self, jobs: &[Job]) -> Result<Vec<Answer>> {
        let json = self.node("oracle.js", &[], &serde_json::to_string(jobs)?)?;
        let answers: Vec<Answer> =
            serde_json::from_str(&json).context("the oracle printed something else than its answers")?;
        ensure!(answers.len() == jobs.len(), "the oracle gave {} answers to {} jobs", answers.len(), jobs.len());
        Ok(answers)
    }

    /// Writes `OUT/goldens` and `OUT/models`.
    pub(crate) fn generate(&self, out: &Path) -> Result<()> {
        self.node("generate.js", &[out], "").map(drop)
    }

    /// What `differential.js` prints for a request; it says what each means.
    pub(crate) fn differential(&self, request: &str) -> Result<String> {
        self.node("differential.js", &[], request)
    }

    /// What `zoo.js` prints for a request; it says what each means.
    pub(crate) fn zoo(&self, request: &Value) -> Result<String> {
        self.node("zoo.js", &[], &request.to_string())
    }

    /// What `bench.js` prints for a request; it says what each means.
    pub(crate) fn bench(&self, request: &str) -> Result<String> {
        self.node("bench.js", &[], request)
    }

    /// Of the TensorFlow.js that is installed.
    pub(crate) fn version(&self) -> Result<String> {
        let path = self.modules.join("@tensorflow").join("tfjs").join("package.json");
        let package: Value = serde_json::from_slice(&fs::read(&path)?)?;
        let version = package.get("version").and_then(Value::as_str);
        version.map(str::to_owned).with_context(|| format!("{} names no version", path.display()))
    }

    fn node(&self, script: &str, arguments: &[&Path], stdin: &str) -> Result<String> {
        let sh = &self.project.sh;
        let script = scripts(self.project).join(script);
        let _modules = sh.push_env("NODE_PATH", &self.modules);
        let output = cmd!(sh, "node {script} {arguments...}").quiet().stdin(stdin).ignore_status().output()?;
        if !output.status.success() {
            bail!("{} failed:\n{}", script.display(), String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

fn scripts(project: &Project) -> PathBuf {
    project.root.join("tests").join("interop")
}
