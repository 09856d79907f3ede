//! `JSON.stringify(JSON.parse(text))` without a JavaScript engine.
//!
//! TensorFlow.js reports the sizes of topology and specs as the UTF-8 length of what `JSON.stringify` prints,
//! so equal byte counts need its exact rules (ECMA-262, `SerializeJSONProperty`, `OrdinaryOwnPropertyKeys`
//! and `Number::toString`).

use std::collections::BinaryHeap;
use std::fmt::Write as _;
use std::ops::Range;

use super::number;
use super::scan::escape;
use crate::repeated::Places;

/// Prints `text`, which must be well-formed JSON of bounded depth, as JavaScript would after parsing it.
pub(super) fn stringify(text: &str) -> String {
    let mut printer = Printer { text, at: 0, out: String::with_capacity(text.len()) };
    match printer.value() {
        Some(()) => printer.out,
        // Only a text that is not JSON ends up here, and `RawJson` cannot hold one.
        None => text.to_owned(),
    }
}

/// Prints a number as JavaScript does: shortest form, `-0` as `0`, infinities and NaN as `null`.
fn write_number(value: f64, out: &mut String) {
    if value.is_finite() {
        number::print(value, out);
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

/// The value of a key that is a canonical array index, 0 to 2^32 - 2: JavaScript has such keys of an object first, ascending, and
/// then the others as they are.
pub fn array_index(key: &str) -> Option<u32> {
    let canonical = key == "0" || !key.starts_with('0');
    let digits = !key.is_empty() && key.len() <= 10 && key.bytes().all(|byte| byte.is_ascii_digit());
    let index = (canonical && digits).then(|| key.parse::<u32>().ok()).flatten()?;
    (index < u32::MAX).then_some(index)
}

/// Parses and prints at once: nothing but the output, and the places of the members of open objects, is held.
///
/// Recursive descent over text that is known to be well-formed; `None` if it is not.
struct Printer<'a> {
    text: &'a str,
    at: usize,
    out: String,
}

/// Where a member of an object stands in the output: all of it, and its key without quotes.
///
/// A printed key is escaped as JavaScript would, so lone surrogates, which Rust's strings cannot hold, are no special case,
/// and equal keys have equal text.
struct Member {
    whole: Range<usize>,
    key: Range<usize>,
}

impl<'a> Printer<'a> {
    fn value(&mut self) -> Option<()> {
        match self.peek()? {
            b'{' => self.object(),
            b'[' => self.array(),
            b'"' => self.string(),
            b't' | b'f' | b'n' => {
                let literal = self.token(|byte| byte.is_ascii_lowercase())?;
                self.out.push_str(literal);
                Some(())
            }
            _ => {
                let token = self.token(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))?;
                write_number(number::parse(token)?, &mut self.out);
                Some(())
            }
        }
    }

    fn object(&mut self) -> Option<()> {
        let start = self.out.len();
        let mut members = Vec::new();
        self.eat(b'{')?;
        while self.peek()? != b'}' {
            self.out.push(if members.is_empty() { '{' } else { ',' });
            let from = self.out.len();
            self.string()?;
            let key = from + 1..self.out.len() - 1;
            self.eat(b':')?;
            self.out.push(':');
            self.value()?;
            members.push(Member { whole: from..self.out.len(), key });
            if self.peek()? == b',' {
                self.eat(b',')?;
            }
        }
        self.eat(b'}')?;
        if members.is_empty() {
            self.out.push('{');
        }
        self.reorder(start, members)?;
        self.out.push('}');
        Some(())
    }

    /// Brings the members of an object, printed from `start` on, into the order of JavaScript's property enumeration.
    fn reorder(&mut self, start: usize, members: Vec<Member>) -> Option<()> {
        let key = |member: &Member| self.out.get(member.key.clone()).unwrap_or_default();
        let mut places = Places::new();
        let mut unique: Vec<Member> = Vec::with_capacity(members.len());
        let mut in_order = true;
        for member in members {
            let key = key(&member);
            in_order &= array_index(key).is_none();
            if let Some(first) = places.get(key).and_then(|&place| unique.get_mut(place)) {
                *first = member;
                in_order = false;
            } else {
                places.insert(key, unique.len());
                unique.push(member);
            }
        }
        if in_order {
            return Some(());
        }
        // Keys that are no array index keep their order, behind those that are.
        let place = |(at, member): (usize, &Member)| (array_index(key(member)).unwrap_or(u32::MAX), at);
        let mut places: Vec<_> = unique.iter().enumerate().map(place).collect();
        if !places.is_sorted() {
            places = BinaryHeap::from(places).into_sorted_vec();
        }
        let mut ordered = String::with_capacity(self.out.len() - start);
        for (index, (_, at)) in places.into_iter().enumerate() {
            ordered.push(if index == 0 { '{' } else { ',' });
            ordered.push_str(self.out.get(unique.get(at)?.whole.clone())?);
        }
        self.out.truncate(start);
        self.out.push_str(&ordered);
        Some(())
    }

    fn array(&mut self) -> Option<()> {
        self.eat(b'[')?;
        self.out.push('[');
        let mut separator = "";
        while self.peek()? != b']' {
            self.out.push_str(separator);
            separator = ",";
            self.value()?;
            if self.peek()? == b',' {
                self.eat(b',')?;
            }
        }
        self.eat(b']')?;
        self.out.push(']');
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        self.eat(b'"')?;
        self.out.push('"');
        loop {
            let rest = self.text.get(self.at..)?;
            let stop = rest.bytes().position(|byte| byte == b'"' || byte == b'\\')?;
            self.out.push_str(rest.get(..stop)?);
            self.at += stop + 1;
            if rest.as_bytes().get(stop) == Some(&b'"') {
                self.out.push('"');
                return Some(());
            }
            self.escape()?;
        }
    }

    /// What follows a backslash; half of a pair of surrogates stays an escape.
    fn escape(&mut self) -> Option<()> {
        let (c, rest) = escape(self.text.get(self.at..)?)?;
        self.at = self.text.len() - rest.len();
        match c {
            Ok(c) => write_char(c, &mut self.out),
            Err(unit) => write_unicode_escape(unit, &mut self.out),
        }
        Some(())
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
