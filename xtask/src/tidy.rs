//! `cargo xtask tidy`: the house rules that neither rustfmt nor clippy knows. Each finding says what to do.

mod code_map;
mod crate_table;
pub(crate) mod files;
mod layers;
mod links;
mod manifests;
mod rust_version;
mod steps;
mod system;
mod text;
mod wasm;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::project::Project;

/// A broken rule: where, and what to do about it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: PathBuf,
    /// From 1.
    line: usize,
    what: String,
}

impl Finding {
    fn new(path: &Path, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_path_buf(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path.display(), self.line, self.what)
    }
}

pub(crate) fn run(project: &Project) -> Result<()> {
    let files = files::all(&project.root)?;
    let mut findings = layers::check(project)?;
    findings.extend(wasm::check(project)?);
    findings.extend(check_maps(project, &files)?);
    findings.extend(rust_version::check(project)?);
    findings.extend(steps::check(project)?);
    for file in &files {
        findings.extend(check_file(&project.root, file)?);
    }
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("tidy: {} findings in {} files", findings.len(), files.len());
    }
    println!("tidy: {} files are in order", files.len());
    Ok(())
}

fn check_maps(project: &Project, files: &[PathBuf]) -> Result<Vec<Finding>> {
    let files: Vec<_> =
        files.iter().filter_map(|file| file.strip_prefix(&project.root).ok()).map(PathBuf::from).collect();
    let mut findings = code_map::check(&fs::read_to_string(project.root.join("docs/architecture.md"))?, &files);
    findings.extend(crate_table::check(&fs::read_to_string(project.root.join("README.md"))?, &files));
    Ok(findings)
}

fn check_file(root: &Path, file: &Path) -> Result<Vec<Finding>> {
    let path = file.strip_prefix(root)?;
    let bytes = fs::read(file)?;
    let mut findings: Vec<_> = files::check_size(path, bytes.len()).into_iter().collect();
    // What is not UTF-8 is not text, and has no lines to look at.
    if let Ok(text) = str::from_utf8(&bytes) {
        findings.extend(check_text(root, path, text));
    }
    Ok(findings)
}

fn check_text(root: &Path, path: &Path, text: &str) -> Vec<Finding> {
    let mut findings = text::trailing_whitespace(path, text);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("rs") => {
            findings.extend(text::module_docs(path, text));
            findings.extend(text::unfinished(path, text));
            findings.extend(system::check(path, text));
        }
        Some("md") => findings.extend(links::dead(root, path, text)),
        Some("toml") if path.ends_with("Cargo.toml") => findings.extend(manifests::check(path, text)),
        _ => {}
    }
    findings
}
