//! `cargo xtask instructions`: how many instructions the loops over weights execute, compared with a committed baseline. A loop that stopped
//! being vectorized is seen here, also on a machine that is busy with other things.
//!
//! The counts do not depend on the machine. Callgrind counts what a program executes, not how long it takes; valgrind shows the program one
//! processor (a Haswell with AVX2 and F16C, without AVX-512) on every x86-64 machine that has at least these, so that kernels which choose
//! by the processor choose the same. What valgrind shows stands in the baseline, and is compared first.
//!
//! They do depend on the compiler. So the baseline says which one made it, and a failure says whether it was this one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use xshell::cmd;

use crate::project::Project;
use crate::tools;

/// The arguments of `benches/kernels.rs`.
const KERNELS: [&str; 7] =
    ["float32-unaligned", "uint8", "uint16", "float16", "quantize-uint8", "quantize-uint16", "quantize-float16"];

/// A count may grow by so many percent: another register, not another instruction in the loop.
const TOLERANCE: u64 = 10;

/// What was counted, and with what.
#[derive(Debug, Deserialize, Serialize, PartialEq, Eq)]
struct Counts {
    rustc: String,
    valgrind: String,
    /// Architecture and vector instructions that the kernels find under valgrind.
    processor: String,
    /// For 1 MiB of float32.
    kernels: Vec<Kernel>,
}

#[derive(Debug, Deserialize, Serialize, PartialEq, Eq)]
struct Kernel {
    name: String,
    instructions: u64,
}

pub(crate) fn check(project: &Project) -> Result<()> {
    let path = baseline(project);
    let text = fs::read_to_string(&path)
        .with_context(|| format!("{} is missing: run `cargo xtask instructions --write`", path.display()))?;
    let baseline: Counts = serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
    let counted = count(project)?;
    for line in compare(&counted, &baseline)? {
        println!("{line}");
    }
    Ok(())
}

pub(crate) fn write(project: &Project) -> Result<()> {
    let counted = count(project)?;
    let path = baseline(project);
    fs::write(&path, serde_json::to_string_pretty(&counted)? + "\n")?;
    println!("{} is written", path.display());
    Ok(())
}

fn baseline(project: &Project) -> PathBuf {
    project.root.join("crates").join("tfjs-weights").join("benches").join("instructions.json")
}

/// A line for each kernel, or what is wrong with all that need too many.
fn compare(counted: &Counts, baseline: &Counts) -> Result<Vec<String>> {
    ensure!(
        counted.processor == baseline.processor,
        "valgrind shows the kernels `{}`, the baseline was counted on `{}`: the counts cannot be compared on this machine",
        counted.processor,
        baseline.processor
    );
    let (mut lines, mut failures) = (Vec::new(), Vec::new());
    for Kernel { name, instructions } in &counted.kernels {
        let Some(before) = baseline.kernels.iter().find(|kernel| kernel.name == *name) else {
            failures.push(format!("{name}: the baseline does not know it"));
            continue;
        };
        let line = format!("{name}: {instructions} instructions for 1 MiB, the baseline has {}", before.instructions);
        match judge(*instructions, before.instructions) {
            Judgement::More => failures.push(line),
            Judgement::Same => lines.push(line),
            Judgement::Fewer => lines.push(format!("{line}: make it the new one with --write")),
        }
    }
    if failures.is_empty() { Ok(lines) } else { bail!("{}", explain(&failures, counted, baseline)) }
}

#[derive(Debug, PartialEq, Eq)]
enum Judgement {
    Fewer,
    Same,
    More,
}

fn judge(counted: u64, baseline: u64) -> Judgement {
    if counted * 100 > baseline * (100 + TOLERANCE) {
        Judgement::More
    } else if counted * (100 + TOLERANCE) < baseline * 100 {
        Judgement::Fewer
    } else {
        Judgement::Same
    }
}

fn explain(failures: &[String], counted: &Counts, baseline: &Counts) -> String {
    let cause = if counted.rustc == baseline.rustc && counted.valgrind == baseline.valgrind {
        "find what changed in the kernels; if it is worth its price, run `cargo xtask instructions --write`".to_owned()
    } else {
        format!(
            "the baseline is of {} and {}, this is {} and {}: count again with the former; if only the tools changed, see with \
             `cargo xtask bench` that nothing became slower and run `cargo xtask instructions --write`",
            baseline.rustc, baseline.valgrind, counted.rustc, counted.valgrind
        )
    };
    format!("a kernel needs over {TOLERANCE} % more instructions than before\n{}\n{cause}", failures.join("\n"))
}

