//! Texts of others in lines of our own.

use std::borrow::Cow;

/// A text from somebody's file as a part of one line: what would end the line, steer the terminal or turn the line around is escaped as Rust
/// and JavaScript do.
///
/// ```
/// use tfjs_artifacts::printable;
///
/// assert_eq!(printable("dense/kernel"), "dense/kernel");
/// assert_eq!(printable("a\nok: 3 tensors"), r"a\nok: 3 tensors");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if is_obeyed(c) {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    Cow::Owned(printable)
}

/// Whether a terminal does something else than to show it.
fn is_obeyed(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = matches!(c, '\u{2028}' | '\u{2029}');
    c.is_control() || turns || breaks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        assert_eq!(printable("a\n\r\tb"), r"a\n\r\tb");
        assert_eq!(printable("\u{1b}[2J\u{7f}\u{9b}"), r"\u{1b}[2J\u{7f}\u{9b}");
        assert_eq!(printable("\u{202e}gpj\u{2028}"), r"\u{202e}gpj\u{2028}");
        assert_eq!(printable(r"模型 é \n"), r"模型 é \n");
    }
}
