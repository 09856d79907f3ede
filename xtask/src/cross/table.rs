//! One line for each target.

use std::fmt;

use super::digests::Agreement;
use crate::counted::Count;

pub(super) struct Line {
    pub(super) target: String,
    pub(super) shown: Shown,
}

/// What was shown for a target.
pub(super) enum Shown {
    /// The tests ran, and the command decoded the models.
    Ran { tests: Count, digests: Agreement },
    /// Other tests, in a browser.
    InBrowser(Count),
    /// These crates compile.
    Checked(Vec<String>),
    /// It could not be tried.
    Failed(String),
}

impl Line {
    /// Every test counts, and every other thing shown as one.
    pub(super) fn count(&self) -> Count {
        let one = |is_good: bool| Count { passed: usize::from(is_good), failed: usize::from(!is_good) };
        match &self.shown {
            Shown::Ran { tests, digests } => tests.plus(one(digests.is_clean())),
            Shown::InBrowser(tests) => *tests,
            Shown::Checked(crates) => one(!crates.is_empty()),
            Shown::Failed(_) => one(false),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<26} ", self.target)?;
        match &self.shown {
            Shown::Ran { tests, digests } if digests.is_clean() => {
                write!(f, "{tests}; digests equal: {} models, {} tensors", digests.models, digests.tensors)
            }
            Shown::Ran { tests, digests } => {
                write!(f, "{tests}; DIGESTS DIFFER ({} models equal)", digests.models)?;
                digests.differences.iter().try_for_each(|difference| write!(f, "\n    {difference}"))
            }
            Shown::InBrowser(tests) => write!(f, "{tests}; in Chromium"),
            Shown::Checked(crates) => write!(f, "{} crates checked, nothing run: {}", crates.len(), crates.join(", ")),
            Shown::Failed(why) => write!(f, "FAILED: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(shown: Shown) -> Line {
        Line { target: "s390x-unknown-linux-gnu".to_owned(), shown }
    }

    #[test]
    fn equal_digests_count_as_one_more() {
        let digests = Agreement { models: 2, tensors: 30, differences: Vec::new() };
        let line = line(Shown::Ran { tests: Count { passed: 7, failed: 0 }, digests });
        assert_eq!(line.count(), Count { passed: 8, failed: 0 });
        let text = line.to_string();
        assert_eq!(text, "s390x-unknown-linux-gnu    7 passed, 0 failed; digests equal: 2 models, 30 tensors");
    }

    #[test]
    fn what_differs_or_was_not_tried_fails() {
        let digests = Agreement { models: 1, tensors: 3, differences: vec!["a: tensor".to_owned()] };
        let ran = line(Shown::Ran { tests: Count { passed: 7, failed: 0 }, digests });
        assert_eq!(ran.count(), Count { passed: 7, failed: 1 });
        assert!(ran.to_string().ends_with("\n    a: tensor"), "{ran}");
        assert_eq!(line(Shown::Failed("no linker".to_owned())).count().failed, 1);
        assert_eq!(line(Shown::Checked(Vec::new())).count().failed, 1);
    }
}
