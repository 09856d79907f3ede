//! Dependencies run one way, and the pure crates stay free of a runtime and of C.

use std::path::Path;

use anyhow::Result;
use xshell::cmd;

use super::Finding;
use crate::project::{Package, Project};

/// Which crates of the workspace each one may use. The picture of it is in docs/architecture.md.
const MAY_USE: &[(&str, &[&str])] = &[
    ("tfjs-artifacts", &[]),
    ("tfjs-weights", &["tfjs-artifacts"]),
    ("tfjs-router", &["tfjs-artifacts"]),
    ("tfjs-browser-storage", &["tfjs-artifacts", "tfjs-router"]),
    ("tfjs-fs", &["tfjs-artifacts", "tfjs-router"]),
    ("tfjs-http", &["tfjs-artifacts", "tfjs-router"]),
    ("tfjs-object-store", &["tfjs-artifacts", "tfjs-router"]),
    ("tfjs-convert", &["tfjs-artifacts", "tfjs-router", "tfjs-weights"]),
    ("tfjs-server", &["tfjs-artifacts", "tfjs-router"]),
    ("tfjs-model", &["tfjs-artifacts", "tfjs-weights", "tfjs-router"]),
    ("tfjs-testkit", &["tfjs-artifacts", "tfjs-router", "tfjs-weights"]),
    (
        "tfjs-io",
        &[
            "tfjs-artifacts",
            "tfjs-weights",
            "tfjs-router",
            "tfjs-model",
            "tfjs-browser-storage",
            "tfjs-fs",
            "tfjs-http",
            "tfjs-object-store",
        ],
    ),
    (
        "tfjs-cli",
        &[
            "tfjs-io",
            "tfjs-artifacts",
            "tfjs-weights",
            "tfjs-router",
            "tfjs-convert",
            "tfjs-fs",
            "tfjs-http",
            "tfjs-server",
        ],
    ),
    ("xtask", &[]),
];

/// May use everything: nothing uses them.
const TESTS: [&str; 4] = ["tfjs-browser-interop", "tfjs-object-store-server", "tfjs-tests", "tfjs-wasm-size"];

/// Crates without I/O, which compile wherever Rust does, and what would end that: what does I/O, and what compiles or looks for C.
const PURE: [&str; 4] = ["tfjs-artifacts", "tfjs-weights", "tfjs-router", "tfjs-model"];
const IMPURE: [&str; 6] = ["tokio", "reqwest", "cc", "cmake", "bindgen", "pkg-config"];

pub(super) fn check(project: &Project) -> Result<Vec<Finding>> {
    let mut findings: Vec<_> =
        project.packages.iter().flat_map(|package| check_package(package, relative(project, package))).collect();
    for package in project.packages.iter().filter(|package| PURE.contains(&package.name.as_str())) {
        findings.extend(check_purity(project, package)?);
    }
    Ok(findings)
}

fn check_package(package: &Package, path: &Path) -> Vec<Finding> {
    if TESTS.contains(&package.name.as_str()) {
        return Vec::new();
    }
    let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == package.name) else {
        return vec![Finding::new(
            path,
            1,
            format!("say in xtask/src/tidy/layers.rs which crates {} may use", package.name),
        )];
    };
    let normal =
        package.dependencies.iter().filter(|dependency| dependency.kind.is_none() && dependency.path.is_some());
    normal
        .filter(|dependency| !allowed.contains(&dependency.name.as_str()))
        .map(|dependency| {
            Finding::new(path, 1, format!("remove {}: {} may use {allowed:?}", dependency.name, package.name))
        })
        .collect()
}

fn check_purity(project: &Project, package: &Package) -> Result<Vec<Finding>> {
    let (sh, name) = (&project.sh, &package.name);
    let tree = cmd!(sh, "cargo tree --package {name} --edges normal,build --all-features --target all --prefix none")
        .quiet()
        .read()?;
    let path = relative(project, package);
    Ok(impurities_in(&tree)
        .into_iter()
        .map(|found| {
            Finding::new(
                path,
                1,
                format!(
                    "{name} has no I/O and no C, but `cargo tree -e normal,build -i {found}` finds {found}: remove what brings it"
                ),
            )
        })
        .collect())
}

fn impurities_in(tree: &str) -> Vec<&'static str> {
    let names: Vec<_> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    IMPURE.into_iter().filter(|impure| names.contains(impure)).collect()
}

fn relative<'p>(project: &Project, package: &'p Package) -> &'p Path {
    package.manifest_path.strip_prefix(&project.root).unwrap_or(&package.manifest_path)
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::project::Dependency;

    fn package(name: &str, uses: &str, kind: Option<&str>) -> Package {
        let dependency =
            Dependency { name: uses.to_owned(), kind: kind.map(str::to_owned), path: Some("crates".into()) };
        Package {
            name: name.to_owned(),
            manifest_path: "Cargo.toml".into(),
            dependencies: vec![dependency],
            ..Package::default()
        }
    }

    fn is_allowed(name: &str, uses: &str, kind: Option<&str>) -> bool {
        check_package(&package(name, uses, kind), Path::new("Cargo.toml")).is_empty()
    }

    #[test]
    fn dependencies_run_one_way() {
        assert!(is_allowed("tfjs-fs", "tfjs-router", None));
        assert!(!is_allowed("tfjs-router", "tfjs-fs", None));
        assert!(is_allowed("tfjs-router", "tfjs-testkit", Some("dev")));
        assert!(is_allowed("tfjs-tests", "tfjs-cli", None));
        assert!(!is_allowed("tfjs-unknown", "tfjs-io", None), "a crate that the table does not know is a finding");
    }

    #[test]
    fn a_runtime_is_found_by_its_whole_name() {
        let tree = "tfjs-router v0.1.0 (/x)\ntokio v1.54.0\nserde v1.0.0\ncc v1.2.0\n";
        assert_eq!(impurities_in(tree), ["tokio", "cc"]);
        assert_eq!(impurities_in("tokio-macros v2.0.0\n"), Vec::<&str>::new());
    }
}
