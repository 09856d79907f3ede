//! docs/architecture.md has a room for each crate that names its modules, and no file that is gone.

use std::path::{Path, PathBuf};

use super::Finding;
use super::crate_table::crates;

const MAP: &str = "docs/architecture.md";

/// What these are is the same in every crate.
const EVERYWHERE: [&str; 5] = ["lib.rs", "main.rs", "error.rs", "handler.rs", "options.rs"];

/// All of them from the root of the repository.
pub(super) fn check(text: &str, files: &[PathBuf]) -> Vec<Finding> {
    let rooms = rooms(text);
    let missing = crates(files).filter(|name| !rooms.iter().any(|room| room.folder == format!("crates/{name}")));
    let missing = missing.map(|name| {
        Finding::new(Path::new(MAP), 1, format!("add the line ### `crates/{name}`, and say below it what lies where"))
    });
    let of_rooms = rooms.iter().flat_map(|room| gone(room, files).into_iter().chain(unnamed(room, files)));
    missing.chain(of_rooms).collect()
}

/// What the map says of one folder: lines with their numbers.
struct Room<'t> {
    folder: &'t str,
    /// Where its heading is.
    line: usize,
    lines: Vec<(usize, &'t str)>,
}

fn rooms(text: &str) -> Vec<Room<'_>> {
    let mut rooms: Vec<Room<'_>> = Vec::new();
    let mut is_inside = false;
    for (number, line) in (1..).zip(text.lines()) {
        if let Some(folder) = line.strip_prefix("### `").and_then(|line| line.strip_suffix('`')) {
            rooms.push(Room { folder, line: number, lines: Vec::new() });
            is_inside = true;
        } else if line.starts_with('#') {
            is_inside = false;
        } else if let Some(room) = rooms.last_mut().filter(|_| is_inside) {
            room.lines.push((number, line));
        }
    }
    rooms
}

/// Rust files that a room names and that its folder does not have; paths may leave out how they begin.
fn gone(room: &Room<'_>, files: &[PathBuf]) -> Vec<Finding> {
    let of_room: Vec<_> = files.iter().filter(|file| file.starts_with(room.folder)).collect();
    let is_there = |name: &str| {
        of_room.iter().any(|file| file.ends_with(name)) || files.iter().any(|file| file == Path::new(name))
    };
    let gone = names(room).filter(|(_, name)| !is_there(name));
    gone.map(|(number, name)| Finding::new(Path::new(MAP), number, format!("{} has no `{name}`", room.folder)))
        .collect()
}

/// Modules right below `src` that the room of their crate does not name.
fn unnamed(room: &Room<'_>, files: &[PathBuf]) -> Vec<Finding> {
    let source = Path::new(room.folder).join("src");
    let modules = files.iter().filter(|file| room.folder.starts_with("crates/") && file.parent() == Some(&source));
    let modules = modules.filter_map(|file| file.file_name()?.to_str()).filter(|name| !EVERYWHERE.contains(name));
    let unnamed = modules.filter(|module| !names(room).any(|(_, name)| name == *module));
    unnamed
        .map(|name| Finding::new(Path::new(MAP), room.line, format!("say what `{name}` of {} is for", room.folder)))
        .collect()
}

/// The Rust files that a room names, and on which line.
fn names<'t>(room: &Room<'t>) -> impl Iterator<Item = (usize, &'t str)> {
    let quoted =
        room.lines.iter().flat_map(|(number, line)| line.split('`').skip(1).step_by(2).map(|name| (*number, name)));
    quoted.filter(|(_, name)| is_rust_file(name))
}

fn is_rust_file(name: &str) -> bool {
    let is_path = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte));
    is_path && Path::new(name).extension().is_some_and(|extension| extension == "rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        let files = [
            "crates/a/Cargo.toml",
            "crates/a/src/lib.rs",
            "crates/a/src/m.rs",
            "crates/a/src/x/y.rs",
            "crates/b/src/z.rs",
            "xtask/src/ci.rs",
        ];
        let files = files.map(PathBuf::from);
        check(text, &files).into_iter().map(|finding| format!("{}: {}", finding.line, finding.what)).collect()
    }

    #[test]
    fn a_map_of_what_is_there() {
        let text =
            "# A\n### `crates/a`\n`m.rs`, `x/y.rs`, `y.rs` and `xtask/src/ci.rs`, by `ModelUrl`\n## B\n`gone.rs`\n";
        assert_eq!(findings(text), Vec::<String>::new());
    }

    #[test]
    fn a_crate_without_a_room_is_found() {
        assert_eq!(findings("# A\n"), ["1: add the line ### `crates/a`, and say below it what lies where"]);
    }

    #[test]
    fn a_module_without_a_word_is_found() {
        assert_eq!(
            findings("# A\n### `crates/a`\n`x/m.rs`, `y.rs`\n"),
            ["3: crates/a has no `x/m.rs`", "2: say what `m.rs` of crates/a is for"]
        );
    }

    #[test]
    fn a_file_that_is_gone_is_found() {
        assert_eq!(
            findings("### `crates/a`\n\n`m.rs`, `z.rs`,\n`old.rs`\n"),
            ["3: crates/a has no `z.rs`", "4: crates/a has no `old.rs`"]
        );
    }
}
