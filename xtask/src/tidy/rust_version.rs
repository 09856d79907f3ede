//! The oldest Rust is named in several places, and it is the same in all of them: what the crates declare is what CI installs and what
//! readers are told.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Finding;
use crate::project::Project;
use crate::toolchain;

/// A file, and what must stand in it before and behind the version.
const NAMED: [(&str, &str, &str); 6] = [
    (".github/workflows/ci.yml", "rustup toolchain install ", " "),
    (".github/workflows/ci.yml", "rustup default ", "\n"),
    ("README.md", "with Rust ", " or newer"),
    ("README.md", "The minimum Rust version is ", ":"),
    ("docs/CONTRIBUTING.md", "Rust ", " or newer, through rustup"),
    ("tests/fuzz/Cargo.toml", "rust-version = \"", "\""),
];

pub(super) fn check(project: &Project) -> Result<Vec<Finding>> {
    let declared = toolchain::declared(project)?;
    let mut findings = Vec::new();
    for (path, before, behind) in NAMED {
        let file = project.root.join(path);
        let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        findings.extend(check_text(Path::new(path), &text, [before, behind], declared));
    }
    Ok(findings)
}

fn check_text(path: &Path, text: &str, [before, behind]: [&str; 2], declared: &str) -> Option<Finding> {
    let expected = format!("{before}{declared}{behind}");
    if text.contains(&expected) {
        return None;
    }
    let line = (1..).zip(text.lines()).find(|(_, line)| line.contains(before)).map_or(1, |(number, _)| number);
    let what = format!("write `{}`: the crates declare Rust {declared} in Cargo.toml", expected.trim_end());
    Some(Finding::new(path, line, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_found_on_its_line() {
        let check = |text| check_text(Path::new("a.md"), text, ["with Rust ", " or newer"], "1.95");
        assert_eq!(check("Build it\nwith Rust 1.95 or newer."), None);
        assert_eq!(check("Build it\nwith Rust 1.96 or newer.").unwrap().line, 2);
        assert_eq!(check("with Rust 1.950 or newer.").unwrap().line, 1);
        assert!(check("").unwrap().what.contains("with Rust 1.95 or newer"));
    }
}
