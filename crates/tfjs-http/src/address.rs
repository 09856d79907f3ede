//! URLs: the model's, and those of its weight files.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use tfjs_artifacts::{Error, ErrorKind, RelPath};
use tfjs_router::ModelUrl;

use crate::ShardQuery;

#[cfg(target_arch = "wasm32")]
#[path = "address/browser.rs"]
mod browser;

#[cfg(target_arch = "wasm32")]
pub(crate) use self::browser::{Origin, ParseError, Url};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use url::{Origin, ParseError, Url};

/// An `http` or `https` URL without user info.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) url: Url,
    /// User and password that stood before the host.
    pub(crate) user_info: Option<(String, Option<String>)>,
}

impl Address {
    pub(crate) fn of(url: &ModelUrl) -> Result<Self, Error> {
        Self::parse(&url.to_string())
    }

    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let mut url = Url::parse(text).map_err(|error| {
            Error::new(ErrorKind::InvalidUrl, "this is no URL of a web server").with_source(error).with_location(text)
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Error::new(ErrorKind::InvalidUrl, "the scheme is neither http nor https").with_location(text));
        }
        let user_info = take_user_info(&mut url);
        url.set_fragment(None);
        Ok(Self { url, user_info })
    }
}

/// User info never travels in a URL: browsers refuse it, and messages would show it.
fn take_user_info(url: &mut Url) -> Option<(String, Option<String>)> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = (url.username().to_owned(), url.password().map(decode));
    if user.is_empty() && password.is_none() {
        return None;
    }
    // These fail only for URLs without a host, which http has not.
    let _ = (url.set_username(""), url.set_password(None));
    Some((decode(&user), password))
}

/// A text that is equal for two URLs of one model.
pub(crate) fn place(url: &ModelUrl) -> Result<String, Error> {
    Ok(Address::of(url)?.url.to_string())
}

/// What stays as it is in a path: what RFC 3986 allows in a segment, but for `:`, which no shard path has.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

/// A shard path as part of a URL: a file name is a name, so its `?`, `#` and `%` are encoded too.
fn encode(path: &RelPath) -> String {
    let segments = path.segments().map(|segment| utf8_percent_encode(segment, SEGMENT).to_string());
    segments.collect::<Vec<_>>().join("/")
}

/// The URL of a file beside another: the folder of `base`, the path, and the query of `base` if it is inherited.
///
/// The reference cuts the text at its last `/`, which may lie in the query.
pub(crate) fn beside(base: &Url, path: &RelPath, query: ShardQuery) -> Url {
    let mut url = base.clone();
    let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
    // A path that is encoded already passes unchanged; `RelPath` has no dot segments.
    url.set_path(&format!("{folder}/{}", encode(path)));
    if query == ShardQuery::Drop {
        url.set_query(None);
    }
    url
}

/// The URL of a file after a prefix: text after text, as the reference does it.
pub(crate) fn after_prefix(prefix: &str, base: &Url, path: &RelPath, query: ShardQuery) -> Result<Url, Error> {
    let query = base.query().filter(|_| query == ShardQuery::Inherit);
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    resolve(base, &format!("{prefix}{}{query}", encode(path)))
}

/// A URL that the user made, absolute or relative to the model's.
pub(crate) fn resolve(base: &Url, text: &str) -> Result<Url, Error> {
    let bad = |error: ParseError| {
        Error::new(ErrorKind::InvalidUrl, "the URL of a weight file cannot be understood").with_source(error)
    };
    let url = base.join(text).map_err(bad)?;
    Ok(Address::parse(url.as_str())?.url)
}

/// The `model.json` of a model on TensorFlow Hub.
pub(crate) fn on_tf_hub(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url.set_path(&format!("{}model.json", url.path()));
    url.set_query(Some("tfjs-format=file"));
    url
}

#[cfg(test)]
mod tests {
    // The same tests in a browser, with its own URLs: `tests/browser` has this file as a module.
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn url(text: &str) -> Url {
        Address::parse(text).unwrap().url
    }

    fn path(text: &str) -> RelPath {
        RelPath::parse(text).unwrap()
    }

    #[track_caller]
    fn check(base: &str, shard: &str, expected: &str) {
        assert_eq!(beside(&url(base), &path(shard), ShardQuery::Inherit).as_str(), expected);
    }

