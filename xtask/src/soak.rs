//! `cargo xtask soak`: nothing is lost, wherever a save ends.
//!
//! First every step of a save is tried as the last one, by the tests in `crash.rs` of tfjs-fs, which tell how many points there
//! were. Then real processes that save are killed (`tests/soak`).

use std::fs;

use anyhow::{Context, Result, ensure};
use clap::Args;
use xshell::cmd;

use crate::counted::Count;
use crate::project::Project;

/// In `ci`: a few seconds.
const SHORT: usize = 400;

/// What the tests print.
const POINTS: &str = "injection points tried: ";

/// How long.
#[derive(Args)]
pub(crate) struct Options {
    /// How many processes to kill
    #[arg(long, default_value_t = 10_000)]
    kills: usize,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    points(project)?;
    kill(project, options.kills)
}

/// Each of the two counts as one.
pub(crate) fn short(project: &Project) -> Result<Count> {
    points(project)?;
    kill(project, SHORT)?;
    Ok(Count { passed: 2, failed: 0 })
}

fn points(project: &Project) -> Result<()> {
    let sh = &project.sh;
    // The whole workspace, because then nothing is built that the other tests have not been built with.
    let printed = cmd!(sh, "cargo test --workspace --all-features --lib -- crash:: --nocapture").read()?;
    let points = sum(&printed)?;
    println!("soak: {points} injection points tried, a whole model at each");
    ensure!(points > 0, "no test of tfjs-fs prints {POINTS:?}");
    Ok(())
}

fn sum(printed: &str) -> Result<usize> {
    let points = printed.lines().filter_map(|line| line.split_once(POINTS)).map(|(_, points)| points.trim());
    points.map(|points| points.parse::<usize>().with_context(|| format!("{points:?} is no number"))).sum()
}

fn kill(project: &Project, kills: usize) -> Result<()> {
    let (sh, folder) = (&project.sh, project.target.join("soak"));
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let kills = kills.to_string();
    let soak = project.test_program("soak")?;
    cmd!(sh, "{soak} run {folder} {kills}").run()?;
    Ok(fs::remove_dir_all(&folder)?)
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn points_are_added() {
        let printed = "injection points tried: 3\ntest a ... ok\ninjection points tried: 40\n";
        assert_eq!(sum(printed).unwrap(), 43);
        assert!(sum("injection points tried: many").is_err());
    }
}
