//! What is printed, where, and with which exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

/// Why a command ends with exit code 1.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error that has not been told yet.
    Error(Box<dyn std::error::Error>),
    /// Everything has been told already.
    Told,
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Error(Box::new(error))
    }
}

/// Tells a failure on standard error, each layer of its chain on a line.
pub(crate) fn report(failure: &Failure) -> ExitCode {
    if let Failure::Error(error) = failure {
        if is_broken_pipe(&**error) {
            return ExitCode::SUCCESS;
        }
        message(&format!("error: {error}"));
        let mut source = error.source();
        while let Some(cause) = source {
            message(&format!("  because: {cause}"));
            source = cause.source();
        }
    }
    ExitCode::FAILURE
}

/// A reader that has seen enough, such as `head`, is no failure.
fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let is_pipe = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    match error.downcast_ref::<serde_json::Error>() {
        Some(error) => error.io_error_kind() == Some(io::ErrorKind::BrokenPipe),
        None => error.downcast_ref::<io::Error>().is_some_and(is_pipe),
    }
}

/// Prints a line on standard error.
pub(crate) fn message(text: &str) {
    // Nowhere is left to complain if this fails.
    let _ = writeln!(io::stderr(), "{}", printable(text));
}

/// Prints lines on standard output.
pub(crate) fn lines<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in lines {
        writeln!(out, "{}", printable(line.as_ref()))?;
    }
    Ok(out.flush()?)
}

/// Prints one JSON document on standard output.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

/// A text from somebody's file, without control characters that would steer the terminal.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    printable
}

/// A number of bytes with a unit for people.
pub(crate) fn bytes(count: u64) -> String {
    indicatif::BinaryBytes(count).to_string()
}

/// Rows with their columns aligned; the last column is not padded.
pub(crate) fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}
