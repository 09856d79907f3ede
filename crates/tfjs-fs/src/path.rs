//! From a `file://` URL or a plain path to a path of the file system.
//!
//! The rules of both families of systems are functions of the text alone, so that both are tested everywhere.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use tfjs_artifacts::{Error, ErrorKind};
use tfjs_router::ModelUrl;

use crate::windows_path;

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
    let path = PathBuf::from(path);
    check(&path)?;
    Ok(path)
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
    let path = match path.split_once('/') {
        Some((host, rest)) if host.eq_ignore_ascii_case("localhost") => format!("/{rest}").into(),
        _ => path,
    };
    Ok(match spelling {
        Spelling::Unix => path.into_owned(),
        Spelling::Windows => windows_path::from_url(&path),
    })
}

/// On Windows, refuses a path that is no file or folder there. For paths that came as a URL and for those that did not.
pub(crate) fn check(path: &Path) -> Result<(), Error> {
    if cfg!(windows) { windows_path::check(&path.to_string_lossy()) } else { Ok(()) }
}

/// What stands between a folder of this spelling and a name in it.
pub(crate) fn separator(folder: &str) -> &'static str {
    match HERE {
        Spelling::Windows => windows_path::separator(folder),
        Spelling::Unix if folder.ends_with('/') => "",
        Spelling::Unix => "/",
    }
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
        check("LOCALHOST/path", "/path");
        check("localhosts/path", "localhosts/path");
    }

    #[test]
    fn windows_spellings() {
        let check = |rest: &str, path: &str| assert_eq!(decode(rest, Spelling::Windows).unwrap(), path, "{rest}");
        check("/C%3A/with%20space", r"C:\with space");
        check("/C:/100%25/50%/m", r"C:\100%\50%\m");
        check("localhost/C:/x", r"C:\x");
        check("LocalHost/C:/x", r"C:\x");
        check("//server/share/my%20model", r"\\server\share\my model");
        check("server/share/m", r"server\share\m");
        check("/C:/a%5Cb", r"C:\a\b");
    }

    #[test]
    fn bad_urls() {
        for rest in ["", "%ff"] {
            assert_eq!(decode(rest, Spelling::Unix).unwrap_err().kind(), ErrorKind::InvalidUrl);
        }
        let url = ModelUrl::parse("file:///a%00b").unwrap();
        assert_eq!(to_path(&url).unwrap_err().to_string(), "the path has a NUL character");
    }

    /// The same text on every system: on Windows an error that says what to write, elsewhere a name like any other.
    #[test]
    fn what_is_no_file_on_windows_is_refused_there() {
        for url in ["C:x", r"C:\m\nul", "file:///m/con.json", "file:///C:x", r"\\.\COM1", "file:////./COM1", "m/a?b"] {
            match to_path(&ModelUrl::parse(url).unwrap()) {
                Err(error) if cfg!(windows) => {
                    assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{url}");
                    assert!(error.to_string().contains("on Windows "), "{error}");
                }
                Ok(_) if !cfg!(windows) => {}
                other => panic!("{url}: {other:?}"),
            }
        }
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
