//! `cargo xtask cross`: the same tests on every target, really run, and the same digests of the same models.
//!
//! For each target that something here runs: the whole test suites of the crates that hold the format and the files, and every
//! published model and golden, decoded by the command. For Apple's, whose programs nothing here runs, the
//! crates that need no C compiler are checked.

mod digests;
mod suites;
mod table;

use anyhow::{Result, ensure};
use clap::Args;

use crate::compiler::{self, Compiler, WASM, WINDOWS};
use crate::counted::Count;
use crate::project::Project;
use crate::{browser, dist};
use digests::Digests;
use table::{Line, Shown};

/// What is not this machine's target, and can be run.
const EMULATED: [&str; 3] = ["aarch64-unknown-linux-gnu", "s390x-unknown-linux-gnu", WINDOWS];

/// Of these, what `ci` runs, and whose tests: on a processor with its bytes the other way round those of what reads and writes bytes,
/// on another system those of what knows paths and files. The third target differs in neither from this machine.
const IN_CI: [(&str, &[&str]); 2] = [
    ("s390x-unknown-linux-gnu", &["tfjs-artifacts", "tfjs-weights", "tfjs-convert"]),
    (WINDOWS, &["tfjs-artifacts", "tfjs-router", "tfjs-fs"]),
];

/// What can only be checked.
const CHECKED: [&str; 2] = ["x86_64-apple-darwin", "aarch64-apple-darwin"];

/// Which targets.
#[derive(Args)]
pub(crate) struct Options {
    /// Only this one; can be given several times
    #[arg(long)]
    target: Vec<String>,
    /// Let the command decode that `build --dist` makes, which takes longer to build
    #[arg(long)]
    dist: bool,
}

/// All of them, or those that are named.
pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    let here = compiler::host(project)?;
    let targets = match options.target.as_slice() {
        [] => [&[here.as_str()], &EMULATED[..], &[WASM], &CHECKED].concat(),
        named => named.iter().map(String::as_str).collect(),
    };
    let targets: Vec<_> = targets.into_iter().map(|target| (target, &suites::TESTED[..])).collect();
    let count = show(project, &targets, if options.dist { Command::Dist } else { Command::Quick })?;
    println!("cross: {count}");
    ensure!(count.failed == 0, "{} of what was to be shown failed", count.failed);
    Ok(())
}

/// Those that `ci` runs, and that no other step of it does.
pub(crate) fn others(project: &Project) -> Result<Count> {
    let checked = CHECKED.map(|target| (target, &[][..]));
    show(project, &[&IN_CI[..], &checked].concat(), Command::Quick)
}

/// Which `tfjs` decodes.
#[derive(Clone, Copy, Debug)]
enum Command {
    /// One that is built quickly.
    Quick,
    /// The one that is given to others.
    Dist,
}

/// Each target with the crates whose tests run there.
fn show(project: &Project, targets: &[(&str, &[&str])], command: Command) -> Result<Count> {
    let digests = Digests::of_this_machine(project)?;
    let mut lines = Vec::new();
    for (target, tested) in targets {
        println!("\n--- {target}");
        let shown = try_target(project, &digests, target, tested, command);
        lines.push(Line { target: (*target).to_owned(), shown });
    }
    println!();
    for line in &lines {
        println!("{line}");
    }
    Ok(lines.iter().fold(Count::default(), |total, line| total.plus(line.count())))
}

/// What fails for one target does not keep the others from being tried.
fn try_target(project: &Project, digests: &Digests, target: &str, tested: &[&str], command: Command) -> Shown {
    let shown = match target {
        WASM => browser::test(project, &browser::Options::default()).map(Shown::InBrowser),
        target if CHECKED.contains(&target) => suites::check(project, target).map(Shown::Checked),
        target => run_target(project, digests, target, tested, command),
    };
    shown.unwrap_or_else(|error| {
        println!("error: {error:#}");
        Shown::Failed(format!("{error:#}"))
    })
}

fn run_target(project: &Project, digests: &Digests, target: &str, tested: &[&str], command: Command) -> Result<Shown> {
    let compiler = Compiler::find(project, target)?;
    let tests = suites::run(project, &compiler, target, tested)?;
    let tfjs = match command {
        Command::Quick => dist::quick(project, &compiler, target)?,
        Command::Dist => dist::make(project, &compiler, target)?,
    };
    Ok(Shown::Ran { tests, digests: digests.compare(&tfjs) })
}
