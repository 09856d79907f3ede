//! Runs of tests, counted while their output streams through.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Error, Result};

/// How many checks went well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

/// What a run of tests has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) count: Count,
    /// What its process said by its exit code.
    pub(crate) succeeded: bool,
}

/// A time after which a run is ended.
pub(crate) struct Limit<'a> {
    pub(crate) time: Duration,
    /// Ends the run, whatever it has started; then its output ends, too.
    pub(crate) end: &'a (dyn Fn() + Sync),
}

/// Runs tests, printing their output, and counts the tests of every `test result:` line in it.
pub(crate) fn run(command: Command) -> Result<Outcome> {
    run_hearing(command, |_| Ok(false))
}

/// As [`run`], but for the lines that somebody takes, which are not printed.
fn run_hearing(mut command: Command, mut takes: impl FnMut(&str) -> Result<bool>) -> Result<Outcome> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    let stdout = child.stdout.take().context("its output was asked for")?;
    let mut count = Count::default();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        if !takes(&line)? {
            println!("{line}");
        }
        count = count.plus(parse_result(&line).unwrap_or_default());
    }
    Ok(Outcome { count, succeeded: child.wait()?.success() })
}

/// As [`run`], but not for ever, and without the lines that somebody takes.
pub(crate) fn run_within(
    command: Command,
    limit: &Limit<'_>,
    takes: impl FnMut(&str) -> Result<bool>,
) -> Result<Outcome> {
    thread::scope(|scope| {
        let (finished, watch) = mpsc::channel::<()>();
        scope.spawn(move || {
            if watch.recv_timeout(limit.time) == Err(RecvTimeoutError::Timeout) {
                println!("error: ended after {} seconds", limit.time.as_secs());
                (limit.end)();
            }
        });
        let outcome = run_hearing(command, takes);
        drop(finished);
        outcome
    })
}

impl Outcome {
    /// A process may fail without a failed test (it did not compile, it crashed), and a run without tests proves nothing.
    pub(crate) fn judge(self) -> Count {
        let Self { count, succeeded } = self;
        if count.passed + count.failed == 0 || (!succeeded && count.failed == 0) {
            println!(
                "error: {} tests passed, and the run {}",
                count.passed,
                if succeeded { "succeeded" } else { "failed" }
            );
            return Count { failed: count.failed + 1, ..count };
        }
        count
    }
}

impl Count {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// What [`Count`] is displayed as.
impl FromStr for Count {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self> {
        let counts = line.strip_suffix(" failed").and_then(|line| line.split_once(" passed, "));
        let (passed, failed) = counts.with_context(|| format!("{line:?} is not `N passed, M failed`"))?;
        Ok(Self { passed: passed.parse()?, failed: failed.parse()? })
    }
}

/// The numbers of `test result: ok. 5 passed; 0 failed; 1 ignored; ...`. An ignored test is one that nobody runs: it counts as failed.
fn parse_result(line: &str) -> Option<Count> {
    let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |what: &str| -> Option<usize> {
        numbers.split("; ").find_map(|part| part.strip_suffix(what)?.trim_end().parse().ok())
    };
    Some(Count { passed: number("passed")?, failed: number("failed")? + number("ignored")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_line_has_exactly_this_form() {
        let total = Count { passed: 3, failed: 0 }.plus(Count { passed: 1, failed: 2 });
        assert_eq!(total.to_string(), "4 passed, 2 failed");
        assert_eq!("4 passed, 2 failed".parse::<Count>().unwrap(), total);
        assert!("4 passed, 2 failed, and more".parse::<Count>().is_err());
    }

    #[test]
    fn counts_the_line_that_cargo_test_prints() {
        let line = "test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 2 filtered out; finished in 0.01s";
        assert_eq!(parse_result(line), Some(Count { passed: 5, failed: 0 }));
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.23s";
        assert_eq!(parse_result(line), Some(Count { passed: 12, failed: 4 }));
    }

    #[test]
    fn counts_the_line_that_a_browser_prints() {
        let line = "test result: ok. 7 passed; 0 failed; 1 ignored; 0 filtered out; finished in 0.02s";
        assert_eq!(parse_result(line), Some(Count { passed: 7, failed: 1 }));
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in ["", "running 5 tests", "test name ... ok", "test result: unclear"] {
            assert_eq!(parse_result(line), None, "{line}");
        }
    }

    fn judge(passed: usize, failed: usize, succeeded: bool) -> Count {
        Outcome { count: Count { passed, failed }, succeeded }.judge()
    }

    #[test]
    fn no_test_at_all_is_a_failure() {
        assert_eq!(judge(0, 0, true), Count { passed: 0, failed: 1 });
    }

    #[test]
    fn a_failed_process_is_a_failure_even_when_no_test_failed() {
        assert_eq!(judge(7, 0, false), Count { passed: 7, failed: 1 });
        assert_eq!(judge(7, 2, false), Count { passed: 7, failed: 2 });
        assert_eq!(judge(7, 0, true), Count { passed: 7, failed: 0 });
    }

    #[cfg(unix)]
    #[test]
    fn a_run_that_hangs_is_ended_and_fails() {
        let folder = tempfile::tempdir().unwrap();
        let end = folder.path().join("end");
        let mut command = Command::new("sh");
        command.arg("-c").arg("while [ ! -e \"$0\" ]; do sleep 0.01; done; exit 1").arg(&end);
        let limit = Limit { time: Duration::from_millis(50), end: &|| std::fs::write(&end, "").unwrap() };
        let outcome = run_within(command, &limit, |_| Ok(false)).unwrap();
        assert_eq!(outcome, Outcome { count: Count::default(), succeeded: false });
    }

    #[cfg(unix)]
    #[test]
    fn a_run_in_time_is_left_alone() {
        let mut command = Command::new("sh");
        command.arg("-c").arg("echo 'test result: ok. 2 passed; 0 failed; 0 ignored; 0 filtered out'");
        let limit = Limit { time: Duration::from_mins(1), end: &|| unreachable!("it is not late") };
        let mut taken = Vec::new();
        let takes = |line: &str| {
            taken.push(line.to_owned());
            Ok(true)
        };
        let outcome = run_within(command, &limit, takes).unwrap();
        assert_eq!(outcome, Outcome { count: Count { passed: 2, failed: 0 }, succeeded: true });
        assert_eq!(taken, ["test result: ok. 2 passed; 0 failed; 0 ignored; 0 filtered out"]);
    }
}
