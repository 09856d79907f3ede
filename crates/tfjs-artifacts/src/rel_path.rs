//! Shard paths: relative, forward, and unable to leave the model's own folder.

use std::fmt;

use crate::file_name::means_another_thing;
use crate::{Error, ErrorKind, file_name_problem};

/// A shard's path in a manifest: relative to `model.json`, `/`-separated, and unable to climb out.
///
/// It cannot hold an absolute path, a `..`, a drive or scheme (`:`), a backslash, a control character, an
/// empty segment, or a `.` other than the leading `./` that TensorFlow.js itself writes (which is dropped).
/// Nor, on any system, what Windows takes for another file or no file: a device such as `nul.bin`, a dot or space at the end of a
/// segment, one of `<>"|*`. A `?`, `#` or `%` may be in a path that is loaded, because over HTTP TensorFlow.js takes it for a part of the
/// URL; [`fetchable`](Self::fetchable) refuses them in the path of a file that is saved.
/// The reference joins such paths blindly and so reads any file that a manifest names (`join(dir, path)` in
/// tfjs-node's `file_system.ts`).
///
/// ```
/// use tfjs_artifacts::RelPath;
///
/// let path = RelPath::parse("./model.weights.bin")?;
/// assert_eq!(path.as_str(), "model.weights.bin");
/// assert!(RelPath::parse("../secret").is_err());
/// # Ok::<(), tfjs_artifacts::RelPathError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath(Box<str>);

