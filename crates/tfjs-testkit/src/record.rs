//! What a run has seen, as lines that somebody can make a table of.

use crate::suite::BEHAVIOURS;

/// What a behaviour or an ability has turned out to be in one backend, said by the code that has just asserted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "who runs a case by hand asks what it has seen"]
#[expect(clippy::exhaustive_enums, reason = "who makes a table of them has to have a cell for each")]
pub enum Outcome {
    /// The backend does it.
    Shown,
    /// The medium cannot, and what is said here is what was seen in its place.
    Refused(&'static str),
    /// There is nothing that it could be tried with, and here is why.
    NotApplicable(&'static str),
}

/// What a scheme is good for, as a whole. The suite proves all of it; a backend that can do only a part, and so cannot run the suite,
/// records what its own tests have proven with [`record_ability`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these are the methods of a router")]
pub enum Ability {
    /// Models are loaded from there.
    Load,
    /// Models are saved there.
    Save,
    /// Models are listed, moved and removed.
    Manage,
}

/// The environment variable that names the folder where records go. Without it nothing is recorded, but in a browser, where each
/// record is a line on the console that begins with [`RECORD_PREFIX`].
pub const RECORDS_VARIABLE: &str = "TFJS_TESTKIT_RECORDS";

/// What a record on a browser's console begins with.
pub const RECORD_PREFIX: &str = "tfjs-testkit record: ";

/// Records that a behaviour has passed, as every test of [`conformance_suite!`](crate::conformance_suite) does at its end.
///
/// A record is a line of JSON: the name of the backend, the behaviour with its place in [`BEHAVIOURS`], the outcome, and where in the source
/// this is called or, in a suite, where the suite is expanded: two suites that took one name can be told apart.
///
/// # Panics
///
/// If there is no such behaviour, or the record cannot be written.
#[track_caller]
pub fn record_behaviour(backend: &str, name: &str, outcome: Outcome) {
    let index = BEHAVIOURS.iter().position(|behaviour| behaviour.name == name);
    let index = index.unwrap_or_else(|| panic!("there is no behaviour `{name}`"));
    let behaviour = BEHAVIOURS.get(index).expect("it was found there");
    emit(&serde_json::json!({
        "backend": backend,
        "behaviour": name,
        "group": behaviour.group,
        "description": behaviour.description,
        "index": index,
        "of": BEHAVIOURS.len(),
        "outcome": outcome.name(),
        "how": outcome.how(),
        "test": caller(),
    }));
}

/// Records what a backend without a suite can do, or is seen to refuse. It stands at the end of the test that has proven it.
///
/// # Panics
///
/// If the record cannot be written.
#[track_caller]
pub fn record_ability(backend: &str, ability: Ability, outcome: Outcome) {
    emit(&serde_json::json!({
        "backend": backend,
        "ability": ability.name(),
        "outcome": outcome.name(),
        "how": outcome.how(),
        "test": caller(),
    }));
}

/// Where in the source a test is: the file and the line.
#[track_caller]
fn caller() -> String {
    let caller = std::panic::Location::caller();
    format!("{}:{}", caller.file(), caller.line())
}

/// One file for each process, to which its tests append.
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
fn emit(record: &serde_json::Value) {
    use std::io::Write as _;

    let Some(folder) = std::env::var_os(RECORDS_VARIABLE) else { return };
    let path = std::path::Path::new(&folder).join(format!("{}.jsonl", std::process::id()));
    let file = std::fs::File::options().create(true).append(true).open(&path);
    // In one piece, so that tests that run at once do not write into each other's lines.
    let written = file.and_then(|mut file| file.write_all(format!("{record}\n").as_bytes()));
    written.unwrap_or_else(|error| panic!("cannot record in {}: {error}", path.display()));
}

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
fn emit(record: &serde_json::Value) {
    web_sys::console::log_1(&format!("{RECORD_PREFIX}{record}").into());
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Refused(_) => "refused",
            Self::NotApplicable(_) => "not-applicable",
        }
    }

    fn how(self) -> &'static str {
        match self {
            Self::Shown => "",
            Self::Refused(how) | Self::NotApplicable(how) => how,
        }
    }
}

impl Ability {
    fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Save => "save",
            Self::Manage => "manage",
        }
    }
}
