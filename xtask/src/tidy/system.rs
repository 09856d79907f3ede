//! What a library does not ask the system for.

use std::path::Path;

use super::Finding;
use crate::wasm::IN_A_BROWSER;

/// What compiles for a browser, and then panics or fails there.
const OF_THE_SYSTEM: [&str; 6] =
    ["std::env", "std::fs", "std::net", "std::process", "std::thread", "std::time::Instant"];

/// Who calls a library says what it needs to know. Tests of backends are asked by whoever runs them to leave records.
const READS_THE_ENVIRONMENT: [&str; 2] = ["tfjs-cli", "tfjs-testkit"];
const ENVIRONMENT: [&str; 4] = ["env::var", "env::vars", "env::var_os", "::from_env"];

/// What the command asks to read it.
const READS_FOR_IT: &str = "crates/tfjs-object-store/src/routes.rs";

/// The files with what all of a process share. Everything else is a value that somebody has.
const HOLD_STATE: [&str; 4] = [
    "crates/tfjs-browser-storage/src/browser/local_storage/writer.rs",
    "crates/tfjs-http/src/source/open.rs",
    "crates/tfjs-io/src/lib.rs",
    "crates/tfjs-server/src/access_log.rs",
];

const FORBID_UNSAFE: &str = "#![forbid(unsafe_code)]";

pub(super) fn check(path: &Path, text: &str) -> Vec<Finding> {
    let mut parts = path.iter().map(|part| part.to_str().unwrap_or_default());
    let (Some("crates"), Some(package), Some("src")) = (parts.next(), parts.next(), parts.next()) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let is_root = matches!(parts.next(), Some("lib.rs" | "main.rs")) && parts.next().is_none();
    if is_root && !text.contains(FORBID_UNSAFE) {
        findings.push(Finding::new(path, 1, format!("add `{FORBID_UNSAFE}`: no lint table may turn that off")));
    }
    if IN_A_BROWSER.contains(&package) {
        findings.extend(named(text, &OF_THE_SYSTEM).map(|(line, word)| {
            Finding::new(path, line, format!("`{word}` is not in a browser, where {package} runs: let a backend do it"))
        }));
    }
    if !READS_THE_ENVIRONMENT.contains(&package) && path != Path::new(READS_FOR_IT) {
        findings.extend(named(text, &ENVIRONMENT).map(|(line, word)| {
            Finding::new(
                path,
                line,
                format!("`{word}`: only {READS_THE_ENVIRONMENT:?} read the environment; take an option"),
            )
        }));
    }
    if !HOLD_STATE.iter().any(|file| path == Path::new(file)) {
        findings.extend(statics(text).map(|line| {
            Finding::new(path, line, "a `static` is shared by all of a process: make it a value that somebody has")
        }));
    }
    findings
}

/// The lines that declare one.
fn statics(text: &str) -> impl Iterator<Item = usize> {
    let is_static = |line: &str| {
        let line = line.trim_start();
        let item = if line.starts_with("pub") { line.split_once(' ').map_or("", |(_, item)| item) } else { line };
        item.starts_with("static ") || item.starts_with("thread_local!")
    };
    code(text).filter(move |(_, line)| is_static(line)).map(|(number, _)| number)
}

/// Which of these paths are named, and on which line.
fn named<'w>(text: &str, words: &'w [&'w str]) -> impl Iterator<Item = (usize, &'w str)> {
    code(text).flat_map(|(number, line)| words.iter().filter(|word| names(line, word)).map(move |word| (number, *word)))
}

/// The lines of a file with their numbers, but for comments and the tests at the end.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    (1..).zip(code.lines()).filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// `std::fs`, also as a part of `use std::{fmt, fs};`.
fn names(line: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let stands_alone = |(at, _)| {
        let behind: &str = &line[at + word.len()..];
        !behind.starts_with(is_name)
    };
    if line.match_indices(word).any(stands_alone) {
        return true;
    }
    let Some((module, name)) = word.rsplit_once("::") else { return false };
    let list = line.split_once(&format!("{module}::{{")).map_or("", |(_, list)| list);
    list.split(|c| !is_name(c)).any(|part| part == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(Path::new(path), text).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn what_a_browser_has_not_is_found() {
        for word in OF_THE_SYSTEM {
            let text = format!("//! {word}\nfn now() {{\n    {word}::x();\n}}\n");
            assert_eq!(lines("crates/tfjs-router/src/x.rs", &text), [3], "{word}");
            assert_eq!(lines("crates/tfjs-fs/src/x.rs", &text), Vec::<usize>::new(), "{word}");
            assert_eq!(lines("crates/tfjs-router/tests/x.rs", &text), Vec::<usize>::new(), "{word}");
        }
        let router = |text| lines("crates/tfjs-router/src/a/x.rs", text);
        assert_eq!(router("use std::time::{Duration, Instant};\n"), [1]);
        assert_eq!(router("use std::{fmt, fs};\n"), [1]);
        assert_eq!(router("use std::{fmt, iter};\nuse web_time::Instant;\nstd::fsx();\n"), Vec::<usize>::new());
        assert_eq!(router("fn a() {}\n\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n"), Vec::<usize>::new());
    }

    #[test]
    fn who_reads_the_environment_is_found() {
        for word in ENVIRONMENT {
            assert_eq!(lines("crates/tfjs-fs/src/x.rs", &format!("let x = std::{word}(\"X\");\n")), [1], "{word}");
            assert_eq!(lines("crates/tfjs-cli/src/x.rs", &format!("let x = {word}(\"X\");\n")), Vec::<usize>::new());
        }
        assert_eq!(lines("crates/tfjs-fs/src/x.rs", "let x = std::env::temp_dir();\n"), Vec::<usize>::new());
    }

    #[test]
    fn what_all_of_a_process_share_is_found() {
        for item in ["static X: u8 = 1;", "    pub(crate) static X: u8 = 1;", "thread_local! {"] {
            let text = format!("//! x\n{item}\n");
            assert_eq!(lines("crates/tfjs-fs/src/x.rs", &text), [2], "{item}");
            assert_eq!(lines(HOLD_STATE[0], &text), Vec::<usize>::new());
        }
        assert_eq!(lines("crates/tfjs-fs/src/x.rs", "fn x(x: &'static str) {}\n    'static {\n"), Vec::<usize>::new());
    }

    #[test]
    fn a_root_that_does_not_forbid_unsafe_is_found() {
        for root in ["crates/tfjs-fs/src/lib.rs", "crates/tfjs-cli/src/main.rs"] {
            assert_eq!(lines(root, "#![doc = \"x\"]\n"), [1]);
            assert_eq!(lines(root, &format!("#![doc = \"x\"]\n{FORBID_UNSAFE}\n")), Vec::<usize>::new());
        }
        assert_eq!(lines("crates/tfjs-fs/src/a/lib.rs", "//! x\n"), Vec::<usize>::new());
    }
}
