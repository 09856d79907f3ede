//! Which weights of a file belong to which weights of the layers: `Container.loadWeights`.

mod report;

use std::collections::BTreeMap;

use tfjs_artifacts::{Shape, WeightSpec};

use crate::error::ModelError;
use crate::network::LayerWeight;

pub(crate) use report::list;
pub use report::{DTypeMismatch, MatchReport, ShapeMismatch};

/// How weights are matched to layers, and what may be missing. The default is `strict: true` of TensorFlow.js: everything fits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WeightMatching {
    /// Whether layers may be left without values.
    pub allow_missing: bool,
    /// Whether the file may have weights that belong to no layer.
    pub allow_unexpected: bool,
    /// Whether a weight of another shape or type is left out, as if it were not there. TensorFlow.js never does that.
    pub allow_mismatched: bool,
    /// Other names for weights of the file: of these, the first that fits is applied.
    pub renames: Vec<Rename>,
}

/// Another name for weights of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rename {
    /// One weight.
    Exact {
        /// Its name in the file.
        from: String,
        /// Its name in the layers.
        to: String,
    },
    /// All weights whose names begin so.
    Prefix {
        /// How their names begin in the file.
        from: String,
        /// How they begin in the layers.
        to: String,
    },
}

impl WeightMatching {
    /// Everything fits, as TensorFlow.js's `strict: true` has it.
    pub fn strict() -> Self {
        Self::default()
    }

    /// What has the same name fits, as `strict: false` has it; shapes and types must agree all the same.
    pub fn lenient() -> Self {
        Self { allow_missing: true, allow_unexpected: true, ..Self::default() }
    }

    /// Also with weights of other shapes or types, which are left out.
    #[must_use]
    pub fn allow_mismatched(mut self) -> Self {
        self.allow_mismatched = true;
        self
    }

    /// With another name for one weight of the file.
    #[must_use]
    pub fn rename(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.renames.push(Rename::Exact { from: from.into(), to: to.into() });
        self
    }

    /// With another beginning for the names of some weights of the file.
    #[must_use]
    pub fn rename_prefix(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.renames.push(Rename::Prefix { from: from.into(), to: to.into() });
        self
    }

    fn name_of(&self, spec: &WeightSpec) -> String {
        let renamed = |rename: &Rename| match rename {
            Rename::Exact { from, to } => (spec.name == *from).then(|| to.clone()),
            Rename::Prefix { from, to } => spec.name.strip_prefix(from.as_str()).map(|rest| format!("{to}{rest}")),
        };
        self.renames.iter().find_map(renamed).unwrap_or_else(|| spec.name.clone())
    }

    /// Whether a report is good enough.
    pub(crate) fn accepts(&self, report: &MatchReport) -> bool {
        let is_fine = |allowed: bool, is_empty: bool| allowed || is_empty;
        is_fine(self.allow_missing, report.missing.is_empty())
            && is_fine(self.allow_unexpected, report.unexpected.is_empty())
            && is_fine(self.allow_mismatched, report.shape_mismatch.is_empty() && report.dtype_mismatch.is_empty())
    }
}

/// A weight that wants a value.
#[derive(Clone, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) weight: &'a LayerWeight,
    /// Which weight of its layer, in `model.layers`, it is.
    pub(crate) index: usize,
}

/// What was matched: for each target the place of its spec, if there is one.
pub(crate) struct Matched {
    pub(crate) of_target: Vec<Option<usize>>,
    /// The specs that belong to layers of which nothing is known, each with the place of the prefix of its name.
    pub(crate) claimed: Vec<(usize, usize)>,
    pub(crate) report: MatchReport,
}

