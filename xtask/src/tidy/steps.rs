//! Every step of CI has a row in the tables of README.md and docs/CONTRIBUTING.md, and no row is of a step that is gone.

use std::path::Path;

use anyhow::{Context, Result};
use clap::ValueEnum as _;

use super::Finding;
use crate::ci::Step;
use crate::project::Project;

/// A file, and what stands before the name of a step in a row of its table.
const TABLES: [(&str, &str); 2] = [("README.md", "| `"), ("docs/CONTRIBUTING.md", "| `cargo xtask ci ")];

pub(super) fn check(project: &Project) -> Result<Vec<Finding>> {
    let names = names();
    let mut findings = Vec::new();
    for (file, start) in TABLES {
        let text = std::fs::read_to_string(project.root.join(file)).with_context(|| format!("reading {file}"))?;
        findings.extend(compare(Path::new(file), &table(&text, start), &names));
    }
    Ok(findings)
}

fn names() -> Vec<String> {
    let values = Step::value_variants().iter().filter_map(Step::to_possible_value);
    values.map(|value| value.get_name().to_owned()).collect()
}

/// The lines and names of the rows: those of the first table whose heading says so, up to its end.
fn table<'t>(text: &'t str, start: &str) -> Vec<(usize, &'t str)> {
    let lines = (1..).zip(text.lines());
    let rows = lines.skip_while(|(_, line)| !is_heading(line)).skip(2).take_while(|(_, line)| line.starts_with('|'));
    rows.filter_map(|(number, line)| {
        let rest = line.strip_prefix(start)?;
        Some((number, rest.split(|char: char| !char.is_ascii_lowercase() && char != '-').next()?))
    })
    .collect()
}

fn is_heading(line: &str) -> bool {
    line.starts_with("| step |") || line.starts_with("| command | does | needs")
}

fn compare(file: &Path, rows: &[(usize, &str)], names: &[String]) -> Vec<Finding> {
    let first = rows.first().map_or(1, |(line, _)| *line);
    let missing = names.iter().filter(|name| !rows.iter().any(|(_, row)| row == name));
    let gone = rows.iter().filter(|(_, row)| !names.iter().any(|name| name == row));
    missing
        .map(|name| Finding::new(file, first, format!("add a row for the step `{name}` of cargo xtask ci")))
        .chain(gone.map(|(line, row)| Finding::new(file, *line, format!("there is no step `{row}` of cargo xtask ci"))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_row_and_one_too_many_are_found() {
        let text = "\n| step | does |\n|---|---|\n| `fmt` | a |\n| `old` | b |\n\n| `later` | c |\n";
        let rows = table(text, "| `");
        assert_eq!(rows, [(4, "fmt"), (5, "old")]);
        let names = ["fmt".to_owned(), "new".to_owned()];
        let found: Vec<_> =
            compare(Path::new("README.md"), &rows, &names).into_iter().map(|finding| finding.what).collect();
        assert_eq!(
            found,
            ["add a row for the step `new` of cargo xtask ci", "there is no step `old` of cargo xtask ci"]
        );
    }

    #[test]
    fn a_command_names_its_step_first() {
        let text = "| command | does | needs besides Rust |\n|---|---|---|\n| `cargo xtask ci tidy`, or `cargo xtask tidy` | a | |\n";
        assert_eq!(table(text, "| `cargo xtask ci "), [(3, "tidy")]);
    }
}
