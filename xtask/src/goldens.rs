//! The goldens and models that are committed: written by the real TensorFlow.js, so never edited by hand.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::oracle::Oracle;
use crate::project::Project;
use crate::tidy::files;

/// The folders of `tests/` that are generated, all of each.
const FOLDERS: [&str; 2] = ["goldens", "models"];

/// A folder's files by their paths in it.
type Tree = BTreeMap<PathBuf, Vec<u8>>;

/// `cargo xtask goldens`.
pub(crate) fn write(project: &Project) -> Result<()> {
    for (folder, tree) in generate(project)? {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        for (path, bytes) in &tree {
            let file = folder.join(path);
            fs::create_dir_all(file.parent().context("a file lies in a folder")?)?;
            fs::write(&file, bytes)?;
        }
        println!("{}: {} files written", folder.display(), tree.len());
    }
    Ok(())
}

/// `cargo xtask goldens --check`.
pub(crate) fn check(project: &Project) -> Result<()> {
    let mut stale = Vec::new();
    let mut files = 0;
    for (folder, expected) in generate(project)? {
        files += expected.len();
        stale.extend(differing(&read(&folder)?, &expected).iter().map(|path| folder.join(path).display().to_string()));
    }
    if !stale.is_empty() {
        bail!(
            "not what TensorFlow.js writes; run `cargo xtask goldens` and look at the difference:\n{}",
            stale.join("\n")
        );
    }
    println!("goldens: {files} files are what TensorFlow.js writes");
    Ok(())
}

/// Each generated folder and what belongs in it.
fn generate(project: &Project) -> Result<Vec<(PathBuf, Tree)>> {
    let out = tempfile::tempdir_in(&project.target)?;
    Oracle::ready(project)?.generate(out.path())?;
    FOLDERS
        .iter()
        .map(|name| {
            let tree = read(&out.path().join(name))?;
            ensure!(!tree.is_empty(), "generate.js wrote no {name}");
            Ok((project.root.join("tests").join(name), tree))
        })
        .collect()
}

fn read(folder: &Path) -> Result<Tree> {
    if !folder.is_dir() {
        return Ok(Tree::new());
    }
    files::all(folder)?
        .into_iter()
        .map(|path| Ok((path.strip_prefix(folder)?.to_path_buf(), fs::read(&path)?)))
        .collect()
}

/// The files that are in one only, or not the same in both.
fn differing(found: &Tree, expected: &Tree) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        found.keys().chain(expected.keys()).filter(|path| found.get(*path) != expected.get(*path)).cloned().collect();
    paths.sort();
    paths.dedup();
    paths
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Tree, differing};

    #[test]
    fn a_missing_an_extra_and_a_changed_file_each_differ_once() {
        let tree = |files: &[(&str, &[u8])]| -> Tree {
            files.iter().map(|(path, bytes)| (PathBuf::from(path), bytes.to_vec())).collect()
        };
        let found = tree(&[("same", b"1"), ("changed", b"1"), ("extra", b"")]);
        let expected = tree(&[("same", b"1"), ("changed", b"2"), ("missing", b"")]);
        assert_eq!(differing(&found, &expected), ["changed", "extra", "missing"].map(PathBuf::from));
    }
}
