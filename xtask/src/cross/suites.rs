//! The test suites, run for a target, or at least checked.

use anyhow::{Result, ensure};
use xshell::cmd;

use crate::compiler::Compiler;
use crate::counted::{self, Count};
use crate::dist::QUICK_PROFILE as PROFILE;
use crate::project::Project;
use crate::runner::Runner;

/// What must be right on every processor and every system: the format, the weights, other formats, the router, files, and what tests them.
pub(super) const TESTED: [&str; 6] =
    ["tfjs-artifacts", "tfjs-weights", "tfjs-convert", "tfjs-router", "tfjs-fs", "tfjs-testkit"];

/// Runs the tests for a target, in the profile of the command that is tried after them: what both depend on is built once.
pub(super) fn run(project: &Project, compiler: &Compiler, target: &str, tested: &[&str]) -> Result<Count> {
    let cargo = compiler.cargo(project, "test")?.args(["--no-fail-fast", "--profile", PROFILE]).args(packages(tested));
    let cargo = match Runner::find(project, target)? {
        Some(runner) => runner.of_cargo(target, cargo),
        None => cargo,
    };
    println!("$ {cargo}");
    Ok(counted::run(cargo.into())?.judge())
}

/// Checks for a target what compiles without a C compiler; gives the names of the crates.
pub(super) fn check(project: &Project, target: &str) -> Result<Vec<String>> {
    let compiler = Compiler::for_checking(project, target)?;
    let mut checked = Vec::new();
    for package in &project.packages {
        let is_ours = package.manifest_path.starts_with(project.root.join("crates"));
        if is_ours && !needs_c(project, &package.name, target)? {
            checked.push(package.name.clone());
        }
    }
    ensure!(
        TESTED.iter().all(|tested| checked.iter().any(|name| name == tested)),
        "one of {TESTED:?} needs a C compiler, which is not what a crate for files and formats should"
    );
    compiler.cargo(project, "check")?.args(packages(&checked)).run()?;
    Ok(checked)
}

/// Whether a dependency compiles C: then a build script of one uses the crate `cc`.
fn needs_c(project: &Project, package: &str, target: &str) -> Result<bool> {
    let sh = &project.sh;
    let tree = cmd!(sh, "cargo tree --package {package} --edges normal,build --target {target} --prefix none")
        .quiet()
        .read()?;
    Ok(tree.lines().any(|line| line.starts_with("cc v")))
}

fn packages<S: AsRef<str>>(names: &[S]) -> Vec<&str> {
    names.iter().flat_map(|name| ["--package", name.as_ref()]).collect()
}
