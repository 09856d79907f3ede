//! Whether bytes can be a binary `GraphDef` at all: a message of protocol buffers, looked at from outside.

use crate::{Error, ErrorKind, Sniffed, sniff_strictly};

/// Why bytes are no binary topology.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphDefError {
    /// There is nothing.
    #[error("the binary topology is empty, so it is no GraphDef")]
    Empty,
    /// It is something else.
    #[error("the binary topology {0}")]
    Impostor(Sniffed),
    /// It is cut short, or no message of protocol buffers.
    #[error(
        "the binary topology is no GraphDef: at byte {at} of {bytes} {reason}; it is damaged, cut short or something else"
    )]
    NoMessage {
        /// Where, from 0.
        at: usize,
        /// How many bytes there are.
        bytes: usize,
        /// What is wrong there.
        reason: &'static str,
    },
}

impl From<GraphDefError> for Error {
    fn from(error: GraphDefError) -> Self {
        Self::new(ErrorKind::InvalidData, error.to_string())
    }
}

/// Walks the fields of the message, not what is in them: the graph is for whoever runs it.
pub(crate) fn check(bytes: &[u8]) -> Result<(), GraphDefError> {
    if bytes.is_empty() {
        return Err(GraphDefError::Empty);
    }
    if let Some(sniffed) = sniff_strictly(bytes) {
        return Err(GraphDefError::Impostor(sniffed));
    }
    let mut rest = bytes;
    while !rest.is_empty() {
        let at = bytes.len() - rest.len();
        rest = field(rest).map_err(|reason| GraphDefError::NoMessage { at, bytes: bytes.len(), reason })?;
    }
    Ok(())
}

/// What follows the first field.
fn field(bytes: &[u8]) -> Result<&[u8], &'static str> {
    const CUT: &str = "a field ends behind the last byte";
    let (tag, rest) = number(bytes)?;
    if tag >> 3 == 0 || tag > u64::from(u32::MAX) {
        return Err("a field has a number that no field has");
    }
    let skip = |rest: &'_ [u8], length: u64| usize::try_from(length).ok().filter(|length| *length <= rest.len());
    let (rest, length) = match tag & 7 {
        0 => (number(rest)?.1, 0),
        1 => (rest, 8),
        2 => {
            let (length, rest) = number(rest)?;
            (rest, length)
        }
        5 => (rest, 4),
        _ => return Err("a field is of a type that no field is of"),
    };
    skip(rest, length).and_then(|length| rest.get(length..)).ok_or(CUT)
}

/// A number of up to ten bytes, seven bits in each, and what follows it.
pub(crate) fn number(bytes: &[u8]) -> Result<(u64, &[u8]), &'static str> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((value, bytes.get(index + 1..).unwrap_or_default()));
        }
    }
    Err("a number does not end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages() {
        for good in [b"\x0a\x03abc".as_slice(), b"\x0a\x00\x22\x02\x08\x1b", b"\x18\xff\x01", b"\x0d1234\x0912345678"] {
            assert_eq!(check(good), Ok(()), "{good:?}");
        }
        // Ten bytes of which the last one goes beyond 64 bits are still a number for whoever reads the rest.
        assert_eq!(check(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), Ok(()));
    }

    #[test]
    fn what_is_none_says_where() {
        let at = |bytes: &[u8]| match check(bytes) {
            Err(GraphDefError::NoMessage { at, .. }) => Some(at),
            _ => None,
        };
        assert_eq!(at(b"\x0a\x00\x0a\x04abc"), Some(2));
        assert_eq!(at(b"\x0a\x00\x0d123"), Some(2));
        assert_eq!(at(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), Some(0));
        assert_eq!(at(b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), Some(0));
        assert_eq!(at(b"\x02\x00"), Some(0));
        assert_eq!(at(b"\x0b"), Some(0));
        assert_eq!(check(b""), Err(GraphDefError::Empty));
        assert!(matches!(check(b"<!doctype html>"), Err(GraphDefError::Impostor(Sniffed::Html))));
    }
}
