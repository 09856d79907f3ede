//! The ways in which we may think otherwise about a damaged model. Each stands in docs/compatibility.md under its name.

/// A kind of difference.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Class {
    pub(super) name: &'static str,
    /// Our complaint has one of these.
    words: &'static [&'static str],
}

const fn class(name: &'static str, words: &'static [&'static str]) -> Class {
    Class { name, words }
}

/// What TensorFlow.js loads and we refuse.
const WE_REFUSE: &[Class] = &[
    class("surplus bytes", &["the rest belongs to no tensor"]),
    class("missing bytes", &["the bytes end inside tensor"]),
    class("string past the end", &["bytes, but group"]),
    class("page in place of weights", &["looks like an HTML or XML page", "is a git-lfs pointer"]),
    class("text that is not UTF-8", &["is not UTF-8"]),
    class("text that is not Unicode", &["has a string with a lone surrogate"]),
    class(
        "no model in it",
        &["it is not a TensorFlow.js model", "there is no model in it", "(a bare weights manifest), found"],
    ),
    class("manifest of another type", &["weightsManifest should be an array of groups"]),
    class("group of another type", &["].paths should be", "].weights should be", "] should be an object"]),
    class("group without weights", &["has no `weights`"]),
    class("weight of another type", &["].name should be a string", "the dtype of tensor"]),
    class("weight without a key", &["has no `name`", "has no `shape`", "has no `dtype`"]),
    class("shape that is none", &["the shape of tensor"]),
    class("min or scale of another type", &["that is not a number"]),
    class("two tensors of one name", &["two tensors are named"]),
    class("two shards of one name", &["is named twice"]),
    class("key twice", &["has the key"]),
    class("path that is none", &["shard path"]),
];

/// What both load, with other bits.
pub(super) static NAN: Class = class("signalling NaN in complex64", &[]);

/// The class of what only we refuse, by what we say.
pub(super) fn of_refusal(complaint: &str) -> Option<&'static Class> {
    WE_REFUSE.iter().find(|class| class.words.iter().any(|words| complaint.contains(words)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_explained() {
        let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/compatibility.md");
        let docs = std::fs::read_to_string(docs).unwrap();
        for class in WE_REFUSE.iter().chain([&NAN]) {
            assert!(docs.contains(&format!("| {} |", class.name)), "`{}` is not in docs/compatibility.md", class.name);
        }
    }
}
