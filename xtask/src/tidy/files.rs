//! The files of the repository, found by walking: it works without git, and sees a file before it is committed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Finding;

/// Folders of other people's files and of what is built; each is in .gitignore, wherever it stands.
const SKIPPED: [&str; 3] = [".git", "target", "node_modules"];

const LARGEST: usize = 256 * 1024;

/// Every file below `folder`, sorted.
pub(crate) fn all(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    collect(folder, &mut files).with_context(|| format!("listing the files in {}", folder.display()))?;
    files.sort();
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_skipped = SKIPPED.iter().any(|skipped| entry.file_name() == *skipped);
        match entry.file_type()? {
            kind if kind.is_dir() && !is_skipped => collect(&entry.path(), files)?,
            kind if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn check_size(path: &Path, bytes: usize) -> Option<Finding> {
    (bytes > LARGEST).then(|| {
        Finding::new(path, 1, format!("{bytes} bytes are too many for a repository (at most {LARGEST}): let a task make or fetch the file into target/"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_into_folders_but_not_into_what_is_built() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["b/c.txt", "a.txt", "b/target/x", "node_modules/y", ".git/z"] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        assert_eq!(all(folder.path()).unwrap(), [folder.path().join("a.txt"), folder.path().join("b/c.txt")]);
    }

    #[test]
    fn only_what_is_larger_than_the_limit_is_too_large() {
        assert_eq!(check_size(Path::new("f"), LARGEST), None);
        assert!(check_size(Path::new("f"), LARGEST + 1).is_some());
    }
}
