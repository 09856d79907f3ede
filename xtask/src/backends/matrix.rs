//! Records, put into rows and columns. What is missing, unknown or contradicts itself is an error, and all of it is told at once.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use super::Place;
use super::columns::{COLUMNS, Column, Proof, SCHEMES, Scheme};
use super::records::{Ability, Behaviour, Fact, Outcome, Record};

/// What a scheme's columns have shown for each of its abilities.
const PROVES: [(Ability, &[&str]); 3] = [
    (Ability::Load, &["round_trip_is_byte_exact"]),
    (Ability::Save, &["round_trip_is_byte_exact"]),
    (Ability::Manage, &["list_after_save", "remove_then_load_is_not_found", "move_deletes_source_only_after_success"]),
];

/// The tables, filled.
pub(super) struct Matrix {
    /// From left to right.
    pub(super) columns: Vec<&'static str>,
    /// From top to bottom.
    pub(super) rows: Vec<Row>,
    pub(super) schemes: Vec<SchemeRow>,
    pub(super) suites: Vec<SuiteRow>,
}

/// A behaviour, with a cell for each column.
pub(super) struct Row {
    pub(super) behaviour: Behaviour,
    pub(super) cells: Vec<Outcome>,
}

/// A scheme.
pub(super) struct SchemeRow {
    pub(super) title: &'static str,
    /// In the order of [`Ability::ALL`].
    pub(super) abilities: Vec<Outcome>,
    pub(super) places: Vec<Place>,
    /// Where it was seen to be refused, and how.
    pub(super) elsewhere: Vec<(Place, String)>,
}

/// A suite that has run.
pub(super) struct SuiteRow {
    pub(super) column: &'static str,
    pub(super) backend: &'static str,
    pub(super) place: Place,
    pub(super) shown: usize,
    pub(super) refused: usize,
    pub(super) not_applicable: usize,
}

/// A backend in one place.
type Key<'r> = (&'r str, Place);

/// Records by what they are of, and what is wrong with them.
#[derive(Default)]
struct Facts<'r> {
    behaviours: BTreeMap<usize, &'r Behaviour>,
    suites: BTreeMap<Key<'r>, BTreeMap<&'r str, &'r Outcome>>,
    abilities: BTreeMap<Key<'r>, BTreeMap<Ability, &'r Outcome>>,
    /// Who has recorded something of a backend: which suite, or which test of an ability.
    tests: BTreeMap<(Key<'r>, Option<Ability>), &'r str>,
    problems: Vec<String>,
}

impl Matrix {
    pub(super) fn new(records: &[Record]) -> Result<Self> {
        Self::of(COLUMNS, SCHEMES, records)
    }

    fn of(columns: &'static [Column], schemes: &'static [Scheme], records: &[Record]) -> Result<Self> {
        let mut facts = Facts::new(records);
        facts.find_unknown(columns, schemes);
        facts.find_missing(columns, schemes);
        // Without all facts, there is no use in what the rest would say of them.
        facts.judge()?;

        let rows = facts.rows(columns);
        let schemes = schemes.iter().filter_map(|scheme| facts.scheme(columns, scheme)).collect();
        facts.judge()?;
        let titles = columns.iter().map(|column| column.title).collect();
        Ok(Self { columns: titles, rows, schemes, suites: facts.suites(columns) })
    }

    pub(super) fn summary(&self) -> String {
        let (suites, behaviours) = (self.suites.len(), self.rows.len());
        format!("the tables are what {suites} runs of {behaviours} behaviours have shown")
    }
}

impl<'r> Facts<'r> {
    fn new(records: &'r [Record]) -> Self {
        let mut facts = Self::default();
        for record in records {
            let key = (record.backend.as_str(), record.place);
            if !facts.is_of_one_test(key, record) {
                // What the other one has seen says nothing of this one.
                continue;
            }
            let before = match &record.fact {
                Fact::Behaviour(behaviour) => {
                    let known = facts.behaviours.entry(behaviour.index).or_insert(behaviour);
                    if *known != behaviour {
                        facts
                            .problems
                            .push(format!("two suites know different behaviours: {known:?} and {behaviour:?}"));
                    }
                    facts.suites.entry(key).or_default().insert(&behaviour.name, &record.outcome)
                }
                Fact::Ability(ability) => facts.abilities.entry(key).or_default().insert(*ability, &record.outcome),
            };
            if let Some(before) = before.filter(|before| **before != record.outcome) {
                let (now, title) = (&record.outcome, title(key));
                facts.problems.push(format!("{title} has recorded of {}: {before:?} and {now:?}", record.fact.name()));
            }
        }
        facts
    }

