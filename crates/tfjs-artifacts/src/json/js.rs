//! `JSON.stringify(JSON.parse(text))` without a JavaScript engine.
//!
//! TensorFlow.js reports the sizes of topology and specs as the UTF-8 length of what `JSON.stringify` prints,
//! so equal byte counts need its exact rules (ECMA-262, `SerializeJSONProperty`, `OrdinaryOwnPropertyKeys`
//! and `Number::toString`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Prints `text`, which must be well-formed JSON of bounded depth, as JavaScript would after parsing it.
pub(super) fn stringify(text: &str) -> String {
    let mut parser = Parser { text, at: 0 };
    let mut out = String::with_capacity(text.len());
    match parser.value() {
        Some(value) => value.write(&mut out),
        // Only a text that is not JSON ends up here, and `RawJson` cannot hold one.
        None => out.push_str(text),
    }
    out
}

/// Prints a number as JavaScript does: shortest form, `-0` as `0`, infinities and NaN as `null`.
fn write_number(value: f64, out: &mut String) {
    if value.is_finite() {
        out.push_str(ryu_js::Buffer::new().format_finite(value));
    } else {
        out.push_str("null");
    }
}

/// Prints a string with quotes, escaping what JavaScript escapes.
pub(super) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        write_char(c, out);
    }
    out.push('"');
}

fn write_char(c: char, out: &mut String) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{8}' => out.push_str("\\b"),
        '\u{9}' => out.push_str("\\t"),
        '\u{a}' => out.push_str("\\n"),
        '\u{c}' => out.push_str("\\f"),
        '\u{d}' => out.push_str("\\r"),
        c if c < ' ' => write_unicode_escape(u32::from(c), out),
        c => out.push(c),
    }
}

fn write_unicode_escape(unit: u32, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\u{unit:04x}");
}

/// A parsed value. Strings are held in printed form without their quotes: escaped as JavaScript would, so that
/// lone surrogates, which Rust's strings cannot hold, are no special case, and equal strings have equal text.
enum Value<'a> {
    Literal(&'a str),
    Number(f64),
    String(Cow<'a, str>),
    Array(Vec<Self>),
    Object(Vec<(Cow<'a, str>, Self)>),
}

impl Value<'_> {
    fn write(&self, out: &mut String) {
        match self {
            Self::Literal(text) => out.push_str(text),
            Self::Number(value) => write_number(*value, out),
            Self::String(text) => write_printed(text, out),
            Self::Array(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    element.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_printed(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

fn write_printed(text: &str, out: &mut String) {
    out.push('"');
    out.push_str(text);
    out.push('"');
}

/// The members of an object in the order of JavaScript's property enumeration.
fn object<'a>(members: Vec<(Cow<'a, str>, Value<'a>)>) -> Value<'a> {
    let mut places = BTreeMap::new();
    let mut unique: Vec<(Cow<'a, str>, Value<'a>)> = Vec::with_capacity(members.len());
    for (key, value) in members {
        if let Some(first) = places.get(&key).and_then(|&place: &usize| unique.get_mut(place)) {
            first.1 = value;
        } else {
            places.insert(key.clone(), unique.len());
            unique.push((key, value));
        }
    }
    // The sort is stable: keys that are no array index keep their order, behind those that are.
    unique.sort_by_key(|(key, _)| array_index(key).unwrap_or(u32::MAX));
    Value::Object(unique)
}

/// The value of a key that is a canonical array index, 0 to 2^32 - 2.
fn array_index(key: &str) -> Option<u32> {
    let canonical = key == "0" || !key.starts_with('0');
    let digits = !key.is_empty() && key.len() <= 10 && key.bytes().all(|byte| byte.is_ascii_digit());
    let index = (canonical && digits).then(|| key.parse::<u32>().ok()).flatten()?;
    (index < u32::MAX).then_some(index)
}

/// A recursive-descent parser over text that is known to be well-formed; `None` if it is not.
struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn value(&mut self) -> Option<Value<'a>> {
        match self.peek()? {
            b'{' => self.object(),
            b'[' => self.array(),
            b'"' => Some(Value::String(self.string()?)),
            b't' | b'f' | b'n' => Some(Value::Literal(self.token(|byte| byte.is_ascii_lowercase())?)),
            _ => {
                let token = self.token(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))?;
                token.parse().ok().map(Value::Number)
            }
        }
    }

    fn object(&mut self) -> Option<Value<'a>> {
        let mut members = Vec::new();
        self.eat(b'{')?;
        while self.peek()? != b'}' {
            let key = self.string()?;
            self.eat(b':')?;
            members.push((key, self.value()?));
            if self.peek()? == b',' {
                self.eat(b',')?;
            }
        }
        self.eat(b'}')?;
        Some(object(members))
    }

    fn array(&mut self) -> Option<Value<'a>> {
        let mut elements = Vec::new();
        self.eat(b'[')?;
        while self.peek()? != b']' {
            elements.push(self.value()?);
            if self.peek()? == b',' {
                self.eat(b',')?;
            }
        }
        self.eat(b']')?;
        Some(Value::Array(elements))
    }

    /// A string in printed form.
    fn string(&mut self) -> Option<Cow<'a, str>> {
        self.eat(b'"')?;
        let start = self.at;
        let rest = self.text.as_bytes().get(start..)?;
        let stop = start + rest.iter().position(|&byte| byte == b'"' || byte == b'\\')?;
        let plain = self.text.get(start..stop)?;
        self.at = stop;
        if self.text.as_bytes().get(stop) == Some(&b'"') {
            self.at += 1;
            return Some(Cow::Borrowed(plain));
        }
        let mut printed = plain.to_owned();
        loop {
            let c = self.text.get(self.at..)?.chars().next()?;
            self.at += c.len_utf8();
            match c {
                '"' => return Some(Cow::Owned(printed)),
                '\\' => self.escape(&mut printed)?,
                c => printed.push(c),
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self, printed: &mut String) -> Option<()> {
        let byte = *self.text.as_bytes().get(self.at)?;
        self.at += 1;
        match byte {
            b'b' => write_char('\u{8}', printed),
            b't' => write_char('\t', printed),
            b'n' => write_char('\n', printed),
            b'f' => write_char('\u{c}', printed),
            b'r' => write_char('\r', printed),
            b'u' => self.unicode_escape(printed)?,
            other => write_char(char::from(other), printed),
        }
        Some(())
    }

    /// What follows `\u`: a character, the first half of a surrogate pair, or a lone surrogate.
    fn unicode_escape(&mut self, printed: &mut String) -> Option<()> {
        let unit = self.hex4()?;
        if let Some(c) = char::from_u32(unit) {
            write_char(c, printed);
            return Some(());
        }
        let mark = self.at;
        if unit < 0xdc00 && self.text.get(mark..)?.starts_with("\\u") {
            self.at += 2;
            let low = self.hex4()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                printed.push(char::from_u32(code)?);
                return Some(());
            }
            self.at = mark;
        }
        write_unicode_escape(unit, printed);
        Some(())
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }

    fn token(&mut self, belongs: impl Fn(u8) -> bool) -> Option<&'a str> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).copied().is_some_and(&belongs) {
            self.at += 1;
        }
        self.text.get(start..self.at).filter(|token| !token.is_empty())
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }
}

