//! What a body probably is when it is not what it should be.

use std::fmt;

/// A well-known kind of content that turns up in place of a model's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sniffed {
    /// An HTML page: an error page or the fallback of a single-page app.
    Html,
    /// A pointer file of git-lfs: the real file was never fetched.
    GitLfsPointer,
    /// A JSON object with an `error` member, as many servers answer.
    JsonError,
}

/// Looks at the first bytes of a file, and says only what is beyond doubt: beginnings so long that no weights have them by
/// chance. For files that are right in every other way.
pub fn sniff_strictly(head: &[u8]) -> Option<Sniffed> {
    sniff(head).filter(|sniffed| match sniffed {
        // `<!doctype html`, not merely `<html`.
        Sniffed::Html => head.trim_ascii_start().starts_with(b"<!"),
        Sniffed::GitLfsPointer => true,
        Sniffed::JsonError => false,
    })
}

/// Looks at the first bytes of a file that is known to be wrong, for the likely reason; 64 bytes are enough.
pub fn sniff(head: &[u8]) -> Option<Sniffed> {
    let text = head.trim_ascii_start();
    let starts =
        |prefix: &str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()));
    if starts("<!doctype html") || starts("<html") || starts("<?xml") || starts("<head") || starts("<body") {
        Some(Sniffed::Html)
    } else if starts("version https://git-lfs") {
        Some(Sniffed::GitLfsPointer)
    } else if starts("{\"error") || starts("{\"message") {
        Some(Sniffed::JsonError)
    } else {
        None
    }
}

impl fmt::Display for Sniffed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Html => "looks like an HTML or XML page, not weights or JSON; check the address",
            Self::GitLfsPointer => "is a git-lfs pointer; run `git lfs pull` where it came from",
            Self::JsonError => "looks like a server's JSON error message",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_impostors() {
        assert_eq!(sniff(b"\n <!DOCTYPE html><html>"), Some(Sniffed::Html));
        assert_eq!(sniff(b"<html lang=en>"), Some(Sniffed::Html));
        assert_eq!(sniff(b"version https://git-lfs.github.com/spec/v1\n"), Some(Sniffed::GitLfsPointer));
        assert_eq!(sniff(b"{\"error\": 404}"), Some(Sniffed::JsonError));
    }

    #[test]
    fn only_long_beginnings_are_beyond_doubt() {
        assert_eq!(sniff_strictly(b"<!doctype HTML>"), Some(Sniffed::Html));
        assert_eq!(sniff_strictly(b"version https://git-lfs.github.com"), Some(Sniffed::GitLfsPointer));
        assert_eq!(sniff_strictly(b"<html>"), None);
        assert_eq!(sniff_strictly(b"{\"error\":1}"), None);
    }

    #[test]
    fn weights_are_nothing_special() {
        assert_eq!(sniff(b""), None);
        assert_eq!(sniff(b"<"), None);
        assert_eq!(sniff(&[0x3c, 0x00, 0x80, 0x3f]), None);
    }
}
