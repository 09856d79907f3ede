//! Our side: the `tfjs` command, run as a user runs it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use xshell::{Cmd, cmd};

use crate::oracle::{Info, Tensor};
use crate::project::Project;

pub(super) struct Tfjs<'p> {
    project: &'p Project,
    binary: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SaveResult {
    model_artifacts_info: Info,
}

impl<'p> Tfjs<'p> {
    pub(super) fn build(project: &'p Project) -> Result<Self> {
        Ok(Self { project, binary: project.tfjs()? })
    }

    pub(super) fn binary(&self) -> &Path {
        &self.binary
    }

    pub(super) fn tensors(&self, model: &Path) -> Result<Vec<Tensor>> {
        let (sh, tfjs) = (&self.project.sh, &self.binary);
        let json = stdout(cmd!(sh, "{tfjs} tensors --json {model}"))?;
        serde_json::from_str(&json).context("`tfjs tensors --json` printed something else than an array of tensors")
    }

    /// Copies a model into a folder; gives the byte counts that it reports.
    pub(super) fn copy(&self, source: &Path, destination: &Path, options: &[&str]) -> Result<Info> {
        let (sh, tfjs) = (&self.project.sh, &self.binary);
        let json = stdout(cmd!(sh, "{tfjs} cp --json {options...} {source} {destination}"))?;
        let result: SaveResult =
            serde_json::from_str(&json).context("`tfjs cp --json` printed something else than a save result")?;
        Ok(result.model_artifacts_info)
    }
}

/// What the command printed, or what it complained of.
fn stdout(command: Cmd<'_>) -> Result<String> {
    let output = command.quiet().ignore_status().output()?;
    if !output.status.success() {
        bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).context("the output is not UTF-8")
}
