//! The names of the five strings.

use web_sys::Storage;

use super::record::Part;
use crate::in_order::in_order;

/// What all of TensorFlow.js's keys begin with.
const ROOT: &str = "tensorflowjs_models";

/// The keys of one model, in the order in which the reference writes them.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    name: String,
}

impl Keys {
    pub(super) fn of(name: &str) -> Self {
        Self { name: name.to_owned() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn key(&self, part: Part) -> String {
        format!("{ROOT}/{}/{}", self.name, part.as_str())
    }

    /// Where the previous model is kept while a save writes over it. Not below the root of the reference, which takes whatever
    /// ends in `/info` there for a model.
    pub(super) fn undo(&self) -> String {
        format!("{UNDO}{}", self.name)
    }
}

const UNDO: &str = "tfjs-io/undo/";

/// The names of all models that are stored, or that a save was interrupted over, sorted.
pub(super) fn names(storage: &Storage) -> Vec<String> {
    let count = storage.length().unwrap_or_default();
    let keys = (0..count).filter_map(|index| storage.key(index).ok().flatten());
    let name = |key: String| {
        let name = match key.strip_prefix(UNDO) {
            Some(name) => name,
            // `tensorflowjs_models/info` is of no model; the reference's list throws on it.
            None => key.strip_prefix(ROOT)?.strip_prefix('/')?.strip_suffix("/info")?,
        };
        Some(name.to_owned())
    };
    in_order(&mut keys.filter_map(name))
}
