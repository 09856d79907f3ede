//! Which lines are in one list only. A line that stands elsewhere is the same line.

use std::collections::BTreeMap;
use std::fmt;

/// At least one line differs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// What is compared.
    name: String,
    pub(super) gone: Vec<String>,
    pub(super) came: Vec<String>,
}

impl Difference {
    pub(super) fn between(name: String, before: &[String], after: &[String]) -> Option<Self> {
        let (gone, came) = (without(before, after), without(after, before));
        (!gone.is_empty() || !came.is_empty()).then_some(Self { name, gone, came })
    }

    /// Each line with the word for the list that it is in: the first for those that are gone.
    pub(super) fn lines(&self, words: [&str; 2]) -> Vec<String> {
        let [gone, came] = words;
        let marked =
            |word: &str, lines: &[String]| lines.iter().map(|line| format!("{word}: {line}")).collect::<Vec<_>>();
        [marked(gone, &self.gone), marked(came, &self.came)].concat()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:", self.name)?;
        self.gone.iter().try_for_each(|line| writeln!(f, "- {line}"))?;
        self.came.iter().try_for_each(|line| writeln!(f, "+ {line}"))
    }
}

/// The lines of `all` that `others` lacks, in their order. Of a line that `all` has twice and `others` once, one is left.
fn without(all: &[String], others: &[String]) -> Vec<String> {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for line in others {
        *left.entry(line).or_default() += 1;
    }
    let mut is_lacking = |line: &&String| match left.get_mut(line.as_str()).filter(|count| **count > 0) {
        Some(count) => {
            *count -= 1;
            false
        }
        None => true,
    };
    all.iter().filter(|line| is_lacking(line)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(words: &str) -> Vec<String> {
        words.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_same_lines_in_another_order_are_no_difference() {
        assert_eq!(Difference::between("x".to_owned(), &lines("a b b"), &lines("b a b")), None);
    }

    #[test]
    fn each_side_tells_what_only_it_has() {
        let difference = Difference::between("x".to_owned(), &lines("a b b c"), &lines("d b c")).unwrap();
        assert_eq!(difference.to_string(), "x:\n- a\n- b\n+ d\n");
        assert_eq!(difference.lines(["then", "now"]), ["then: a", "then: b", "now: d"]);
    }
}
