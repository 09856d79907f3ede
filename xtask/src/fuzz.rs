//! `cargo xtask fuzz`: input that nobody would write by hand, by libFuzzer.
//!
//! The targets are in `tests/fuzz`, a workspace of its own. Seeds are made of the goldens; what is found on the way stays in
//! `target/fuzz`, so that the next run begins where this one ended.

mod seeds;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use xshell::cmd;

use crate::compiler;
use crate::project::Project;
use crate::tools;

/// How to fuzz.
#[derive(Args)]
pub(crate) struct Options {
    /// For how long each target runs
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Where the random numbers begin; else they are others each time
    #[arg(long)]
    seed: Option<u32>,
    /// Only this target: a file in tests/fuzz/fuzz_targets, without its extension
    target: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        // What others have changed must not fail for an input that nobody has had before.
        Self { seconds: 10, seed: Some(1), target: None }
    }
}

/// How one target fared.
struct Run {
    executions: u64,
    /// libFuzzer's last words on coverage and corpus.
    coverage: String,
    /// The input that it failed on, and what it said.
    finding: Option<(PathBuf, String)>,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    let all = targets(project)?;
    let chosen: Vec<_> =
        all.iter().filter(|target| options.target.as_ref().is_none_or(|chosen| chosen == *target)).collect();
    ensure!(!chosen.is_empty(), "there is no such target; there are {}", all.join(", "));
    let binaries = build(project)?;
    let folder = project.target.join("fuzz");
    seeds::write(&project.root, &folder.join("seeds"))?;

    let mut findings = 0;
    println!("\n{:<22} {:>12}   coverage and corpus", "target", "executions");
    for target in chosen {
        let binary = binaries.join(format!("{target}{}", env::consts::EXE_SUFFIX));
        let run = fuzz(project, &folder, &binary, target, options)?;
        println!("{target:<22} {:>12}   {}", run.executions, run.coverage);
        if let Some((input, words)) = run.finding {
            findings += 1;
            println!("  FOUND {}\n  {}", input.display(), words.replace('\n', "\n  "));
            println!("  again: {} {}", binary.display(), input.display());
        }
    }
    ensure!(findings == 0, "{findings} of the targets found something");
    Ok(())
}

fn folder_of_targets(project: &Project) -> PathBuf {
    project.root.join("tests").join("fuzz")
}

/// The names of all targets.
fn targets(project: &Project) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for file in project.sh.read_dir(folder_of_targets(project).join("fuzz_targets"))? {
        names.push(file.file_stem().context("a target is a file with a name")?.to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Builds all targets, optimized, with libFuzzer's counters; gives the folder of the programs. There is no `unsafe` for a
/// sanitizer to look at, and memory is watched by the targets themselves, so stable Rust is enough.
fn build(project: &Project) -> Result<PathBuf> {
    tools::cxx(project)?;
    let cargo_fuzz = tools::cargo_fuzz(project)?;
    let (sh, targets) = (&project.sh, folder_of_targets(project));
    let place = project.target.join("fuzz").join("build");
    // The wrapper is called as cargo would call it.
    cmd!(sh, "{cargo_fuzz} fuzz build --fuzz-dir {targets} --sanitizer none --target-dir {place}").run()?;
    Ok(place.join(compiler::host(project)?).join("release"))
}

fn fuzz(project: &Project, folder: &Path, binary: &Path, target: &str, options: &Options) -> Result<Run> {
    let sh = &project.sh;
    let [corpus, seeds, findings] = ["corpus", "seeds", "findings"].map(|name| folder.join(name).join(target));
    for folder in [&corpus, &seeds, &findings] {
        fs::create_dir_all(folder)?;
    }
    // What was found before comes first: it stays a finding until it is mended.
    let dictionary = folder_of_targets(project).join("model.dict");
    let prefix = format!("-artifact_prefix={}{}", findings.display(), std::path::MAIN_SEPARATOR);
    let dictionary = format!("-dict={}", dictionary.display());
    let time = format!("-max_total_time={}", options.seconds);
    // 0 is libFuzzer's word for others each time.
    let seed = format!("-seed={}", options.seed.unwrap_or(0));
    let limits = ["-timeout=10", "-rss_limit_mb=2048", "-max_len=16384", "-print_final_stats=1"];
    let output = cmd!(sh, "{binary} {corpus} {seeds} {findings} {prefix} {dictionary} {time} {seed} {limits...}")
        .quiet()
        .ignore_status()
        .output()?;
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let file = folder.join(format!("{target}.log"));
    fs::write(&file, &log)?;
    let Some(executions) = executions(&log) else {
        bail!("{target} did not run: see {}", file.display());
    };
    let finding = (!output.status.success()).then(|| (artifact(&log).unwrap_or(file), complaint(&log)));
    Ok(Run { executions, coverage: coverage(&log), finding })
}

fn executions(log: &str) -> Option<u64> {
    log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))?.trim().parse().ok()
}

/// `cov: 979 ft: 3015 corp: 1272/141Kb` of the last line that has it.
fn coverage(log: &str) -> String {
    let last = log.lines().rev().find_map(|line| line.split_once("cov: ")).map_or("", |(_, rest)| rest);
    let words: Vec<_> = last.split_whitespace().take(5).collect();
    if words.is_empty() { String::new() } else { format!("cov: {}", words.join(" ")) }
}

/// The file with the input that failed.
fn artifact(log: &str) -> Option<PathBuf> {
    log.lines().find_map(|line| line.split_once("Test unit written to ")).map(|(_, path)| path.trim().into())
}

/// The panic, or libFuzzer's own complaint.
fn complaint(log: &str) -> String {
    let is_begin = |line: &&str| line.contains("panicked at") || line.contains("ERROR: libFuzzer");
    let lines: Vec<_> = log.lines().skip_while(|line| !is_begin(line)).take(4).collect();
    lines.iter().map(|line| line.chars().take(400).collect::<String>()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
#2\tINITED cov: 10 ft: 11 corp: 1/1b exec/s: 0 rss: 28Mb
#99\tNEW    cov: 12 ft: 15 corp: 3/9b lim: 4 exec/s: 0 rss: 28Mb L: 4/4 MS: 1 CopyPart-
thread '<unnamed>' (1) panicked at src/urls.rs:1:5:
no
==1== ERROR: libFuzzer: deadly signal
artifact_prefix='/x/'; Test unit written to /x/crash-1
stat::number_of_executed_units: 99
";

    #[test]
    fn what_libfuzzer_prints_is_understood() {
        assert_eq!(executions(LOG), Some(99));
        assert_eq!(coverage(LOG), "cov: 12 ft: 15 corp: 3/9b");
        assert_eq!(artifact(LOG), Some(PathBuf::from("/x/crash-1")));
        assert!(complaint(LOG).starts_with("thread '<unnamed>' (1) panicked at src/urls.rs:1:5:\nno\n"));
        assert_eq!((executions(""), artifact("")), (None, None));
    }
}