/// Why a text is not a [`RelPath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "shard path `{}` {reason}; paths must be relative to model.json, stay in its folder, and be the same file on every system",
    .path.escape_debug()
)]
#[non_exhaustive]
pub struct RelPathError {
    /// The text.
    pub path: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl RelPath {
    /// Checks a path from a manifest.
    ///
    /// # Errors
    /// [`RelPathError`] when the path could point outside the model's folder or means different things on
    /// different systems.
    pub fn parse(path: &str) -> Result<Self, RelPathError> {
        let fail = |reason| Err(RelPathError { path: path.to_owned(), reason });
        let rest = path.strip_prefix("./").unwrap_or(path);
        if rest.is_empty() {
            return fail("is empty");
        }
        if rest.starts_with('/') {
            return fail("is absolute");
        }
        if rest.contains('\\') {
            return fail("has a backslash");
        }
        if rest.contains(':') {
            return fail("has a colon (a drive, a scheme or an alternate stream)");
        }
        if rest.chars().any(char::is_control) {
            return fail("has a control character");
        }
        for segment in rest.split('/') {
            match segment {
                "" => return fail("has an empty segment"),
                "." => return fail("has a `.` segment"),
                ".." => return fail("climbs with `..`"),
                _ => {}
            }
        }
        // After the above: that a path climbs counts for more than how a segment ends.
        match rest.split('/').find_map(means_another_thing) {
            Some(reason) => fail(reason),
            None => Ok(Self(rest.into())),
        }
    }

    /// The same path, if every system can have it as a file.
    ///
    /// # Errors
    /// [`RelPathError`] when there is a `?` in it, which Windows allows in no file name.
    pub fn portable(self) -> Result<Self, RelPathError> {
        let problem = self.segments().find_map(file_name_problem);
        self.unless(problem)
    }

    /// The same path, if it is [`portable`](Self::portable) and TensorFlow.js can fetch it from the web: what a save may name a weight file.
    ///
    /// # Errors
    /// [`RelPathError`] also when there is a `#` or `%` in it. TensorFlow.js puts the path into a URL as it is (`getWeightUrls` in
    /// tfjs-core's `http.ts`), where `?`, `#` and `%` are no part of a name.
    pub fn fetchable(self) -> Result<Self, RelPathError> {
        let problem = self.0.contains(['?', '#', '%']).then_some(
            "has a `?`, `#` or `%`, which mean something else in a URL: TensorFlow.js could not fetch the file from the web",
        );
        self.unless(problem)?.portable()
    }

    fn unless(self, problem: Option<&'static str>) -> Result<Self, RelPathError> {
        match problem {
            Some(reason) => Err(RelPathError { path: self.0.into_string(), reason }),
            None => Ok(self),
        }
    }

    /// The path, without a leading `./`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments between the slashes; at least one.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The last segment.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

impl From<RelPathError> for Error {
    fn from(error: RelPathError) -> Self {
        Self::new(ErrorKind::InvalidData, error.to_string())
    }
}

impl std::str::FromStr for RelPath {
    type Err = RelPathError;

    fn from_str(path: &str) -> Result<Self, RelPathError> {
        Self::parse(path)
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refused(path: &str) -> &'static str {
        RelPath::parse(path).expect_err(path).reason
    }

    #[test]
    fn what_writers_write_is_accepted() {
        for path in
            ["group1-shard1of3.bin", "./model.weights.bin", "w/a b.bin", "weights", "模型.bin", "a..b", "w0?x=1"]
        {
            assert_eq!(RelPath::parse(path).unwrap().as_str(), path.trim_start_matches("./"));
        }
    }

    #[test]
    fn every_way_out_is_refused() {
        assert_eq!(refused(""), "is empty");
        assert_eq!(refused("./"), "is empty");
        assert_eq!(refused("/etc/passwd"), "is absolute");
        assert_eq!(refused(".//etc/passwd"), "is absolute");
        assert_eq!(refused("../x"), "climbs with `..`");
        assert_eq!(refused("a/../../x"), "climbs with `..`");
        assert_eq!(refused("a\\..\\b"), "has a backslash");
        assert_eq!(refused("C:/x").split(' ').nth(2), Some("colon"));
        assert_eq!(refused("C:\\x"), "has a backslash");
        assert_eq!(refused("\\\\host\\share"), "has a backslash");
        assert_eq!(refused("https://evil/x").split(' ').nth(2), Some("colon"));
        assert_eq!(refused("a\0b"), "has a control character");
        assert_eq!(refused("a//b"), "has an empty segment");
        assert_eq!(refused("a/"), "has an empty segment");
        assert_eq!(refused("a/./b"), "has a `.` segment");
    }

    #[test]
    fn what_windows_takes_for_something_else_is_refused_everywhere() {
        let device = "is the name of a device of Windows";
        for path in ["CON", "nul.bin", "w/aux.weights.bin", "com1/w.bin", "./LPT³", "conin$", "prn .bin"] {
            assert_eq!(refused(path), device, "{path}");
        }
        for path in ["w.bin.", "w.bin ", "a./w.bin", "a /w.bin", "a/...", "w.bin. ."] {
            assert_eq!(refused(path), "ends with a dot or a space, which Windows cuts off", "{path:?}");
        }
        for path in ["a<b", "a>b", "a\"b", "a|b", "w/*"] {
            assert_eq!(refused(path), "has one of `<>\"|*`, which Windows allows in no file name", "{path}");
        }
        assert_eq!(refused("w.bin:stream").split(' ').nth(2), Some("colon"));
        assert_eq!(refused("w.bin::$DATA").split(' ').nth(2), Some("colon"));
        assert_eq!(refused("a\u{1}"), "has a control character");
    }

    #[test]
    fn what_means_something_in_a_url_is_read_but_never_written() {
        for path in ["w/a.bin?v=2", "a#1.bin", "100%.bin", "w%20/a.bin"] {
            let path = RelPath::parse(path).unwrap();
            assert!(path.clone().fetchable().unwrap_err().reason.contains("could not fetch"), "{path}");
            assert_eq!(path.clone().portable().is_ok(), !path.as_str().contains('?'), "{path}");
        }
        let path = RelPath::parse("w/a.bin").unwrap();
        assert_eq!(path.clone().portable().unwrap(), path);
        assert_eq!(path.clone().fetchable().unwrap(), path);
    }

    proptest! {
        #[test]
        fn what_parses_stays_inside(path in "[./a\\\\:]{0,12}") {
            if let Ok(path) = RelPath::parse(&path) {
                prop_assert!(path.segments().all(|s| !s.is_empty() && s != "." && s != ".."));
                prop_assert!(!path.as_str().starts_with('/'));
            }
        }
    }
}
