//! The files of the page: what is written by hand, the WebAssembly, and the list of both for the worker that keeps them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::bundle;
use crate::hex::sha256;
use crate::project::Project;

const MODULE: &str = "tfjs_model_manager";

/// Of the workspace's Cargo.toml.
const PROFILE: &str = "wasm-size";

/// Keeps the files of the page for when there is no network. It is told which they are.
const WORKER: &str = "sw.js";

/// The files of the page, in `target/page`.
pub(super) fn build(project: &Project) -> Result<PathBuf> {
    let folder = project.target.join("page");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("{} must go", folder.display()))?;
    }
    let source = project.root.join("crates").join(super::PACKAGE).join("page");
    copy(project, &source, &folder)?;
    let module = bundle::build(project, super::PACKAGE, PROFILE)?;
    let wasm = folder.join("wasm");
    let bound = bundle::bind(project, &module, &wasm, MODULE)?;
    // In its place: wasm-opt has read all of it before it writes.
    bundle::optimize(project, &bound, &bound)?;
    tell_worker(project, &folder)?;
    let bytes = fs::metadata(&bound)?.len();
    println!("page: {}, with {} kB of WebAssembly", folder.display(), bytes / 1000);
    Ok(folder)
}

/// Copies a folder with all that is in it.
pub(super) fn copy(project: &Project, source: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for path in project.sh.read_dir(source)? {
        let name = path.file_name().context("a file has a name")?;
        let to = folder.join(name);
        if path.is_dir() {
            copy(project, &path, &to)?;
        } else {
            fs::copy(&path, &to).with_context(|| format!("copying {}", path.display()))?;
        }
    }
    Ok(())
}

/// Writes into the worker which files there are, and a name for exactly these.
fn tell_worker(project: &Project, folder: &Path) -> Result<()> {
    let mut files = Vec::new();
    list(project, folder, "", &mut files)?;
    files.sort();
    let mut all = Vec::new();
    for file in &files {
        all.extend(file.as_bytes());
        all.extend(fs::read(folder.join(file))?);
    }
    let digest = sha256(&all);
    let version = digest.get(..16).context("a digest is longer")?;
    // The start of the page is asked for by the name of its folder.
    let names: Vec<_> = [String::new()].into_iter().chain(files.into_iter().filter(|file| file != WORKER)).collect();
    let worker = folder.join(WORKER);
    let text = fs::read_to_string(&worker)?;
    let told = text
        .replace("const VERSION = '';", &format!("const VERSION = '{version}';"))
        .replace("const FILES = [];", &format!("const FILES = {};", serde_json::to_string(&names)?));
    ensure!(told.contains(version) && told.contains("index.html"), "{} has no place for the files", worker.display());
    Ok(fs::write(&worker, told)?)
}

/// The files below a folder, by their paths with slashes.
fn list(project: &Project, folder: &Path, prefix: &str, files: &mut Vec<String>) -> Result<()> {
    for path in project.sh.read_dir(folder)? {
        let name = path.file_name().and_then(|name| name.to_str()).context("the page's files have plain names")?;
        let name = format!("{prefix}{name}");
        if path.is_dir() { list(project, &path, &format!("{name}/"), files)? } else { files.push(name) }
    }
    Ok(())
}
