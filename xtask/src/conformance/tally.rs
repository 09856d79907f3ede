//! The score, by kind of model, and the lines that tell of it.

use std::fmt;

use super::subjects::{Kind, Subject};
use crate::comparison::Comparison;

#[derive(Default)]
pub(super) struct Tally {
    read: Vec<(Kind, Score)>,
    written: Vec<(Kind, Score)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Score {
    models: usize,
    clean_models: usize,
    tensors: usize,
    equal_tensors: usize,
}

impl Tally {
    pub(super) fn add_read(&mut self, subject: &Subject, comparison: &Comparison) {
        self.read.push((subject.kind, score(subject, comparison)));
    }

    pub(super) fn add_written(&mut self, subject: &Subject, comparison: &Comparison) {
        self.written.push((subject.kind, score(subject, comparison)));
    }

    /// Everything was equal, and there was something of every kind, read and written.
    pub(super) fn is_clean(&self) -> bool {
        [&self.read, &self.written]
            .into_iter()
            .all(|scores| Kind::ALL.into_iter().all(|kind| sum(scores, kind).is_clean()))
    }
}

/// One broken rule breaks hundreds of tensors alike.
const SHOWN: usize = 10;

fn score(subject: &Subject, comparison: &Comparison) -> Score {
    let verdict = if comparison.is_clean() { "ok" } else { "DIFFERS" };
    println!("  {:<11} {:<28} {:>4} tensors  {verdict}", subject.kind.plural(), subject.name, comparison.expected);
    for difference in comparison.differences.iter().take(SHOWN) {
        println!("      {}: {difference}", subject.name);
    }
    if let Some(more @ 1..) = comparison.differences.len().checked_sub(SHOWN) {
        println!("      {}: and {more} more", subject.name);
    }
    Score {
        models: 1,
        clean_models: usize::from(comparison.is_clean()),
        tensors: comparison.expected,
        equal_tensors: comparison.equal,
    }
}

fn sum(scores: &[(Kind, Score)], kind: Kind) -> Score {
    scores.iter().filter(|(of, _)| *of == kind).fold(Score::default(), |sum, (_, score)| Score {
        models: sum.models + score.models,
        clean_models: sum.clean_models + score.clean_models,
        tensors: sum.tensors + score.tensors,
        equal_tensors: sum.equal_tensors + score.equal_tensors,
    })
}

impl Score {
    fn is_clean(&self) -> bool {
        self.models > 0 && self.tensors > 0 && self.clean_models == self.models && self.equal_tensors == self.tensors
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}, tensors {}/{}", self.clean_models, self.models, self.equal_tensors, self.tensors)
    }
}

/// The published models last: theirs is the line that people look for.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for kind in Kind::ALL.into_iter().rev() {
            writeln!(f, "reverse {} {}", kind.plural(), sum(&self.written, kind))?;
        }
        let lines = Kind::ALL.into_iter().rev().map(|kind| format!("{} {}", kind.plural(), sum(&self.read, kind)));
        f.write_str(&lines.collect::<Vec<_>>().join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(kind: Kind) -> Subject {
        Subject { kind, name: "m".to_owned(), path: "m".into() }
    }

    fn comparison(equal: usize, expected: usize) -> Comparison {
        Comparison { equal, expected, differences: Vec::new() }
    }

    fn clean() -> Tally {
        let mut tally = Tally::default();
        for kind in Kind::ALL {
            tally.add_read(&subject(kind), &comparison(2, 2));
            tally.add_written(&subject(kind), &comparison(2, 2));
        }
        tally
    }

    #[test]
    fn the_last_line_sums_up_the_published_models() {
        let mut tally = clean();
        tally.add_read(&subject(Kind::Model), &comparison(1, 3));
        assert!(tally.to_string().ends_with("\nmodels 1/2, tensors 3/5"));
        assert!(!tally.is_clean());
    }

    #[test]
    fn all_equal_is_clean_but_nothing_compared_is_not() {
        assert!(clean().is_clean());
        assert!(!Tally::default().is_clean());
        let mut tally = clean();
        tally.written.retain(|(kind, _)| *kind != Kind::Golden);
        assert!(!tally.is_clean());
    }

    #[test]
    fn one_difference_anywhere_is_not_clean() {
        let mut tally = clean();
        tally.add_written(&subject(Kind::Resharded), &Comparison::failed("`tfjs cp` failed", "why"));
        assert!(!tally.is_clean());
    }
}
