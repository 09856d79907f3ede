//! JSON kept as text, and that text as `JSON.stringify` would print it.

mod js;
pub(crate) mod number;
pub(crate) mod scan;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::{Error, ManifestError};

pub use js::array_index;

/// The deepest nesting that is accepted: far beyond any topology, far below any stack.
pub(crate) const MAX_DEPTH: usize = 512;

/// One JSON value, kept as the text it came in.
///
/// Nothing is reformatted, reordered or rounded: 1.0 stays `1.0`, and large integers keep their digits. The
/// text is well-formed and nested at most 512 deep, checked on construction. Cloning is cheap, and what is taken out of a value
/// ([`entries`](Self::entries), [`member`](Self::member), [`elements`](Self::elements)) shares its text: values in values in values
/// need the memory of one, for as long as one of them is there.
///
/// ```
/// use tfjs_artifacts::RawJson;
///
/// let json = RawJson::parse(r#"{"scale": 1.0, "2": "é", "1": null}"#)?;
/// assert_eq!(json.get(), r#"{"scale": 1.0, "2": "é", "1": null}"#);
/// // What JavaScript's JSON.stringify(JSON.parse(text)) prints:
/// assert_eq!(json.to_js_string(), r#"{"1":null,"2":"é","scale":1}"#);
/// # Ok::<(), tfjs_artifacts::JsonError>(())
/// ```
#[derive(Clone)]
pub struct RawJson {
    text: Arc<str>,
    /// Where in it this value stands: between characters, within the text.
    range: Range<usize>,
}

/// Why a text is not acceptable JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// Not well-formed.
    #[error("not valid JSON at line {line}, column {column}: {message}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
        /// What the parser expected.
        message: String,
    },
    /// Arrays and objects nested too deep.
    #[error(
        "JSON is nested deeper than {limit} levels (at line {line}); that is the limit `json-depth`, which can be set to {MAX_DEPTH} at most"
    )]
    TooDeep {
        /// The deepest nesting that is accepted.
        limit: usize,
        /// The line where the limit is passed, from 1.
        line: usize,
    },
}

impl From<JsonError> for Error {
    fn from(error: JsonError) -> Self {
        ManifestError::Json(error).into()
    }
}

