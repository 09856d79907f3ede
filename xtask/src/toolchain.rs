//! The oldest Rust that the crates say they need, and the one that runs: they are the same, or the declared one is fetched.
//!
//! `cargo xtask msrv` checks the crates with it. Where CI runs that very version, every other step has done so.

use anyhow::{Context, Result, ensure};
use xshell::{PushEnv, Shell, cmd};

use crate::project::Project;

/// What rustup and cargo look at.
const VARIABLE: &str = "RUSTUP_TOOLCHAIN";

/// The published crates compile with what they declare.
pub(crate) fn check(project: &Project) -> Result<()> {
    let (sh, declared) = (&project.sh, declared(project)?);
    if is_of(&running(sh)?, declared) {
        println!("msrv: rustc {} runs, and {declared} is declared: every step tests it", running(sh)?);
        return Ok(());
    }
    let _declared = use_declared(project)?;
    let named = project.published().flat_map(|package| ["--package", &package.name]);
    cmd!(sh, "cargo check --all-features {named...}").run()?;
    println!("msrv: what is published compiles with rustc {}", running(sh)?);
    Ok(())
}

/// Lets cargo and rustc be those of the declared version, until the value is dropped. Nothing if they are anyway.
pub(crate) fn use_declared(project: &Project) -> Result<Option<PushEnv<'_>>> {
    let (sh, declared) = (&project.sh, declared(project)?);
    let found = running(sh)?;
    if is_of(&found, declared) {
        return Ok(None);
    }
    // The first of its patches, which is what was promised.
    let toolchain = format!("{declared}.0");
    println!("rustc {found} runs, and {declared} is declared: taking {toolchain}");
    if cmd!(sh, "rustup run {toolchain} rustc --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        let install = format!("rustup toolchain install {toolchain} --profile minimal");
        cmd!(sh, "rustup toolchain install {toolchain} --profile minimal")
            .run()
            .with_context(|| format!("Rust {declared} is needed, as Cargo.toml declares it: run `{install}`"))?;
    }
    let pushed = sh.push_env(VARIABLE, &toolchain);
    let found = running(sh)?;
    ensure!(
        is_of(&found, declared),
        "rustc is {found} also with {VARIABLE}={toolchain}: let the rustc on the PATH be rustup's, or one of {declared}"
    );
    Ok(Some(pushed))
}

/// Such as 1.95, the same for all that is published.
pub(crate) fn declared(project: &Project) -> Result<&str> {
    let mut versions = project.published().map(|package| (&package.name, package.rust_version.as_deref()));
    let (first, declared) = versions.next().context("the workspace publishes nothing")?;
    let declared = declared.with_context(|| format!("{first} declares no `rust-version`"))?;
    for (name, version) in versions {
        let version = version.with_context(|| format!("{name} declares no `rust-version`"))?;
        ensure!(version == declared, "{name} declares Rust {version}, {first} declares {declared}: one is tested");
    }
    Ok(declared)
}

/// Such as 1.95.0.
fn running(sh: &Shell) -> Result<String> {
    let printed = cmd!(sh, "rustc --version").quiet().read().context("asking rustc")?;
    let version = printed.split_whitespace().nth(1);
    Ok(version.with_context(|| format!("`rustc --version` prints {printed:?}"))?.to_owned())
}

/// Whether 1.95.2 is a 1.95.
fn is_of(version: &str, declared: &str) -> bool {
    version.strip_prefix(declared).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::is_of;

    #[test]
    fn patches_are_of_their_version() {
        assert!(is_of("1.95.0", "1.95") && is_of("1.95.2", "1.95") && is_of("1.95.0", "1.95.0"));
        assert!(!is_of("1.9.5", "1.95") && !is_of("1.950.0", "1.95") && !is_of("1.95.0-nightly", "1.95.1"));
        assert!(!is_of("1.96.0", "1.95"));
    }
}
