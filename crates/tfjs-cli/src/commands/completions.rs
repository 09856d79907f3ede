//! `tfjs completions`: what a shell needs to complete the command line.

use clap::CommandFactory as _;

use crate::args::Args;
use crate::output::{self, Failure};

pub(super) fn run(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "tfjs", &mut script);
    output::text(&script)
}
