//! All steps, two at a time: one that compiles or tests with every processor, and beside it one that mostly waits, for an emulator, a
//! browser or a clock.
//!
//! Each step is a process of its own, whose output goes into a file in `target/ci` and is printed whole, in the order of the steps. What two
//! steps build, cargo's locks keep apart. How those that failed have ended is printed once more, after all others.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::ValueEnum as _;

use super::{PART, Report, Step, processor};
use crate::counted::Count;

/// How much of the output of a step that failed is printed once more.
const LAST_LINES: usize = 60;

/// Runs all steps in so many lanes.
pub(super) fn run(target: &Path, lanes: usize) -> Result<Vec<Report>> {
    let folder = target.join("ci");
    if folder.exists() {
        // What the steps of an earlier run have printed is nobody's business.
        fs::remove_dir_all(&folder).with_context(|| format!("{} must go", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let program = env::current_exe().context("the path of this program is not known")?;
    let plan = Plan::new(folder, program);
    thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| plan.work());
        }
    });
    let reports: Vec<Report> = plan.lock().iter().filter_map(|(_, state)| state.report()).collect();
    for report in reports.iter().filter(|report| report.count.failed > 0) {
        plan.repeat_end(report.step);
    }
    Ok(reports)
}

struct Plan {
    /// In their order.
    steps: Mutex<Vec<(Step, State)>>,
    /// Told whenever a step has ended.
    ended: Condvar,
    /// For what the steps print.
    folder: PathBuf,
    /// This one.
    program: PathBuf,
}

#[derive(Clone, Copy)]
enum State {
    Waits,
    Runs,
    /// Its output has not been printed yet.
    Ended(Report),
    Printed(Report),
}

impl Plan {
    fn new(folder: PathBuf, program: PathBuf) -> Self {
        let steps = Step::value_variants().iter().map(|step| (*step, State::Waits)).collect();
        Self { steps: Mutex::new(steps), ended: Condvar::new(), folder, program }
    }

    /// One lane: takes steps until there are none.
    fn work(&self) {
        while let Some(step) = self.take() {
            let start = Instant::now();
            let (count, processor) = self.run(step).unwrap_or_else(|error| {
                eprintln!("error: {}: {error:#}", step.name());
                (Count { passed: 0, failed: 1 }, None)
            });
            self.end(Report { step, count, time: start.elapsed(), processor });
        }
    }

    /// The next step, when there is one that can begin; None when all have begun.
    fn take(&self) -> Option<Step> {
        let mut steps = self.lock();
        loop {
            if let Some(step) = next(&steps) {
                set(&mut steps, step, State::Runs);
                return Some(step);
            }
            if !steps.iter().any(|(_, state)| matches!(state, State::Waits)) {
                return None;
            }
            steps = self.ended.wait(steps).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn run(&self, step: Step) -> Result<(Count, Option<Duration>)> {
        let path = self.log(step);
        let log = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
        let mut command = Command::new(&self.program);
        command.args(["ci", PART, &step.name()]).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let status = command.status().with_context(|| format!("starting {}", self.program.display()))?;
        let printed = read(&path)?;
        let mut lines = printed.lines().rev();
        let last = lines.next().unwrap_or_default();
        let count = last.parse().with_context(|| format!("it ended before its time ({status}): {last:?}"))?;
        Ok((count, lines.next().and_then(processor::parse)))
    }

    /// Prints what can be printed now: the output of each step after that of all before it.
    fn end(&self, report: Report) {
        let mut steps = self.lock();
        set(&mut steps, report.step, State::Ended(report));
        for (step, state) in steps.iter_mut() {
            match *state {
                State::Printed(_) => {}
                State::Ended(report) => {
                    match read(&self.log(*step)) {
                        Ok(printed) => print!("{printed}"),
                        Err(error) => println!("error: {error:#}"),
                    }
                    *state = State::Printed(report);
                }
                State::Waits | State::Runs => break,
            }
        }
        self.ended.notify_all();
    }

    /// Thousands of lines of other steps may stand between what went wrong and who wants to know.
    fn repeat_end(&self, step: Step) {
        let path = self.log(step);
        println!("\n=== {} failed; its last lines, of {}", step.name(), path.display());
        match read(&path) {
            Ok(printed) => {
                let before = printed.lines().count().saturating_sub(LAST_LINES);
                for line in printed.lines().skip(before) {
                    println!("{line}");
                }
            }
            Err(error) => println!("error: {error:#}"),
        }
    }

    fn log(&self, step: Step) -> PathBuf {
        self.folder.join(step.name()).with_extension("log")
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Step, State)>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Beside a step that takes every processor, one that does not, if there is one; else the other way round.
fn next(steps: &[(Step, State)]) -> Option<Step> {
    let has_ended = |step: &Step| {
        steps.iter().any(|(other, state)| other == step && matches!(state, State::Ended(_) | State::Printed(_)))
    };
    let is_busy = steps.iter().any(|(step, state)| matches!(state, State::Runs) && step.takes_all_processors());
    let mut ready = steps
        .iter()
        .filter(|(step, state)| matches!(state, State::Waits) && step.after().iter().all(has_ended))
        .map(|(step, _)| *step);
    let fits = |step: &Step| step.takes_all_processors() != is_busy;
    ready.clone().find(fits).or_else(|| ready.next())
}

fn set(steps: &mut [(Step, State)], step: Step, state: State) {
    for (_, its) in steps.iter_mut().filter(|(other, _)| *other == step) {
        *its = state;
    }
}

fn read(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl State {
    fn report(self) -> Option<Report> {
        match self {
            Self::Ended(report) | Self::Printed(report) => Some(report),
            Self::Waits | Self::Runs => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All steps, of which some run and some have ended.
    fn steps(run: &[Step], ended: &[Step]) -> Vec<(Step, State)> {
        let state = |step: &Step| {
            if ended.contains(step) {
                State::Ended(Report { step: *step, count: Count::default(), time: Duration::ZERO, processor: None })
            } else if run.contains(step) {
                State::Runs
            } else {
                State::Waits
            }
        };
        Step::value_variants().iter().map(|step| (*step, state(step))).collect()
    }

    #[test]
    fn beside_a_step_that_takes_all_processors_runs_one_that_does_not() {
        let first = next(&steps(&[], &[])).unwrap();
        assert!(first.takes_all_processors());
        let second = next(&steps(&[first], &[])).unwrap();
        assert!(!second.takes_all_processors());
        assert!(next(&steps(&[second], &[])).unwrap().takes_all_processors());
    }

    #[test]
    fn a_step_waits_for_what_it_needs() {
        let all_but = |left: &[Step]| -> Vec<Step> {
            Step::value_variants().iter().copied().filter(|step| !left.contains(step)).collect()
        };
        let left = [Step::Azurite, Step::Backends];
        assert_eq!(next(&steps(&[Step::Azurite], &all_but(&left))), None);
        assert_eq!(next(&steps(&[], &all_but(&[Step::Backends]))), Some(Step::Backends));
    }

    #[test]
    fn every_step_can_begin_once_those_before_it_have_ended() {
        let mut ended = Vec::new();
        while let Some(step) = next(&steps(&[], &ended)) {
            ended.push(step);
        }
        assert_eq!(ended.len(), Step::value_variants().len());
    }
}
