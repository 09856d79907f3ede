//! Checksums of weight files.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256 as Hasher};

use crate::{Error, ErrorKind};

/// A SHA-256 digest; prints as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

/// A text that is no [`Sha256`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a SHA-256 digest of 64 hex digits")]
#[non_exhaustive]
pub struct Sha256Error {
    /// The text.
    pub text: String,
}

impl From<Sha256Error> for Error {
    fn from(error: Sha256Error) -> Self {
        Self::new(ErrorKind::InvalidData, error.to_string())
    }
}

impl Sha256 {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Hasher::digest(bytes).into())
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Sha256 {
    type Err = Sha256Error;

    fn from_str(text: &str) -> Result<Self, Sha256Error> {
        let wrong = || Sha256Error { text: text.chars().take(80).collect() };
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err(wrong()) };
        let mut digest = [0; 32];
        if pairs.len() != digest.len() {
            return Err(wrong());
        }
        for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
            let nibble = |digit: &u8| char::from(*digit).to_digit(16).and_then(|nibble| u8::try_from(nibble).ok());
            let (high, low) = nibble(high).zip(nibble(low)).ok_or_else(wrong)?;
            *byte = high << 4 | low;
        }
        Ok(Self(digest))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Digests a run of bytes that is cut into files of given lengths, as the bytes pass by.
///
/// ```
/// use tfjs_artifacts::{Sha256, ShardHasher};
///
/// let mut hasher = ShardHasher::new([2, 0, 3]);
/// hasher.update(b"ab");
/// hasher.update(b"cde");
/// assert_eq!(hasher.finish(), [Sha256::of(b"ab"), Sha256::of(b""), Sha256::of(b"cde")]);
/// ```
#[derive(Clone, Debug)]
pub struct ShardHasher {
    /// The lengths of the files behind the one that is being digested.
    lengths: std::vec::IntoIter<u64>,
    /// What is missing of the file that is being digested; `None` behind the last.
    missing: Option<u64>,
    hasher: Hasher,
    digests: Vec<Sha256>,
}

impl ShardHasher {
    /// For files of these lengths, one after the other.
    pub fn new(lengths: impl IntoIterator<Item = u64>) -> Self {
        let mut lengths = lengths.into_iter().collect::<Vec<_>>().into_iter();
        let missing = lengths.next();
        Self { lengths, missing, hasher: Hasher::new(), digests: Vec::new() }
    }

    /// Takes the next bytes; those behind the last file count for none.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while let Some(missing) = self.missing
            && !bytes.is_empty()
        {
            let length = usize::try_from(missing).unwrap_or(usize::MAX).min(bytes.len());
            let (these, rest) = bytes.split_at(length);
            self.hasher.update(these);
            self.missing = Some(missing - length as u64);
            self.end_files();
            bytes = rest;
        }
    }

    /// The digests of the files that are complete, in order.
    pub fn finish(mut self) -> Vec<Sha256> {
        self.end_files();
        self.digests
    }

    /// Ends the file that is complete, and those without bytes behind it.
    fn end_files(&mut self) {
        while self.missing == Some(0) {
            self.digests.push(Sha256(self.hasher.finalize_reset().into()));
            self.missing = self.lengths.next();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Sha256::of(b"").to_string(), empty);
        assert_eq!(empty.to_uppercase().parse(), Ok(Sha256::of(b"")));
        for bad in ["", "00", &empty[1..], &empty.replace('e', "g"), &format!("{empty}00"), &"é".repeat(32)] {
            assert!(bad.parse::<Sha256>().is_err(), "{bad}");
        }
    }

    #[test]
    fn files_that_are_not_there_or_not_complete_have_no_digest() {
        assert_eq!(ShardHasher::new([]).finish(), []);
        let mut hasher = ShardHasher::new([0, 1, 2]);
        hasher.update(b"ab");
        assert_eq!(hasher.finish(), [Sha256::of(b""), Sha256::of(b"a")]);
    }

    proptest! {
        #[test]
        fn however_the_bytes_pass(files in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..6), cut in 1usize..7) {
            let mut hasher = ShardHasher::new(files.iter().map(|file| file.len() as u64));
            files.concat().chunks(cut).for_each(|piece| hasher.update(piece));
            let expected: Vec<_> = files.iter().map(|file| Sha256::of(file)).collect();
            prop_assert_eq!(hasher.finish(), expected);
        }
    }
}
