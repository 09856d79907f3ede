//! Names of files that are the same file on every system.
//!
//! The rules are those of Windows, the strictest: [Naming files, paths, and namespaces][rules]. They hold on every system,
//! because a model that was saved on one is copied to another.
//!
//! [rules]: https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file

/// Why a name is no file name on every system; `None` if it is one.
///
/// `name` is one segment of a path. What this refuses is no file name on Windows, or is silently another one there: a device,
/// a stream of another file, or the name without the dots and spaces at its end.
///
/// ```
/// use tfjs_artifacts::file_name_problem;
///
/// assert_eq!(file_name_problem("model.weights.bin"), None);
/// assert!(file_name_problem("nul.bin").is_some());
/// assert!(file_name_problem("model.json.").is_some());
/// ```
pub fn file_name_problem(name: &str) -> Option<&'static str> {
    means_another_thing(name)
        .or_else(|| name.contains('?').then_some("has a `?`, which Windows allows in no file name"))
}

/// [`file_name_problem`], but for `?`: over HTTP, TensorFlow.js takes it for the beginning of a query.
pub(crate) fn means_another_thing(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("has an empty segment")
    } else if name.contains(['/', '\\']) {
        Some("has a separator inside of a name")
    } else if name.contains(':') {
        Some("has a colon (a drive, a scheme or an alternate stream)")
    } else if name.chars().any(char::is_control) {
        Some("has a control character")
    } else if name.contains(['<', '>', '"', '|', '*']) {
        Some("has one of `<>\"|*`, which Windows allows in no file name")
    } else if is_windows_device(name) {
        Some("is the name of a device of Windows")
    } else if name.ends_with(['.', ' ']) {
        Some("ends with a dot or a space, which Windows cuts off")
    } else {
        None
    }
}

/// The beginning of the names of weight files of a model of this name: without what means something else in a URL, into which
/// TensorFlow.js puts them as they are. No two models have the same. A `?` stays, which is no part of a file's name anyway.
///
/// ```
/// use tfjs_artifacts::fetchable_stem;
///
/// assert_eq!(fetchable_stem("model"), "model");
/// assert_eq!(fetchable_stem("100% #1"), "100=25 =231");
/// ```
pub fn fetchable_stem(name: &str) -> String {
    // The equals sign itself goes first: it begins what stands for the others.
    name.replace('=', "=3d").replace('%', "=25").replace('#', "=23")
}

/// Whether Windows opens a device under this name instead of a file, in any folder, whatever follows the first dot.
///
/// `COM0` and `LPT0` are reserved by its documentation, too; the superscripts `¹²³` are digits to it.
///
/// ```
/// use tfjs_artifacts::is_windows_device;
///
/// assert!(is_windows_device("con") && is_windows_device("Nul .tar.gz") && is_windows_device("COM¹"));
/// assert!(!is_windows_device("console") && !is_windows_device("com10"));
/// ```
pub fn is_windows_device(name: &str) -> bool {
    // A colon ends the name as a dot does: `NUL:` is `NUL`.
    let stem = name.split(['.', ':']).next().unwrap_or_default().trim_end_matches(' ').to_ascii_lowercase();
    let numbered = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul" | "conin$" | "conout$")
        || numbered.is_some_and(|number| {
            matches!(number, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn devices() {
        for name in ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "COM0", "COM1", "COM9", "LPT1", "LPT9"] {
            for name in [name.to_owned(), name.to_lowercase(), format!("{name}.weights.bin"), format!("{name} .x")] {
                assert!(is_windows_device(&name), "{name}");
                assert_eq!(file_name_problem(&name), Some("is the name of a device of Windows"), "{name}");
            }
        }
        for digit in ["¹", "²", "³"] {
            assert!(is_windows_device(&format!("com{digit}")) && is_windows_device(&format!("LPT{digit}.bin")));
        }
        assert!(is_windows_device("NUL:") && is_windows_device("nul   "));
        for name in
            ["CON1", "console", "COM", "COM10", "com⁴", "LPTx", "nul_", "x.con", ".con", " con", "CONIN", "aux-1"]
        {
            assert!(!is_windows_device(name), "{name}");
            assert_eq!(file_name_problem(name), None, "{name}");
        }
    }

    #[test]
    fn characters_and_endings() {
        for (name, problem) in [
            ("", "has an empty segment"),
            ("a/b", "has a separator inside of a name"),
            ("a\\b", "has a separator inside of a name"),
            ("a:b", "has a colon (a drive, a scheme or an alternate stream)"),
            ("a\u{1f}", "has a control character"),
            ("a\u{7f}", "has a control character"),
            ("a?b", "has a `?`, which Windows allows in no file name"),
            ("a.", "ends with a dot or a space, which Windows cuts off"),
            ("a ", "ends with a dot or a space, which Windows cuts off"),
            ("a. .", "ends with a dot or a space, which Windows cuts off"),
            ("...", "ends with a dot or a space, which Windows cuts off"),
        ] {
            assert_eq!(file_name_problem(name), Some(problem), "{name:?}");
        }
        for c in ['<', '>', '"', '|', '*'] {
            assert!(file_name_problem(&format!("a{c}b")).is_some_and(|problem| problem.contains("<>\"|*")));
        }
        assert_eq!(means_another_thing("a?b"), None);
    }

    proptest! {
        /// What passes survives the ways in which Windows changes names.
        #[test]
        fn what_passes_is_what_windows_makes_of_it(name in "[a-cNnUuLl .:?*¹-]{0,10}") {
            if file_name_problem(&name).is_none() {
                prop_assert_eq!(name.trim_end_matches(['.', ' ']), name.as_str());
                prop_assert!(!name.contains([':', '?', '*']));
                prop_assert!(!name.split('.').next().unwrap().trim_end().eq_ignore_ascii_case("nul"));
            }
        }
    }
}
