//! What a request says, and how answers are written.

use std::borrow::Cow;

use bytes::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use percent_encoding::percent_decode_str;

use super::Answer;

/// Path and query of a request, decoded.
pub(super) struct Words {
    pub(super) path: String,
    query: Vec<(String, String)>,
}

impl Words {
    pub(super) fn of(head: &Parts) -> Self {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let pairs = head.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let form = |text: &str| decoded(&text.replace('+', " "));
        let query = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self { path: decoded(head.uri.path()), query: query.map(|(name, value)| (form(name), form(value))).collect() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
    }
}

/// A header, if it is text.
pub(super) fn attribute<'h>(head: &'h Parts, name: &str) -> Option<&'h str> {
    head.headers.get(name)?.to_str().ok()
}

pub(super) fn xml(text: &str) -> Answer {
    let answer = Response::builder().header(CONTENT_TYPE, "application/xml");
    answer.body(Bytes::from(format!("<?xml version='1.0' encoding='UTF-8'?>{text}"))).unwrap()
}

/// What went wrong, as Google writes it.
pub(super) fn error(status: StatusCode, code: &str) -> Answer {
    let mut answer = xml(&format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>"));
    *answer.status_mut() = status;
    answer
}

pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"']) {
        return text.into();
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").into()
}
