//! The tables as Markdown.

use anyhow::{Context, Result};

use super::matrix::{Matrix, Row, SchemeRow};
use super::records::Outcome;

const BEGIN: &str =
    "<!-- made by `cargo xtask backends --write` of what the tests have asserted; never edit it by hand -->";
const END: &str = "<!-- end of what is made -->";

const INTRODUCTION: &str = "\
# Backends

What every backend can do. `cargo xtask backends --write` makes this file of what the tests of each backend have asserted, each at its
end; `cargo xtask ci` fails when they assert something else. The servers are real ones on loopback; those of object stores speak the protocols of the
clouds and are not the clouds, see [Object stores](CONTRIBUTING.md#object-stores).

## Schemes

";

const LEGEND: &str = "
## Behaviours

The suite of [tfjs-testkit](../crates/tfjs-testkit/README.md) is one list of behaviours, each a test of every backend.

- **yes**: the backend has shown it.
- **no**: the medium cannot, and the test has seen what the note says in its place.
- **-**: there is nothing that it could be tried with, for the reason that the note gives.
";

const NOTES: &str = "
## Notes

";

const SUITES: &str = "
## Suites

Where the tests ran, and how many behaviours they have shown, seen refused, and had nothing for. A column above is what all of its
suites have recorded alike.

| column | suite | where | yes | no | - |
|---|---|---|---|---|---|
";

/// The whole of `docs/backends.md`.
pub(super) fn document(matrix: &Matrix) -> String {
    let mut notes = Notes::default();
    let behaviours = behaviours(matrix, &mut notes);
    [INTRODUCTION, &schemes(matrix), LEGEND, &behaviours, NOTES, &notes.text(), SUITES, &suites(matrix)].concat()
}

/// The table of schemes.
pub(super) fn schemes(matrix: &Matrix) -> String {
    let head = "| scheme | load | save | list, move, remove | tried |\n|---|---|---|---|---|\n";
    matrix.schemes.iter().fold(head.to_owned(), |table, scheme| table + &scheme_row(scheme))
}

/// A text with something else between the two marks.
pub(super) fn replaced(text: &str, inner: &str) -> Result<String> {
    let mark = |mark: &str| format!("there is no line `{mark}`");
    let (before, rest) = text.split_once(BEGIN).with_context(|| mark(BEGIN))?;
    let (_, after) = rest.split_once(END).with_context(|| mark(END))?;
    Ok(format!("{before}{BEGIN}\n\n{inner}\n{END}{after}"))
}

fn scheme_row(scheme: &SchemeRow) -> String {
    let cell = |outcome: &Outcome| match outcome {
        Outcome::Shown => "yes".to_owned(),
        Outcome::Refused(how) | Outcome::NotApplicable(how) => format!("no: {how}"),
    };
    let abilities: Vec<_> = scheme.abilities.iter().map(cell).collect();
    let places: Vec<_> = scheme.places.iter().map(|place| place.words()).collect();
    let elsewhere = scheme.elsewhere.iter().map(|(place, how)| format!("; not {}: {how}", place.words()));
    let tried = elsewhere.fold(places.join(", "), |tried, elsewhere| tried + &elsewhere);
    format!("| {} | {} | {tried} |\n", scheme.title, abilities.join(" | "))
}

/// A table for each group.
fn behaviours(matrix: &Matrix, notes: &mut Notes) -> String {
    let groups = matrix.rows.chunk_by(|one, other| one.behaviour.group == other.behaviour.group);
    groups.fold(String::new(), |text, rows| text + &group(matrix, rows, notes))
}

fn group(matrix: &Matrix, rows: &[Row], notes: &mut Notes) -> String {
    let title = rows.first().map_or("", |row| &row.behaviour.group);
    let rule = "|---".repeat(matrix.columns.len() + 1);
    let mut text = format!("\n### {title}\n\n| | {} |\n{rule}|\n", matrix.columns.join(" | "));
    for Row { behaviour, cells } in rows {
        let cells: Vec<_> = cells.iter().map(|cell| notes.cell(cell)).collect();
        let cells = cells.join(" | ");
        text.extend(["| ", &behaviour.description, " (`", &behaviour.name, "`) | ", &cells, " |\n"]);
    }
    text
}

fn suites(matrix: &Matrix) -> String {
    let row = |table: String, suite: &super::matrix::SuiteRow| {
        let (place, shown, refused) = (suite.place.words(), suite.shown, suite.refused);
        let (column, backend, not_applicable) = (suite.column, suite.backend, suite.not_applicable);
        table + &format!("| {column} | {backend} | {place} | {shown} | {refused} | {not_applicable} |\n")
    };
    matrix.suites.iter().fold(String::new(), row)
}

/// What is said of cells, numbered from 1 as they come.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn cell(&mut self, outcome: &Outcome) -> String {
        match outcome {
            Outcome::Shown => "yes".to_owned(),
            Outcome::Refused(how) => format!("no ({})", self.number(how)),
            Outcome::NotApplicable(why) => format!("- ({})", self.number(why)),
        }
    }

    fn number(&mut self, note: &str) -> usize {
        let known = self.0.iter().position(|other| other == note);
        known.unwrap_or_else(|| {
            self.0.push(note.to_owned());
            self.0.len() - 1
        }) + 1
    }

    fn text(&self) -> String {
        let lines: Vec<_> = (1..).zip(&self.0).map(|(number, note)| format!("{number}. {note}\n")).collect();
        lines.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::super::matrix::tests::matrix;
    use super::*;

    #[test]
    fn a_row_for_each_scheme() {
        let expected = "\
| scheme | load | save | list, move, remove | tried |
|---|---|---|---|---|
| `a://` | yes | yes | yes | natively, in a page |
| `b://` | yes | yes | no: it keeps no list | in workers |
| `c` | no: write only | yes | no: not here | in a page; not in workers: not here |
";
        assert_eq!(schemes(&matrix()), expected);
    }

    #[test]
    fn a_table_for_each_group_and_a_note_for_each_refusal() {
        let document = document(&matrix());
        let expected = "
### First

| | `a://` | `b://` |
|---|---|---|
| number 0 (`round_trip_is_byte_exact`) | yes | yes |

### Second

| | `a://` | `b://` |
|---|---|---|
| number 1 (`list_after_save`) | yes | no (1) |
| number 2 (`remove_then_load_is_not_found`) | yes | no (1) |
| number 3 (`move_deletes_source_only_after_success`) | yes | no (1) |

## Notes

1. it keeps no list

";
        assert!(document.contains(expected), "{document}");
        assert!(
            document.ends_with(
                "| `a://` | a:// (y) | natively | 4 | 0 | 0 |\n| `b://` | b:// | in workers | 1 | 3 | 0 |\n"
            )
        );
    }

    #[test]
    fn what_is_between_the_marks_is_replaced_and_nothing_else() {
        let text = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let once = replaced(&text, "new\n").unwrap();
        assert_eq!(once, format!("a\n{BEGIN}\n\nnew\n\n{END}\nb\n"));
        assert_eq!(replaced(&once, "new\n").unwrap(), once);
        assert!(replaced("a\n", "new\n").unwrap_err().to_string().starts_with("there is no line `<!-- made by"));
        assert!(replaced(BEGIN, "new\n").unwrap_err().to_string().starts_with("there is no line `<!-- end"));
    }
}
