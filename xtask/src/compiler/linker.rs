//! The linker for a target of another machine: a C compiler, which is also what the C code of dependencies needs.

use std::env;

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

use super::{host, variable};
use crate::project::Project;
use crate::tools;

/// A linker, and the environment variable that tells cargo about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Linker {
    pub(super) variable: String,
    pub(super) program: String,
}

/// A cross compiler as Debian has it.
#[derive(Debug, PartialEq, Eq)]
struct Gcc {
    program: String,
    packages: Vec<String>,
}

/// None if cargo knows by itself, or the user has told it.
pub(super) fn find(project: &Project, target: &str) -> Result<Option<Linker>> {
    let variable = variable(target, "LINKER");
    if target.starts_with("wasm") || target == host(project)? || env::var_os(&variable).is_some() {
        return Ok(None);
    }
    let program =
        gcc(project, target).with_context(|| format!("{target} needs a linker, or {variable} to name one"))?;
    Ok(Some(Linker { variable, program }))
}

/// The C compiler for a target, installed where that is possible.
pub(crate) fn gcc(project: &Project, target: &str) -> Result<String> {
    let sh = &project.sh;
    let Some(Gcc { program, packages }) = Gcc::of(target) else {
        bail!("there is no C compiler for {target} that could be installed here");
    };
    if !runs(sh, &program) {
        tools::debian_packages(sh, &packages.iter().map(String::as_str).collect::<Vec<_>>())?;
    }
    if !runs(sh, &program) {
        bail!("{} was installed, but {program} does not run", packages.join(", "));
    }
    Ok(program)
}

fn runs(sh: &Shell, program: &str) -> bool {
    cmd!(sh, "{program} --version").quiet().ignore_stdout().ignore_stderr().run().is_ok()
}

impl Gcc {
    fn of(target: &str) -> Option<Self> {
        let parts: Vec<_> = target.split('-').collect();
        let dashes = |cpu: &str| cpu.replace('_', "-");
        match parts.as_slice() {
            [cpu, _, "linux", abi] if abi.starts_with("gnu") => Some(Self {
                program: format!("{cpu}-linux-{abi}-gcc"),
                packages: vec![
                    format!("gcc-{}-linux-{abi}", dashes(cpu)),
                    format!("libc6-dev-{}-cross", tools::debian_cpu(cpu)),
                ],
            }),
            [cpu, "pc", "windows", "gnu"] => Some(Self {
                program: format!("{cpu}-w64-mingw32-gcc"),
                packages: vec![format!("gcc-mingw-w64-{}-win32", dashes(cpu))],
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(target: &str) -> Option<String> {
        Gcc::of(target).map(|gcc| format!("{} of {}", gcc.program, gcc.packages.join(", ")))
    }

    #[test]
    fn compilers_have_the_names_that_debian_gives_them() {
        assert_eq!(
            names("s390x-unknown-linux-gnu").as_deref(),
            Some("s390x-linux-gnu-gcc of gcc-s390x-linux-gnu, libc6-dev-s390x-cross")
        );
        assert_eq!(
            names("aarch64-unknown-linux-gnu").as_deref(),
            Some("aarch64-linux-gnu-gcc of gcc-aarch64-linux-gnu, libc6-dev-arm64-cross")
        );
        assert_eq!(
            names("x86_64-pc-windows-gnu").as_deref(),
            Some("x86_64-w64-mingw32-gcc of gcc-mingw-w64-x86-64-win32")
        );
        assert_eq!(names("aarch64-apple-darwin"), None);
        assert_eq!(names("aarch64-unknown-linux-musl"), None);
    }
}
