//! What did not fit, all of it.

use std::fmt;

use tfjs_artifacts::{DType, Shape};

use crate::problem::abbreviate;

/// What became of the weights of a file: how many belong to layers, and everything that does not fit, in one report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MatchReport {
    /// How many weights have values.
    pub matched: usize,
    /// Weights of layers that are not in the file, in the order of the layers.
    pub missing: Vec<String>,
    /// Weights of the file that belong to no layer, in the order of the file.
    pub unexpected: Vec<String>,
    /// Weights that have another shape than their layers want.
    pub shape_mismatch: Vec<ShapeMismatch>,
    /// Weights that have another type than their layers want.
    pub dtype_mismatch: Vec<DTypeMismatch>,
    /// Weights whose names in the file are others than in the layers: both names.
    pub renamed: Vec<(String, String)>,
}

/// A weight that has another shape than its layer wants.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShapeMismatch {
    /// Its name in the layers.
    pub name: String,
    /// The shape that the layer wants.
    pub expected: Shape,
    /// The shape that there is.
    pub found: Shape,
}

/// A weight that has another type than its layer wants.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DTypeMismatch {
    /// Its name in the layers.
    pub name: String,
    /// The type that the layer wants.
    pub expected: DType,
    /// The type that there is.
    pub found: DType,
}

impl MatchReport {
    /// Whether everything fits.
    pub fn is_clean(&self) -> bool {
        self.missing.is_empty()
            && self.unexpected.is_empty()
            && self.shape_mismatch.is_empty()
            && self.dtype_mismatch.is_empty()
    }
}

/// How many of a kind are listed in a message; the report has all.
const LISTED: usize = 10;

/// Names, as many as can be read.
pub(crate) fn list<T: fmt::Display>(items: &[T]) -> String {
    let listed: Vec<_> = items.iter().take(LISTED).map(|item| format!("`{}`", abbreviate(&item.to_string()))).collect();
    let more = items.len() - listed.len();
    if more == 0 { listed.join(", ") } else { format!("{} and {more} more", listed.join(", ")) }
}

impl fmt::Display for MatchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let mut part = |what: &str, count: usize, listed: String| {
            if count > 0 {
                parts.push(format!("{count} {what}: {listed}"));
            }
        };
        part("of the layers have no value", self.missing.len(), list(&self.missing));
        part("of the file belong to no layer", self.unexpected.len(), list(&self.unexpected));
        part("have another shape", self.shape_mismatch.len(), list(&self.shape_mismatch));
        part("have another type", self.dtype_mismatch.len(), list(&self.dtype_mismatch));
        if parts.is_empty() {
            return write!(f, "all {} fit", self.matched);
        }
        f.write_str(&parts.join("; "))
    }
}

impl fmt::Display for ShapeMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, not {}", self.name, self.found, self.expected)
    }
}

impl fmt::Display for DTypeMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, not {}", self.name, self.found, self.expected)
    }
}
