//! `cargo xtask wasm`: what runs in a browser compiles for one.

use std::path::Path;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::project::Project;
use crate::tools;

const TARGET: &str = "wasm32-unknown-unknown";

/// What runs in a browser, with the features that it has there.
const PACKAGES: [&str; 10] = [
    "--package",
    "tfjs-artifacts",
    "--package",
    "tfjs-weights",
    "--package",
    "tfjs-router",
    "--package",
    "tfjs-http",
    "--package",
    "tfjs-io",
];

/// The compilers that can do it.
enum Compiler {
    /// The one of this workspace, with the target that rustup adds.
    Rustup,
    /// Debian's, which compiles the standard library itself: for machines that cannot reach rustup's server.
    Debian,
}

pub(crate) fn check(project: &Project) -> Result<()> {
    let compiler = Compiler::find(project)?;
    let sh = &project.sh;
    let folder = project.target.join("wasm");
    let _flags = sh.push_env("RUSTFLAGS", "-Dwarnings");
    match compiler {
        Compiler::Rustup => {
            println!("wasm: checking with the toolchain of this workspace");
            cmd!(sh, "cargo check --target {TARGET} --target-dir {folder} {PACKAGES...}").run()?;
        }
        Compiler::Debian => {
            println!("wasm: checking with Debian's rustc-web, because rustup has no {TARGET} here");
            let _rustc = sh.push_env("RUSTC", tools::DEBIAN_RUSTC);
            let _unstable = sh.push_env("RUSTC_BOOTSTRAP", "1");
            let cargo = tools::DEBIAN_CARGO;
            cmd!(sh, "{cargo} check --target {TARGET} -Zbuild-std=std,panic_abort --target-dir {folder} {PACKAGES...}")
                .run()?;
        }
    }
    Ok(())
}

impl Compiler {
    fn find(project: &Project) -> Result<Self> {
        let sh = &project.sh;
        if has_target(sh)?
            || cmd!(sh, "rustup target add {TARGET}").quiet().ignore_stderr().run().is_ok() && has_target(sh)?
        {
            return Ok(Self::Rustup);
        }
        tools::debian_rustc(project)?;
        Ok(Self::Debian)
    }
}

/// Whether the standard library for the target is there, whoever has put it there.
fn has_target(sh: &Shell) -> Result<bool> {
    let folder = cmd!(sh, "rustc --print target-libdir --target {TARGET}").quiet().read().context("asking rustc")?;
    Ok(Path::new(&folder).is_dir())
}
