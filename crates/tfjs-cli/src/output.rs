//! What is printed, where, and with which exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;
use tfjs_io::printable;

/// Why a command ends with exit code 1.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error that has not been told yet.
    Error(Box<dyn std::error::Error>),
    /// Standard output takes no more.
    Stdout {
        error: io::Error,
        /// What the command has done all the same.
        done: Option<String>,
    },
    /// Everything has been told already.
    Told,
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Error(Box::new(error))
    }
}

/// Tells a failure on standard error.
pub(crate) fn report(failure: &Failure) -> ExitCode {
    tell(failure);
    ExitCode::FAILURE
}

/// A reader that has seen enough, such as `head`, needs no explanation; but not everything has been said.
pub(crate) fn tell(failure: &Failure) {
    match failure {
        Failure::Error(error) => self::error(&**error),
        Failure::Stdout { error, done } => {
            if error.kind() != io::ErrorKind::BrokenPipe {
                message(&format!("error: cannot write to standard output: {error}"));
            }
            if let Some(done) = done {
                message(done);
            }
        }
        Failure::Told => {}
    }
}

impl Failure {
    /// What has been done, if it is only that nobody could be told.
    pub(crate) fn after(self, done: impl FnOnce() -> String) -> Self {
        match self {
            Self::Stdout { error, .. } => Self::Stdout { error, done: Some(done()) },
            other => other,
        }
    }
}

/// Prints a line on standard error.
pub(crate) fn message(text: &str) {
    // Nowhere is left to complain if this fails.
    let _ = writeln!(io::stderr(), "{}", printable(text));
}

/// Prints an error on standard error, each layer of its chain on a line.
pub(crate) fn error(error: &(dyn std::error::Error + 'static)) {
    for (layer, text) in layers(error).into_iter().enumerate() {
        message(&format!("{} {text}", if layer == 0 { "error:" } else { "  because:" }));
    }
}

/// The texts of an error and of what it came of; without those that the one before has told already, as many libraries do.
fn layers(error: &(dyn std::error::Error + 'static)) -> Vec<String> {
    let mut told = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !told.last().is_some_and(|last| last.contains(&text)) {
            told.push(text);
        }
        source = cause.source();
    }
    told
}

/// Prints lines on standard output.
pub(crate) fn lines<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> Result<(), Failure> {
    print(|out| lines.into_iter().try_for_each(|line| writeln!(out, "{}", printable(line.as_ref()))))
}

/// Prints one JSON document on standard output.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    print(|mut out| {
        serde_json::to_writer_pretty(&mut out, value)?;
        writeln!(out)
    })
}

/// Prints a text of our own on standard output, as it is.
pub(crate) fn text(text: &[u8]) -> Result<(), Failure> {
    print(|out| out.write_all(text))
}

fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    write(&mut out).and_then(|()| out.flush()).map_err(|error| Failure::Stdout { error, done: None })
}

/// A number of things, of which one is called like that: `1 tensor`, `2 tensors`.
pub(crate) fn count(count: impl std::fmt::Display, one: &str) -> String {
    let count = count.to_string();
    if count == "1" { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// A number of bytes with a unit for people.
pub(crate) fn bytes(count: u64) -> String {
    indicatif::BinaryBytes(count).to_string()
}

/// The widest that a column is padded to; a longer cell pushes the rest of its row.
const WIDEST: usize = 64;

/// Prints rows on standard output with their columns aligned.
pub(crate) fn table(rows: &[Vec<String>]) -> Result<(), Failure> {
    lines(aligned(rows))
}

/// Prints rows on standard error with their columns aligned.
pub(crate) fn message_table(rows: &[Vec<String>]) {
    aligned(rows).for_each(|row| message(&row));
}

/// Rows as lines; the last column is not padded.
fn aligned(rows: &[Vec<String>]) -> impl Iterator<Item = String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).filter(|&width| width <= WIDEST).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    rows.iter().map(move |row| {
        let mut line = String::new();
        for (cell, &width) in row.iter().zip(&widths) {
            line.push_str(cell);
            let padding = width.saturating_sub(cell.chars().count()) + 2;
            line.extend(std::iter::repeat_n(' ', padding));
        }
        line.truncate(line.trim_end().len());
        line
    })
}

#[cfg(test)]
mod tests {
    use tfjs_io::{Error, ErrorKind};

    use super::layers;

    #[test]
    fn a_cause_that_has_been_told_is_not_told_again() {
        let source = |message: &'static str, cause| Error::new(ErrorKind::Transport, message).with_source(cause);
        let refused = Error::new(ErrorKind::Transport, "connection refused");
        let error = source("cannot load", source("GET: failed: no answer", source("no answer", refused)));
        assert_eq!(layers(&error), ["cannot load", "GET: failed: no answer", "connection refused"]);
    }
}
