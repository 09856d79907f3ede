//! `tfjs man`: manual pages, made of the same descriptions as `--help`.

use std::path::Path;

use clap::CommandFactory as _;

use crate::args::Args;
use crate::output::Failure;

/// Writes `tfjs.1` and a page for each command into a folder, which is made.
pub(super) fn run(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    Ok(clap_mangen::generate_to(Args::command(), folder)?)
}