fn count(project: &Project) -> Result<Counts> {
    let valgrind = tools::valgrind(project)?;
    let program = build(project)?;
    let sh = &project.sh;
    let features = cmd!(sh, "valgrind --tool=none -q {program} features").quiet().read()?;
    let kernel = |name: &&str| -> Result<Kernel> {
        Ok(Kernel { name: (*name).to_owned(), instructions: count_kernel(project, &program, name)? })
    };
    Ok(Counts {
        rustc: cmd!(sh, "rustc --version").quiet().read()?,
        valgrind,
        processor: format!("{} {}", std::env::consts::ARCH, features.trim()),
        kernels: KERNELS.iter().map(kernel).collect::<Result<_>>()?,
    })
}

/// Of one repetition: three less one, halved. So what happens once, from loading the program to asking the processor what it can, is out.
fn count_kernel(project: &Project, program: &Path, name: &str) -> Result<u64> {
    let (one, three) = (callgrind(project, program, name, "1")?, callgrind(project, program, name, "3")?);
    three.checked_sub(one).map(|two| two / 2).with_context(|| format!("{name}: three repetitions need less than one"))
}

fn callgrind(project: &Project, program: &Path, kernel: &str, repetitions: &str) -> Result<u64> {
    let sh = &project.sh;
    let folder = tempfile::tempdir_in(&project.target)?;
    let out = folder.path().join("callgrind.out");
    // A copy shall be vector instructions that can be counted: of `rep movsb` each byte counts as an instruction.
    let _tunables = sh.push_env("GLIBC_TUNABLES", "glibc.cpu.x86_rep_movsb_threshold=0x40000000");
    cmd!(sh, "valgrind --tool=callgrind -q --callgrind-out-file={out} {program} {kernel} {repetitions}")
        .quiet()
        .run()?;
    total(&fs::read_to_string(&out)?)
}

/// The line `totals: N` of a callgrind profile.
fn total(profile: &str) -> Result<u64> {
    let line = profile.lines().find_map(|line| line.strip_prefix("totals: "));
    line.and_then(|number| number.trim().parse().ok()).context("callgrind wrote no totals")
}

/// The benchmark `kernels`, compiled as benchmarks are.
fn build(project: &Project) -> Result<PathBuf> {
    let sh = &project.sh;
    let messages =
        cmd!(sh, "cargo bench --package tfjs-weights --bench kernels --no-run --message-format json").read()?;
    executable(&messages, "kernels").context("cargo did not say where the benchmark `kernels` is")
}

/// What cargo's messages, one JSON object a line, name as the program of a target.
fn executable(messages: &str, target: &str) -> Option<PathBuf> {
    messages.lines().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_wanted = message.pointer("/target/name")?.as_str()? == target;
        is_wanted.then(|| message.get("executable")?.as_str().map(PathBuf::from)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(rustc: &str, processor: &str, instructions: u64) -> Counts {
        let kernels = vec![Kernel { name: "uint8".to_owned(), instructions }];
        Counts { rustc: rustc.to_owned(), valgrind: "valgrind-3".to_owned(), processor: processor.to_owned(), kernels }
    }

    #[test]
    fn more_than_the_tolerance_is_a_failure() {
        assert_eq!(judge(1100, 1000), Judgement::Same);
        assert_eq!(judge(1101, 1000), Judgement::More);
        assert_eq!(judge(900, 1000), Judgement::Fewer);
        assert_eq!(judge(950, 1000), Judgement::Same);
    }

    #[test]
    fn the_message_names_the_kernel_and_the_cause() {
        let error =
            |rustc| compare(&counts(rustc, "x avx2", 2000), &counts("1", "x avx2", 1000)).unwrap_err().to_string();
        assert!(error("1").contains("uint8: 2000 instructions for 1 MiB, the baseline has 1000"), "{}", error("1"));
        assert!(error("1").contains("find what changed in the kernels"), "{}", error("1"));
        assert!(error("2").contains("the baseline is of 1 and valgrind-3, this is 2"), "{}", error("2"));
    }

    #[test]
    fn another_processor_cannot_be_compared() {
        assert!(compare(&counts("1", "x", 1000), &counts("1", "x avx2", 1000)).is_err());
        assert_eq!(compare(&counts("1", "x", 1000), &counts("1", "x", 1000)).unwrap().len(), 1);
    }

    #[test]
    fn a_kernel_without_a_baseline_is_a_failure() {
        let none = Counts { kernels: Vec::new(), ..counts("1", "x", 0) };
        assert!(compare(&counts("1", "x", 1), &none).is_err());
    }

    #[test]
    fn the_total_of_a_profile() {
        assert_eq!(total("events: Ir\nsummary: 12\n\ntotals: 12\n").unwrap(), 12);
        assert!(total("events: Ir\n").is_err());
    }

    #[test]
    fn the_program_in_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"bytes"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"kernels"},"executable":"/t/kernels-1"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages, "kernels"), Some(PathBuf::from("/t/kernels-1")));
        assert_eq!(executable(messages, "other"), None);
    }
}
