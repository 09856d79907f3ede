//! Names of models: one path segment that means the same on every system.

use std::fmt;
use std::str::FromStr;

use tfjs_artifacts::is_windows_device;

/// The name of a model on the server: a single path segment that leads nowhere else.
///
/// It is not empty and has at most 128 bytes, no separator (`/`, `\`), colon, percent sign, control character or one of
/// `<>"|?*`; it does not begin with a dot or a space, and does not end with one; it is no device of Windows (`con`,
/// `nul.txt`), no route of the server (`upload`, `healthz`), and does not end in `.json` or `.pb`, which would name a file.
/// So a name needs no escaping in a path, and in a URL no more than any text does.
///
/// ```
/// use tfjs_server::ModelName;
///
/// assert_eq!(ModelName::parse("my model v1.2")?.as_str(), "my model v1.2");
/// assert!(ModelName::parse("..").is_err());
/// assert!(ModelName::parse("a/b").is_err());
/// # Ok::<(), tfjs_server::ModelNameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelName(Box<str>);

/// Why a text is not a [`ModelName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the model name `{}` {reason}; choose another one", .name.escape_debug())]
#[non_exhaustive]
pub struct ModelNameError {
    /// The text, or its beginning if it is very long.
    pub name: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// The longest name in bytes: with what a backend adds to it still a file name everywhere.
const MAX_BYTES: usize = 128;

/// Paths of the server's own.
const ROUTES: [&str; 2] = ["upload", "healthz"];

impl ModelName {
    /// Where an upload without a name goes.
    pub(crate) const DEFAULT: &str = "model";

    /// Checks a name that has been percent-decoded.
    ///
    /// # Errors
    /// [`ModelNameError`] when it could mean another place, or different places on different systems.
    pub fn parse(name: &str) -> Result<Self, ModelNameError> {
        match problem(name) {
            None => Ok(Self(name.into())),
            Some(reason) => Err(ModelNameError { name: name.chars().take(MAX_BYTES).collect(), reason }),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn problem(name: &str) -> Option<&'static str> {
    let is_odd_space = |c: char| c.is_whitespace() && c != ' ';
    // They turn text around or cannot be seen: two names would look the same.
    let is_invisible = |c: char| matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    if name.is_empty() {
        Some("is empty")
    } else if name.len() > MAX_BYTES {
        Some("is longer than 128 bytes")
    } else if name.contains(['/', '\\']) {
        Some("has a slash or backslash")
    } else if name.contains([':', '%', '<', '>', '"', '|', '?', '*']) {
        Some("has one of the characters :%<>\"|?*")
    } else if name.chars().any(|c| c.is_control() || is_odd_space(c) || is_invisible(c)) {
        Some("has a character that cannot be seen")
    } else if name.starts_with(['.', ' ']) {
        Some("begins with a dot or a space")
    } else if name.ends_with(['.', ' ']) {
        Some("ends with a dot or a space")
    } else if has_extension(name, "json") || has_extension(name, "pb") {
        Some("is that of a file")
    } else if is_windows_device(name) {
        Some("is that of a device of Windows")
    } else if ROUTES.iter().any(|route| name.eq_ignore_ascii_case(route)) {
        Some("is taken by the server itself")
    } else {
        None
    }
}

fn has_extension(name: &str, extension: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, found)| found.eq_ignore_ascii_case(extension))
}

impl FromStr for ModelName {
    type Err = ModelNameError;

    fn from_str(name: &str) -> Result<Self, ModelNameError> {
        Self::parse(name)
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_people_choose() {
        for name in
            ["model", "my model", "mobilenet_v1_0.25_224", "模型 1", "a", "model.weights.bin", "v1..2", "console"]
        {
            assert_eq!(ModelName::parse(name).unwrap().as_str(), name);
        }
        assert!(ModelName::parse(&"x".repeat(128)).is_ok());
    }

    #[test]
    fn every_way_out_is_refused() {
        let long = "x".repeat(129);
        let bad = [
            "",
            ".",
            "..",
            "...",
            "/",
            "a/b",
            "../a",
            "a\\b",
            "..\\a",
            "a\0",
            "a\n",
            "\u{7f}",
            ".hidden",
            " a",
            "a ",
            "a.",
            "C:",
            "a:b",
            "a%2fb",
            "%2e%2e",
            "a?b",
            "a*",
            "con",
            "NUL",
            "nul.txt",
            "Com1",
            "lpt9.x",
            "COM¹",
            "aux .x",
            "upload",
            "Upload",
            "healthz",
            "m.json",
            "m.JSON",
            "graph.pb",
            "a\u{202e}b",
            "a\u{200b}",
            "a\u{a0}b",
            long.as_str(),
        ];
        for name in bad {
            assert!(ModelName::parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn errors_show_no_control_characters() {
        let error = ModelName::parse("a\u{1b}[2J").unwrap_err().to_string();
        assert_eq!(error, "the model name `a\\u{1b}[2J` has a character that cannot be seen; choose another one");
    }
}
