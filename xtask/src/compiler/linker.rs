//! The linker for a target of another machine.

use std::env;

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

/// A linker, and the environment variable that tells cargo about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Linker {
    pub(super) variable: String,
    pub(super) program: String,
}

/// None if cargo knows by itself, or the user has told it.
pub(super) fn find(sh: &Shell, target: &str) -> Result<Option<Linker>> {
    let variable = variable(target);
    let host = cmd!(sh, "rustc --print host-tuple").quiet().read()?;
    if target.starts_with("wasm") || target == host || env::var_os(&variable).is_some() {
        return Ok(None);
    }
    let gcc = gcc(target);
    match gcc.clone().filter(|gcc| cmd!(sh, "{gcc} --version").quiet().ignore_stdout().ignore_stderr().run().is_ok()) {
        Some(program) => Ok(Some(Linker { variable, program })),
        None => match gcc {
            Some(gcc) => bail!("{target} needs the linker {gcc}: install it, or set {variable} to another one"),
            None => bail!("{target} needs a linker: set {variable} to one"),
        },
    }
}

fn variable(target: &str) -> String {
    format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace(['-', '.'], "_"))
}

/// The name of the compiler, which is what links, as Debian's packages have it.
fn gcc(target: &str) -> Option<String> {
    let parts: Vec<_> = target.split('-').collect();
    match parts.as_slice() {
        [cpu, _, "linux", abi] if abi.starts_with("gnu") => Some(format!("{cpu}-linux-{abi}-gcc")),
        [cpu, "pc", "windows", "gnu"] => Some(format!("{cpu}-w64-mingw32-gcc")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_what_cargo_reads() {
        assert_eq!(variable("thumbv8m.main-none-eabi"), "CARGO_TARGET_THUMBV8M_MAIN_NONE_EABI_LINKER");
    }

    #[test]
    fn linkers_have_the_names_that_debian_gives_them() {
        assert_eq!(gcc("s390x-unknown-linux-gnu").as_deref(), Some("s390x-linux-gnu-gcc"));
        assert_eq!(gcc("x86_64-pc-windows-gnu").as_deref(), Some("x86_64-w64-mingw32-gcc"));
        assert_eq!(gcc("aarch64-apple-darwin"), None);
        assert_eq!(gcc("aarch64-unknown-linux-musl"), None);
    }
}
