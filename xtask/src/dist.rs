//! `cargo xtask build --dist`: the `tfjs` command as it is given to others, one file for each target in `target/dist`, and their
//! checksums beside them. Each is tried before it gets there.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use xshell::{Cmd, cmd};

use crate::comparison;
use crate::compiler::Compiler;
use crate::hex::sha256;
use crate::project::Project;
use crate::runner::Runner;
use crate::tfjs::Tfjs;

/// Of the workspace's Cargo.toml.
const PROFILE: &str = "shipped";
/// The same, of what is only tried.
pub(crate) const QUICK_PROFILE: &str = "cross";

/// What a program is tried with: small, and with every dtype.
const MODEL: &str = "tests/goldens/all-dtypes/model.json";

/// One line for each file, as `sha256sum --check` reads them.
const SUMS: &str = "SHA256SUMS";

/// Builds the command for a target, tries it, and puts it into `target/dist`. Gives the command there, ready to be run.
pub(crate) fn make<'p>(project: &'p Project, compiler: &Compiler, target: &str) -> Result<Tfjs<'p>> {
    let runner = Runner::find(project, target)?;
    let version = version(project)?;
    build(project, compiler, PROFILE)?.env("TFJS_VERSION", &version).run()?;

    let extension = extension(target);
    let built = compiler.output(PROFILE).join(format!("tfjs{extension}"));
    let tfjs = Tfjs::at(project, built.clone(), runner);
    try_out(project, &tfjs, &version).with_context(|| format!("{} does not do what it should", built.display()))?;

    let folder = project.target.join("dist");
    fs::create_dir_all(&folder)?;
    let name = format!("tfjs-{}-{target}{extension}", project.version("tfjs-cli")?);
    let file = folder.join(&name);
    fs::copy(&built, &file).with_context(|| format!("copying {} to {}", built.display(), file.display()))?;
    let sum = sha256(&fs::read(&file)?);
    write_sum(&folder, &name, &sum)?;
    println!("{}: {} bytes, sha256 {sum}", file.display(), fs::metadata(&file)?.len());
    Ok(tfjs.moved_to(file))
}

/// Builds the command for a target to try something with files with, which takes less time: without object stores.
pub(crate) fn quick<'p>(project: &'p Project, compiler: &Compiler, target: &str) -> Result<Tfjs<'p>> {
    build(project, compiler, QUICK_PROFILE)?.arg("--no-default-features").run()?;
    let built = compiler.output(QUICK_PROFILE).join(format!("tfjs{}", extension(target)));
    Ok(Tfjs::at(project, built, Runner::find(project, target)?))
}

fn build<'p>(project: &'p Project, compiler: &Compiler, profile: &str) -> Result<Cmd<'p>> {
    Ok(compiler.cargo(project, "build")?.args(["--package", "tfjs-cli", "--bin", "tfjs", "--profile", profile]))
}

fn extension(target: &str) -> &'static str {
    if target.contains("-windows-") { ".exe" } else { "" }
}

/// It must name its version, and a model that it copies must be the same one.
fn try_out(project: &Project, tfjs: &Tfjs<'_>, version: &str) -> Result<()> {
    let (printed, expected) = (tfjs.version()?, format!("tfjs {version}"));
    ensure!(printed == expected, "`tfjs --version` prints {printed:?}, not {expected:?}");

    let source = project.root.join(MODEL);
    let folder = tempfile::tempdir_in(&project.target)?;
    let copy = folder.path().join("a copy");
    tfjs.copy(&source, &copy, &[])?;
    let comparison = comparison::tensors(&tfjs.tensors(&copy)?, &tfjs.tensors(&source)?);
    ensure!(comparison.is_clean(), "its copy of {MODEL} differs: {}", comparison.differences.join("; "));
    Ok(())
}

/// `0.1.0 (4c7ba7d2e1f0 2026-11-26)`: of the package, and of what it was made from.
fn version(project: &Project) -> Result<String> {
    let sh = &project.sh;
    let package = project.version("tfjs-cli")?;
    let commit = cmd!(sh, "git log -1 --abbrev=12 --format=%h")
        .quiet()
        .read()
        .context("the version names the commit: build in a git checkout")?;
    let date = cmd!(sh, "git log -1 --date=short --format=%cd").quiet().read()?;
    let is_clean = cmd!(sh, "git status --porcelain").quiet().read()?.is_empty();
    let changed = if is_clean { "" } else { ", changed" };
    Ok(format!("{package} ({commit} {date}{changed})"))
}

/// Of several targets that are built one after the other, each keeps its line.
fn write_sum(folder: &Path, name: &str, sum: &str) -> Result<()> {
    let path: PathBuf = folder.join(SUMS);
    let before = if path.exists() { fs::read_to_string(&path)? } else { String::new() };
    fs::write(&path, with_sum(&before, name, sum)).with_context(|| format!("writing {}", path.display()))
}

fn with_sum(before: &str, name: &str, sum: &str) -> String {
    let others = before.lines().filter(|line| line.split_once("  ").is_none_or(|(_, other)| other != name));
    let mut lines: Vec<_> = others.map(str::to_owned).chain([format!("{sum}  {name}")]).collect();
    lines.sort_by(|a, b| a.split_once("  ").map(|(_, name)| name).cmp(&b.split_once("  ").map(|(_, name)| name)));
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::with_sum;

    #[test]
    fn each_file_has_one_line() {
        let one = with_sum("", "tfjs-b", "22");
        assert_eq!(one, "22  tfjs-b\n");
        let two = with_sum(&one, "tfjs-a", "11");
        assert_eq!(two, "11  tfjs-a\n22  tfjs-b\n");
        assert_eq!(with_sum(&two, "tfjs-b", "33"), "11  tfjs-a\n33  tfjs-b\n");
    }
}
