//! Wine, with a folder for its own use in `target/`: neither the user's Windows programs nor ours see the others.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use xshell::cmd;

use super::Runner;
use crate::compiler;
use crate::project::Project;
use crate::tools;

pub(super) fn find(project: &Project) -> Result<Runner> {
    let wine = tools::wine(project)?;
    let prefix = project.target.join("wine");
    let system = prefix.join("drive_c").join("windows").join("system32");
    let runner = Runner {
        words: vec![wine],
        environment: vec![
            ("WINEPREFIX", prefix.into()),
            ("WINEDEBUG", "-all".into()),
            ("WINEDLLOVERRIDES", "mscoree=;mshtml=".into()),
        ],
    };
    if !system.is_dir() {
        println!("wine: making its folder");
        runner.command(&project.sh).arg("wineboot").arg("--init").quiet().ignore_stdout().ignore_stderr().run()?;
        ensure!(system.is_dir(), "wine was started but made no {}", system.display());
    }
    random(project, &system)?;
    Ok(runner)
}

/// Rust's standard library takes random bytes from a library of Windows 10, which wine has since version 9.
fn random(project: &Project, system: &Path) -> Result<()> {
    const NAME: &str = "bcryptprimitives.dll";
    let library: PathBuf = system.join(NAME);
    if library.exists() {
        return Ok(());
    }
    let sh = &project.sh;
    let source = project.root.join("xtask").join("wine").join("bcryptprimitives.c");
    let gcc = compiler::gcc(project, compiler::WINDOWS)?;
    cmd!(sh, "{gcc} -O1 -shared -o {library} {source} -ladvapi32")
        .quiet()
        .run()
        .with_context(|| format!("making {NAME}"))
}
