//! In a page of a real Chromium: ours as WebAssembly, and TensorFlow.js, on the same bytes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::json;

use super::measurement::{Measured, Measurement, fastest};
use super::works::Work;
use crate::interop_browser;
use crate::npm;
use crate::project::Project;
use crate::tools::web::{self, Browser};

/// What the driver needs.
pub(super) struct Page {
    driver: PathBuf,
    browser: Browser,
    modules: PathBuf,
    wasm: PathBuf,
    folder: PathBuf,
}

/// What one work took on both sides.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Pair {
    ours: Measurement,
    tfjs: Measurement,
}

/// What all works took in one round.
pub(super) type Round = BTreeMap<String, Pair>;

impl Page {
    /// Builds and installs what it takes.
    pub(super) fn ready(project: &Project, folder: PathBuf) -> Result<Self> {
        let tests = project.root.join("tests");
        let modules = npm::modules(project)?;
        let wasm = interop_browser::build(project, &folder.join("wasm"), "release")?;
        let driver = tests.join("browser-interop").join("bench.js");
        Ok(Self { driver, browser: web::browser(project)?, modules, wasm, folder })
    }

    /// Measures those of the works that are measured here.
    pub(super) fn measure(&self, works: &[&Work]) -> Result<Round> {
        let ids: Vec<_> = works.iter().filter(|work| work.is_page()).map(|work| work.id).collect();
        eprintln!("in a page of Chromium: {}", ids.join(", "));
        let configuration = json!({
            "chromium": self.browser.chromium, "modules": self.modules, "wasm": self.wasm, "folder": self.folder,
            "works": ids,
        });
        let mut node = Command::new("node");
        node.arg(&self.driver).arg(configuration.to_string()).env("NODE_PATH", &self.modules);
        let output = node.stderr(Stdio::inherit()).output().context("node could not be started")?;
        ensure!(output.status.success(), "{} failed: {}", self.driver.display(), output.status);
        serde_json::from_slice(&output.stdout).context("bench.js printed something else than its measurements")
    }
}

/// What a work took on both sides, in the best of the rounds.
pub(super) fn measured(work: &Work, rounds: &[Round]) -> Result<(Measured, Option<Measurement>)> {
    let pairs = || rounds.iter().filter_map(|round| round.get(work.id));
    let ours = fastest(pairs().map(|pair| pair.ours)).with_context(|| format!("{} was not measured", work.id))?;
    Ok((Measured { ours, yardstick: None, smaller: None }, fastest(pairs().map(|pair| pair.tfjs))))
}
