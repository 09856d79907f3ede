//! `cargo xtask bench`: what we achieve, beside what the machine can do and what TensorFlow.js does with the same tensors.
//!
//! A line that misses its target is reported as a miss and fails nothing: a benchmark is not a test, and a busy machine is no bug.

mod document;
mod in_process;
mod line;
mod machine;
mod measurement;
mod object_store;
mod page;
mod table;
mod tfjs;
mod web;
mod works;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::Args;

use crate::oracle::Oracle;
use crate::project::Project;
use line::Line;
use machine::Machine;
use measurement::fastest;
use object_store::Objects;
use page::Page;
use web::Web;
use works::Work;

#[derive(Args)]
pub(crate) struct Options {
    /// Print nothing but one JSON array of lines on stdout
    #[arg(long)]
    json: bool,
    /// Write what was measured, and the machine, into the table of docs/performance.md
    #[arg(long)]
    write: bool,
    /// Only the works whose name contains this
    filter: Option<String>,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    let works = works::containing(options.filter.as_deref().unwrap_or_default())?;
    // First what may need an installation: a run of minutes should not fail at its end.
    let oracle = Oracle::ready(project)?;
    let machine = Machine::describe(project, &oracle)?;
    let lines = measure(project, &oracle, &works)?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
    } else {
        println!("\n{machine}\n\n{}", table::for_terminal(&lines));
    }
    if options.write { document::write(project, &machine, &lines) } else { Ok(()) }
}

/// How often everything runs, each time in new processes. The median of one run is robust against a disturbed sample, but not against a
/// neighbour that is busy for seconds, or against where the memory of one process happens to lie. What disturbs only ever adds time, so of
/// the medians the smallest counts: ours, the yardstick's, and TensorFlow.js's alike.
const ROUNDS: usize = 3;

fn measure(project: &Project, oracle: &Oracle<'_>, works: &[&Work]) -> Result<Vec<Line>> {
    let folder = project.target.join("bench");
    // Results of an earlier run must not stand in for those of a benchmark that is gone.
    remove(&folder)?;
    let web = works.iter().any(|work| work.is_web()).then(|| Web::ready(project, &folder.join("web"))).transpose()?;
    let page =
        works.iter().any(|work| work.is_page()).then(|| Page::ready(project, folder.join("page"))).transpose()?;
    let objects = works.iter().any(|work| work.is_object_store()).then(|| Objects::ready(project)).transpose()?;
    let (mut rounds, mut peers, mut pages, mut stored) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for number in 1..=ROUNDS {
        eprintln!("round {number} of {ROUNDS}");
        let round = folder.join(format!("round-{number}"));
        in_process::run(project, web.as_ref(), works, &round)?;
        peers.push(tfjs::measure(project, oracle, web.as_ref(), works)?);
        rounds.push(round);
        if let Some(page) = &page {
            pages.push(page.measure(works)?);
        }
        if let Some(objects) = &objects {
            stored.push(objects.measure(works)?);
        }
    }
    // The models that both sides have read and written: a gibibyte.
    remove(&tfjs::files(project))?;
    works
        .iter()
        .map(|work| {
            if work.is_page() {
                let (ours, peer) = page::measured(work, &pages)?;
                return Line::new(work, &ours, peer);
            }
            if work.is_object_store() {
                return Line::new(work, &object_store::measured(work, &stored)?, None);
            }
            let peer = fastest(peers.iter().filter_map(|round| round.get(work.id).copied()));
            Line::new(work, &in_process::measured(project, web.as_ref(), work, &rounds)?, peer)
        })
        .collect()
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("{} must go", folder.display()))?;
    }
    Ok(())
}
