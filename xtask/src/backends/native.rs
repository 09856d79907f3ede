//! Which of the tests that run natively have suites: found, so that nobody has to list a new one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::browser::suite;
use crate::project::{Package, Project, Target};
use crate::tidy::files;

/// What is in the text of a test that records.
const RECORDS: [&str; 3] = ["conformance_suite!", "record_behaviour(", "record_ability("];

/// Whose tests may record.
const TESTKIT: &str = "tfjs-testkit";

/// The names of the tests, for cargo.
pub(super) fn tests(project: &Project) -> Result<BTreeSet<String>> {
    let in_a_browser = suite::all(project);
    let runs_natively = |package: &Package, target: &Target| {
        let is = |suite: &suite::Suite| suite.package == package.name && suite.place.test() == target.name;
        !in_a_browser.iter().any(is)
    };
    let mut names = BTreeSet::new();
    for package in &project.packages {
        for target in recording(package)? {
            names.extend(runs_natively(package, target).then(|| target.name.clone()));
        }
    }
    Ok(names)
}

/// The tests of a package that record. One that is only run when it is asked for has a step of its own.
fn recording(package: &Package) -> Result<Vec<&Target>> {
    let mut found = Vec::new();
    if !package.dependencies.iter().any(|dependency| dependency.name == TESTKIT) {
        return Ok(found);
    }
    let is_test = |target: &&Target| target.test && target.kind.iter().any(|kind| kind == "test");
    for target in package.targets.iter().filter(is_test) {
        if sources(package, target)?.iter().any(|file| records(file)) {
            found.push(target);
        }
    }
    Ok(found)
}

/// The files that a target may consist of: its own, and those below its folder that are not another target's. Some may be too many, and
/// then a test runs that need not.
fn sources(package: &Package, target: &Target) -> Result<Vec<PathBuf>> {
    let folder = target.src_path.parent().context("a file lies in a folder")?;
    let others = package.targets.iter().filter(|other| other.src_path != target.src_path);
    let others: Vec<_> = others.map(|other| own(&other.src_path)).filter(|other| !folder.starts_with(other)).collect();
    let is_source = |file: &PathBuf| {
        file.extension().is_some_and(|extension| extension == "rs")
            && !others.iter().any(|other| file.starts_with(other))
    };
    Ok(files::all(folder)?.into_iter().filter(is_source).collect())
}

/// What belongs to a target alone: the folder of a `main.rs`, or one file.
fn own(source: &Path) -> &Path {
    let is_main = source.file_name().is_some_and(|name| name == "main.rs");
    source.parent().filter(|_| is_main).unwrap_or(source)
}

fn records(file: &Path) -> bool {
    fs::read_to_string(file).is_ok_and(|text| RECORDS.iter().any(|records| text.contains(records)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Dependency;

    /// A package with these files, of which those with a name are tests.
    fn found(files: &[(&str, &str)], targets: &[(&str, &str, bool)], dependency: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let target = |&(name, file, test): &(&str, &str, bool)| {
            let kind = vec!["test".to_owned()];
            Target { name: name.to_owned(), kind, src_path: folder.path().join(file), test }
        };
        let dependency = Dependency { name: dependency.to_owned(), kind: Some("dev".to_owned()), path: None };
        let package = Package {
            dependencies: vec![dependency],
            targets: targets.iter().map(target).collect(),
            ..Package::default()
        };
        recording(&package).unwrap().into_iter().map(|target| target.name.clone()).collect()
    }

    const SUITE: &str = "mod suite { tfjs_testkit::conformance_suite!(); }";
    const ABILITY: &str = "fn f() { record_ability(); }";

    #[test]
    fn a_test_records_in_its_file_or_in_one_of_its_folder() {
        let files = [
            ("tests/one.rs", SUITE),
            ("tests/none.rs", "fn f() {}"),
            ("tests/deep/main.rs", "mod suite;"),
            ("tests/deep/suite.rs", ABILITY),
            ("tests/asked/main.rs", SUITE),
        ];
        let targets = [
            ("one", "tests/one.rs", true),
            ("none", "tests/none.rs", true),
            ("deep", "tests/deep/main.rs", true),
            ("asked", "tests/asked/main.rs", false),
        ];
        assert_eq!(found(&files, &targets, TESTKIT), ["one", "deep"]);
        assert_eq!(found(&files, &targets, "serde"), Vec::<String>::new());
    }

    #[test]
    fn what_tests_share_may_be_of_each() {
        let files = [("tests/a.rs", ""), ("tests/b.rs", ""), ("tests/common/suite.rs", SUITE)];
        assert_eq!(found(&files, &[("a", "tests/a.rs", true), ("b", "tests/b.rs", true)], TESTKIT), ["a", "b"]);
    }

    #[test]
    fn the_suites_of_this_workspace_are_found() {
        let names = tests(&Project::find().unwrap()).unwrap();
        for name in ["conformance", "http", "object_store", "web"] {
            assert!(names.contains(name), "{name} is not among {names:?}");
        }
        for elsewhere in ["azurite", "window", "worker", "attacks", "links"] {
            assert!(!names.contains(elsewhere), "{elsewhere} is among {names:?}");
        }
    }
}
