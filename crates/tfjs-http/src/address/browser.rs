//! The browser's own URLs, with as much of the interface of the crate `url` as is used here: the tables for international host
//! names that the crate needs are in the browser already. Both follow the WHATWG's URL standard.

use std::fmt;

use wasm_bindgen::JsValue;

/// A URL as the browser prints it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Url(String);

/// Scheme, host and port of a URL of a web server, or `null`: nobody asks who may see what goes to other URLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin(String);

/// A text is no URL. Browsers do not agree on the words, and some of them repeat the text, which may have secrets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ParseError;

impl Url {
    pub(crate) fn parse(text: &str) -> Result<Self, ParseError> {
        Self::of(web_sys::Url::new(text))
    }

    /// A URL relative to this one.
    pub(crate) fn join(&self, text: &str) -> Result<Self, ParseError> {
        Self::of(web_sys::Url::new_with_base(text, &self.0))
    }

    fn of(parsed: Result<web_sys::Url, JsValue>) -> Result<Self, ParseError> {
        let url = Self(parsed.map_err(|_| ParseError)?.href());
        // Chromium takes what may not stand in the name of a host, such as a space, and percent-encodes it.
        let is_of_web = matches!(url.scheme(), "http" | "https");
        if is_of_web && url.host_and_port().contains('%') { Err(ParseError) } else { Ok(url) }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn scheme(&self) -> &str {
        self.0.split_once(':').map_or("", |(scheme, _)| scheme)
    }

    /// Host and port.
    fn host_and_port(&self) -> &str {
        let authority = self.authority();
        authority.rsplit_once('@').map_or(authority, |(_, host)| host)
    }

    /// What stands before host and port, without its `@`.
    fn user_info(&self) -> &str {
        self.authority().rsplit_once('@').map_or("", |(user_info, _)| user_info)
    }

    pub(crate) fn username(&self) -> &str {
        self.user_info().split(':').next().unwrap_or_default()
    }

    pub(crate) fn password(&self) -> Option<&str> {
        self.user_info().split_once(':').map(|(_, password)| password)
    }

    pub(crate) fn path(&self) -> &str {
        self.path_and_query().split('?').next().unwrap_or_default()
    }

    pub(crate) fn query(&self) -> Option<&str> {
        self.path_and_query().split_once('?').map(|(_, query)| query)
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin(match self.scheme() {
            scheme @ ("http" | "https") => format!("{scheme}://{}", self.host_and_port()),
            _ => "null".to_owned(),
        })
    }

    /// Whether it is of this machine, which counts as secure.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.host_and_port();
        let host = if host.ends_with(']') { host } else { host.rsplit_once(':').map_or(host, |(host, _)| host) };
        // A host of which the last part is a number is an IPv4 address, and printed as four of them.
        let is_ipv4 = host.bytes().last().is_some_and(|byte| byte.is_ascii_digit());
        host == "localhost" || host.ends_with(".localhost") || host == "[::1]" || is_ipv4 && host.starts_with("127.")
    }

    pub(crate) fn set_path(&mut self, path: &str) {
        self.change(|url| url.set_pathname(path));
    }

    pub(crate) fn set_query(&mut self, query: Option<&str>) {
        self.change(|url| url.set_search(query.unwrap_or_default()));
    }

    pub(crate) fn set_fragment(&mut self, fragment: Option<&str>) {
        self.change(|url| url.set_hash(fragment.unwrap_or_default()));
    }

    pub(crate) fn set_username(&mut self, username: &str) -> Result<(), ()> {
        self.change(|url| url.set_username(username));
        if self.username() == username { Ok(()) } else { Err(()) }
    }

    pub(crate) fn set_password(&mut self, password: Option<&str>) -> Result<(), ()> {
        self.change(|url| url.set_password(password.unwrap_or_default()));
        if self.password() == password { Ok(()) } else { Err(()) }
    }

    fn change(&mut self, change: impl FnOnce(&web_sys::Url)) {
        // What the browser has printed, it can read.
        if let Ok(url) = web_sys::Url::new(&self.0) {
            change(&url);
            self.0 = url.href();
        }
    }

    /// What follows the scheme, without the fragment.
    fn after_scheme(&self) -> &str {
        let rest = self.0.split_once(':').map_or("", |(_, rest)| rest);
        rest.split('#').next().unwrap_or_default()
    }

    fn authority(&self) -> &str {
        let rest = self.after_scheme().strip_prefix("//").unwrap_or_default();
        rest.split(['/', '?']).next().unwrap_or_default()
    }

    fn path_and_query(&self) -> &str {
        let rest = self.after_scheme();
        match rest.strip_prefix("//") {
            Some(rest) => rest.get(self.authority().len()..).unwrap_or_default(),
            None => rest,
        }
    }
}

impl Origin {
    pub(crate) fn ascii_serialization(&self) -> String {
        self.0.clone()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Url")
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the browser cannot read it as a URL")
    }
}

impl std::error::Error for ParseError {}
