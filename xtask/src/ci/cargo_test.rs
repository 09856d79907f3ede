//! `cargo test`, with its tests counted while its output streams through.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::Count;
use crate::project::Project;

const ARGUMENTS: [&str; 4] = ["test", "--workspace", "--all-features", "--no-fail-fast"];

pub(super) fn run(project: &Project) -> Result<Count> {
    println!("$ cargo {}", ARGUMENTS.join(" "));
    let mut cargo = Command::new("cargo")
        .args(ARGUMENTS)
        .current_dir(&project.root)
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo could not be started")?;

    let stdout = cargo.stdout.take().context("cargo's output was asked for")?;
    let mut count = Count::default();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        count = count.plus(parse_result(&line).unwrap_or_default());
    }
    Ok(judge(count, cargo.wait()?.success()))
}

/// Cargo may fail without a failed test (it did not compile, a test binary crashed), and a run without tests proves nothing.
fn judge(count: Count, cargo_succeeded: bool) -> Count {
    if count.passed + count.failed == 0 || (!cargo_succeeded && count.failed == 0) {
        println!(
            "error: cargo test ran {} tests and {}",
            count.passed,
            if cargo_succeeded { "succeeded" } else { "failed" }
        );
        return Count { failed: count.failed + 1, ..count };
    }
    count
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
    use super::{Count, judge, parse_result};

    #[test]
    fn counts_the_line_that_cargo_test_prints() {
        let line = "test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 2 filtered out; finished in 0.01s";
        assert_eq!(parse_result(line), Some(Count { passed: 5, failed: 0 }));
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.23s";
        assert_eq!(parse_result(line), Some(Count { passed: 12, failed: 4 }));
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in ["", "running 5 tests", "test name ... ok", "test result: unclear"] {
            assert_eq!(parse_result(line), None, "{line}");
        }
    }

    #[test]
    fn no_test_at_all_is_a_failure() {
        assert_eq!(judge(Count::default(), true), Count { passed: 0, failed: 1 });
    }

    #[test]
    fn a_failed_cargo_is_a_failure_even_when_no_test_failed() {
        assert_eq!(judge(Count { passed: 7, failed: 0 }, false), Count { passed: 7, failed: 1 });
        assert_eq!(judge(Count { passed: 7, failed: 2 }, false), Count { passed: 7, failed: 2 });
        assert_eq!(judge(Count { passed: 7, failed: 0 }, true), Count { passed: 7, failed: 0 });
    }
}