/// Matches specs to targets. Of layers of which nothing is known, names that begin with one of the prefixes are taken as they are.
pub(crate) fn match_weights(
    targets: &[Target<'_>],
    prefixes: &[String],
    specs: &[&WeightSpec],
    options: &WeightMatching,
) -> Result<Matched, ModelError> {
    let names: Vec<_> = specs.iter().map(|spec| options.name_of(spec)).collect();
    let by_index = has_index_names(&names);
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    for (place, target) in targets.iter().enumerate() {
        let name = if by_index {
            format!("{}/{}", target.weight.scope(), target.index)
        } else {
            target.weight.name().to_owned()
        };
        if wanted.insert(name.clone(), place).is_some() {
            return Err(ModelError::DuplicateWeight { name });
        }
    }
    let by_prefix: BTreeMap<_, _> = (0..).zip(prefixes).map(|(place, prefix)| (prefix.as_str(), place)).collect();
    let mut matched =
        Matched { of_target: vec![None; targets.len()], claimed: Vec::new(), report: MatchReport::default() };
    for (place, (spec, name)) in specs.iter().zip(&names).enumerate() {
        // A name that has been used is used up; whoever comes later looks for a shorter one.
        let target = wanted.remove(name).or_else(|| wanted.remove(&without_cell(name)));
        match target.and_then(|target| Some((target, targets.get(target)?.weight))) {
            Some((target, weight)) => {
                if matched.compare(spec, weight)
                    && let Some(of_target) = matched.of_target.get_mut(target)
                {
                    *of_target = Some(place);
                    if spec.name != weight.name() {
                        matched.report.renamed.push((spec.name.clone(), weight.name().to_owned()));
                    }
                }
            }
            None => match owner(name, &by_prefix) {
                Some(prefix) => matched.claimed.push((place, prefix)),
                None => matched.report.unexpected.push(spec.name.clone()),
            },
        }
    }
    let mut missing: Vec<_> = wanted.into_iter().map(|(name, place)| (place, name)).collect();
    missing.sort_unstable();
    matched.report.missing = missing.into_iter().map(|(_, name)| name).collect();
    matched.report.matched = matched.of_target.iter().flatten().count() + matched.claimed.len();
    Ok(matched)
}

/// The place of the prefix that a name begins with, up to one of its slashes.
fn owner(name: &str, by_prefix: &BTreeMap<&str, usize>) -> Option<usize> {
    // No layer lies deeper than this, and a name may be a million slashes.
    const MOST_PARTS: usize = 64;
    let mut prefixes = name.match_indices('/').take(MOST_PARTS).filter_map(|(slash, _)| name.get(..=slash));
    prefixes.find_map(|prefix| by_prefix.get(prefix).copied())
}

impl Matched {
    fn compare(&mut self, spec: &WeightSpec, weight: &LayerWeight) -> bool {
        let has_shape = spec.shape == *weight.shape();
        if !has_shape {
            let (expected, found) = (Shape::clone(weight.shape()), Shape::clone(&spec.shape));
            self.report.shape_mismatch.push(ShapeMismatch { name: weight.name().to_owned(), expected, found });
        }
        let has_dtype = spec.dtype == *weight.dtype();
        if !has_dtype {
            let (expected, found) = (weight.dtype().clone(), spec.dtype.clone());
            self.report.dtype_mismatch.push(DTypeMismatch { name: weight.name().to_owned(), expected, found });
        }
        has_shape && has_dtype
    }
}

/// TensorFlow 2.2 and later put the name of the cell before that of the weight: `rnn/lstm_cell/kernel` is `rnn/kernel`.
fn without_cell(name: &str) -> String {
    let mut segments: Vec<_> = name.split('/').collect();
    let last = segments.pop().unwrap_or_default();
    segments.pop();
    segments.push(last);
    segments.join("/")
}

/// Whether weights are named by their places in their layers, as Keras 3 does: if the last part of the first name begins with a number.
fn has_index_names(names: &[String]) -> bool {
    // Of a JavaScript object, the keys that are indices come first.
    let index =
        |name: &&String| name.parse::<u32>().ok().filter(|index| *index < u32::MAX && index.to_string() == **name);
    let first = names.iter().filter(|name| index(name).is_some()).min_by_key(index).or_else(|| names.first());
    first.is_some_and(|name| begins_with_number(name.rsplit('/').next().unwrap_or_default()))
}

/// Whether `parseInt(text, 10)` is a number.
fn begins_with_number(text: &str) -> bool {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cell_is_the_second_to_last_part() {
        assert_eq!(without_cell("rnn/lstm_cell/kernel"), "rnn/kernel");
        assert_eq!(without_cell("a/b"), "b");
        assert_eq!(without_cell("a"), "a");
    }

    #[test]
    fn index_names_are_told_by_the_first() {
        let names = |names: &[&str]| has_index_names(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert!(names(&["dense/0", "dense/kernel"]) && names(&["x/2d_kernel"]) && names(&["a/kernel", "7"]));
        assert!(!names(&["dense/kernel", "dense/0"]) && !names(&[]) && !names(&["a/kernel", "07"]));
        assert!(names(&["a/ +1"]) && !names(&["a/+"]));
    }
}
