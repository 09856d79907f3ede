//! URLs: the model's, and those of its weight files.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use tfjs_artifacts::{Error, ErrorKind, RelPath};
use tfjs_router::ModelUrl;
use url::Url;

use crate::ShardQuery;

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
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Some((decode(&user), password))
}

/// A text that is equal for two URLs of one model.
pub(crate) fn place(url: &ModelUrl) -> Result<String, Error> {
    Ok(Address::of(url)?.url.into())
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
    let bad = |error: url::ParseError| {
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
    }
}
