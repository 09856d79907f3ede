//! Rules about Cargo.toml: one lint table, one list of versions, and what a published crate must say of itself.

use std::path::Path;

use super::Finding;

/// `key = value` with the table that it stands in. A value may go over several lines.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    table: String,
    key: String,
    value: String,
    line: usize,
}

pub(super) fn check(path: &Path, text: &str) -> Vec<Finding> {
    let entries = entries(text);
    let is_workspace_root = entries.iter().any(|entry| entry.table == "workspace");
    if is_workspace_root {
        return Vec::new();
    }
    let mut findings = missing(path, &entries, &EVERY_MEMBER);
    let is_kept_here = entries.iter().any(|entry| (entry.key.as_str(), entry.value.as_str()) == ("publish", "false"));
    if path.starts_with("crates") && !is_kept_here {
        findings.extend(missing(path, &entries, &PUBLISHED));
    }
    findings.extend(
        entries.iter().filter(|entry| is_dependency(&entry.table)).filter_map(|entry| check_dependency(path, entry)),
    );
    findings
}

/// Table, key (empty: any), value (empty: any), what to do.
type Rule = (&'static str, &'static str, &'static str, &'static str);

const EVERY_MEMBER: [Rule; 2] = [
    ("lints", "workspace", "true", "add `[lints] workspace = true`: the workspace has one table of lints"),
    ("package", "rust-version.workspace", "true", "add `rust-version.workspace = true`: one toolchain is tested"),
];

const PUBLISHED: [Rule; 4] = [
    ("package", "description", "", "add a `description`: it is the crate's line on its registry"),
    ("package", "readme", "", "add `readme`: the README is the crate's documentation"),
    ("package", "keywords.workspace", "true", "add `keywords.workspace = true`: by them a crate is found"),
    ("package.metadata.docs.rs", "", "", "add `[package.metadata.docs.rs]`: which features and targets docs.rs shows"),
];

fn missing(path: &Path, entries: &[Entry], rules: &[Rule]) -> Vec<Finding> {
    let holds = |(table, key, value, _): &Rule| {
        entries.iter().any(|entry| {
            entry.table == *table
                && (key.is_empty() || entry.key == *key)
                && (value.is_empty() || entry.value == *value)
        })
    };
    rules.iter().filter(|rule| !holds(rule)).map(|(.., what)| Finding::new(path, 1, *what)).collect()
}

/// Also those of one target or one dependency: `target.'cfg(unix)'.dependencies`, `dependencies.serde`.
fn is_dependency(table: &str) -> bool {
    table.split('.').any(|part| part.ends_with("dependencies"))
}

/// Versions stand in the workspace, once. A dev-dependency inside the workspace may be a bare path: with a version it would have to be
/// published before the crate that it helps to test, and that one before it.
fn check_dependency(path: &Path, entry: &Entry) -> Option<Finding> {
    let (name, detail) = entry.key.split_once('.').unwrap_or((&entry.key, ""));
    let is_inherited = detail == "workspace" || entry.value.contains("workspace = true");
    let is_bare_path = detail == "path" || (entry.value.contains("path = ") && !entry.value.contains("version"));
    let is_bare_dev_path = is_bare_path && entry.table.ends_with("dev-dependencies");
    (!is_inherited && !is_bare_dev_path && !is_harmless(entry)).then(|| {
        Finding::new(
            path,
            entry.line,
            format!("write `{name}.workspace = true`, and its version into the workspace's Cargo.toml"),
        )
    })
}

/// A line of a table of its own, `[dependencies.serde]`, that does not say where the dependency comes from.
fn is_harmless(entry: &Entry) -> bool {
    let is_own_table = !entry.table.ends_with("dependencies");
    is_own_table && ["workspace", "features", "optional", "default-features"].contains(&entry.key.as_str())
}

fn entries(text: &str) -> Vec<Entry> {
    let mut table = String::new();
    let mut entries: Vec<Entry> = Vec::new();
    for (line, content) in (1..).zip(text.lines().map(str::trim)) {
        if let Some(open) = entries.last_mut().filter(|entry| is_open(&entry.value)) {
            open.value.push_str(content);
        } else if let Some(name) = content.strip_prefix('[') {
            name.trim_start_matches('[').split(']').next().unwrap_or_default().clone_into(&mut table);
        } else if let Some((key, value)) = content.split_once('=').filter(|_| !content.starts_with('#')) {
            entries.push(Entry {
                table: table.clone(),
                key: key.trim().to_owned(),
                value: value.trim().to_owned(),
                line,
            });
        }
    }
    entries
}

/// An array or inline table that goes on in the next line.
fn is_open(value: &str) -> bool {
    let count = |brackets: [char; 2]| value.matches(brackets).count();
    count(['[', '{']) > count([']', '}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
[package]
name = \"a\"
description = \"A\"
readme = \"README.md\"
rust-version.workspace = true
keywords.workspace = true

[package.metadata.docs.rs]
all-features = true

[lints]
workspace = true

[dependencies]
serde.workspace = true
tokio = { workspace = true, features = [
  \"fs\",
] }

[target.'cfg(unix)'.dependencies]
libc.workspace = true

[dev-dependencies]
b = { path = \"../b\" }
c.path = \"../c\"
";

    fn whats(text: &str) -> Vec<String> {
        check(Path::new("crates/a/Cargo.toml"), text)
            .into_iter()
            .map(|finding| format!("{}: {}", finding.line, finding.what))
            .collect()
    }

    #[test]
    fn a_good_manifest_has_no_findings() {
        assert_eq!(whats(GOOD), Vec::<String>::new());
    }

    #[test]
    fn each_missing_line_is_one_finding() {
        for line in [
            "description = \"A\"\n",
            "readme = \"README.md\"\n",
            "rust-version.workspace = true\n",
            "keywords.workspace = true\n",
            "[package.metadata.docs.rs]\nall-features = true\n",
            "[lints]\nworkspace = true\n",
        ] {
            assert_eq!(whats(&GOOD.replace(line, "")).len(), 1, "{line}");
        }
    }

    #[test]
    fn what_is_never_published_needs_no_shop_window() {
        let text = GOOD
            .replace("keywords.workspace = true", "publish = false")
            .replace("[package.metadata.docs.rs]\nall-features = true\n", "");
        assert_eq!(whats(&text), Vec::<String>::new());
    }

    #[test]
    fn a_version_outside_the_workspace_is_found() {
        for line in ["serde = \"1\"", "serde = { version = \"1\" }", "b = { path = \"../b\" }"] {
            assert_eq!(whats(&GOOD.replace("serde.workspace = true", line)).len(), 1, "{line}");
        }
        assert_eq!(whats(&GOOD.replace("libc.workspace = true", "libc = \"0.2\"")).len(), 1);
        assert_eq!(whats(&format!("{GOOD}[dependencies.rand]\nversion = \"0.9\"\nfeatures = []\n")).len(), 1);
        assert_eq!(whats(&GOOD.replace("{ path = \"../b\" }", "{ path = \"../b\", version = \"0.1\" }")).len(), 1);
    }

    #[test]
    fn the_workspace_root_is_where_versions_belong() {
        assert_eq!(
            check(Path::new("Cargo.toml"), "[workspace]\nmembers = []\n[workspace.dependencies]\nserde = \"1\"\n"),
            []
        );
    }
}
