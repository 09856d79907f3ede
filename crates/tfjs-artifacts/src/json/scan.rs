//! JSON taken apart where it stands: what is well-formed, and where values begin and end.
//!
//! It refuses what serde_json refuses, in the same place and with the same words. What serde_json would bring along to a page is a
//! reader for each type, and tables for numbers, which are read elsewhere.

use std::borrow::Cow;

use super::{JsonError, MAX_DEPTH};

/// The members of an object, in their order.
pub(crate) type Members<'a, V> = Vec<(Cow<'a, str>, V)>;

/// The text of the one value that a text has; white space around it is dropped.
pub(crate) fn value(text: &str) -> Result<&str, JsonError> {
    let mut scanner = Scanner::new(text);
    let value = scanner.value().and_then(|value| match scanner.peek() {
        None => Ok(value),
        Some(_) => Err(scanner.at_next("trailing characters")),
    });
    value.map_err(|fault| fault.in_text(text))
}

/// All of a text as `read` takes it apart; `None` if it is not made like that.
pub(crate) fn whole<'a, V>(text: &'a str, read: impl FnOnce(&mut Scanner<'a>) -> Option<V>) -> Option<V> {
    let mut scanner = Scanner::new(text);
    let value = read(&mut scanner)?;
    scanner.peek().is_none().then_some(value)
}

/// The members of an object, as text; `None` for any other kind of value, and if a key is not Unicode.
pub(crate) fn members(text: &str) -> Option<Members<'_, &str>> {
    whole(text, |scanner| scanner.members(|scanner, _| scanner.value().ok()))
}

/// The elements of an array, as text; `None` for any other kind of value.
pub(crate) fn elements(text: &str) -> Option<Vec<&str>> {
    whole(text, |scanner| scanner.elements(|scanner| scanner.value().ok()))
}

/// How many elements an array has, without keeping any; `None` for any other kind of value.
pub(crate) fn count(text: &str) -> Option<usize> {
    // What takes no memory is only counted.
    whole(text, |scanner| scanner.elements(|scanner| scanner.value().ok().map(drop))).map(|elements| elements.len())
}

/// The value of a JSON string; `None` for any other kind of value, and if it is not Unicode.
pub(crate) fn string(text: &str) -> Option<Cow<'_, str>> {
    unescape(text.strip_prefix('"')?.strip_suffix('"')?)
}

/// What stands between the quotes of a string, whose escapes are known to be well-formed; `None` if it is not Unicode.
fn unescape(inner: &str) -> Option<Cow<'_, str>> {
    let mut rest = inner;
    let mut unescaped = String::new();
    while let Some((plain, escaped)) = rest.split_once('\\') {
        let (c, after) = escape(escaped)?;
        unescaped.push_str(plain);
        unescaped.push(c.ok()?);
        rest = after;
    }
    if rest.len() == inner.len() {
        return Some(Cow::Borrowed(inner));
    }
    unescaped.push_str(rest);
    Some(Cow::Owned(unescaped))
}

/// What a backslash and the text behind it mean, a character or half of a pair of surrogates, and what follows.
pub(super) fn escape(text: &str) -> Option<(Result<char, u32>, &str)> {
    let mut chars = text.chars();
    let c = match chars.next()? {
        'b' => '\u{8}',
        't' => '\t',
        'n' => '\n',
        'f' => '\u{c}',
        'r' => '\r',
        'u' => return unicode_escape(chars.as_str()),
        other => other,
    };
    Some((Ok(c), chars.as_str()))
}

/// What the digits after `\u` mean; two halves that belong together are one character.
fn unicode_escape(text: &str) -> Option<(Result<char, u32>, &str)> {
    let (unit, rest) = hex4(text)?;
    let low = rest.strip_prefix("\\u").and_then(hex4);
    Some(match (char::from_u32(unit), low) {
        (Some(c), _) => (Ok(c), rest),
        (None, Some((low @ 0xdc00..0xe000, rest))) if unit < 0xdc00 => {
            let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            (char::from_u32(code).ok_or(unit), rest)
        }
        _ => (Err(unit), rest),
    })
}

fn hex4(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}

/// Why a text is not well-formed.
pub(crate) struct Fault {
    message: &'static str,
    /// How many bytes come before the place that is told.
    at: usize,
}

impl Fault {
    fn in_text(self, text: &str) -> JsonError {
        let before = text.as_bytes().get(..self.at).unwrap_or_default();
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count();
        JsonError::Syntax { line, column, message: self.message.to_owned() }
    }
}

