//! The emulators of other machines: QEMU for processors, wine for Windows.

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use super::{debian_packages, prints_version};
use crate::project::Project;

/// QEMU for one process, and the C library of that processor. Gives the program.
pub(crate) fn qemu_user(project: &Project, cpu: &str) -> Result<String> {
    let sh = &project.sh;
    let program = format!("qemu-{cpu}");
    let has_library = || sh.path_exists(format!("/usr/{cpu}-linux-gnu/lib"));
    if prints_version(sh, &[&program]).is_none() || !has_library() {
        debian_packages(sh, &["qemu-user", &format!("libc6-{}-cross", debian_cpu(cpu))])?;
    }
    prints_version(sh, &[&program]).with_context(|| format!("qemu-user was installed, but {program} does not run"))?;
    Ok(program)
}

/// What Debian calls a processor in the names of its packages.
pub(crate) fn debian_cpu(cpu: &str) -> &str {
    match cpu {
        "aarch64" => "arm64",
        "x86_64" => "amd64",
        other => other,
    }
}

/// Wine for programs of 64 bits. Gives the program.
pub(crate) fn wine(project: &Project) -> Result<String> {
    let sh = &project.sh;
    if version(sh).is_none() {
        debian_packages(sh, &["wine", "wine64"])?;
    }
    version(sh).context("wine was installed, but does not run")?;
    Ok("wine".to_owned())
}

fn version(sh: &Shell) -> Option<String> {
    cmd!(sh, "wine --version").quiet().ignore_stderr().read().ok()
}
