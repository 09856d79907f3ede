//! Tensor shapes whose element count is known to fit.

use std::fmt;

use smallvec::SmallVec;

use crate::json::{number, scan};
use crate::{Error, ErrorKind};

/// The largest dimension and element count: JavaScript's `Number.MAX_SAFE_INTEGER`, 2^53 - 1.
///
/// No reader of the format can count further, and 16 times this number still fits a `u64`, so byte
/// sizes computed from a [`Shape`] cannot overflow.
const MAX_COUNT: u64 = (1 << 53) - 1;

/// A tensor's shape: its dimensions, outermost first; `[]` is a scalar.
///
/// The product of the dimensions is checked on construction, so [`Shape::size`] cannot overflow. A manifest
/// with dimensions whose product wraps is a known way to make readers allocate absurd amounts.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Few shapes have more dimensions; those that have need not be allocated, also when a tensor gets its own.
    dims: SmallVec<[u64; 4]>,
    size: u64,
}

impl Clone for Shape {
    fn clone(&self) -> Self {
        // As a slice of plain numbers they are copied at once, not one by one.
        Self { dims: SmallVec::from_slice(&self.dims), size: self.size }
    }
}

/// Why numbers are not a [`Shape`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// A dimension is negative, fractional, not a number, or beyond 2^53 - 1.
    #[error("dimension {index} is `{value}`, not an integer from 0 to 2^53 - 1")]
    Dimension {
        /// Which dimension, from 0.
        index: usize,
        /// What stands there.
        value: String,
    },
    /// The dimensions are fine, but their product is beyond 2^53 - 1.
    #[error("{shape} has more than 2^53 - 1 elements")]
    TooManyElements {
        /// The dimensions as a JSON array.
        shape: String,
    },
    /// The shape is not a JSON array.
    #[error("expected an array of integers, found `{found}`")]
    NotAnArray {
        /// What stands there.
        found: String,
    },
}

impl From<ShapeError> for Error {
    fn from(error: ShapeError) -> Self {
        Self::new(ErrorKind::InvalidData, error.to_string())
    }
}

impl Shape {
    /// Checks dimensions and their product.
    ///
    /// # Errors
    /// [`ShapeError`] when a dimension or the number of elements is beyond 2^53 - 1.
    pub fn new(dims: impl AsRef<[u64]>) -> Result<Self, ShapeError> {
        let dims = dims.as_ref();
        if let Some(index) = dims.iter().position(|&dim| dim > MAX_COUNT) {
            let value = dims.get(index).map(u64::to_string).unwrap_or_default();
            return Err(ShapeError::Dimension { index, value });
        }
        // A zero anywhere makes the tensor empty, whatever the order in which the product would overflow.
        let size = if dims.contains(&0) {
            Some(0)
        } else {
            dims.iter().try_fold(1u64, |product, &dim| product.checked_mul(dim).filter(|&product| product <= MAX_COUNT))
        };
        match size {
            Some(size) => Ok(Self { dims: dims.into(), size }),
            None => Err(ShapeError::TooManyElements { shape: display(dims) }),
        }
    }

    /// The shape of a scalar, `[]`.
    pub fn scalar() -> Self {
        Self { dims: SmallVec::new(), size: 1 }
    }

    /// The shape of a vector, `[length]`.
    ///
    /// # Errors
    /// [`ShapeError`] when the length is beyond 2^53 - 1.
    pub fn vector(length: u64) -> Result<Self, ShapeError> {
        Self::new([length])
    }

    /// The dimensions, outermost first.
    pub fn dims(&self) -> &[u64] {
        &self.dims
    }

    /// The number of dimensions; 0 for a scalar.
    pub fn rank(&self) -> usize {
        self.dims.len()
    }

    /// The number of elements; 1 for a scalar, at most 2^53 - 1.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads the JSON text of a manifest's `shape`.
    ///
    /// A JavaScript number is an integer if its value is one, so `3.0` and `3e0` count as 3, as they do there.
    pub(crate) fn from_json(text: &str) -> Result<Self, ShapeError> {
        if let Some(dims) = plain_dims(text) {
            return Self::new(dims);
        }
        let Some(values) = scan::elements(text) else {
            return Err(ShapeError::NotAnArray { found: abbreviate(text, 40) });
        };
        let mut dims = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let Some(dim) = integer(value) else {
                return Err(ShapeError::Dimension { index, value: abbreviate(value, 40) });
            };
            dims.push(dim);
        }
        Self::new(dims)
    }
}

/// The numbers of a JSON array of plain integers, which shapes usually are; `None` for anything else.
fn plain_dims(text: &str) -> Option<SmallVec<[u64; 4]>> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    if inner.trim_ascii().is_empty() {
        return Some(SmallVec::new());
    }
    inner.split(',').map(|dim| dim.trim_ascii().parse().ok()).collect()
}

/// The value of a JSON number that is an integer from 0 to 2^53 - 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the range check just before makes both casts exact"
)]
fn integer(text: &str) -> Option<u64> {
    if let Ok(value) = text.parse::<u64>() {
        return (value <= MAX_COUNT).then_some(value);
    }
    if !text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        return None;
    }
    let value = number::parse(text)?;
    (value.fract() == 0.0 && (0.0..=MAX_COUNT as f64).contains(&value)).then_some(value as u64)
}

/// At most so many characters of a text, for messages.
pub(crate) fn abbreviate(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn display(dims: &[u64]) -> String {
    let dims: Vec<_> = dims.iter().map(u64::to_string).collect();
    abbreviate(&format!("[{}]", dims.join(",")), 40)
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, dim) in self.dims.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            write!(f, "{dim}")?;
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(Shape::scalar().size(), 1);
        assert_eq!(Shape::new([2, 3]).unwrap().size(), 6);
        assert_eq!(Shape::new([0]).unwrap().size(), 0);
        // A zero makes the tensor empty even where the other dimensions alone would overflow.
        assert_eq!(Shape::new([MAX_COUNT, MAX_COUNT, 0]).unwrap().size(), 0);
    }

    #[test]
    fn what_wraps_is_refused() {
        assert!(matches!(Shape::new([1 << 32, 1 << 32]), Err(ShapeError::TooManyElements { .. })));
        assert!(matches!(Shape::new([1 << 27, 1 << 27]), Err(ShapeError::TooManyElements { .. })));
        assert!(matches!(Shape::new([u64::MAX]), Err(ShapeError::Dimension { index: 0, .. })));
    }

    #[test]
    fn json_numbers() {
        assert_eq!(Shape::from_json("[2, 3.0, 4e0]").unwrap().dims(), [2, 3, 4]);
        assert_eq!(Shape::from_json("[-0]").unwrap().dims(), [0]);
        for bad in
            ["[-1]", "[1.5]", "[null]", "[\"3\"]", "[1e30]", "[9007199254740992]", "[[1]]", "[18446744073709551616]"]
        {
            assert!(matches!(Shape::from_json(bad), Err(ShapeError::Dimension { index: 0, .. })), "{bad}");
        }
        assert!(matches!(Shape::from_json("3"), Err(ShapeError::NotAnArray { .. })));
        assert!(matches!(Shape::from_json("null"), Err(ShapeError::NotAnArray { .. })));
    }
}
