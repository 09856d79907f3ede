//! Shapes of which not every dimension is known.

use std::fmt;

use crate::problem::Problem;

/// One dimension: `None` is the `null` of TensorFlow.js, which any number fits.
pub type Dim = Option<i64>;

/// The largest size of a dimension: JavaScript's `Number.MAX_SAFE_INTEGER`.
pub(crate) const MAX_DIM: i64 = (1 << 53) - 1;

/// The shape of what a layer takes or gives, the batch first, as TensorFlow.js infers it: `SymbolicTensor.shape`.
///
/// A dimension may be negative where TensorFlow.js says so: a kernel that is larger than the image, or the height of a
/// `RandomHeight`, which is -1. None is beyond 2^53 - 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SymbolicShape(Vec<Dim>);

impl SymbolicShape {
    pub(crate) fn new(dims: impl Into<Vec<Dim>>) -> Result<Self, Problem> {
        let dims = dims.into();
        match dims.iter().flatten().find(|dim| dim.abs() > MAX_DIM) {
            Some(dim) => Err(Problem::new(format!("a dimension of {dim} is beyond 2^53 - 1"))),
            None => Ok(Self(dims)),
        }
    }

    /// The dimensions.
    pub fn dims(&self) -> &[Dim] {
        &self.0
    }

    /// The number of dimensions, the batch included.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// A dimension, which is unknown if it is `null` or if there is none, as JavaScript's arrays have it.
    pub(crate) fn at(&self, index: usize) -> Dim {
        self.0.get(index).copied().flatten()
    }

    pub(crate) fn last(&self) -> Dim {
        self.0.last().copied().flatten()
    }

    /// The place of an axis that may count from the end; `None` if there is no such axis.
    pub(crate) fn axis(&self, axis: i64) -> Option<usize> {
        let axis = if axis < 0 { axis.checked_add(i64::try_from(self.rank()).ok()?)? } else { axis };
        usize::try_from(axis).ok().filter(|&axis| axis < self.rank())
    }

    /// The dimensions from one on.
    pub(crate) fn from(&self, start: usize) -> &[Dim] {
        self.0.get(start..).unwrap_or_default()
    }

    /// With another size of one dimension; one that there is not changes nothing.
    pub(crate) fn with(mut self, index: usize, dim: Dim) -> Result<Self, Problem> {
        if let Some(place) = self.0.get_mut(index) {
            *place = dim;
        }
        Self::new(self.0)
    }

    /// These dimensions and then those.
    pub(crate) fn join(first: &[Dim], second: &[Dim]) -> Self {
        Self([first, second].concat())
    }
}

/// `a + b`, where an unknown size stays unknown.
pub(crate) fn plus(a: Dim, b: i64) -> Result<Dim, Problem> {
    a.map(|a| within(a.checked_add(b))).transpose()
}

/// `a * b`, where an unknown size stays unknown.
pub(crate) fn times(a: Dim, b: i64) -> Result<Dim, Problem> {
    a.map(|a| within(a.checked_mul(b))).transpose()
}

/// The product of known sizes.
pub(crate) fn product(dims: impl IntoIterator<Item = i64>) -> Result<i64, Problem> {
    dims.into_iter().try_fold(1i64, |product, dim| within(product.checked_mul(dim)))
}

fn within(number: Option<i64>) -> Result<i64, Problem> {
    number
        .filter(|number| number.abs() <= MAX_DIM)
        .ok_or_else(|| Problem::new("the sizes that follow from it are beyond 2^53 - 1"))
}

impl AsRef<[Dim]> for SymbolicShape {
    fn as_ref(&self) -> &[Dim] {
        &self.0
    }
}

/// As `JSON.stringify` prints it: `[null,28,28,1]`.
impl fmt::Display for SymbolicShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, dim) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            match dim {
                Some(dim) => write!(f, "{dim}")?,
                None => f.write_str("null")?,
            }
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_count_from_either_end() {
        let shape = SymbolicShape::new([None, Some(3), Some(4)]).unwrap();
        assert_eq!((shape.axis(0), shape.axis(-1), shape.axis(3), shape.axis(-4)), (Some(0), Some(2), None, None));
        assert_eq!(shape.axis(i64::MIN), None);
        assert_eq!(shape.to_string(), "[null,3,4]");
    }

    #[test]
    fn what_is_beyond_a_safe_integer_is_a_problem() {
        assert!(SymbolicShape::new([Some(MAX_DIM + 1)]).is_err());
        assert!(times(Some(MAX_DIM), 2).is_err() && times(Some(i64::MAX), i64::MAX).is_err());
        assert_eq!(times(None, 2).unwrap(), None);
        assert!(plus(Some(MAX_DIM), 1).is_err());
    }
}