    /// Whether nobody else has recorded under that name: two would make one column, in which nobody saw that one of them had not run.
    fn is_of_one_test(&mut self, key: Key<'r>, record: &'r Record) -> bool {
        let (ability, what) = match record.fact {
            Fact::Behaviour(_) => (None, "suites".to_owned()),
            Fact::Ability(ability) => (Some(ability), format!("tests of `{}`", ability.name())),
        };
        let known = *self.tests.entry((key, ability)).or_insert(&record.test);
        if known == record.test {
            return true;
        }
        let (title, test) = (title(key), &record.test);
        let problem =
            format!("{title} is the name of two {what}, of {known} and of {test}: give each a name of its own");
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
        false
    }

    fn judge(&self) -> Result<()> {
        if !self.problems.is_empty() {
            bail!("the records make no table:\n{}", self.problems.join("\n"));
        }
        Ok(())
    }

    fn find_unknown(&mut self, columns: &[Column], schemes: &[Scheme]) {
        let known: BTreeSet<_> = expected_suites(columns).collect();
        for key in self.suites.keys().filter(|key| !known.contains(*key)) {
            self.problems.push(format!("{} is in no column: name it in xtask/src/backends/columns.rs", title(*key)));
        }
        let known: BTreeSet<_> = expected_abilities(schemes).collect();
        for key in self.abilities.keys().filter(|key| !known.contains(*key)) {
            self.problems.push(format!("{} is no scheme: name it in xtask/src/backends/columns.rs", title(*key)));
        }
    }

    fn find_missing(&mut self, columns: &[Column], schemes: &[Scheme]) {
        let count = self.behaviours.values().map(|behaviour| behaviour.of).max().unwrap_or_default();
        if count == 0 || self.behaviours.len() != count {
            self.problems.push(format!("{} of {count} behaviours have been recorded", self.behaviours.len()));
        }
        for key in expected_suites(columns) {
            let empty = BTreeMap::new();
            let seen = self.suites.get(&key).unwrap_or(&empty);
            let names = self.behaviours.values().map(|behaviour| behaviour.name.as_str());
            let missing: Vec<_> = names.filter(|name| !seen.contains_key(name)).collect();
            if let Some(first) = missing.first() {
                let number = missing.len();
                let what = format!("{} lacks {number} of {count} records, the first of `{first}`", title(key));
                self.problems.push(format!("{what}: it did not run, or not to its end"));
            }
        }
        for key in expected_abilities(schemes) {
            let seen = self.abilities.get(&key);
            for ability in Ability::ALL.iter().filter(|ability| seen.is_none_or(|seen| !seen.contains_key(ability))) {
                self.problems.push(format!("{} lacks a record of `{}`", title(key), ability.name()));
            }
        }
    }

    fn rows(&mut self, columns: &[Column]) -> Vec<Row> {
        let mut rows = Vec::new();
        for behaviour in self.behaviours.clone().into_values() {
            let cells = columns.iter().filter_map(|column| self.cell(column, &behaviour.name)).collect();
            rows.push(Row { behaviour: behaviour.clone(), cells });
        }
        rows
    }

    /// What all suites of a column have seen.
    fn cell(&mut self, column: &Column, behaviour: &str) -> Option<Outcome> {
        let suites = expected_suites(std::slice::from_ref(column));
        let seen: Vec<_> = suites.filter_map(|key| Some((key, *self.suites.get(&key)?.get(behaviour)?))).collect();
        let (first, outcome) = seen.first()?;
        if let Some((other, differs)) = seen.iter().find(|(_, other)| other != outcome) {
            self.problems.push(format!(
                "`{behaviour}`: {} has recorded {outcome:?}, and {} {differs:?}: one column cannot say both; give each its own",
                title(*first),
                title(*other)
            ));
        }
        Some((*outcome).clone())
    }

