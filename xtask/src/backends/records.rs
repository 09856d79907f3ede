//! The lines that tests record, and what they say.

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::Place;

/// What one test has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) place: Place,
    pub(super) backend: String,
    pub(super) fact: Fact,
    pub(super) outcome: Outcome,
    /// Where in the source the test or its suite is.
    pub(super) test: String,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    Behaviour(Behaviour),
    Ability(Ability),
}

/// A test of the suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Behaviour {
    /// From 0, in the order of the table.
    pub(super) index: usize,
    /// How many behaviours there are.
    pub(super) of: usize,
    pub(super) name: String,
    pub(super) group: String,
    pub(super) description: String,
}

/// What a backend can do that is too small for the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Ability {
    Load,
    Save,
    Manage,
}

/// How it turned out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Shown,
    Refused(String),
    NotApplicable(String),
}

/// A line as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    backend: String,
    outcome: String,
    how: String,
    test: String,
    ability: Option<Ability>,
    behaviour: Option<String>,
    group: Option<String>,
    description: Option<String>,
    index: Option<usize>,
    of: Option<usize>,
}

/// The records of a file.
pub(super) fn parse(text: &str, place: Place) -> Result<Vec<Record>> {
    let lines = (1..).zip(text.lines());
    lines.map(|(number, line)| record(line, place).with_context(|| format!("line {number}: {line}"))).collect()
}

fn record(line: &str, place: Place) -> Result<Record> {
    let line: Line = serde_json::from_str(line).context("not a record")?;
    let outcome = match (line.outcome.as_str(), line.how.is_empty()) {
        ("shown", true) => Outcome::Shown,
        ("refused", false) => Outcome::Refused(line.how.clone()),
        ("not-applicable", false) => Outcome::NotApplicable(line.how.clone()),
        (other, _) => bail!("the outcome `{other}` with `{}` is none", line.how),
    };
    let (backend, test) = (line.backend.clone(), line.test.clone());
    let fact = line.fact().context("it is neither a behaviour nor an ability")?;
    Ok(Record { place, backend, fact, outcome, test })
}

impl Line {
    fn fact(self) -> Option<Fact> {
        if let Some(ability) = self.ability {
            return Some(Fact::Ability(ability));
        }
        Some(Fact::Behaviour(Behaviour {
            index: self.index?,
            of: self.of?,
            name: self.behaviour?,
            group: self.group?,
            description: self.description?,
        }))
    }
}

impl Ability {
    pub(super) const ALL: [Self; 3] = [Self::Load, Self::Save, Self::Manage];

    /// As tests name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Save => "save",
            Self::Manage => "manage",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEHAVIOUR: &str = r#"{"backend":"a://","behaviour":"b","group":"g","description":"d","index":1,"of":3,"outcome":"shown","how":"","test":"a.rs:1"}"#;

    #[test]
    fn both_kinds_of_lines() {
        let ability = r#"{"ability":"manage","backend":"a://","how":"no room","outcome":"refused","test":"b.rs:2"}"#;
        let records = parse(&format!("{BEHAVIOUR}\n{ability}\n"), Place::Worker).unwrap();
        let [first, second] = records.as_slice() else { panic!("{records:?}") };
        let Fact::Behaviour(behaviour) = &first.fact else { panic!("{first:?}") };
        assert_eq!((behaviour.name.as_str(), behaviour.index, behaviour.of), ("b", 1, 3));
        assert_eq!((first.place, &first.outcome), (Place::Worker, &Outcome::Shown));
        assert_eq!((first.test.as_str(), second.test.as_str()), ("a.rs:1", "b.rs:2"));
        assert_eq!(second.fact, Fact::Ability(Ability::Manage));
        assert_eq!(second.outcome, Outcome::Refused("no room".to_owned()));
    }

    #[test]
    fn what_is_no_record_is_an_error_that_shows_it() {
        for (from, to) in [
            ("\"shown\"", "\"well\""),
            ("\"how\":\"\"", "\"how\":\"why?\""),
            ("\"shown\"", "\"refused\""),
            ("\"index\":1,", ""),
            (",\"test\":\"a.rs:1\"", ""),
            ("\"of\":3", "\"of\":3,\"more\":1"),
            ("}", ""),
        ] {
            let line = BEHAVIOUR.replacen(from, to, 1);
            assert_ne!(line, BEHAVIOUR);
            let error = parse(&format!("{BEHAVIOUR}\n{line}\n"), Place::Native).unwrap_err();
            assert!(format!("{error:#}").starts_with(&format!("line 2: {line}")), "{error:#}");
        }
    }
}