impl RawJson {
    /// Checks and takes a JSON text; white space around the value is dropped.
    ///
    /// # Errors
    /// [`JsonError`] when the text is not well-formed or is nested deeper than 512 levels.
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        check_depth(text, MAX_DEPTH)?;
        scan::value(text).map(Self::from_checked)
    }

    /// The JSON text of any serializable value.
    ///
    /// # Errors
    /// Whatever the value's `Serialize` reports, and nesting deeper than 512 levels.
    pub fn from_serialize(value: &impl serde::Serialize) -> Result<Self, JsonError> {
        let text = serde_json::to_string(value).map_err(|error| syntax_error(&error))?;
        Self::parse(&text)
    }

    /// The JSON `null`.
    pub fn null() -> Self {
        Self::whole(Arc::from("null"))
    }

    /// A JSON string.
    pub fn string(text: &str) -> Self {
        let mut json = String::with_capacity(text.len() + 2);
        js::write_string(text, &mut json);
        Self::whole(json.into())
    }

    /// Takes a part of a text that [`check_depth`] and the parser have already accepted.
    pub(crate) fn from_checked(text: &str) -> Self {
        Self::whole(Arc::from(text))
    }

    fn whole(text: Arc<str>) -> Self {
        let range = 0..text.len();
        Self { text, range }
    }

    /// A part of this value's text, which the parser has found in it.
    fn part(&self, text: &str) -> Self {
        let start = text.as_ptr().addr().wrapping_sub(self.text.as_ptr().addr());
        let range = start..start.saturating_add(text.len());
        debug_assert_eq!(self.text.get(range.clone()), Some(text), "the parser borrows from the text");
        Self { text: Arc::clone(&self.text), range }
    }

    /// The text, as it came.
    pub fn get(&self) -> &str {
        self.text.get(self.range.clone()).unwrap_or_default()
    }

    /// Whether this is the JSON `null`.
    pub fn is_null(&self) -> bool {
        self.get() == "null"
    }

    /// The value of a JSON string; `None` for any other kind of value.
    pub fn as_str(&self) -> Option<Cow<'_, str>> {
        scan::string(self.get())
    }

    /// The value of a JSON number as JavaScript reads it; `None` for any other kind of value.
    pub fn as_f64(&self) -> Option<f64> {
        let text = self.get();
        text.starts_with(|c: char| c == '-' || c.is_ascii_digit()).then(|| number::parse(text)).flatten()
    }

    /// The members of a JSON object, in the order of the text; `None` for any other kind of value.
    pub fn entries(&self) -> Option<Vec<(String, Self)>> {
        let owned = |(key, text): (Cow<'_, str>, &str)| (key.into_owned(), self.part(text));
        Some(scan::members(self.get())?.into_iter().map(owned).collect())
    }

    /// The value of one member of a JSON object; the last, if the key is repeated, as in JavaScript.
    pub fn member(&self, key: &str) -> Option<Self> {
        let (_, text) = scan::members(self.get())?.into_iter().rev().find(|(name, _)| name == key)?;
        Some(self.part(text))
    }

    /// The elements of a JSON array; `None` for any other kind of value.
    pub fn elements(&self) -> Option<Vec<Self>> {
        Some(scan::elements(self.get())?.into_iter().map(|text| self.part(text)).collect())
    }

    /// The number of elements of a JSON array, counted without holding them; `None` for any other kind of value.
    pub fn element_count(&self) -> Option<usize> {
        scan::count(self.get())
    }

    /// A JSON object with these members, in their order.
    ///
    /// # Errors
    /// [`JsonError::TooDeep`] when a value is nested as deep as is accepted already.
    pub fn from_entries<K: AsRef<str>>(entries: impl IntoIterator<Item = (K, Self)>) -> Result<Self, JsonError> {
        let mut text = String::new();
        for (key, value) in entries {
            text.push(if text.is_empty() { '{' } else { ',' });
            js::write_string(key.as_ref(), &mut text);
            text.push(':');
            text.push_str(value.get());
        }
        if text.is_empty() {
            text.push('{');
        }
        text.push('}');
        Self::parse(&text)
    }

    /// This JSON object with one member set: at its place if it is there, else at the end. What is no object becomes one.
    ///
    /// ```
    /// use tfjs_artifacts::RawJson;
    ///
    /// let metadata = RawJson::parse(r#"{"labels":["cat"],"v":1}"#)?.with_member("v", RawJson::parse("2.0")?)?;
    /// assert_eq!(metadata.get(), r#"{"labels":["cat"],"v":2.0}"#);
    /// # Ok::<(), tfjs_artifacts::JsonError>(())
    /// ```
    ///
    /// # Errors
    /// [`JsonError::TooDeep`] when the value is nested as deep as is accepted already.
    pub fn with_member(&self, key: &str, value: Self) -> Result<Self, JsonError> {
        let mut entries = self.entries().unwrap_or_default();
        match entries.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = value,
            None => entries.push((key.to_owned(), value)),
        }
        Self::from_entries(entries)
    }

    /// What JavaScript's `JSON.stringify(JSON.parse(text))` prints.
    ///
    /// Compact; integer-like keys first and ascending, other keys in order, the last of repeated keys at the
    /// place of the first; numbers in JavaScript's shortest form (`1.0` is `1`, `-0.0` is `0`, `1e999` is
    /// `null`); only `"`, `\`, control characters and lone surrogates escaped.
    pub fn to_js_string(&self) -> String {
        js::stringify(self.get())
    }

    /// The length in UTF-8 bytes of [`to_js_string`](Self::to_js_string): the unit of all byte counts of
    /// JSON that TensorFlow.js reports.
    pub fn js_len(&self) -> u64 {
        self.to_js_string().len() as u64
    }
}

