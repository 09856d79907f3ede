//! Which weight files a save writes.

use std::num::NonZeroU64;
use std::ops::Range;

use crate::weights::group_ranges;
use crate::{
    Error, ErrorKind, RelPath, RelPathError, Sha256, Shard, WeightGroup, Weights, WeightsError, fetchable_stem,
};

/// How the weights of a save are cut into files. A cut may go through a tensor, and through an element of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sharding {
    /// As the model was cut when it was loaded.
    #[default]
    Keep,
    /// One file for each group.
    Single,
    /// Files of this many bytes, the last of each group smaller: what the Python converter does, with 4 MiB unless told
    /// otherwise.
    Bytes(NonZeroU64),
}

/// The most files that a save makes: more than any model needs, and what a slip in a size would exceed.
const MAX_SHARDS: u64 = 1_000_000;

/// Why weights cannot be laid out in files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// A name does not make a path.
    #[error(transparent)]
    Name(#[from] RelPathError),
    /// There would be too many files.
    #[error("shards of {shard_bytes} bytes would make {shards} files, more than {MAX_SHARDS}; choose a larger size")]
    TooManyShards {
        /// The size of a file.
        shard_bytes: u64,
        /// How many files there would be.
        shards: u64,
    },
}

impl From<LayoutError> for Error {
    fn from(error: LayoutError) -> Self {
        Self::new(ErrorKind::InvalidUrl, "the weights cannot be cut or named like that").with_source(error)
    }
}

/// The weight files of a save: for each group, names and the ranges of the data that go into them.
///
/// The names are the writer's own: one file gets the name that the
/// backend promises, several are called `group1-shard1of3.bin` as the Python converter does. Names that a
/// manifest brought along are not reused: they may collide with files that are already there. They are file names on every system
/// and in URLs ([`RelPath::fetchable`]), and differ by their numbers, so no two of them are one file where upper and lower case are the same.
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
    /// Their checksum, if it is known.
    pub sha256: Option<Sha256>,
}

impl PlannedShard {
    /// How many bytes go into it.
    pub fn byte_length(&self) -> u64 {
        self.range.end - self.range.start
    }
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
    /// can share a folder. The names begin with [`fetchable_stem`]: `100=25.weights.bin` belongs to `100%.json`.
    ///
    /// # Errors
    /// [`RelPathError`] when the stem cannot be part of a file name, on whatever system: `con` cannot.
    pub fn for_model(stem: &str) -> Result<Self, RelPathError> {
        let stem = fetchable_stem(stem);
        let prefix = if stem == "model" { String::new() } else { format!("{stem}.") };
        Ok(Self { single: RelPath::parse(&format!("{stem}.weights.bin"))?.fetchable()?, prefix })
    }

    /// For one file of this name, or, if there are several, `{name without extension}.group1-shard1of3.bin`.
    pub fn for_weights_file(name: RelPath) -> Self {
        let folder = name.as_str().strip_suffix(name.file_name()).unwrap_or_default();
        let file = name.file_name();
        // A dot at the beginning begins no extension.
        let stem = file.rsplit_once('.').map(|(stem, _)| stem).filter(|stem| !stem.is_empty()).unwrap_or(file);
        let prefix = format!("{folder}{stem}.");
        Self { single: name, prefix }
    }
}

impl ShardLayout {
    /// No files: for a model without weights.
    pub fn none() -> Self {
        Self { groups: Vec::new(), dot_slash: false }
    }

    /// The file that TensorFlow.js names for a model without weights, and never writes: its `browserFiles` takes no `model.json`
    /// without a manifest. Whoever reads it finds no weights.
    pub fn of_no_weights(path: RelPath) -> Self {
        Self { groups: vec![vec![PlannedShard { path, range: 0..0, sha256: None }]], dot_slash: false }
    }

    /// The files that the weights are in, under the names that they have: for who describes them, and writes none.
    pub fn as_they_are(weights: &Weights) -> Self {
        let planned = |(group, range): (&WeightGroup, Range<u64>)| {
            let mut start = range.start;
            let place = |shard: &Shard| {
                let range = start..start + shard.bytes;
                start = range.end;
                PlannedShard { path: shard.path.clone(), range, sha256: shard.sha256 }
            };
            group.shards.iter().map(place).collect()
        };
        let groups = weights.groups().iter().zip(group_ranges(weights.groups())).map(planned).collect();
        Self { groups, dot_slash: false }
    }

