//! `cargo xtask interop`: in one page of a real Chromium, the real TensorFlow.js and this workspace read what the other has stored.
//!
//! The driver and the page are in `tests/browser-interop`; here is built and started what they need.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;
use xshell::cmd;

use crate::bundle;
use crate::counted::{self, Count};
use crate::models;
use crate::npm;
use crate::project::Project;
use crate::services::Service;
use crate::tools::web;

const PACKAGE: &str = "tfjs-browser-interop";

/// Of the workspace's Cargo.toml.
const PROFILE: &str = "browser";

/// Cuts guesslang's weights into a hundred files.
const HUNDREDTH: &str = "7160";
const SHARDS: usize = 100;

/// Cuts small weights within tensors and elements.
const ODD: &str = "63";

/// What to check.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Also models of a gibibyte, which takes some minutes and 4 GiB of disk in target/
    #[arg(long)]
    large: bool,
    /// Only groups of checks whose name contains this
    filter: Option<String>,
}

/// What the driver is told.
#[derive(Serialize)]
struct Configuration {
    chromium: PathBuf,
    /// `node_modules`, with TensorFlow.js and playwright-core.
    modules: PathBuf,
    /// What wasm-bindgen wrote.
    wasm: PathBuf,
    models: Vec<Model>,
    /// Of `tfjs serve`: another origin than the page's.
    server: String,
    /// For profiles and downloads.
    folder: PathBuf,
    large: bool,
    filter: Option<String>,
}

/// A model that goes back and forth.
#[derive(Serialize)]
struct Model {
    name: &'static str,
    folder: PathBuf,
}

/// Runs the checks, and fails if one of them does.
pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    let count = check(project, options)?;
    ensure!(count.failed == 0, "{} checks in the browser failed: see the lines that say FAILED", count.failed);
    Ok(())
}

/// Runs the checks, and tells how many there were.
pub(crate) fn check(project: &Project, options: &Options) -> Result<Count> {
    let folder = project.target.join("browser-interop");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("{} must go", folder.display()))?;
    }
    let modules = npm::modules(project)?;
    let browser = web::browser(project)?;
    println!("interop: {}", browser.describe());
    let wasm = build(project, &folder.join("wasm"), PROFILE)?;
    let tfjs = project.tfjs()?;
    let models = models(project, &tfjs, &folder)?;
    let server = Service::tfjs(&tfjs, &folder.join("served"), &[])?;

    let configuration = Configuration {
        chromium: browser.chromium,
        modules: modules.clone(),
        wasm,
        models,
        server: server.url.clone(),
        folder,
        large: options.large,
        filter: options.filter.clone(),
    };
    let mut command = Command::new("node");
    command.arg(project.root.join("tests").join("browser-interop").join("main.js"));
    command.arg(serde_json::to_string(&configuration)?).env("NODE_PATH", modules);
    Ok(counted::run(command)?.judge())
}

/// Our half of the page, built in a profile of the workspace's Cargo.toml.
pub(crate) fn build(project: &Project, folder: &Path, profile: &str) -> Result<PathBuf> {
    let module = bundle::build(project, PACKAGE, profile)?;
    bundle::bind(project, &module, folder, "tfjs_io")?;
    Ok(folder.to_path_buf())
}

/// A small one with everything that training leaves behind, two published ones, and one in many files.
fn models(project: &Project, tfjs: &Path, folder: &Path) -> Result<Vec<Model>> {
    let published = models::fetch(project)?;
    let find = |wanted: &str| {
        let model = published.iter().find(|model| model.name == wanted);
        let folder = model.and_then(|model| model.path.parent()).map(Path::to_path_buf);
        folder.with_context(|| format!("there is no published model {wanted}"))
    };
    let guesslang = find("guesslang")?;
    let hundred = folder.join("hundred-shards");
    let trained = project.root.join("tests").join("goldens").join("trained-layers");
    let cut = folder.join("cut-layers");
    let sh = &project.sh;
    for (source, size, copy) in [(&guesslang, HUNDREDTH, &hundred), (&trained, ODD, &cut)] {
        let source = source.join("model.json");
        cmd!(sh, "{tfjs} cp --shard-size {size} {source} {copy}").quiet().ignore_stdout().run()?;
    }
    let files = fs::read_dir(&hundred)?.count();
    ensure!(files == SHARDS + 1, "{} has {files} files: choose another HUNDREDTH", hundred.display());
    Ok(vec![
        Model { name: "trained-layers", folder: trained },
        Model { name: "cut-layers", folder: cut },
        Model { name: "guesslang", folder: guesslang },
        Model { name: "esrgan-slim", folder: find("esrgan-slim-x2")? },
        Model { name: "hundred-shards", folder: hundred },
    ])
}
