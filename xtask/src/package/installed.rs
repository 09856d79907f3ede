//! What `cargo install --path crates/tfjs-cli` puts in place is a `tfjs` that works.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use xshell::cmd;

use crate::project::Project;

const PACKAGE: &str = "tfjs-cli";

/// What is verified with it, and how what it then says begins.
const MODEL: &str = "tests/models/tiny";
const VERDICT: &str = "ok: 6 tensors";

/// Installs the command into a folder of its own, and tries what needs nothing but it. It is built where and as the `tfjs` of other steps
/// is, so it is built once.
pub(super) fn try_out(project: &Project) -> Result<()> {
    let root = tempfile::tempdir_in(&project.target)?;
    let tfjs = install(project, root.path())?;
    is_the_version(project, &tfjs)?;
    has_manual_pages(project, &tfjs, &root.path().join("man"))?;
    completes(project, &tfjs)?;
    verifies(project, &tfjs)?;
    println!("package: `cargo install` gives a tfjs with manual pages and completions, which verifies {MODEL}");
    Ok(())
}

fn install(project: &Project, root: &Path) -> Result<PathBuf> {
    let (sh, target) = (&project.sh, &project.target);
    let source = project.root.join("crates").join(PACKAGE);
    cmd!(sh, "cargo install --path {source} --locked --no-track --root {root} --target-dir {target}").run()?;
    Ok(root.join("bin").join(format!("tfjs{}", env::consts::EXE_SUFFIX)))
}

fn is_the_version(project: &Project, tfjs: &Path) -> Result<()> {
    let sh = &project.sh;
    let (printed, expected) =
        (cmd!(sh, "{tfjs} --version").quiet().read()?, format!("tfjs {}", project.version(PACKAGE)?));
    ensure!(printed == expected, "`tfjs --version` prints {printed:?}, not {expected:?}: is TFJS_VERSION set?");
    Ok(())
}

/// A page for the command, and one for each of its commands.
fn has_manual_pages(project: &Project, tfjs: &Path, folder: &Path) -> Result<()> {
    let sh = &project.sh;
    cmd!(sh, "{tfjs} man {folder}").quiet().run()?;
    for page in ["tfjs", "tfjs-verify"] {
        let file = folder.join(format!("{page}.1"));
        let text = fs::read_to_string(&file).with_context(|| format!("`tfjs man` left no {}", file.display()))?;
        ensure!(text.contains(&format!(".TH {page} 1")), "{} is no manual page of {page}", file.display());
    }
    Ok(())
}

fn completes(project: &Project, tfjs: &Path) -> Result<()> {
    let sh = &project.sh;
    let script = cmd!(sh, "{tfjs} completions bash").quiet().read()?;
    ensure!(script.contains("complete -F _tfjs "), "`tfjs completions bash` prints no completion of tfjs");
    Ok(())
}

fn verifies(project: &Project, tfjs: &Path) -> Result<()> {
    let sh = &project.sh;
    let said = cmd!(sh, "{tfjs} verify {MODEL}").quiet().read()?;
    ensure!(said.starts_with(VERDICT), "`tfjs verify {MODEL}` prints {said:?}, not `{VERDICT}` and so on");
    Ok(())
}
