//! Dependencies run one way, and the pure crates stay free of a runtime and of C.

use std::path::Path;

use anyhow::Result;
use xshell::cmd;

use super::Finding;
use crate::project::{Dependency, Package, Project};

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
    ("tfjs-cli", &["tfjs-io", "tfjs-convert", "tfjs-fs", "tfjs-server"]),
    ("tfjs-model-manager", &["tfjs-io"]),
    ("xtask", &[]),
];

/// Which crates of others only some of ours may use, and which: what ties a program to a browser, a runtime, a medium or a terminal.
const ONLY: &[(&str, &[&str])] = &[
    // On wasm32 numbers are read and printed by the engine.
    ("js-sys", &["tfjs-artifacts", "tfjs-browser-storage", "tfjs-http", "tfjs-model-manager"]),
    ("web-sys", &["tfjs-browser-storage", "tfjs-http", "tfjs-model-manager", "tfjs-testkit"]),
    ("wasm-bindgen", &["tfjs-browser-storage", "tfjs-http", "tfjs-model-manager"]),
    ("wasm-bindgen-futures", &["tfjs-browser-storage", "tfjs-http", "tfjs-model-manager"]),
    ("gloo-timers", &["tfjs-browser-storage", "tfjs-http"]),
    (
        "tokio",
        &["tfjs-cli", "tfjs-convert", "tfjs-fs", "tfjs-http", "tfjs-object-store", "tfjs-server", "tfjs-testkit"],
    ),
    ("reqwest", &["tfjs-http", "tfjs-object-store"]),
    ("object_store", &["tfjs-object-store"]),
    ("axum", &["tfjs-server"]),
    ("hyper", &["tfjs-server"]),
    ("clap", &["tfjs-cli"]),
    ("indicatif", &["tfjs-cli"]),
];

/// May use everything: nothing uses them.
const TESTS: [&str; 4] = ["tfjs-browser-interop", "tfjs-object-store-server", "tfjs-tests", "tfjs-wasm-size"];

/// Crates without I/O, which compile wherever Rust does, and what would end that: what does I/O, and what compiles or looks for C.
const PURE: [&str; 4] = ["tfjs-artifacts", "tfjs-weights", "tfjs-router", "tfjs-model"];
const IMPURE: [&str; 6] = ["tokio", "reqwest", "cc", "cmake", "bindgen", "pkg-config"];

pub(super) fn check(project: &Project) -> Result<Vec<Finding>> {
    let mut findings: Vec<_> =
        project.packages.iter().flat_map(|package| check_package(package, relative(project, package))).collect();
    findings.extend(unused(&project.packages));
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
            format!("add a row for {} to MAY_USE of xtask/src/tidy/layers.rs: which crates it may use", package.name),
        )];
    };
    let normal = package.dependencies.iter().filter(|dependency| dependency.kind.is_none());
    normal
        .filter_map(|dependency| objection(package, dependency, allowed))
        .map(|what| Finding::new(path, 1, what))
        .collect()
}

/// What speaks against a dependency.
fn objection(package: &Package, dependency: &Dependency, allowed: &[&str]) -> Option<String> {
    let (user, used) = (package.name.as_str(), dependency.name.as_str());
    if dependency.path.is_some() {
        return (!allowed.contains(&used))
            .then(|| format!("remove {used}: by MAY_USE of xtask/src/tidy/layers.rs, {user} may use {allowed:?}"));
    }
    let (_, users) = ONLY.iter().find(|(name, _)| *name == used)?;
    (user != "xtask" && !users.contains(&user))
        .then(|| format!("remove {used}: by ONLY of xtask/src/tidy/layers.rs, of our crates {users:?} may use it"))
}

/// What the tables allow and nobody does: they say what is there.
fn unused(packages: &[Package]) -> Vec<Finding> {
    let uses = |user: &str, used: &str| {
        packages.iter().filter(|package| package.name == user).any(|package| {
            package.dependencies.iter().any(|dependency| dependency.kind.is_none() && dependency.name == used)
        })
    };
    let of_ours = MAY_USE.iter().flat_map(|(user, allowed)| allowed.iter().map(move |used| (*user, *used)));
    let of_others = ONLY.iter().flat_map(|(used, users)| users.iter().map(move |user| (*user, *used)));
    of_ours
        .chain(of_others)
        .filter(|(user, used)| !uses(user, used))
        .map(|(user, used)| {
            Finding::new(
                Path::new("xtask/src/tidy/layers.rs"),
                1,
                format!("{user} does not use {used}: take it out of its row"),
            )
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

    fn package(name: &str, uses: &str, kind: Option<&str>) -> Package {
        let path = uses.starts_with("tfjs-").then(|| "crates".into());
        let dependency = Dependency { name: uses.to_owned(), kind: kind.map(str::to_owned), path };
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
    fn what_ties_to_a_medium_is_for_those_who_know_it() {
        assert!(is_allowed("tfjs-http", "web-sys", None));
        assert!(is_allowed("tfjs-io", "serde", None));
        assert!(is_allowed("tfjs-io", "axum", Some("dev")));
        for (used, _) in ONLY {
            assert!(!is_allowed("tfjs-model", used, None), "{used}");
        }
    }

    #[test]
    fn what_the_tables_allow_in_vain_is_found() {
        let vain = |packages: &[Package]| unused(packages).into_iter().map(|finding| finding.what).collect::<Vec<_>>();
        let what = "tfjs-weights does not use tfjs-artifacts: take it out of its row".to_owned();
        assert!(vain(&[]).contains(&what));
        assert!(!vain(&[package("tfjs-weights", "tfjs-artifacts", None)]).contains(&what));
        assert!(vain(&[package("tfjs-weights", "tfjs-artifacts", Some("dev"))]).contains(&what));
    }

    #[test]
    fn a_runtime_is_found_by_its_whole_name() {
        let tree = "tfjs-router v0.1.0 (/x)\ntokio v1.54.0\nserde v1.0.0\ncc v1.2.0\n";
        assert_eq!(impurities_in(tree), ["tokio", "cc"]);
        assert_eq!(impurities_in("tokio-macros v2.0.0\n"), Vec::<&str>::new());
    }
}