/// A place in a text.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// The brackets of the value at hand that are open.
    open: Vec<u8>,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0, open: Vec::new() }
    }

    /// Takes an object apart; `read` gets the scanner before each value, with the key, and leaves it behind the value.
    pub(crate) fn members<V>(&mut self, read: impl Fn(&mut Self, &str) -> Option<V>) -> Option<Members<'a, V>> {
        let mut members = Vec::new();
        while self.has_next(b'{', b'}', members.is_empty())? {
            let key = unescape(self.key().ok()?)?;
            let value = read(self, &key)?;
            members.push((key, value));
        }
        Some(members)
    }

    /// Takes an array apart; `read` gets the scanner before each element, and leaves it behind the element.
    pub(crate) fn elements<V>(&mut self, read: impl Fn(&mut Self) -> Option<V>) -> Option<Vec<V>> {
        let mut elements = Vec::new();
        while self.has_next(b'[', b']', elements.is_empty())? {
            elements.push(read(self)?);
        }
        Some(elements)
    }

    /// Steps over what stands before a member or an element, or over the last bracket.
    fn has_next(&mut self, open: u8, close: u8, is_first: bool) -> Option<bool> {
        let before = if is_first { open } else { b',' };
        let found = self.peek()?;
        self.at += 1;
        if found == before {
            // No comma stands before the end.
            if !is_first || self.peek()? != close {
                return Some(true);
            }
            self.at += 1;
            return Some(false);
        }
        (found == close && !is_first).then_some(false)
    }

    /// Steps over one value and gives its text.
    pub(crate) fn value(&mut self) -> Result<&'a str, Fault> {
        self.peek();
        let start = self.at;
        self.open.clear();
        loop {
            let mut is_complete = self.begin()?;
            loop {
                let Some(&bracket) = self.open.last() else {
                    return Ok(self.text.get(start..self.at).unwrap_or_default());
                };
                match (self.peek(), bracket) {
                    (Some(b','), _) if is_complete => {
                        self.at += 1;
                        break;
                    }
                    (Some(b']'), b'[') | (Some(b'}'), b'{') => {
                        self.at += 1;
                        self.open.pop();
                        is_complete = true;
                    }
                    (Some(_), _) if !is_complete => break,
                    (Some(_), b'[') => return Err(self.at_next("expected `,` or `]`")),
                    (Some(_), _) => return Err(self.at_next("expected `,` or `}`")),
                    (None, b'[') => return Err(self.at_next("EOF while parsing a list")),
                    (None, _) => return Err(self.at_next(EOF_IN_OBJECT)),
                }
            }
            if self.open.last() == Some(&b'{') {
                self.key()?;
            }
        }
    }

    /// Steps over a value without parts, or into an array or object; tells whether the value is complete.
    fn begin(&mut self) -> Result<bool, Fault> {
        match self.peek() {
            Some(bracket @ (b'[' | b'{')) if self.open.len() < MAX_DEPTH => {
                self.at += 1;
                self.open.push(bracket);
                return Ok(false);
            }
            Some(b'[' | b'{') => return Err(self.at_next("nested too deep")),
            Some(b'"') => self.string().map(drop)?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'n') => self.word(b"null")?,
            Some(b't') => self.word(b"true")?,
            Some(b'f') => self.word(b"false")?,
            Some(_) => return Err(self.at_next("expected value")),
            None => return Err(self.at_next(EOF_IN_VALUE)),
        }
        Ok(true)
    }

    /// Steps over a key and its colon; gives what stands between the key's quotes.
    fn key(&mut self) -> Result<&'a str, Fault> {
        let key = match self.peek() {
            Some(b'"') => self.string()?,
            Some(_) => return Err(self.at_next("key must be a string")),
            None => return Err(self.at_next(EOF_IN_OBJECT)),
        };
        match self.peek() {
            Some(b':') => self.at += 1,
            Some(_) => return Err(self.at_next("expected `:`")),
            None => return Err(self.at_next(EOF_IN_OBJECT)),
        }
        Ok(key)
    }

    /// Steps over a string; gives what stands between its quotes.
    fn string(&mut self) -> Result<&'a str, Fault> {
        self.at += 1;
        let start = self.at;
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            let is_plain = |byte: &&u8| **byte >= b' ' && !matches!(**byte, b'"' | b'\\');
            self.at += rest.iter().take_while(is_plain).count();
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(self.text.get(start..self.at - 1).unwrap_or_default());
                }
                Some(b'\\') => self.check_escape()?,
                Some(_) => {
                    return Err(self.here("control character (\\u0000-\\u001F) found while parsing a string"));
                }
                None => return Err(self.here(EOF_IN_STRING)),
            }
        }
    }

    fn check_escape(&mut self) -> Result<(), Fault> {
        self.at += 1;
        let Some(byte) = self.byte() else { return Err(self.here(EOF_IN_STRING)) };
        self.at += 1;
        let is_known = match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => true,
            b'u' => {
                let Some(digits) = self.text.as_bytes().get(self.at..self.at + 4) else {
                    self.at = self.text.len();
                    return Err(self.here(EOF_IN_STRING));
                };
                self.at += 4;
                digits.iter().all(u8::is_ascii_hexdigit)
            }
            _ => false,
        };
        if is_known { Ok(()) } else { Err(self.here("invalid escape")) }
    }

    fn number(&mut self) -> Result<(), Fault> {
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        let starts_with_zero = self.byte() == Some(b'0');
        self.digit()?;
        match self.byte() {
            Some(b'0'..=b'9') if starts_with_zero => return Err(self.at_next(INVALID_NUMBER)),
            _ => self.digits(),
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            if !matches!(self.byte(), Some(b'0'..=b'9')) {
                return Err(self.at_next(INVALID_NUMBER));
            }
            self.digits();
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digit()?;
            self.digits();
        }
        Ok(())
    }

    /// Steps over what must be a digit.
    fn digit(&mut self) -> Result<(), Fault> {
        let byte = self.byte();
        self.at = self.next_place();
        if matches!(byte, Some(b'0'..=b'9')) { Ok(()) } else { Err(self.here(INVALID_NUMBER)) }
    }

    fn digits(&mut self) {
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Fault> {
        for expected in word {
            let Some(byte) = self.byte() else { return Err(self.here(EOF_IN_VALUE)) };
            self.at += 1;
            if byte != *expected {
                return Err(self.here("expected ident"));
            }
        }
        Ok(())
    }

    /// The next byte that is not white space, with the scanner before it.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.byte()
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next_place(&self) -> usize {
        self.text.len().min(self.at + 1)
    }

    /// Something is wrong with what was stepped over last.
    fn here(&self, message: &'static str) -> Fault {
        Fault { message, at: self.at }
    }

    /// Something is wrong with the next byte.
    fn at_next(&self, message: &'static str) -> Fault {
        Fault { message, at: self.next_place() }
    }
}