    fn scheme(&mut self, columns: &[Column], scheme: &Scheme) -> Option<SchemeRow> {
        match scheme.proof {
            Proof::Columns(titles) => {
                let columns: Vec<_> = columns.iter().filter(|column| titles.contains(&column.title)).collect();
                self.scheme_of_columns(scheme.title, &columns)
            }
            Proof::Abilities { backend, places } => self.scheme_of_abilities(scheme.title, backend, places),
        }
    }

    fn scheme_of_columns(&mut self, title: &'static str, columns: &[&Column]) -> Option<SchemeRow> {
        let mut abilities = Vec::new();
        for (ability, proofs) in PROVES {
            let mut cells = Vec::new();
            for column in columns {
                cells.extend(proofs.iter().filter_map(|proof| self.cell(column, proof)));
            }
            abilities.push(self.one(title, ability, cells)?);
        }
        let places = columns.iter().flat_map(|column| column.suites).flat_map(|suite| suite.places);
        let places: BTreeSet<_> = places.copied().collect();
        Some(SchemeRow { title, abilities, places: places.into_iter().collect(), elsewhere: Vec::new() })
    }

    fn scheme_of_abilities(&mut self, title: &'static str, backend: &str, places: &[Place]) -> Option<SchemeRow> {
        let seen: Vec<_> =
            places.iter().filter_map(|place| Some((*place, self.abilities.get(&(backend, *place))?.clone()))).collect();
        let works = |abilities: &BTreeMap<Ability, &Outcome>| {
            [Ability::Load, Ability::Save].iter().any(|ability| abilities.get(ability) == Some(&&Outcome::Shown))
        };
        let (there, elsewhere): (Vec<_>, Vec<_>) = seen.into_iter().partition(|(_, abilities)| works(abilities));
        let mut abilities = Vec::new();
        for ability in Ability::ALL {
            let outcomes = there.iter().filter_map(|(_, seen)| seen.get(&ability).map(|outcome| (*outcome).clone()));
            abilities.push(self.one(title, ability, outcomes.collect())?);
        }
        let how = |outcome: &Outcome| outcome.how().to_owned();
        let elsewhere = elsewhere.into_iter().filter_map(|(place, seen)| Some((place, how(seen.get(&Ability::Save)?))));
        let places = there.iter().map(|(place, _)| *place).collect();
        Some(SchemeRow { title, abilities, places, elsewhere: elsewhere.collect() })
    }

    /// What all that proves an ability says of it: that it is there, or that it is not.
    fn one(&mut self, scheme: &str, ability: Ability, outcomes: Vec<Outcome>) -> Option<Outcome> {
        let is_shown = |outcome: &Outcome| *outcome == Outcome::Shown;
        if !outcomes.iter().all(is_shown) && outcomes.iter().any(is_shown) {
            self.problems.push(format!("{scheme}: `{}` is there, and is not: {outcomes:?}", ability.name()));
        }
        let first = outcomes.into_iter().next();
        if first.is_none() {
            self.problems.push(format!("{scheme}: nothing proves `{}`", ability.name()));
        }
        first
    }

    fn suites(&self, columns: &[Column]) -> Vec<SuiteRow> {
        let mut rows = Vec::new();
        for column in columns {
            for suite in column.suites {
                rows.extend(suite.places.iter().map(|place| {
                    let outcomes = self.suites.get(&(suite.backend, *place)).into_iter().flat_map(BTreeMap::values);
                    let mut row = SuiteRow {
                        column: column.title,
                        backend: suite.backend,
                        place: *place,
                        shown: 0,
                        refused: 0,
                        not_applicable: 0,
                    };
                    for outcome in outcomes {
                        match outcome {
                            Outcome::Shown => row.shown += 1,
                            Outcome::Refused(_) => row.refused += 1,
                            Outcome::NotApplicable(_) => row.not_applicable += 1,
                        }
                    }
                    row
                }));
            }
        }
        rows
    }
}

impl Fact {
    fn name(&self) -> &str {
        match self {
            Self::Behaviour(behaviour) => &behaviour.name,
            Self::Ability(ability) => ability.name(),
        }
    }
}

impl Outcome {
    pub(super) fn how(&self) -> &str {
        match self {
            Self::Shown => "",
            Self::Refused(how) | Self::NotApplicable(how) => how,
        }
    }
}

