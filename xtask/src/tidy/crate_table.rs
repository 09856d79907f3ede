//! README.md has a row for each crate, which leads to the crate's own README.

use std::path::{Path, PathBuf};

use super::Finding;

const README: &str = "README.md";

/// All files from the root of the repository.
pub(super) fn check(text: &str, files: &[PathBuf]) -> Vec<Finding> {
    let line = 1 + text.lines().position(|line| line == "## Crates").unwrap_or_default();
    let findings = crates(files).filter_map(|name| {
        let own = format!("crates/{name}/{README}");
        if !files.iter().any(|file| file == Path::new(&own)) {
            return Some(Finding::new(Path::new(&own), 1, "write it: it is the documentation of the crate"));
        }
        let row = format!("| [{name}]({own}) |");
        let what = || format!("add a row that begins with `{row}` to the table of crates");
        (!text.lines().any(|line| line.starts_with(&row))).then(|| Finding::new(Path::new(README), line, what()))
    });
    findings.collect()
}

/// The names of the folders in `crates` that have a manifest.
pub(super) fn crates(files: &[PathBuf]) -> impl Iterator<Item = &str> {
    files.iter().filter_map(|file| {
        let mut parts = file.iter().map(|part| part.to_str().unwrap_or_default());
        let is_manifest = parts.next() == Some("crates") && parts.clone().nth(1) == Some("Cargo.toml");
        is_manifest.then(|| parts.next()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str, files: &[&str]) -> Vec<String> {
        let files: Vec<_> = files.iter().map(PathBuf::from).collect();
        check(text, &files).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn a_crate_without_a_row_or_without_documentation_is_found() {
        let files = ["crates/a/Cargo.toml", "crates/a/README.md", "crates/a/src/lib.rs", "crates/x.md"];
        let row = "# A\n\n## Crates\n\n| [a](crates/a/README.md) | is one |\n";
        assert_eq!(findings(row, &files), Vec::<String>::new());
        let told = "README.md:3: add a row that begins with `| [a](crates/a/README.md) |` to the table of crates";
        assert_eq!(findings("# A\n\n## Crates\n\nsee [a](crates/a/README.md) |\n", &files), [told]);
        let told = "crates/a/README.md:1: write it: it is the documentation of the crate";
        assert_eq!(findings(row, &files[..1]), [told]);
    }
}
