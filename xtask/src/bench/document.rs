//! The measured part of docs/performance.md, between two marker lines; what stands around it is written by people.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::line::Line;
use super::machine::Machine;
use super::table;
use super::works;
use crate::project::Project;

const BEGIN: &str = "<!-- measured: written by `cargo xtask bench --write` -->";
const END: &str = "<!-- /measured -->";

/// Writes the lines that were measured. Those of other works stay as they are if they are of this machine.
pub(super) fn write(project: &Project, machine: &Machine, lines: &[Line]) -> Result<()> {
    let path = project.root.join("docs").join("performance.md");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let works = || works::all().map(|work| work.work);
    let machine = machine.to_string();
    let is_of_this = text.lines().any(|line| line == machine);
    let is_complete = works().all(|work| lines.iter().any(|line| line.work == work));
    ensure!(is_of_this || is_complete, "the table is of another machine, or of other versions: write all of it");
    let measured = format!("{machine}\n\n{}", table::for_markdown(works(), lines, &text));
    let text = replace(&text, &measured).with_context(|| format!("{} lacks its markers", path.display()))?;
    fs::write(&path, text)?;
    eprintln!("{} is written", path.display());
    Ok(())
}

/// The text with something else between its markers.
fn replace(text: &str, measured: &str) -> Result<String> {
    let (before, rest) = text.split_once(BEGIN).with_context(|| format!("there is no line `{BEGIN}`"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("there is no line `{END}` below"))?;
    Ok(format!("{before}{BEGIN}\n\n{measured}\n\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_markers_changes() {
        let text = format!("# Title\n\n{BEGIN}\nold\n{END}\n\nbelow\n");
        let new = replace(&text, "new").unwrap();
        assert_eq!(new, format!("# Title\n\n{BEGIN}\n\nnew\n\n{END}\n\nbelow\n"));
        assert_eq!(replace(&new, "new").unwrap(), new);
    }

    #[test]
    fn a_text_without_markers_is_left_alone() {
        assert!(replace("nothing", "new").is_err());
        assert!(replace(&format!("{END}\n{BEGIN}\n"), "new").is_err());
    }
}
