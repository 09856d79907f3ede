//! Our side and the yardsticks: criterion benchmarks, run as developers run them, and read from the files that criterion leaves.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::measurement::{Measured, Measurement, fastest};
use super::web::{Servers, Web};
use super::works::{Program, Source, Work};
use crate::project::Project;

/// Runs each program once, with the groups that are wanted; criterion leaves what it measured below `home`.
pub(super) fn run(project: &Project, web: Option<&Web>, works: &[&Work], home: &Path) -> Result<()> {
    let programs: BTreeSet<_> = works.iter().filter_map(|work| criterion_program(work)).collect();
    for program in programs {
        let ids: Vec<_> =
            works.iter().filter(|work| criterion_program(work) == Some(program)).map(|work| work.id).collect();
        // Criterion takes a regular expression over `group/function`.
        let groups = format!("^({})/", ids.join("|"));
        let (mut cargo, _servers) = cargo_bench(project, web, program)?;
        let status = cargo
            .args(["--noplot", &groups])
            .env("CRITERION_HOME", home)
            .stdout(Stdio::from(io::stderr()))
            .status()
            .context("cargo could not be started")?;
        ensure!(status.success(), "`cargo bench --bench {}` failed: {status}", program.bench);
    }
    Ok(())
}

/// What a work took, over all rounds.
pub(super) fn measured(project: &Project, web: Option<&Web>, work: &Work, rounds: &[PathBuf]) -> Result<Measured> {
    match work.source {
        Source::Criterion(_) => best_of(rounds, work.id),
        Source::Printed(program) => printed(project, web, program, work.id),
        Source::Page | Source::ObjectStore => bail!("{} is not measured in a process of ours", work.id),
    }
}

fn criterion_program(work: &Work) -> Option<Program> {
    match work.source {
        Source::Criterion(program) => Some(program),
        Source::Printed(_) | Source::Page | Source::ObjectStore => None,
    }
}

/// The command that runs a program, and the servers that it needs meanwhile: new ones each time, as the program is a new process.
fn cargo_bench(project: &Project, web: Option<&Web>, program: Program) -> Result<(Command, Option<Servers>)> {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["bench", "--quiet", "--package", program.package, "--bench", program.bench, "--"])
        .current_dir(&project.root);
    let servers = web.filter(|_| program.web).map(Web::start).transpose()?;
    if let Some(servers) = &servers {
        cargo.env("TFJS_BENCH_WEB", servers.told().to_string());
    }
    Ok((cargo, servers))
}

/// Of each function, the round in which it was fastest.
fn best_of(rounds: &[PathBuf], id: &str) -> Result<Measured> {
    let best = |function: &str| -> Result<Option<Measurement>> {
        let measurements = rounds.iter().map(|round| read(&round.join(id).join(function).join("new")));
        Ok(fastest(measurements.collect::<Result<Option<Vec<_>>>>()?.unwrap_or_default()))
    };
    Ok(Measured {
        ours: best("ours")?.with_context(|| format!("no benchmark is called {id}/ours"))?,
        yardstick: best("yardstick")?,
        smaller: best("smaller")?,
    })
}

/// What criterion says in the folder of one benchmark; None if there is no such folder.
fn read(folder: &Path) -> Result<Option<Measurement>> {
    if !folder.exists() {
        return Ok(None);
    }
    let file = |name: &str| -> Result<String> {
        let path = folder.join(name);
        fs::read_to_string(&path).with_context(|| format!("criterion did not leave {}", path.display()))
    };
    let (estimates, benchmark) = (file("estimates.json")?, file("benchmark.json")?);
    parse(&estimates, &benchmark).with_context(|| format!("reading {}", folder.display())).map(Some)
}

fn parse(estimates: &str, benchmark: &str) -> Result<Measurement> {
    let estimates: Value = serde_json::from_str(estimates)?;
    let cost = estimates.pointer("/median/point_estimate").and_then(Value::as_f64).context("there is no median")?;
    let benchmark: Benchmark = serde_json::from_str(benchmark)?;
    let (Throughput::Bytes(size) | Throughput::Elements(size)) = benchmark.throughput;
    Ok(Measurement { cost, size })
}

/// What criterion writes of a benchmark, as far as it matters here.
#[derive(Deserialize)]
struct Benchmark {
    throughput: Throughput,
}

#[derive(Deserialize)]
enum Throughput {
    Bytes(u64),
    Elements(u64),
}

/// What a program of its own measures.
#[derive(Deserialize)]
struct Printed {
    ours: Measurement,
    yardstick: Option<Measurement>,
}

fn printed(project: &Project, web: Option<&Web>, program: Program, id: &str) -> Result<Measured> {
    let (mut cargo, _servers) = cargo_bench(project, web, program)?;
    let output = cargo.arg(id).stderr(Stdio::inherit()).output().context("cargo could not be started")?;
    if !output.status.success() {
        bail!("`cargo bench --bench {}` failed: {}", program.bench, output.status);
    }
    let text = String::from_utf8(output.stdout)?;
    let Printed { ours, yardstick } =
        serde_json::from_str(&text).with_context(|| format!("the benchmark {} printed {text:?}", program.bench))?;
    Ok(Measured { ours, yardstick, smaller: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(round: &Path, function: &str, median: f64) {
        let folder = round.join("work").join(function).join("new");
        fs::create_dir_all(&folder).unwrap();
        let estimates = serde_json::json!({"mean": {"point_estimate": 1.0}, "median": {"point_estimate": median}});
        fs::write(folder.join("estimates.json"), estimates.to_string()).unwrap();
        let benchmark = serde_json::json!({"group_id": "work", "throughput": {"Bytes": 64}, "title": "t"});
        fs::write(folder.join("benchmark.json"), benchmark.to_string()).unwrap();
    }

    #[test]
    fn the_smallest_median_of_all_rounds_counts() {
        let folder = tempfile::tempdir().unwrap();
        let rounds = ["1", "2", "3"].map(|round| folder.path().join(round));
        for (round, (ours, yardstick)) in rounds.iter().zip([(5.0, 4.0), (3.5, 4.5), (7.0, 2.0)]) {
            write(round, "ours", ours);
            write(round, "yardstick", yardstick);
        }
        let measured = best_of(&rounds, "work").unwrap();
        assert_eq!(measured.ours, Measurement { cost: 3.5, size: 64 });
        assert_eq!(measured.yardstick, Some(Measurement { cost: 2.0, size: 64 }));
        assert_eq!(measured.smaller, None);
        assert!(best_of(&rounds, "other").is_err());
    }

    #[test]
    fn what_criterion_leaves() {
        let estimates = r#"{"median": {"confidence_interval": {}, "point_estimate": 12.5, "standard_error": 0.1}}"#;
        let benchmark = r#"{"group_id": "g", "function_id": "ours", "throughput": {"Elements": 7}}"#;
        assert_eq!(parse(estimates, benchmark).unwrap(), Measurement { cost: 12.5, size: 7 });
        assert!(parse("{}", benchmark).is_err());
        assert!(parse(estimates, r#"{"throughput": null}"#).is_err(), "without a size there is no GB/s");
    }
}