/// Refuses nesting deeper than `most`, in one pass without recursion.
///
/// Byte by byte: the strings of a model are so short that searching them in larger steps takes twice as long.
pub(crate) fn check_depth(text: &str, most: usize) -> Result<(), JsonError> {
    if text.len() <= most {
        return Ok(());
    }
    let bytes = text.as_bytes();
    let (mut depth, mut deepest, mut at) = (0usize, 0, 0);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            // Brackets in strings are letters, and what follows a backslash ends no string.
            b'"' => loop {
                match bytes.get(at) {
                    Some(b'"') => {
                        at += 1;
                        break;
                    }
                    Some(b'\\') => at += 2,
                    Some(_) => at += 1,
                    None => break,
                }
            },
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
                if depth > most {
                    break;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    if deepest <= most {
        return Ok(());
    }
    let before = bytes.get(..at).unwrap_or_default();
    let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
    Err(JsonError::TooDeep { limit: most, line })
}

/// Our error for what serde_json says; its message without the position, which has fields of its own.
fn syntax_error(error: &serde_json::Error) -> JsonError {
    let text = error.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    JsonError::Syntax { line: error.line(), column: error.column(), message: message.to_owned() }
}

/// Two values are equal when their texts are; `1.0` and `1` differ.
impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for RawJson {}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

impl fmt::Display for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

impl serde::Serialize for RawJson {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The text is well-formed: this only wraps it.
        let raw: &RawValue = serde_json::from_str(self.get()).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for RawJson {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        check_depth(raw.get(), MAX_DEPTH).map_err(serde::de::Error::custom)?;
        Ok(Self::from_checked(raw.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_limited_without_recursion() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(RawJson::parse(&deep(MAX_DEPTH)).is_ok());
        let error = RawJson::parse(&deep(10_000)).unwrap_err();
        assert!(error.to_string().starts_with("JSON is nested deeper than 512 levels (at line 1); "), "{error}");
        // Brackets inside strings do not count.
        assert!(RawJson::parse(&format!("\"{}\\\"{}\"", "[".repeat(600), "{".repeat(600))).is_ok());
    }

    #[test]
    fn the_deepest_value_is_stringified() {
        let text = format!("{}1.0{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        assert_eq!(RawJson::parse(&text).unwrap().js_len(), 2 * MAX_DEPTH as u64 + 1);
    }

    #[test]
    fn typed_access() {
        let json = RawJson::parse(r#"{"a":"x\n","b":-0.0,"a":2}"#).unwrap();
        assert_eq!(json.member("a").unwrap().as_f64(), Some(2.0));
        assert_eq!(json.entries().unwrap()[0].1.as_str().unwrap(), "x\n");
        assert!(json.member("b").unwrap().as_f64().unwrap().is_sign_negative());
        assert_eq!(json.as_str(), None);
        assert_eq!(RawJson::string("a\"b").as_str().unwrap(), "a\"b");
        assert!(RawJson::null().is_null());
    }

    #[test]
    fn parts_share_the_text() {
        let json = RawJson::parse(r#" {"a": [1, {"b": "x"}]} "#).unwrap();
        let inner = json.member("a").unwrap().elements().unwrap().pop().unwrap();
        assert_eq!(inner.get(), r#"{"b": "x"}"#);
        assert_eq!(inner.entries().unwrap().pop().unwrap().1.get(), r#""x""#);
        assert!(Arc::ptr_eq(&inner.text, &json.text));
        assert_eq!(inner, RawJson::parse(r#"{"b": "x"}"#).unwrap());
    }

    #[test]
    fn syntax_errors_say_where() {
        let error = RawJson::parse("{\"a\":\n 1,}").unwrap_err();
        assert_eq!(error.to_string(), "not valid JSON at line 2, column 4: key must be a string");
    }
}