    /// Names and cuts for these weights. Files that are cut as they were keep their checksums.
    ///
    /// # Errors
    /// [`LayoutError`] when the names do not make a path, or there would be too many files.
    pub fn new(weights: &Weights, names: &ShardNames, sharding: Sharding) -> Result<Self, LayoutError> {
        check_count(weights.groups(), sharding)?;
        let cuts: Vec<_> = weights.groups().iter().map(|group| cut(group, sharding)).collect();
        let is_single = cuts.iter().map(Vec::len).sum::<usize>() == 1 && !matches!(sharding, Sharding::Bytes(_));
        let mut groups = Vec::with_capacity(cuts.len());
        for (index, (cuts, range)) in cuts.into_iter().zip(group_ranges(weights.groups())).enumerate() {
            let of = cuts.len();
            let mut start = range.start;
            let mut planned = Vec::with_capacity(of);
            for (shard_index, (bytes, sha256)) in cuts.into_iter().enumerate() {
                let path = if is_single {
                    names.single.clone().fetchable()?
                } else {
                    let (group, shard, prefix) = (index + 1, shard_index + 1, &names.prefix);
                    RelPath::parse(&format!("{prefix}group{group}-shard{shard}of{of}.bin"))?.fetchable()?
                };
                planned.push(PlannedShard { path, range: start..start + bytes, sha256 });
                start += bytes;
            }
            groups.push(planned);
        }
        Ok(Self { groups, dot_slash: false })
    }

    /// That this layout was made for weights of these groups and lengths.
    pub(crate) fn check(&self, weights: &Weights) -> Result<(), WeightsError> {
        let foreign = |difference| Err(WeightsError::ForeignLayout { difference });
        let (planned, groups) = (self.groups.len(), weights.groups().len());
        if planned != groups {
            return foreign(format!("there are {groups} groups, but files for {planned}"));
        }
        // The files follow one another, so their lengths tell where they lie.
        for (index, (files, group)) in self.groups.iter().zip(weights.groups()).enumerate() {
            let planned = files.iter().map(PlannedShard::byte_length).sum::<u64>();
            if planned != group.byte_length() {
                let (group, bytes) = (index + 1, group.byte_length());
                return foreign(format!("group {group} has {bytes} bytes, but files for {planned}"));
            }
        }
        Ok(())
    }

    /// The checksums of all files, in order, once they are known.
    pub fn set_checksums(&mut self, checksums: impl IntoIterator<Item = Sha256>) {
        for (shard, sha256) in self.groups.iter_mut().flatten().zip(checksums) {
            shard.sha256 = Some(sha256);
        }
    }

    /// Whether the checksum of every file is known.
    pub fn has_checksums(&self) -> bool {
        self.shards().all(|shard| shard.sha256.is_some())
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

/// Refuses a size that would make too many files, before any is planned.
fn check_count(groups: &[WeightGroup], sharding: Sharding) -> Result<(), LayoutError> {
    let Sharding::Bytes(shard_bytes) = sharding else { return Ok(()) };
    let shard_bytes = shard_bytes.get();
    let count = |group: &WeightGroup| group.byte_length().div_ceil(shard_bytes);
    let shards = groups.iter().map(count).fold(0, u64::saturating_add);
    if shards > MAX_SHARDS { Err(LayoutError::TooManyShards { shard_bytes, shards }) } else { Ok(()) }
}

/// The lengths of a group's files, and the checksums of those that are what they were.
fn cut(group: &WeightGroup, sharding: Sharding) -> Vec<(u64, Option<Sha256>)> {
    let total = group.byte_length();
    match (sharding, group.shards.as_slice()) {
        (Sharding::Keep, shards) => shards.iter().map(|shard: &Shard| (shard.bytes, shard.sha256)).collect(),
        (Sharding::Single, []) => Vec::new(),
        (Sharding::Single, [shard]) => vec![(shard.bytes, shard.sha256)],
        (Sharding::Single, _) => vec![(total, None)],
        (Sharding::Bytes(shard_bytes), _) => {
            let (shard_bytes, shards) = (shard_bytes.get(), total.div_ceil(shard_bytes.get()));
            (0..shards).map(|shard| ((total - shard * shard_bytes).min(shard_bytes), None)).collect()
        }
    }
}