    /// Vectors G: the default.
    #[test]
    fn vector_g_beside_the_model() {
        check("http://h/p/model.json?x=1", "w0", "http://h/p/w0?x=1");
        check("http://google.com/file", "w0", "http://google.com/w0");
        check("http://google.com/file?param=1", "w0", "http://google.com/w0?param=1");
        // The reference takes `http://google.com/a?x=1/` for the folder here.
        check("http://google.com/a?x=1/file?param=1", "w0", "http://google.com/w0?x=1/file?param=1");
    }

    /// Vectors G: a prefix is text before text.
    #[test]
    fn vector_g_after_a_prefix() {
        let check = |prefix: &str, expected: &str| {
            let made = after_prefix(prefix, &url("http://h/p/model.json?x=1"), &path("w0"), ShardQuery::Inherit);
            assert_eq!(made.unwrap().as_str(), expected);
        };
        check("http://alt/dir", "http://alt/dirw0?x=1");
        check("http://alt/dir/", "http://alt/dir/w0?x=1");
        check("auth_", "http://h/p/auth_w0?x=1");
        let dropped = after_prefix("http://alt/", &url("http://h/m.json?x=1"), &path("w0"), ShardQuery::Drop);
        assert_eq!(dropped.unwrap().as_str(), "http://alt/w0");
    }

    /// Vectors G: TensorFlow Hub.
    #[test]
    fn vector_g_tf_hub() {
        for given in ["https://tfhub.dev/m/1", "https://tfhub.dev/m/1/"] {
            let model = on_tf_hub(url(given));
            assert_eq!(model.as_str(), "https://tfhub.dev/m/1/model.json?tfjs-format=file");
            let shard = beside(&model, &path("g1"), ShardQuery::Inherit);
            assert_eq!(shard.as_str(), "https://tfhub.dev/m/1/g1?tfjs-format=file");
        }
    }

    #[test]
    fn names_are_names() {
        check("http://h/a b/model.json", "c d/é?x#y%41.bin", "http://h/a%20b/c%20d/%C3%A9%3Fx%23y%2541.bin");
        check("http://h/m.json", "%2e%2e/x", "http://h/%252e%252e/x");
        check("http://h//a//m.json", "w", "http://h//a//w");
        check("http://h", "w", "http://h/w");
        check("http://h/m.json#part", "w", "http://h/w");
        check("http://h/%41%2F/m.json", "w", "http://h/%41%2F/w");
    }

    #[test]
    fn user_info_is_taken_off() {
        let address = Address::parse("https://us%40er:p%3Aw@host/m.json").unwrap();
        assert_eq!(address.url.as_str(), "https://host/m.json");
        assert_eq!(address.user_info, Some(("us@er".to_owned(), Some("p:w".to_owned()))));
    }

