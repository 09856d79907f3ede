//! The words of HTTP: methods, statuses, headers. Natively they are those of the crate `http`, which reqwest speaks; in a browser
//! they are smaller types of the same interface.

#[cfg(target_arch = "wasm32")]
#[path = "message/browser.rs"]
mod browser;

#[cfg(target_arch = "wasm32")]
pub(crate) use self::browser::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

#[cfg(test)]
mod tests {
    // The same tests in a browser, of the smaller types: `tests/browser` has this file as a module.
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::header::{ETAG, LOCATION, RANGE};
    use super::*;

    #[test]
    fn names_of_headers() {
        let check = |text: &str, expected: Option<&str>| {
            let name = HeaderName::from_bytes(text.as_bytes());
            assert_eq!(name.as_ref().ok().map(HeaderName::as_str), expected, "{text:?}");
        };
        check("X-Key", Some("x-key"));
        check("ETag", Some("etag"));
        check("!#$%&'*+-.^_`|~09azAZ", Some("!#$%&'*+-.^_`|~09azaz"));
        for bad in ["", "a b", "a:", "é", "a\n", "a\u{7f}", "(", "\"", "/", "{", "@", "[", "\\", "a\0"] {
            check(bad, None);
        }
        check(&"x".repeat(65_535), Some(&*"x".repeat(65_535)));
        check(&"x".repeat(65_536), None);
        assert_eq!(HeaderName::from_bytes(b"eTAG").unwrap(), ETAG);
        assert_eq!(HeaderName::from_bytes(b"a b").unwrap_err().to_string(), "invalid HTTP header name");
        assert_eq!(RANGE.to_string(), "range");
    }

    #[test]
    fn values_of_headers() {
        for good in ["", "a b", "\t", "~"] {
            assert_eq!(HeaderValue::from_str(good).unwrap().to_str().unwrap(), good);
        }
        for bad in ["a\n", "a\r", "\0", "\u{7f}"] {
            assert!(HeaderValue::from_str(bad).is_err(), "{bad:?}");
        }
        assert_eq!(HeaderValue::from_str("\n").unwrap_err().to_string(), "failed to parse header value");
        // Whatever breaks no line may be sent.
        let value = HeaderValue::from_str("é").unwrap();
        assert_eq!(value.as_bytes(), "é".as_bytes());
        assert!(value.to_str().is_err());
        // A server may send other bytes.
        let value = HeaderValue::try_from(b"caf\xe9".to_vec()).unwrap();
        assert_eq!(value.as_bytes(), b"caf\xe9");
        assert!(value.to_str().is_err());
        assert!(HeaderValue::try_from(b"a\x7f".to_vec()).is_err());
        assert!(HeaderValue::try_from(b"a\n".to_vec()).is_err());
        let mut value = HeaderValue::from_str("hush").unwrap();
        value.set_sensitive(true);
        assert!(!format!("{value:?}").contains("hush"));
    }

    #[test]
    fn headers() {
        let value = |text| HeaderValue::from_str(text).unwrap();
        let mut map = HeaderMap::from_iter([(ETAG, value("1"))]);
        map.append(LOCATION, value("2"));
        map.append(ETAG, value("3"));
        let all: Vec<_> = map.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(all, [("etag", "1"), ("etag", "3"), ("location", "2")]);
        assert_eq!(map.get(&ETAG).unwrap().to_str().unwrap(), "1");
        assert!(map.contains_key(&LOCATION) && !map.contains_key(&RANGE));
        map.insert(ETAG, value("4"));
        let etags: Vec<_> = map.iter().filter(|(name, _)| **name == ETAG).map(|(_, value)| value.as_bytes()).collect();
        assert_eq!(etags, [b"4"]);
        assert_eq!(map.remove(&LOCATION).unwrap().as_bytes(), b"2");
        assert!(map.remove(&LOCATION).is_none());
        assert_eq!(map.iter().count(), 1);
    }

    #[test]
    fn methods() {
        for known in [Method::GET, Method::HEAD, Method::POST, Method::PUT] {
            assert_eq!(Method::from_bytes(known.as_str().as_bytes()).unwrap(), known);
        }
        assert_eq!(Method::from_bytes(b"PATCH").unwrap().to_string(), "PATCH");
        // Methods have a case.
        assert_ne!(Method::from_bytes(b"get").unwrap(), Method::GET);
        for bad in ["", "a b", "GET\n", "é", "a:"] {
            assert!(Method::from_bytes(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert_eq!(Method::from_bytes(b"").unwrap_err().to_string(), "invalid HTTP method");
    }

    #[test]
    fn statuses() {
        let check = |code: u16, reason: Option<&str>| {
            let status = StatusCode::from_u16(code).unwrap();
            assert_eq!((status.as_u16(), status.canonical_reason()), (code, reason));
            assert_eq!(status.is_success(), (200..300).contains(&code));
            assert_eq!(status.is_server_error(), (500..600).contains(&code));
        };
        check(100, Some("Continue"));
        check(200, Some("OK"));
        check(203, Some("Non Authoritative Information"));
        check(206, Some("Partial Content"));
        check(299, None);
        check(304, Some("Not Modified"));
        check(404, Some("Not Found"));
        check(418, Some("I'm a teapot"));
        check(511, Some("Network Authentication Required"));
        check(599, None);
        check(999, None);
        assert_eq!(StatusCode::from_u16(404).unwrap(), StatusCode::NOT_FOUND);
        assert!(StatusCode::from_u16(99).is_err());
        assert!(StatusCode::from_u16(1000).is_err());
        assert_eq!(StatusCode::from_u16(0).unwrap_err().to_string(), "invalid status code");
    }
}
