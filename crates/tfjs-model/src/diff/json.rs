//! Where two JSON values differ.

use std::collections::BTreeMap;
use std::fmt;

use tfjs_artifacts::{RawJson, printable};

use crate::problem::abbreviate;

/// Where two JSON values differ.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonDifference {
    /// The way to it, as in `config.layers[2]`.
    pub path: String,
    /// What the left model has there.
    pub left: Option<RawJson>,
    /// What the right model has there.
    pub right: Option<RawJson>,
}

/// Adds what differs, as deep as both are objects, or arrays of one length.
pub(super) fn compare(path: &str, left: Option<&RawJson>, right: Option<&RawJson>, out: &mut Vec<JsonDifference>) {
    let (Some(one), Some(other)) = (left, right) else {
        if left.is_some() || right.is_some() {
            out.push(JsonDifference { path: path.to_owned(), left: left.cloned(), right: right.cloned() });
        }
        return;
    };
    if one == other {
        return;
    }
    if let (Some(ours), Some(theirs)) = (one.entries(), other.entries()) {
        return compare_members(path, &ours, &theirs, out);
    }
    if let (Some(ours), Some(theirs)) = (one.elements(), other.elements())
        && ours.len() == theirs.len()
    {
        for (index, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            compare(&format!("{path}[{index}]"), Some(ours), Some(theirs), out);
        }
        return;
    }
    // The same number or string may be spelled in several ways.
    if one.to_js_string() != other.to_js_string() {
        out.push(JsonDifference { path: path.to_owned(), left: Some(one.clone()), right: Some(other.clone()) });
    }
}

/// Adds what differs between the members of two objects; of repeated keys the last counts, as in JavaScript.
pub(super) fn compare_members(
    path: &str,
    left: &[(String, RawJson)],
    right: &[(String, RawJson)],
    out: &mut Vec<JsonDifference>,
) {
    let map = |members: &[(String, RawJson)]| members.iter().cloned().collect::<BTreeMap<_, _>>();
    let (ours, theirs) = (map(left), map(right));
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    for (key, one) in &ours {
        compare(&below(key), Some(one), theirs.get(key), out);
    }
    for (key, other) in theirs.iter().filter(|(key, _)| !ours.contains_key(*key)) {
        compare(&below(key), None, Some(other), out);
    }
}

impl fmt::Display for JsonDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<RawJson>| {
            value.as_ref().map_or_else(
                || "nothing".to_owned(),
                |value| printable(&abbreviate(&value.to_js_string())).into_owned(),
            )
        };
        if !self.path.is_empty() {
            write!(f, "{}: ", printable(&self.path))?;
        }
        write!(f, "{} | {}", shown(&self.left), shown(&self.right))
    }
}