    #[test]
    fn bad_urls_show_no_secrets() {
        let error = Address::parse("http://user:secret@ho st/?token=secret").err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidUrl);
        assert!(!error.to_string().contains("secret"), "{error}");
        let cause = std::error::Error::source(&error).unwrap();
        assert!(!cause.to_string().contains("secret"), "{cause}");
    }

    #[test]
    fn parts_of_urls() {
        let check = |text: &str, printed: &str, path: &str, query: Option<&str>, origin: &str| {
            let url = Url::parse(text).unwrap();
            assert_eq!(url.as_str(), printed);
            assert_eq!(url.to_string(), printed);
            assert_eq!((url.path(), url.query()), (path, query), "{text}");
            assert_eq!(url.origin().ascii_serialization(), origin, "{text}");
            assert_eq!(Some(url.scheme()), printed.split(':').next());
        };
        check("HTTP://H:80", "http://h/", "/", None, "http://h");
        check("https://h:80/a/../b?", "https://h:80/b?", "/b", Some(""), "https://h:80");
        check(
            "http://u:p@h:1/a:b@c?d/e@f?g#h?i",
            "http://u:p@h:1/a:b@c?d/e@f?g#h?i",
            "/a:b@c",
            Some("d/e@f?g"),
            "http://h:1",
        );
        check("http:\\\\h\\a b?ü", "http://h/a%20b?%C3%BC", "/a%20b", Some("%C3%BC"), "http://h");
        check("http://bücher.example/", "http://xn--bcher-kva.example/", "/", None, "http://xn--bcher-kva.example");
        check("http://[0:0::1]:8/x", "http://[::1]:8/x", "/x", None, "http://[::1]:8");
        check("http://0x7f.1/", "http://127.0.0.1/", "/", None, "http://127.0.0.1");
        check("mailto:a@b?c", "mailto:a@b?c", "a@b", Some("c"), "null");
        check("data:x/y,//z", "data:x/y,//z", "x/y,//z", None, "null");
    }

    #[test]
    fn what_is_no_url() {
        let bad = [
            "",
            "x",
            "//h/x",
            "http://",
            "http:",
            "http://ho st/",
            "http://a%20b/",
            "http://a%/",
            "http://a^b/",
            "http://a|b/",
            "http://a<b/",
            "http://h:x/",
            "http://h:99999/",
            "http://1.2.3.4.5/",
            "http://256.0.0.0/",
            "http://[::1/",
            "http://[::g]/",
            "http://u@/",
        ];
        for bad in bad {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn user_info_as_it_stands_there() {
        let check = |text: &str, username: &str, password: Option<&str>| {
            let mut url = Url::parse(text).unwrap();
            assert_eq!((url.username(), url.password()), (username, password), "{text}");
            url.set_username("").unwrap();
            url.set_password(None).unwrap();
            assert_eq!(url.as_str(), "http://h:1/@:?@");
        };
        check("http://h:1/@:?@", "", None);
        check("http://u@h:1/@:?@", "u", None);
        check("http://u:@h:1/@:?@", "u", None);
        check("http://:p@h:1/@:?@", "", Some("p"));
        check("http://u%3A@x:p:q@h:1/@:?@", "u%3A%40x", Some("p%3Aq"));
    }

    #[test]
    fn parts_are_set() {
        let mut url = Url::parse("http://h/a?b#c").unwrap();
        url.set_fragment(None);
        assert_eq!(url.as_str(), "http://h/a?b");
        url.set_path("/d e?f#g%41/ü");
        assert_eq!(url.as_str(), "http://h/d%20e%3Ff%23g%41/%C3%BC?b");
        url.set_query(Some("x=y z#"));
        assert_eq!(url.as_str(), "http://h/d%20e%3Ff%23g%41/%C3%BC?x=y%20z%23");
        url.set_query(None);
        url.set_path("");
        assert_eq!(url.as_str(), "http://h/");
    }

    #[test]
    fn relative_urls() {
        let base = Url::parse("https://h:1/a/b?c#d").unwrap();
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(base.join(text).ok().as_ref().map(Url::as_str), expected, "{text}");
        };
        check("", Some("https://h:1/a/b?c"));
        check("x", Some("https://h:1/a/x"));
        check("../x?y", Some("https://h:1/x?y"));
        check("?y", Some("https://h:1/a/b?y"));
        check("//i/x", Some("https://i/x"));
        check("ftp://i/x", Some("ftp://i/x"));
        check("http://i:99999/", None);
        check("http://", None);
    }

    #[test]
    fn origins() {
        let origin = |text: &str| -> Origin { Url::parse(text).unwrap().origin() };
        let is_same = |one: &str, other: &str| origin(one) == origin(other);
        assert!(is_same("https://h/a", "https://user:password@H:443/b?c"));
        assert!(!is_same("https://h/", "http://h/"));
        assert!(!is_same("https://h/", "https://h:444/"));
        assert!(!is_same("https://h/", "https://h.i/"));
        assert!(!is_same("https://h@i/", "https://h/"));
    }

    #[cfg(target_arch = "wasm32")]
    #[test]
    fn what_is_of_this_machine() {
        for host in
            ["localhost", "a.localhost:8", "127.0.0.1", "127.9:8", "0x7f.1", "[::1]", "[0:0::1]:8", "u:p@localhost"]
        {
            assert!(Url::parse(&format!("http://{host}/")).unwrap().is_loopback(), "{host}");
        }
        for host in ["localhost.example", "notlocalhost", "127.example", "126.0.0.1", "[::2]:1", "localhost@h", "h:127"]
        {
            assert!(!Url::parse(&format!("http://{host}/")).unwrap().is_loopback(), "{host}");
        }
    }
}
