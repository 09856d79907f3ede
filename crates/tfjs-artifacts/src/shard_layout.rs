//! Which weight files a save writes.

use std::ops::Range;

use crate::weights::group_ranges;
use crate::{RelPath, RelPathError, Weights};

/// The weight files of a save: for each group, names and the ranges of the data that go into them.
///
/// The cuts of the loaded model are kept. The names are the writer's own: one file gets the name that the
/// backend promises, several are called `group1-shard1of3.bin` as the Python converter does. Names that a
/// manifest brought along are not reused: they may collide with files that are already there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardLayout {
    groups: Vec<Vec<PlannedShard>>,
    dot_slash: bool,
}

/// One weight file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedShard {
    /// Its path relative to `model.json`.
    pub path: RelPath,
    /// The bytes of [`Weights::data`] that go into it.
    pub range: Range<u64>,
}

/// How weight files are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardNames {
    single: RelPath,
    prefix: String,
}

impl ShardNames {
    /// For a model whose JSON file is `{stem}.json`: `{stem}.weights.bin`, or, if there are several,
    /// `group1-shard1of3.bin` for `model.json` and `{stem}.group1-shard1of3.bin` for any other, so that models
    /// can share a folder.
    ///
    /// # Errors
    /// [`RelPathError`] when the stem cannot be part of a file name.
    pub fn for_model(stem: &str) -> Result<Self, RelPathError> {
        let prefix = if stem == "model" { String::new() } else { format!("{stem}.") };
        Ok(Self { single: RelPath::parse(&format!("{stem}.weights.bin"))?, prefix })
    }

    /// For one file of this name, or, if there are several, `{name without extension}.group1-shard1of3.bin`.
    pub fn for_weights_file(name: RelPath) -> Self {
        let stem = name.as_str().rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
        let prefix = format!("{stem}.");
        Self { single: name, prefix }
    }
}

impl ShardLayout {
    /// No files: for a model without weights.
    pub fn none() -> Self {
        Self { groups: Vec::new(), dot_slash: false }
    }

    /// The groups and cuts of these weights, under new names.
    ///
    /// # Errors
    /// [`RelPathError`] when the names do not make a path.
    pub fn keep(weights: &Weights, names: &ShardNames) -> Result<Self, RelPathError> {
        let files: usize = weights.groups().iter().map(|group| group.shards.len()).sum();
        let mut groups = Vec::with_capacity(weights.groups().len());
        for (index, (group, range)) in weights.groups().iter().zip(group_ranges(weights.groups())).enumerate() {
            let of = group.shards.len();
            let mut start = range.start;
            let mut planned = Vec::with_capacity(of);
            for (shard_index, shard) in group.shards.iter().enumerate() {
                let path = if files == 1 {
                    names.single.clone()
                } else {
                    let (group, shard, prefix) = (index + 1, shard_index + 1, &names.prefix);
                    RelPath::parse(&format!("{prefix}group{group}-shard{shard}of{of}.bin"))?
                };
                let end = start + shard.bytes;
                planned.push(PlannedShard { path, range: start..end });
                start = end;
            }
            groups.push(planned);
        }
        Ok(Self { groups, dot_slash: false })
    }

    /// Writes paths in the manifest as `./name`, as tfjs-core does for uploads and downloads.
    #[must_use]
    pub fn with_dot_slash(mut self) -> Self {
        self.dot_slash = true;
        self
    }

    /// The files of each group.
    pub fn groups(&self) -> &[Vec<PlannedShard>] {
        &self.groups
    }

    /// All files in order.
    pub fn shards(&self) -> impl Iterator<Item = &PlannedShard> {
        self.groups.iter().flatten()
    }

    /// A path as the manifest spells it.
    pub(crate) fn manifest_path(&self, path: &RelPath) -> String {
        if self.dot_slash { format!("./{path}") } else { path.to_string() }
    }
}