const EOF_IN_VALUE: &str = "EOF while parsing a value";
const EOF_IN_OBJECT: &str = "EOF while parsing an object";
const EOF_IN_STRING: &str = "EOF while parsing a string";
const INVALID_NUMBER: &str = "invalid number";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    /// What serde_json says of a text.
    fn of_serde_json(text: &str) -> Result<&str, JsonError> {
        serde_json::from_str::<&RawValue>(text).map(RawValue::get).map_err(|error| super::super::syntax_error(&error))
    }

    fn check(text: &str) {
        assert_eq!(value(text), of_serde_json(text), "{text:?}");
        let keys = |members: &[(Cow<'_, str>, &str)]| -> Vec<_> {
            members.iter().map(|(key, value)| (key.to_string(), (*value).to_owned())).collect()
        };
        let expected: Option<Members<'_, &RawValue>> =
            serde_json::from_str::<Ordered<'_>>(text).ok().map(|Ordered(members)| members);
        let expected = expected.map(|members| members.into_iter().map(|(key, value)| (key, value.get())).collect());
        let expected: Option<Members<'_, &str>> = expected;
        assert_eq!(members(text).as_deref().map(keys), expected.as_deref().map(keys), "{text:?}");
        let expected = serde_json::from_str::<Vec<&RawValue>>(text).ok();
        assert_eq!(count(text), expected.as_ref().map(Vec::len), "{text:?}");
        assert_eq!(elements(text), expected.map(|all| all.into_iter().map(RawValue::get).collect()), "{text:?}");
        if value(text) == Ok(text) {
            assert_eq!(string(text).map(Cow::into_owned), serde_json::from_str::<String>(text).ok(), "{text:?}");
        }
    }

    /// The members of an object as serde_json reads them.
    struct Ordered<'a>(Members<'a, &'a RawValue>);

    impl<'de: 'a, 'a> serde::Deserialize<'de> for Ordered<'a> {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Ordered<'de>;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                    let mut members = Vec::new();
                    while let Some(key) = map.next_key::<String>()? {
                        members.push((Cow::Owned(key), map.next_value()?));
                    }
                    Ok(Ordered(members))
                }
            }
            deserializer.deserialize_map(Visitor)
        }
    }

    const TEXTS: [&str; 12] = [
        r#" {"a": [1, -2.5e+3, 0.1E-2, true, false, null], "é\u00e9\n": {"": "x"}, "b":{}, "c" : [ ]} "#,
        r#""\"\\\/\b\f\n\r\t\u0041\ud83d\ude00""#,
        r#"["\ud83d", "\ude00", "\ud83d\u0041", "\uD83Dx"]"#,
        "{\"\\ud83d\": 1}",
        "[1,\n [2,\n  {\"x\":\n [}]]]",
        "",
        " \n",
        "[[],[[]],{}]",
        "-",
        "01",
        "1.e",
        "\"\u{1}\"",
    ];

    #[test]
    fn texts_are_read_and_refused_as_serde_json_does() {
        for text in TEXTS {
            check(text);
        }
    }

    /// Each text cut off at each place, and with each byte replaced by each of some.
    #[test]
    fn damaged_texts_are_read_and_refused_as_serde_json_does() {
        for text in TEXTS {
            for (place, c) in text.char_indices() {
                let (before, rest) = text.split_at(place);
                check(before);
                let after = rest.split_at(c.len_utf8()).1;
                check(&format!("{before}{after}"));
                for other in "{}[]:,\"\\ \n\u{1}é0a1eEtfnu.-+/".chars() {
                    check(&format!("{before}{other}{after}"));
                    check(&format!("{before}{other}{rest}"));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_refused_as_serde_json_does(text in "[{}\\[\\]:,\"\\\\ \\n0-9a-fntrul.eE+-]{0,24}") {
            check(&text);
        }
    }
}
