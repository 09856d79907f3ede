//! From a `file://` URL or a plain path to a path of the file system.
//!
//! The rules of both families of systems are functions of the text alone, so that both are tested everywhere.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use tfjs_artifacts::{Error, ErrorKind};
use tfjs_router::ModelUrl;

/// How a system spells paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    /// `/` separates, and `/` at the beginning is the root.
    Unix,
    /// `\` and `/` separate; there are drives (`C:`) and shares (`\\server\share`).
    Windows,
}

const HERE: Spelling = if cfg!(windows) { Spelling::Windows } else { Spelling::Unix };

/// The path that a URL means on this system. A plain path is taken as it is.
pub(crate) fn to_path(url: &ModelUrl) -> Result<PathBuf, Error> {
    let path = match url.scheme() {
        None => url.rest().to_owned(),
        Some(_) => decode(url.rest(), HERE)?,
    };
    if path.contains('\0') {
        return Err(Error::new(ErrorKind::InvalidUrl, "the path has a NUL character"));
    }
    Ok(PathBuf::from(path))
}

/// What follows `file://`, decoded and spelled as the system does.
fn decode(rest: &str, spelling: Spelling) -> Result<String, Error> {
    if rest.is_empty() {
        let message = "the URL names no path; `file://.` is the current folder, `file:///` the root";
        return Err(Error::new(ErrorKind::InvalidUrl, message));
    }
    let Ok(path) = percent_decode_str(rest).decode_utf8() else {
        let message = "the URL is not UTF-8 after percent-decoding; give such a name as a plain path";
        return Err(Error::new(ErrorKind::InvalidUrl, message));
    };
    // RFC 8089: `file://localhost/x` is `file:///x`.
    let path = match path.strip_prefix("localhost/") {
        Some(rest) => format!("/{rest}").into(),
        None => path,
    };
    Ok(match spelling {
        Spelling::Unix => path.into_owned(),
        Spelling::Windows => windows(&path),
    })
}

/// `/C:/x` is `C:\x`; `//server/share/x` is `\\server\share\x`; all else keeps its parts.
///
/// The reference resolves `/C:/x` against the current drive and ends at `C:\C:\x`.
fn windows(path: &str) -> String {
    let drive = path.strip_prefix(['/', '\\']).filter(|rest| has_drive(rest));
    drive.unwrap_or(path).replace('/', "\\")
}

/// Whether a path begins with a drive, `C:` alone or before a separator.
fn has_drive(path: &str) -> bool {
    let mut chars = path.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.next() == Some(':')
        && matches!(chars.next(), None | Some('/' | '\\'))
}

/// A file name as a part of a URL that is decoded again.
pub(crate) fn encode_name(name: &str) -> String {
    name.replace('%', "%25")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unix() {
        let check = |rest: &str, path: &str| assert_eq!(decode(rest, Spelling::Unix).unwrap(), path, "{rest}");
        check("/path/to/my-model", "/path/to/my-model");
        check("rel/dir", "rel/dir");
        check("./rel", "./rel");
        check("../up", "../up");
        check("/with%20space/%E6%A8%A1", "/with space/模");
        check("/with space", "/with space");
        check("/100%/50%zz", "/100%/50%zz");
        check("/100%25", "/100%");
        check("/C:/x", "/C:/x");
        check("/a?b#c", "/a?b#c");
        check("localhost/path", "/path");
        check("localhosts/path", "localhosts/path");
    }

    #[test]
    fn windows_spellings() {
        let check = |rest: &str, path: &str| assert_eq!(decode(rest, Spelling::Windows).unwrap(), path, "{rest}");
        check("/C:/Users/x", r"C:\Users\x");
        check("C:/Users/x", r"C:\Users\x");
        check(r"C:\Users\x", r"C:\Users\x");
        check("/c:", "c:");
        check("//server/share/m", r"\\server\share\m");
        check(r"\\server\share\m", r"\\server\share\m");
        check("rel/dir", r"rel\dir");
        check("/rooted", r"\rooted");
        check("/C%3A/with%20space", r"C:\with space");
        check("/Cx:/y", r"\Cx:\y");
        check("localhost/C:/x", r"C:\x");
    }

    #[test]
    fn bad_urls() {
        for rest in ["", "%ff"] {
            assert_eq!(decode(rest, Spelling::Unix).unwrap_err().kind(), ErrorKind::InvalidUrl);
        }
        let url = ModelUrl::parse("file:///a%00b").unwrap();
        assert_eq!(to_path(&url).unwrap_err().to_string(), "the path has a NUL character");
    }

    #[test]
    fn plain_paths_are_not_decoded() {
        let url = ModelUrl::parse("/a%20b").unwrap();
        assert_eq!(to_path(&url).unwrap(), PathBuf::from("/a%20b"));
    }

    #[test]
    fn names_survive_a_url() {
        let name = "100%25 é";
        assert_eq!(decode(&encode_name(name), Spelling::Unix).unwrap(), name);
    }
}
