//! Patterns of names, as Python's `fnmatch.fnmatchcase` reads them.

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob {
    text: String,
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// `*`
    Any,
    /// `?`
    One,
    Char(char),
    Set(Set),
}

/// `[...]`: ranges of characters, ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Set {
    negated: bool,
    ranges: Vec<(char, char)>,
}

impl Glob {
    /// Every text is a pattern.
    pub(super) fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut tokens = Vec::new();
        let mut rest = &chars[..];
        while let Some((&first, behind)) = rest.split_first() {
            rest = behind;
            tokens.push(match first {
                '*' => Token::Any,
                '?' => Token::One,
                '[' => match split_set(rest) {
                    Some((set, behind)) => {
                        rest = behind;
                        Token::Set(Set::new(set))
                    }
                    // Never closed: a bracket like any other character.
                    None => Token::Char('['),
                },
                other => Token::Char(other),
            });
        }
        Self { text: text.to_owned(), tokens }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole name matches. At most one step for each pair of a character and a token.
    pub(super) fn matches(&self, name: &str) -> bool {
        let mut tokens = &self.tokens[..];
        let mut chars = name.chars();
        // Behind the last `*`: where to go on, with one character more for it, when all else fails. Earlier ones need not be
        // looked at again: what they could leave to this one, it can take by itself.
        let mut retry = None;
        loop {
            if let Some((Token::Any, behind)) = tokens.split_first() {
                tokens = behind;
                retry = Some((behind, chars.clone()));
                continue;
            }
            match (tokens.split_first(), chars.next()) {
                (None, None) => return true,
                (Some((token, behind)), Some(c)) if token.matches(c) => tokens = behind,
                // The name ended: a longer `*` only makes that worse.
                (Some(_), None) => return false,
                _ => {
                    let Some((behind, from)) = &mut retry else { return false };
                    if from.next().is_none() {
                        return false;
                    }
                    (tokens, chars) = (behind, from.clone());
                }
            }
        }
    }
}

impl Token {
    fn matches(&self, c: char) -> bool {
        match self {
            Self::Any | Self::One => true,
            Self::Char(expected) => *expected == c,
            Self::Set(set) => set.ranges.iter().any(|&(from, to)| (from..=to).contains(&c)) != set.negated,
        }
    }
}

/// What stands before the closing bracket, and behind it. A bracket that comes first does not close.
fn split_set(chars: &[char]) -> Option<(&[char], &[char])> {
    let negation = usize::from(chars.first() == Some(&'!'));
    let first = negation + usize::from(chars.get(negation) == Some(&']'));
    let length = first + chars.get(first..)?.iter().position(|&c| c == ']')?;
    Some((chars.get(..length)?, chars.get(length + 1..)?))
}

impl Set {
    /// What stands between the brackets. A range such as `z-a` is empty; a hyphen that is first or last, or comes right behind
    /// a range, is a hyphen.
    fn new(between: &[char]) -> Self {
        let (negated, mut rest) = match between.split_first() {
            Some(('!', rest)) => (true, rest),
            _ => (false, between),
        };
        let mut set = Self { negated, ranges: Vec::new() };
        let mut is_behind_empty = false;
        while let [from, behind @ ..] = rest {
            let (to, behind) = match behind {
                ['-', to, behind @ ..] => (to, behind),
                _ => (from, behind),
            };
            if from > to {
                is_behind_empty = true;
            } else if *from == '!' && is_behind_empty && !set.negated && set.ranges.is_empty() {
                // Python removes empty ranges first, and takes a `!` that has become the first character for a negation.
                set.negated = true;
                if to != from {
                    set.ranges.extend([('-', '-'), (*to, *to)]);
                }
            } else {
                set.ranges.push((*from, *to));
            }
            rest = behind;
        }
        set
    }
}
