//! `scheme://rest`, split and otherwise left alone.

use std::fmt;
use std::str::FromStr;

use tfjs_artifacts::{Error, ErrorKind, split_scheme};

/// The place of a model: a scheme and the rest, or a plain path.
///
/// The text is split at its first `://`; the scheme is lower-cased and the rest is kept verbatim, with spaces,
/// non-ASCII letters, further `://` and all, because stores such as IndexedDB use it as a key. What has no
/// `://` is a plain path.
///
/// ```
/// use tfjs_router::ModelUrl;
///
/// let url: ModelUrl = "IndexedDB://My Model://v1".parse()?;
/// assert_eq!((url.scheme(), url.rest()), (Some("indexeddb"), "My Model://v1"));
///
/// let path: ModelUrl = r"C:\models\model.json".parse()?;
/// assert_eq!((path.scheme(), path.rest()), (None, r"C:\models\model.json"));
/// # Ok::<(), tfjs_artifacts::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelUrl {
    scheme: Option<Box<str>>,
    rest: Box<str>,
}

/// What a model is loaded from: one URL, or two for a topology and its weights.
///
/// The second form is the reference's array of two paths, for a binary `.pb` topology whose bare manifest lies in a
/// file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the reference knows these two")]
pub enum ModelSource {
    /// One URL: a `model.json`, a bare manifest, a folder, or a name in a store.
    Single(ModelUrl),
    /// A topology and its weights.
    Pair {
        /// Where the topology is.
        topology: ModelUrl,
        /// Where the weights manifest is. Of the same scheme.
        weights: ModelUrl,
    },
}

impl ModelUrl {
    /// Takes a URL or a plain path.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when there is nothing, or what stands before `://` can be neither a scheme nor the
    /// beginning of a path.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::new(ErrorKind::InvalidUrl, "the URL or path is empty"));
        }
        let Some((scheme, rest)) = split_scheme(text) else { return Ok(Self::plain_path(text)) };
        if is_scheme(scheme) {
            return Ok(Self { scheme: Some(scheme.to_ascii_lowercase().into()), rest: rest.into() });
        }
        // `C://x` is a drive on Windows, and whatever has a separator before `://` is a path with an odd name.
        if scheme.contains(['/', '\\']) || (cfg!(windows) && scheme.len() == 1) {
            return Ok(Self::plain_path(text));
        }
        // What stands there may be a password: it is not repeated.
        let message = "what stands before `://` is not a scheme: two or more letters, digits, `+`, `-` and `.` make one; if it is a path, put `./` before it";
        Err(Error::new(ErrorKind::InvalidUrl, message))
    }

    /// A plain path, even if it looks like a URL; `.` if it is empty.
    pub fn plain_path(path: &str) -> Self {
        let rest = if path.is_empty() { "." } else { path };
        Self { scheme: None, rest: rest.into() }
    }

    /// The place `rest` of a scheme, such as one that a store lists.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when `scheme` is none.
    pub fn from_parts(scheme: &str, rest: &str) -> Result<Self, Error> {
        Self::parse(&format!("{scheme}://{rest}"))
    }

    /// The scheme in lower case; `None` for a plain path.
    pub fn scheme(&self) -> Option<&str> {
        self.scheme.as_deref()
    }

    /// What follows `://`, verbatim; all of a plain path.
    pub fn rest(&self) -> &str {
        &self.rest
    }
}

/// Whether this is a scheme: RFC 3986, but of at least two characters, so that a drive letter is none.
fn is_scheme(text: &str) -> bool {
    text.len() >= 2
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

impl FromStr for ModelUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for ModelUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scheme {
            Some(scheme) => write!(f, "{scheme}://{}", self.rest),
            None => f.write_str(&self.rest),
        }
    }
}

impl ModelSource {
    /// The URL that decides the route: the topology's, if there are two.
    pub fn url(&self) -> &ModelUrl {
        match self {
            Self::Single(url) | Self::Pair { topology: url, .. } => url,
        }
    }
}

impl From<ModelUrl> for ModelSource {
    fn from(url: ModelUrl) -> Self {
        Self::Single(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, scheme: Option<&str>, rest: &str) {
        let url = ModelUrl::parse(text).unwrap();
        assert_eq!((url.scheme(), url.rest()), (scheme, rest), "{text}");
    }

    #[test]
    fn schemes() {
        check("file:///tmp/x", Some("file"), "/tmp/x");
        check("file://rel/dir", Some("file"), "rel/dir");
        check("HTTP://Host/Path", Some("http"), "Host/Path");
        check("localstorage://模型 1", Some("localstorage"), "模型 1");
        check("s3+custom://b/k?x=1", Some("s3+custom"), "b/k?x=1");
        check("memory://", Some("memory"), "");
    }

    #[test]
    fn plain_paths() {
        check("model.json", None, "model.json");
        check("/a/b", None, "/a/b");
        check(r"C:\x", None, r"C:\x");
        #[cfg(windows)]
        check("C://x", None, "C://x");
        check("./odd://name", None, "./odd://name");
        check("mailto:x", None, "mailto:x");
    }

    #[test]
    fn errors() {
        assert_eq!(ModelUrl::parse("").unwrap_err().to_string(), "the URL or path is empty");
        let error = ModelUrl::parse("ht tp://x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidUrl);
        assert!(error.to_string().starts_with("what stands before `://` is not a scheme"));
        #[cfg(not(windows))]
        assert_eq!(ModelUrl::parse("q://bucket/m").unwrap_err().kind(), ErrorKind::InvalidUrl);
    }

    proptest! {
        #[test]
        fn printing_is_the_inverse_of_parsing(scheme in "[a-z][a-z0-9+.-]{1,8}", rest in ".{0,20}") {
            let text = format!("{scheme}://{rest}");
            prop_assert_eq!(ModelUrl::parse(&text).unwrap().to_string(), text);
        }

        #[test]
        fn parsing_never_panics(text in ".{0,20}") {
            if let Ok(url) = ModelUrl::parse(&text) {
                prop_assert_eq!(url.to_string().to_lowercase(), text.to_lowercase());
            }
        }
    }
}