fn title((backend, place): Key<'_>) -> String {
    format!("`{backend}` {}", place.words())
}

fn expected_suites(columns: &[Column]) -> impl Iterator<Item = Key<'static>> {
    let suites = columns.iter().flat_map(|column| column.suites);
    suites.flat_map(|suite| suite.places.iter().map(|place| (suite.backend, *place)))
}

fn expected_abilities(schemes: &[Scheme]) -> impl Iterator<Item = Key<'static>> {
    schemes.iter().flat_map(|scheme| match scheme.proof {
        Proof::Abilities { backend, places } => places.iter().map(|place| (backend, *place)).collect(),
        Proof::Columns(_) => Vec::new(),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::columns::Suite;
    use super::Place::{Native, Page, Worker};
    use super::*;

    const COLUMNS: &[Column] = &[
        Column {
            title: "`a://`",
            suites: &[
                Suite { backend: "a:// (x)", places: &[Native, Page] },
                Suite { backend: "a:// (y)", places: &[Native] },
            ],
        },
        Column { title: "`b://`", suites: &[Suite { backend: "b://", places: &[Worker] }] },
    ];

    const SCHEMES: &[Scheme] = &[
        Scheme { title: "`a://`", proof: Proof::Columns(&["`a://`"]) },
        Scheme { title: "`b://`", proof: Proof::Columns(&["`b://`"]) },
        Scheme { title: "`c`", proof: Proof::Abilities { backend: "c", places: &[Page, Worker] } },
    ];

    const NAMES: [&str; 4] = [
        "round_trip_is_byte_exact",
        "list_after_save",
        "remove_then_load_is_not_found",
        "move_deletes_source_only_after_success",
    ];

    fn refused(how: &str) -> Outcome {
        Outcome::Refused(how.to_owned())
    }

    fn suite(backend: &str, place: Place, managed: &Outcome) -> Vec<Record> {
        let record = |(index, name): (usize, &str)| Record {
            place,
            backend: backend.to_owned(),
            fact: Fact::Behaviour(Behaviour {
                index,
                of: NAMES.len(),
                name: name.to_owned(),
                group: if index == 0 { "First" } else { "Second" }.to_owned(),
                description: format!("number {index}"),
            }),
            outcome: if index == 0 { Outcome::Shown } else { managed.clone() },
            test: format!("{backend}.rs:1"),
        };
        NAMES.into_iter().enumerate().map(record).collect()
    }

    fn abilities(backend: &str, place: Place, outcomes: [Outcome; 3]) -> Vec<Record> {
        let record = |(ability, outcome)| Record {
            place,
            backend: backend.to_owned(),
            fact: Fact::Ability(ability),
            outcome,
            // Each ability has a test of its own.
            test: format!("{backend}.rs:{}", ability.name()),
        };
        Ability::ALL.into_iter().zip(outcomes).map(record).collect()
    }

    fn records() -> Vec<Record> {
        let no = || refused("not here");
        [
            suite("a:// (x)", Native, &Outcome::Shown),
            suite("a:// (x)", Page, &Outcome::Shown),
            suite("a:// (y)", Native, &Outcome::Shown),
            suite("b://", Worker, &refused("it keeps no list")),
            abilities("c", Page, [refused("write only"), Outcome::Shown, no()]),
            abilities("c", Worker, [no(), no(), no()]),
        ]
        .concat()
    }

    /// Two columns, one of which refuses some, and a scheme without a suite.
    pub(in crate::backends) fn matrix() -> Matrix {
        Matrix::of(COLUMNS, SCHEMES, &records()).unwrap()
    }

    #[track_caller]
    fn check(records: &[Record], expected: &str) {
        let error = Matrix::of(COLUMNS, SCHEMES, records).map(drop).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn every_cell_is_what_was_recorded() {
        let matrix = matrix();
        assert_eq!(matrix.rows.iter().map(|row| row.behaviour.name.as_str()).collect::<Vec<_>>(), NAMES);
        assert_eq!(matrix.rows[0].cells, [Outcome::Shown, Outcome::Shown]);
        assert_eq!(matrix.rows[1].cells, [Outcome::Shown, refused("it keeps no list")]);
        let [a, b, c] = matrix.schemes.as_slice() else { panic!("{}", matrix.schemes.len()) };
        assert_eq!(a.abilities, [Outcome::Shown, Outcome::Shown, Outcome::Shown]);
        assert_eq!(a.places, [Native, Page]);
        assert_eq!(b.abilities, [Outcome::Shown, Outcome::Shown, refused("it keeps no list")]);
        assert_eq!(c.abilities, [refused("write only"), Outcome::Shown, refused("not here")]);
        assert_eq!((&*c.places, &*c.elsewhere), (&[Page][..], &[(Worker, "not here".to_owned())][..]));
        let counts: Vec<_> = matrix.suites.iter().map(|suite| (suite.shown, suite.refused)).collect();
        assert_eq!(counts, [(4, 0), (4, 0), (4, 0), (1, 3)]);
    }

    #[test]
    fn a_record_twice_is_no_other_record() {
        assert!(Matrix::of(COLUMNS, SCHEMES, &[records(), records()].concat()).is_ok());
    }

    #[test]
    fn a_name_of_two_suites_is_an_error_that_names_both() {
        let twice = |backend: &str, ability: Option<Ability>| {
            let of = |record: &Record| match &record.fact {
                Fact::Behaviour(_) => record.backend == backend && ability.is_none(),
                Fact::Ability(found) => record.backend == backend && Some(*found) == ability,
            };
            let again = records().into_iter().filter(of);
            again.map(|record| Record { test: "other.rs:7".to_owned(), ..record }).collect::<Vec<_>>()
        };
        check(
            &[records(), twice("b://", None)].concat(),
            "`b://` in workers is the name of two suites, of b://.rs:1 and of other.rs:7: give each a name of its own",
        );
        check(
            &[records(), twice("c", Some(Ability::Save))].concat(),
            "`c` in a page is the name of two tests of `save`, of c.rs:save and of other.rs:7",
        );
    }

    #[test]
    fn a_suite_that_did_not_run_is_an_error() {
        let mut records = records();
        records.retain(|record| record.backend != "b://");
        check(&records, "`b://` in workers lacks 4 of 4 records, the first of `round_trip_is_byte_exact`");
        check(&[], "0 of 0 behaviours have been recorded");
    }

    #[test]
    fn a_test_that_did_not_pass_is_an_error() {
        for index in 0..records().len() {
            let mut records = records();
            let Record { backend, fact, .. } = records.remove(index);
            check(&records, if backend == "c" { "`c` in " } else { fact.name() });
        }
    }

    #[test]
    fn a_behaviour_that_nobody_recorded_is_an_error() {
        let mut records = records();
        records.retain(|record| record.fact.name() != NAMES[2]);
        check(&records, "3 of 4 behaviours have been recorded");
    }

    #[test]
    fn a_suite_without_a_column_is_an_error() {
        let new = suite("new://", Native, &Outcome::Shown);
        check(&[records(), new].concat(), "`new://` natively is in no column: name it in");
        let elsewhere = suite("b://", Page, &refused("it keeps no list"));
        check(&[records(), elsewhere].concat(), "`b://` in a page is in no column");
        let new = abilities("d", Page, [const { Outcome::Shown }; 3]);
        check(&[records(), new].concat(), "`d` in a page is no scheme");
    }

    #[test]
    fn suites_of_one_column_have_to_agree() {
        let mut records = records();
        let other = records.iter_mut().find(|record| record.backend == "a:// (y)").unwrap();
        other.outcome = Outcome::NotApplicable("no reason".to_owned());
        check(&records, "`a:// (x)` natively has recorded Shown, and `a:// (y)` natively NotApplicable(\"no reason\")");
    }

    #[test]
    fn a_suite_that_contradicts_itself_is_an_error() {
        let again = suite("b://", Worker, &Outcome::Shown);
        check(&[records(), again].concat(), "`b://` in workers has recorded of list_after_save: Refused");
    }

    #[test]
    fn an_ability_by_halves_is_an_error() {
        let mut records = records();
        let moves = records.iter_mut().find(|record| record.backend == "b://" && record.fact.name() == NAMES[3]);
        moves.unwrap().outcome = Outcome::Shown;
        check(&records, "`b://`: `manage` is there, and is not");
    }
}
