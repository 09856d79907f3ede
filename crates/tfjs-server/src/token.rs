//! The secret that clients show.

use std::fmt;

use tfjs_artifacts::Sha256;

/// A bearer token. It keeps the token's digest only, so nothing can print it, and comparing takes the same time whatever is
/// wrong.
#[derive(Clone)]
pub struct Token(Sha256);

/// Why a text is not a [`Token`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Too short to be a secret.
    #[error("the token has fewer than 8 characters; make a longer one, such as with `openssl rand -hex 32`")]
    TooShort,
    /// It cannot stand in a header.
    #[error("the token has a character that cannot stand in a header: visible ASCII only, no spaces")]
    BadCharacter,
}

impl Token {
    /// Takes a token; whitespace around it, such as the end of a file's line, does not count.
    ///
    /// # Errors
    /// [`TokenError`] when it is too short, or no header can hold it.
    pub fn new(text: &str) -> Result<Self, TokenError> {
        let text = text.trim_ascii();
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::BadCharacter);
        }
        if text.len() < 8 {
            return Err(TokenError::TooShort);
        }
        Ok(Self(Sha256::of(text.as_bytes())))
    }

    /// Whether the value of an `Authorization` header shows this token.
    pub(crate) fn is_shown_by(&self, authorization: &[u8]) -> bool {
        let Some((scheme, shown)) = authorization.split_at_checked("Bearer ".len()) else { return false };
        if !scheme.eq_ignore_ascii_case(b"Bearer ") {
            return false;
        }
        // Digests of one length: neither how much is right nor how long the token is shows in the time.
        let shown = Sha256::of(shown.trim_ascii());
        let pairs = self.0.as_bytes().iter().zip(shown.as_bytes());
        pairs.fold(0, |difference, (one, other)| difference | (one ^ other)) == 0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_recognized_and_nothing_else_is() {
        let token = Token::new("correct-horse\n").unwrap();
        for shown in ["Bearer correct-horse", "bearer correct-horse", "BEARER  correct-horse "] {
            assert!(token.is_shown_by(shown.as_bytes()), "{shown}");
        }
        for shown in [
            "",
            "Bearer",
            "Bearer ",
            "correct-horse",
            "Basic correct-horse",
            "Bearer correct-hors",
            "Bearer correct-horses",
        ] {
            assert!(!token.is_shown_by(shown.as_bytes()), "{shown}");
        }
        assert_eq!(format!("{token:?}"), "Token(..)");
    }

    #[test]
    fn what_is_no_token() {
        assert_eq!(Token::new(" \n").unwrap_err(), TokenError::TooShort);
        assert_eq!(Token::new("two words").unwrap_err(), TokenError::BadCharacter);
    }
}
