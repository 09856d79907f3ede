//! `cargo xtask wasm`: what runs in a browser compiles for one, without a warning.

use anyhow::Result;

use crate::browser::{server, suite};
use crate::compiler::{Compiler, WASM};
use crate::project::Project;

/// What runs in a browser.
pub(crate) const IN_A_BROWSER: [&str; 7] =
    ["tfjs-artifacts", "tfjs-weights", "tfjs-router", "tfjs-model", "tfjs-http", "tfjs-browser-storage", "tfjs-io"];

/// Of these, what is empty everywhere else: its tests and examples mean something in a browser only.
pub(crate) const ONLY_THERE: [&str; 1] = ["tfjs-browser-storage"];

/// What compiles for one besides: half of a page with TensorFlow.js in it, the page that manages models, what the tests in a browser use,
/// and a program whose size is measured.
const COMPILED: [&str; 4] = ["tfjs-browser-interop", "tfjs-model-manager", "tfjs-testkit", "tfjs-wasm-size"];

/// What a browser has no use for, though it speaks of the target: WASI has files, and the same CPU; and every handler has the two
/// attributes of its trait.
const ELSEWHERE: [&str; 3] = ["tfjs-convert", "tfjs-fs", "tfjs-object-store"];

pub(crate) fn check(project: &Project) -> Result<()> {
    let compiler = Compiler::find(project, WASM)?;
    let clippy = |arguments: &[&str]| -> Result<()> {
        let cargo = compiler.cargo(project, "clippy")?.env(server::VARIABLE, server::usual_url());
        Ok(cargo.args(arguments).args(["--", "-D", "warnings"]).run()?)
    };
    clippy(&packages(&[&IN_A_BROWSER[..], &COMPILED].concat()))?;
    clippy(&["--package", "tfjs-wasm-size", "--all-features"])?;
    clippy(&[packages(&ONLY_THERE), vec!["--all-targets"]].concat())?;
    for suite in suite::all(project) {
        clippy(&["--package", &suite.package, "--test", suite.place.test()])?;
    }
    Ok(())
}

/// Whether this module says what becomes of a crate.
pub(crate) fn knows(package: &str) -> bool {
    [&IN_A_BROWSER[..], &COMPILED, &ELSEWHERE].concat().contains(&package)
}

fn packages<'n>(names: &[&'n str]) -> Vec<&'n str> {
    names.iter().flat_map(|name| ["--package", name]).collect()
}
