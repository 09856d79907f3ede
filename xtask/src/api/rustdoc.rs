//! rustdoc as cargo is to call it: allowed to write JSON, which is not stable yet.
//!
//! That takes `RUSTC_BOOTSTRAP`, for rustdoc alone. If cargo had it, the build scripts that look for it would run again, and most
//! dependencies would be built twice. So cargo calls this program, and it calls rustdoc.

use std::env;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use xshell::Cmd;

/// Set for this program when cargo calls it.
const VARIABLE: &str = "TFJS_XTASK_AS_RUSTDOC";

const FLAGS: &str = "-Zunstable-options --output-format=json";

/// Lets a `cargo doc` write JSON. A compiler that takes what is not stable anyway has its own rustdoc.
pub(super) fn writes_json(cargo: Cmd<'_>, is_stable: bool) -> Result<Cmd<'_>> {
    let cargo = cargo.env("RUSTDOCFLAGS", FLAGS);
    if !is_stable {
        return Ok(cargo);
    }
    let this = env::current_exe().context("the path of this program is not known")?;
    Ok(cargo.env("RUSTDOC", this).env(VARIABLE, "1"))
}

pub(crate) fn is_called_as_rustdoc() -> bool {
    env::var_os(VARIABLE).is_some()
}

pub(crate) fn run() -> Result<ExitCode> {
    let status = Command::new("rustdoc")
        .args(env::args_os().skip(1))
        .env("RUSTC_BOOTSTRAP", "1")
        .status()
        .context("running rustdoc")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