#[cfg(test)]
mod tests {
    use super::stringify;
    use proptest::prelude::*;

    fn check(text: &str, printed: &str) {
        assert_eq!(stringify(text), printed, "{text}");
    }

    /// Every expectation was printed by Node 20.
    #[test]
    fn numbers() {
        check("[1.0, 6.0, -0.0, -0, 1e-7, 1e21, 0.000001]", "[1,6,0,0,1e-7,1e+21,0.000001]");
        check("[123456789012345680000, 1e999, -1e999]", "[123456789012345680000,null,null]");
        check("[0.1, 5e-324, 1.7976931348623157e308]", "[0.1,5e-324,1.7976931348623157e+308]");
        check("[9007199254740993, 1E5, 1e+2]", "[9007199254740992,100000,100]");
    }

    #[test]
    fn key_order() {
        check(r#"{"b":1,"10":2,"9":3,"a":4,"01":5,"-1":6}"#, r#"{"9":3,"10":2,"b":1,"a":4,"01":5,"-1":6}"#);
        check(r#"{"4294967295":1,"4294967294":2}"#, r#"{"4294967294":2,"4294967295":1}"#);
        check(r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#);
        check(r#"{"__proto__":1,"a":{"__proto__":[]}}"#, r#"{"__proto__":1,"a":{"__proto__":[]}}"#);
    }

    #[test]
    fn strings() {
        check(r#""\u0041\/\b\t\n\f\r\u000b\u001F\u007f""#, "\"A/\\b\\t\\n\\f\\r\\u000b\\u001f\u{7f}\"");
        check(r#""\ud83d\ude00 é 模""#, "\"😀 é 模\"");
        check(r#""\ud83d \ude00 \uD83Dx \ud83d\u0041""#, r#""\ud83d \ude00 \ud83dx \ud83dA""#);
        check(r#"{"\u0061":1,"a":2}"#, r#"{"a":2}"#);
        check("\"\\u2028\"", "\"\u{2028}\"");
    }

    #[test]
    fn space_is_dropped() {
        check(" { \"a\" : [ 1 ,\r\n\t2 ] , \"b\" : { } , \"c\" : [ ] }\n", r#"{"a":[1,2],"b":{},"c":[]}"#);
        check("true", "true");
        check("null", "null");
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i32>().prop_map(Into::into),
            ".{0,8}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::btree_map("[a-z\\\\\"é]{1,4}", inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// Where the rules of JavaScript and of serde_json agree (sorted keys, integers), so must the texts.
        #[test]
        fn agrees_with_serde_json(value in json()) {
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(stringify(&pretty), serde_json::to_string(&value).unwrap());
        }
    }
}
