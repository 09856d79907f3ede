//! String tensors: length-prefixed, kept as they are stored.

use std::fmt;

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::DecodeError;

/// The strings of a tensor, in the form they are stored in: a little-endian u32 length before each.
///
/// The bytes need not be UTF-8; the reference keeps them raw as well.
#[derive(Clone, PartialEq, Eq)]
pub struct Strings {
    stored: Bytes,
    count: u64,
}

impl Strings {
    /// Checks that the bytes are exactly `count` length-prefixed strings.
    pub(crate) fn parse(name: &str, count: u64, stored: Bytes) -> Result<Self, DecodeError> {
        let mut rest = &stored[..];
        for element in 0..count {
            let Some((_, tail)) = split_first(rest) else { return Err(truncated(name, element, rest)) };
            rest = tail;
        }
        if !rest.is_empty() {
            let expected = (stored.len() - rest.len()) as u64;
            return Err(DecodeError::Length { name: name.to_owned(), expected, actual: stored.len() as u64 });
        }
        Ok(Self { stored, count })
    }

    /// Joins strings; `None` if one is longer than a u32 can tell.
    pub(crate) fn join<S: AsRef<[u8]>>(strings: impl IntoIterator<Item = S>) -> Option<Self> {
        let mut stored = BytesMut::new();
        let mut count = 0;
        for string in strings {
            let string = string.as_ref();
            stored.put_u32_le(u32::try_from(string.len()).ok()?);
            stored.put_slice(string);
            count += 1;
        }
        Some(Self { stored: stored.freeze(), count })
    }

    /// How many strings there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The strings in order, as bytes.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.stored[..];
        std::iter::from_fn(move || {
            let (string, tail) = split_first(rest)?;
            rest = tail;
            Some(string)
        })
    }

    /// The stored form.
    pub(crate) fn stored(&self) -> &[u8] {
        &self.stored
    }

    /// The stored form.
    pub(crate) fn into_stored(self) -> Bytes {
        self.stored
    }
}

/// The first string and what follows it.
fn split_first(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (prefix, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*prefix)).ok()?)
}

/// Why [`split_first`] found no string.
fn truncated(name: &str, element: u64, rest: &[u8]) -> DecodeError {
    let name = name.to_owned();
    match rest.split_first_chunk::<4>() {
        Some((length, rest)) => {
            DecodeError::TruncatedString { name, element, length: u32::from_le_bytes(*length), left: rest.len() }
        }
        None => DecodeError::MissingString { name, element, left: rest.len() },
    }
}

impl fmt::Debug for Strings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().take(8).map(String::from_utf8_lossy)).finish()
    }
}
