//! What the weight files of a save are called. Objects cannot be renamed, so each save has names of its own.

use std::hash::{BuildHasher as _, Hasher as _};

use tfjs_artifacts::{DateSaved, Error, ErrorKind, RelPath, fetchable_stem};

/// One save: the moment at which it began and a random number, as they stand in the names of its weight files,
/// `model.weights.g01a00b72f1c8-5f3a9c01.bin`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Generation(String);

const MOMENT_DIGITS: usize = 12;
const RANDOM_DIGITS: usize = 8;

impl Generation {
    /// One that no other save has.
    pub(crate) fn new() -> Self {
        let moment = DateSaved::now().unix_millis();
        // The standard library seeds its hashers at random.
        let random = std::hash::RandomState::new().build_hasher().finish() & 0xffff_ffff;
        Self(format!("g{moment:0MOMENT_DIGITS$x}-{random:0RANDOM_DIGITS$x}"))
    }

    fn parse(text: &str) -> Option<Self> {
        let (moment, random) = text.strip_prefix('g')?.split_once('-')?;
        let is_number = |text: &str, digits| {
            text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        (is_number(moment, MOMENT_DIGITS) && is_number(random, RANDOM_DIGITS)).then(|| Self(text.to_owned()))
    }

    /// The name of the weights file of this save: one that was chosen, or `{stem}.weights.bin`, with the generation before its
    /// extension.
    pub(crate) fn weights_file(&self, chosen: Option<&RelPath>, stem: &str) -> Result<WeightsFile, Error> {
        let (folder, name) = match chosen {
            Some(path) => {
                let name = path.file_name();
                (path.as_str().strip_suffix(name).unwrap_or_default(), name.to_owned())
            }
            None => ("", format!("{}.weights.bin", fetchable_stem(stem))),
        };
        let (begin, extension) = name.rsplit_once('.').filter(|(begin, _)| !begin.is_empty()).unwrap_or((&name, "bin"));
        let path = RelPath::parse(&format!("{folder}{begin}.{}.{extension}", self.0)).map_err(|error| {
            Error::new(ErrorKind::InvalidUrl, "the weights file cannot have such a name").with_source(error)
        })?;
        Ok(WeightsFile { path, begin: begin.to_owned() })
    }
}

/// How the weight files of one save are called.
#[derive(Clone, Debug)]
pub(crate) struct WeightsFile {
    /// The name if there is one file; the others begin with its stem.
    pub(crate) path: RelPath,
    /// What stands before the generation in all names.
    pub(crate) begin: String,
}

/// The name of a weight file that a save of this library wrote: what stands before the generation, and the generation.
pub(crate) fn of_this_library(name: &str) -> Option<(&str, Generation)> {
    let mut start = 0;
    for part in name.split('.') {
        if let Some(generation) = Generation::parse(part)
            && start > 0
        {
            return name.get(..start - 1).map(|begin| (begin, generation));
        }
        start += part.len() + 1;
    }
    None
}

/// What stands behind the generation in the name of a weight file: the same in each save that cuts the weights alike.
pub(crate) fn behind_generation(name: &str) -> Option<&str> {
    let (_, generation) = of_this_library(name)?;
    name.split_once(&format!(".{}", generation.0)).map(|(_, behind)| behind)
}

/// Whether TensorFlow.js, the Python converter or another backend of this library calls a weight file so if nobody says otherwise.
pub(crate) fn is_usual(name: &str, stem: &str) -> bool {
    let name = name.strip_suffix(".bin").unwrap_or(name);
    let ours = fetchable_stem(stem);
    let own = [stem, &ours].into_iter().find_map(|stem| name.strip_prefix(stem)?.strip_prefix('.')).unwrap_or(name);
    own == "weights" || is_numbered(own)
}

/// `group1-shard2of3`.
fn is_numbered(text: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = text.strip_prefix("group").and_then(|rest| {
        let (group, rest) = rest.split_once("-shard")?;
        let (shard, of) = rest.split_once("of")?;
        Some([group, shard, of])
    });
    parts.is_some_and(|parts| parts.into_iter().all(is_number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_save_are_recognised() {
        let generation = Generation::new();
        assert_ne!(generation, Generation::new());
        for (chosen, stem, begin) in
            [(None, "model", "model.weights"), (None, "a.b", "a.b.weights"), (Some("x/w.dat"), "m", "w")]
        {
            let chosen = chosen.map(|name| RelPath::parse(name).unwrap());
            let file = generation.weights_file(chosen.as_ref(), stem).unwrap();
            assert_eq!(file.begin, begin);
            let name = file.path.file_name();
            assert_eq!(of_this_library(name), Some((begin, generation.clone())), "{name}");
            let several = format!("{}.group1-shard2of3.bin", name.rsplit_once('.').unwrap().0);
            assert_eq!(of_this_library(&several), Some((begin, generation.clone())), "{several}");
            assert_eq!(behind_generation(&several), Some(".group1-shard2of3.bin"));
        }
        let chosen = RelPath::parse("weights").unwrap();
        let file = generation.weights_file(Some(&chosen), "m").unwrap();
        assert_eq!(file.path.as_str().rsplit('.').next(), Some("bin"));
    }

    #[test]
    fn other_names_are_not() {
        for name in
            ["model.weights.bin", "g0123456789ab-01234567.bin", "m.g0123456789aX-01234567.bin", "m.g1-2.bin", ""]
        {
            assert_eq!(of_this_library(name), None, "{name}");
        }
    }

    #[test]
    fn usual_names() {
        for name in [
            "model.weights.bin",
            "weights.bin",
            "group1-shard1of1.bin",
            "group1-shard1of1",
            "model.group1-shard2of3.bin",
        ] {
            assert!(is_usual(name, "model"), "{name}");
        }
        for name in
            ["secret.bin", "other.weights.bin", "group1-shardof1.bin", "groupx-shard1of1", "model.json", "model.bin"]
        {
            assert!(!is_usual(name, "model"), "{name}");
        }
        assert!(is_usual("a=231.weights.bin", "a#1") && is_usual("a#1.weights.bin", "a#1"));
    }
}
