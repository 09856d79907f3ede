//! The peer: TensorFlow.js in Node, on the same tensors.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::json;

use super::measurement::Measurement;
use super::web::{Servers, Web};
use super::works::Work;
use crate::oracle::Oracle;
use crate::project::Project;

/// Where our benchmarks leave the models that TensorFlow.js shall read, too: `CARGO_TARGET_TMPDIR` of their package.
pub(super) fn files(project: &Project) -> PathBuf {
    project.target.join("tmp").join("bench")
}

/// What each work takes that TensorFlow.js can do.
pub(super) fn measure(
    project: &Project,
    oracle: &Oracle<'_>,
    web: Option<&Web>,
    works: &[&Work],
) -> Result<BTreeMap<String, Measurement>> {
    let ids: Vec<_> = works.iter().filter(|work| work.has_tfjs && !work.is_page()).map(|work| work.id).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    eprintln!("TensorFlow.js in Node: {}", ids.join(", "));
    let servers = web.map(Web::start).transpose()?;
    let told = servers.as_ref().map(Servers::told);
    let answer = oracle.bench(&json!({"works": ids, "files": files(project), "web": told}).to_string())?;
    serde_json::from_str(&answer).context("bench.js printed something else than its measurements")
}
