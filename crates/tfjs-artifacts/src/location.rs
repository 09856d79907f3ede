//! Where something happened, fit to be printed: without passwords and tokens.

use std::fmt;

/// A URL or path as error messages show it.
///
/// Everything that may carry a secret is cut on construction: the user info before an `@` in the authority,
/// and the query and fragment of anything with a scheme (signed URLs keep their signature there), also of one
/// that nobody here knows. A plain path and a `file://` URL are kept as they are, and so is the name of a model in a store that is
/// part of the process or the browser (`memory`, `localstorage`, `indexeddb`, `opfs`, `downloads`): there is no server in them. A name
/// that is a URL itself is cut as that.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Location(Box<str>);

/// Schemes whose rest is a name: no authority, no query. Whatever else has a scheme may be the URL of a server.
const OF_NAMES: [&str; 5] = ["memory", "localstorage", "indexeddb", "opfs", "downloads"];

impl Location {
    /// Takes a URL or a path and removes what may be secret.
    pub fn new(url_or_path: &str) -> Self {
        let mut url = url_or_path;
        let (scheme, rest) = loop {
            match split_scheme(url) {
                Some((scheme, rest)) if is_of(&OF_NAMES, scheme) => url = rest,
                Some((scheme, rest)) if !is_of(&["file"], scheme) => break (scheme, rest),
                _ => return Self(url_or_path.into()),
            }
        };
        // What stands before a URL that is itself a name.
        let before = url_or_path.strip_suffix(url).unwrap_or_default();
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        let host = authority.rsplit('@').next().unwrap_or_default();
        let port = host.rsplit_once(':').map_or("", |(_, port)| port);
        let is_port = host.ends_with(']') || port.bytes().all(|byte| byte.is_ascii_digit());
        if !is_port && (path.contains('@') || url.contains(['?', '#'])) {
            // A password with a slash, `?` or `#` that should have been escaped: what is secret cannot be told from the rest.
            return Self(format!("{before}{scheme}://…").into());
        }
        Self(format!("{before}{scheme}://{host}{path}").into())
    }

    /// The text, without secrets.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_of(known: &[&str], scheme: &str) -> bool {
    known.iter().any(|known| scheme.eq_ignore_ascii_case(known))
}

/// What stands before and behind the first `://` of a text.
///
/// `str::split_once` would do the same, with a search for texts of any length, which weighs much in a page.
pub fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let mut colons = text.match_indices(':');
    colons.find_map(|(at, _)| Some((text.get(..at)?, text.get(at..)?.strip_prefix("://")?)))
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Location;

    fn check(given: &str, shown: &str) {
        assert_eq!(Location::new(given).as_str(), shown);
    }

    #[test]
    fn secrets_are_cut() {
        check("https://user:pw@host/m/model.json?sig=abc#x", "https://host/m/model.json");
        check("https://host?token=1", "https://host");
        check("s3://bucket/key", "s3://bucket/key");
        check("indexeddb://My Model", "indexeddb://My Model");
        check("indexeddb://a:b/c", "indexeddb://a:b/c");
        check("http://us:pw/SECRET@host/m.json", "http://…");
        check("http://us:pw#SECRET@host/m.json", "http://…");
        check("http://[::1]:80/a@b", "http://[::1]:80/a@b");
        for scheme in ["http", "https", "HTTPS", "s3", "gs", "az", "custom", "memory2", "file+x"] {
            check(&format!("{scheme}://us:SECRET@host/m?SECRET#SECRET"), &format!("{scheme}://host/m"));
            check(&format!("{scheme}://us:SE/CRET@host/m?SECRET"), &format!("{scheme}://…"));
        }
    }

    #[test]
    fn names_are_kept() {
        for scheme in ["memory", "localstorage", "indexeddb", "opfs", "downloads", "IndexedDB"] {
            for name in ["who?", "a#b?c", "me@home", "a:b@c/d?e", ""] {
                let url = format!("{scheme}://{name}");
                check(&url, &url);
            }
        }
        // What a URL was copied from as it is.
        check("indexeddb://https://us:SECRET@host/m?SECRET", "indexeddb://https://host/m");
        check("opfs://memory://s3://us:SE/CRET@host/m", "opfs://memory://s3://…");
    }

    #[test]
    fn a_name_may_be_any_number_of_urls() {
        let names = "opfs://".repeat(100_000);
        check(&format!("{names}https://us:pw@host/m?sig=abc"), &format!("{names}https://host/m"));
        check(&names, &names);
    }

    #[test]
    fn paths_are_kept() {
        check("/tmp/what?/model.json", "/tmp/what?/model.json");
        check("file:///tmp/a?b@c", "file:///tmp/a?b@c");
    }
}
