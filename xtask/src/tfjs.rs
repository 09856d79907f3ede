//! The `tfjs` command, run as a user runs it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use xshell::{Cmd, cmd};

use crate::oracle::{Info, Tensor};
use crate::project::Project;
use crate::runner::Runner;

pub(crate) struct Tfjs<'p> {
    project: &'p Project,
    binary: PathBuf,
    /// None if it runs here as it is.
    runner: Option<Runner>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SaveResult {
    model_artifacts_info: Info,
}

impl<'p> Tfjs<'p> {
    pub(crate) fn build(project: &'p Project) -> Result<Self> {
        Ok(Self { project, binary: project.tfjs()?, runner: None })
    }

    /// One that has been built for whatever target.
    pub(crate) fn at(project: &'p Project, binary: PathBuf, runner: Option<Runner>) -> Self {
        Self { project, binary, runner }
    }

    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    pub(crate) fn tensors(&self, model: &Path) -> Result<Vec<Tensor>> {
        let json = stdout(self.command().args(["tensors", "--json"]).arg(model))?;
        serde_json::from_str(&json).context("`tfjs tensors --json` printed something else than an array of tensors")
    }

    /// Copies a model into a folder; gives the byte counts that it reports.
    pub(crate) fn copy(&self, source: &Path, destination: &Path, options: &[&str]) -> Result<Info> {
        let command = self.command().args(["cp", "--json"]).args(options);
        let json = stdout(command.arg(source).arg(destination))?;
        let result: SaveResult =
            serde_json::from_str(&json).context("`tfjs cp --json` printed something else than a save result")?;
        Ok(result.model_artifacts_info)
    }

    /// Converts a model to or from a file of tensors.
    pub(crate) fn convert(&self, source: &Path, destination: &Path, options: &[&str]) -> Result<()> {
        stdout(self.command().arg("convert").args(options).arg(source).arg(destination)).map(drop)
    }

    /// The same command at another place.
    pub(crate) fn moved_to(self, binary: PathBuf) -> Self {
        Self { binary, ..self }
    }

    /// What `tfjs --version` prints.
    pub(crate) fn version(&self) -> Result<String> {
        Ok(stdout(self.command().arg("--version"))?.trim_end().to_owned())
    }

    fn command(&self) -> Cmd<'p> {
        let (sh, tfjs) = (&self.project.sh, &self.binary);
        self.runner.as_ref().map_or_else(|| cmd!(sh, "{tfjs}"), |runner| runner.command(sh).arg(tfjs))
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
