//! `cargo xtask api`: the public items of every published library, one a line, compared with those that docs/api keeps. So a change of
//! the API is seen in the difference of a commit, and the next version is chosen by it.
//!
//! A file `tfjs-http.txt` lists what is there natively, with all features; `tfjs-http.wasm32.txt` what is other in a browser, if anything
//! is.

mod difference;
mod listing;
mod rustdoc;

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::compiler::{Compiler, WASM};
use crate::project::{Package, Project};
use crate::{toolchain, wasm};
use difference::Difference;
pub(crate) use rustdoc::{is_called_as_rustdoc, run as rustdoc};

/// What is done with the items.
#[derive(Args, Clone, Copy, Default)]
pub(crate) struct Options {
    /// Keep what is there now
    #[arg(long)]
    write: bool,
}

const FOLDER: &str = "docs/api";

/// Names of files in the folder, each with its lines.
type Files = BTreeMap<String, Vec<String>>;

pub(crate) fn run(project: &Project, options: Options) -> Result<()> {
    // A newer compiler might write another format, and its library has other paths.
    let _declared = toolchain::use_declared(project)?;
    let (kept, now) = (read(project)?, collect(project)?);
    let differences: Vec<_> = kept
        .keys()
        .chain(now.keys().filter(|name| !kept.contains_key(*name)))
        .filter_map(|name| difference(name, kept.get(name), now.get(name)))
        .collect();
    for difference in &differences {
        print!("{difference}");
    }
    if options.write {
        return write(project, &kept, &now);
    }
    if !differences.is_empty() {
        let gone: usize = differences.iter().map(|difference| difference.gone.len()).sum();
        let came: usize = differences.iter().map(|difference| difference.came.len()).sum();
        bail!(
            "the public items are not those of {FOLDER}, {gone} lines are gone and {came} are new: if that is meant, run \
             `cargo xtask api --write`, commit what it writes, and tell users in CHANGELOG.md"
        );
    }
    let items: usize = now.values().map(Vec::len).sum();
    println!("api: {items} lines in {} files of {FOLDER} are as they were", now.len());
    Ok(())
}

fn difference(name: &str, kept: Option<&Vec<String>>, now: Option<&Vec<String>>) -> Option<Difference> {
    let lines = |lines: Option<&Vec<String>>| lines.cloned().unwrap_or_default();
    Difference::between(format!("{FOLDER}/{name}"), &lines(kept), &lines(now))
}

fn collect(project: &Project) -> Result<Files> {
    let libraries: Vec<_> = project.published().filter(|package| package.library().is_some()).collect();
    let natively = listing::of(project, &Compiler::native(project), &libraries)?;
    let is_in_a_browser = |package: &&&Package| wasm::IN_A_BROWSER.contains(&package.name.as_str());
    let in_a_browser: Vec<_> = libraries.iter().filter(is_in_a_browser).copied().collect();
    let there = listing::of(project, &Compiler::for_checking(project, WASM)?, &in_a_browser)?;

    let mut files = Files::new();
    for (name, items) in &there {
        let native = natively.get(name).map_or(&[][..], Vec::as_slice);
        if let Some(difference) = Difference::between(String::new(), native, items) {
            files.insert(format!("{name}.wasm32.txt"), difference.lines(["only natively", "only in a browser"]));
        }
    }
    files.extend(natively.into_iter().map(|(name, items)| (format!("{name}.txt"), items)));
    Ok(files)
}

fn read(project: &Project) -> Result<Files> {
    let mut files = Files::new();
    let folder = project.root.join(FOLDER);
    for entry in fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().context("a file has a name")?.to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        files.insert(name, text.lines().map(str::to_owned).collect());
    }
    Ok(files)
}

fn write(project: &Project, kept: &Files, now: &Files) -> Result<()> {
    let folder = project.root.join(FOLDER);
    for name in kept.keys().filter(|name| !now.contains_key(*name)) {
        fs::remove_file(folder.join(name))?;
    }
    for (name, lines) in now {
        let path = folder.join(name);
        fs::write(&path, lines.join("\n") + "\n").with_context(|| format!("writing {}", path.display()))?;
    }
    println!("api: {} files of {FOLDER} are written", now.len());
    Ok(())
}
