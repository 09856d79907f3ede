//! Specs and bytes together: groups, shards, and where each tensor lies.

mod checksums;
mod joined;
mod locate;

use std::ops::Range;

use crate::limits::Tally;
use crate::repeated::first_repeated;
use crate::{
    BoxFuture, Error, ErrorKind, LimitError, Limits, Location, PlannedShard, RawJson, RelPath, Sha256, ShardLayout,
    Sniffed, WeightData, WeightSpec, sniff_strictly,
};

pub use checksums::ChecksumMismatch;
pub use locate::TensorPlace;

/// The weights of a model: specs in groups, the shards they were stored in, and the bytes.
///
/// A group is one logical run of bytes: its tensors are packed back to back, and its shards are cut anywhere,
/// also inside a tensor. Built only through checks: tensor names are unique, the shards of all groups
/// add up to the data, and each group holds as many bytes as its specs say.
#[derive(Clone, Debug)]
pub struct Weights {
    groups: Vec<WeightGroup>,
    data: WeightData,
    surplus: SurplusBytes,
    location: Option<Location>,
    limits: Limits,
}

/// One group of a weights manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WeightGroup {
    /// The tensors, in the order of their bytes.
    pub weights: Vec<WeightSpec>,
    /// The files that hold the bytes, in order.
    pub shards: Vec<Shard>,
    /// Other keys of the group, in order. A key that is written from a field of its own (`paths`, `weights`, and `sha256` if
    /// there are checksums) counts for nothing here, and an array under `sha256` goes when the group is cut anew: it was
    /// about other files.
    pub unknown: Vec<(String, RawJson)>,
}

/// One weight file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shard {
    /// Its path relative to `model.json`.
    pub path: RelPath,
    /// Its length.
    pub bytes: u64,
    /// Its checksum, if the manifest has it.
    pub sha256: Option<Sha256>,
}

/// What to do with bytes that no tensor claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "they are accepted or they are not")]
pub enum SurplusBytes {
    /// They are an error: something is wrong with the file or the manifest.
    #[default]
    Reject,
    /// They are ignored at the end of each group, as the reference does at the end of the last.
    Allow,
}

/// Why specs and bytes do not fit together. Groups count from 1, as in shard names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// Two tensors have one name.
    #[error("two tensors are named `{name}`")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// The shards hold fewer bytes than the tensors need.
    #[error("{shards} but the tensors of group {group} need {}{needed}: the bytes end inside tensor `{tensor}`", if *.at_least { "at least " } else { "" })]
    TooShort {
        /// The group.
        group: usize,
        /// Which shards hold how many bytes, in words.
        shards: String,
        /// How many bytes the tensors need.
        needed: u64,
        /// Whether `needed` counts only the length prefixes of string tensors.
        at_least: bool,
        /// The first tensor that is not all there.
        tensor: String,
    },
    /// The shards hold more bytes than the tensors take.
    #[error(
        "{shards} but the tensors of group {group} take {taken}: the rest belongs to no tensor; if that is right, allow it with `SurplusBytes::Allow` or `--allow-surplus`"
    )]
    Surplus {
        /// The group.
        group: usize,
        /// Which shards hold how many bytes, in words.
        shards: String,
        /// How many bytes the tensors take.
        taken: u64,
    },
    /// A string's length prefix points past the end of its group.
    #[error("string {element} of tensor `{tensor}` claims {length} bytes, but group {group} has {left} left")]
    StringTooLong {
        /// The group.
        group: usize,
        /// The tensor.
        tensor: String,
        /// Which string, from 0.
        element: u64,
        /// Its length as the prefix has it.
        length: u64,
        /// How many bytes there are.
        left: u64,
    },
    /// Shards are not those that the manifest was written for.
    #[error("{}", checksums::describe(.mismatches))]
    Checksums {
        /// All of them, in order; at least one.
        mismatches: Vec<ChecksumMismatch>,
    },
    /// There is not one digest for each shard to be compared with its checksum.
    #[error("there are {digests} digests for {shards} shards: not all bytes were digested")]
    DigestCount {
        /// How many digests there are.
        digests: usize,
        /// How many shards there are.
        shards: usize,
    },
    /// A layout was made for other weights.
    #[error("the files were planned for other weights: {difference}")]
    ForeignLayout {
        /// What differs, in words.
        difference: String,
    },
    /// More of something than is accepted.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// The shards do not add up to the data.
    #[error("the shards add up to {shards} bytes, but there are {data} bytes of data")]
    ShardTotal {
        /// The sum of the shards' lengths.
        shards: u64,
        /// The length of the data.
        data: u64,
    },
}

impl From<WeightsError> for Error {
    fn from(error: WeightsError) -> Self {
        let kind =
            if matches!(error, WeightsError::Limit(_)) { ErrorKind::LimitExceeded } else { ErrorKind::InvalidData };
        Self::new(kind, error.to_string())
    }
}

impl Shard {
    /// A file of this length.
    pub fn new(path: RelPath, bytes: u64) -> Self {
        Self { path, bytes, sha256: None }
    }
}

impl WeightGroup {
    /// A group of tensors in these files.
    pub fn new(weights: Vec<WeightSpec>, shards: Vec<Shard>) -> Self {
        Self { weights, shards, unknown: Vec::new() }
    }

    /// How many bytes its shards hold.
    pub fn byte_length(&self) -> u64 {
        self.shards.iter().fold(0, |sum, shard| sum.saturating_add(shard.bytes))
    }

    /// Its other keys when its bytes are in these files.
    pub(crate) fn unknown_with(&self, files: &[PlannedShard]) -> impl Iterator<Item = &(String, RawJson)> {
        let is_cut_anew = !self.shards.iter().map(|shard| shard.bytes).eq(files.iter().map(PlannedShard::byte_length));
        // Whatever its elements are, they were about the files that were there.
        let is_stale =
            move |(key, value): &(String, RawJson)| is_cut_anew && key == "sha256" && value.get().starts_with('[');
        self.unknown.iter().filter(move |member| !is_stale(member))
    }
}

impl Weights {
    /// Checks that groups and data fit together.
    ///
    /// String tensors are sized by their prefixes, which lie in the data: their exact fit is checked by
    /// [`verify`](Self::verify) and [`locate`](Self::locate).
    ///
    /// # Errors
    /// [`WeightsError`] when names repeat or lengths disagree.
    pub fn new(groups: Vec<WeightGroup>, data: WeightData, surplus: SurplusBytes) -> Result<Self, WeightsError> {
        check_names(&groups)?;
        let shards = groups.iter().fold(0u64, |sum, group| sum.saturating_add(group.byte_length()));
        if shards != data.byte_length() {
            return Err(WeightsError::ShardTotal { shards, data: data.byte_length() });
        }
        for (index, group) in groups.iter().enumerate() {
            check_length(index, group, surplus)?;
        }
        Ok(Self { groups, data, surplus, location: None, limits: Limits::none() })
    }

    /// Says how much is accepted of what is read later, which are the lengths of strings, and compares what is known already.
    /// Without this there are no limits: who makes weights knows them.
    ///
    /// # Errors
    /// [`LimitError`] when there is more.
    pub fn with_limits(mut self, limits: &Limits) -> Result<Self, LimitError> {
        Tally::new(limits).groups(&self.groups)?;
        self.limits = *limits;
        Ok(self)
    }

    /// Says where they were loaded from: errors that are found when the bytes are read name that place.
    #[must_use]
    pub fn with_location(mut self, url_or_path: &str) -> Self {
        self.location = Some(Location::new(url_or_path));
        self
    }

    /// One group in one file, as TensorFlow.js itself saves.
    ///
    /// # Errors
    /// [`WeightsError`] when names repeat or lengths disagree.
    pub fn single(weights: Vec<WeightSpec>, path: RelPath, data: WeightData) -> Result<Self, WeightsError> {
        let shard = Shard::new(path, data.byte_length());
        Self::new(vec![WeightGroup::new(weights, vec![shard])], data, SurplusBytes::Reject)
    }

    /// The groups, in order.
    pub fn groups(&self) -> &[WeightGroup] {
        &self.groups
    }

    /// The specs of all groups in order: TensorFlow.js's `weightSpecs`.
    pub fn specs(&self) -> impl Iterator<Item = &WeightSpec> {
        self.groups.iter().flat_map(|group| &group.weights)
    }

    /// The bytes of all groups in order: TensorFlow.js's `weightData`.
    pub fn data(&self) -> &WeightData {
        &self.data
    }

    /// Whether bytes behind the last weight of a group were let pass.
    pub fn surplus_bytes(&self) -> SurplusBytes {
        self.surplus
    }

    /// Reads everything into memory and verifies it. `on_read` hears of each segment how many bytes it had.
    ///
    /// # Errors
    /// Whatever the sources report, and what [`verify`](Self::verify) finds.
    pub async fn load(&self, on_read: impl FnMut(u64)) -> Result<Self, Error> {
        let data = self.data.load(on_read).await?;
        let loaded = Self { data, ..self.clone() };
        loaded.verify().await?;
        loaded.verify_checksums().await?;
        Ok(loaded)
    }

    /// All files, in the order of their bytes.
    pub fn shards(&self) -> impl Iterator<Item = &Shard> {
        self.groups.iter().flat_map(|group| &group.shards)
    }

    /// The same tensors and bytes, cut into the files of a layout that was made for these weights.
    ///
    /// # Errors
    /// [`WeightsError`] when the layout was made for other weights.
    pub fn with_layout(&self, layout: &ShardLayout) -> Result<Self, WeightsError> {
        layout.check(self)?;
        let mut laid_out = self.clone();
        for (group, files) in laid_out.groups.iter_mut().zip(layout.groups()) {
            group.unknown = group.unknown_with(files).cloned().collect();
            let shard =
                |file: &PlannedShard| Shard { path: file.path.clone(), bytes: file.byte_length(), sha256: file.sha256 };
            group.shards = files.iter().map(shard).collect();
        }
        Ok(laid_out)
    }

    /// Reads as much as it takes to tell that the bytes are what the specs say: the first bytes of each shard
    /// (an HTML page or a git-lfs pointer is no weight file, whatever its length) and the lengths of strings.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] with the shard or tensor that is wrong, and whatever the sources report.
    pub fn verify(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            if let Some((path, sniffed)) = self.impostor().await? {
                return Err(Error::new(ErrorKind::InvalidData, format!("shard `{path}` {sniffed}")));
            }
            self.locate().await.map(|_| ())
        })
    }

    /// The first shard that is clearly something else.
    async fn impostor(&self) -> Result<Option<(&RelPath, Sniffed)>, Error> {
        first_impostor(&self.groups, &self.data, sniff_strictly).await
    }
}

/// The first shard whose head is well known to be something else than weights.
pub(crate) async fn first_impostor<'a>(
    groups: &'a [WeightGroup],
    data: &WeightData,
    sniff: impl Fn(&[u8]) -> Option<Sniffed>,
) -> Result<Option<(&'a RelPath, Sniffed)>, Error> {
    let mut start = 0;
    for shard in groups.iter().flat_map(|group| &group.shards) {
        let head = data.read(start..start + shard.bytes.min(64)).await?;
        if let Some(sniffed) = sniff(&head) {
            return Ok(Some((&shard.path, sniffed)));
        }
        start += shard.bytes;
    }
    Ok(None)
}

fn check_names(groups: &[WeightGroup]) -> Result<(), WeightsError> {
    let mut specs = groups.iter().flat_map(|group| &group.weights);
    let repeated = first_repeated(&mut specs.clone().map(|spec| spec.name.as_str()));
    match repeated.and_then(|place| specs.nth(place)) {
        Some(spec) => Err(WeightsError::DuplicateName { name: spec.name.clone() }),
        None => Ok(()),
    }
}

/// Compares what a group's shards hold with what its specs need, as far as specs alone tell.
fn check_length(index: usize, group: &WeightGroup, surplus: SurplusBytes) -> Result<(), WeightsError> {
    let held = group.byte_length();
    let mut needed = 0u64;
    let mut cut = None;
    let mut exact = true;
    for spec in &group.weights {
        let size = spec.stored_size();
        exact &= matches!(size, crate::StoredSize::Exact(_));
        needed = needed.saturating_add(size.at_least());
        if needed > held && cut.is_none() {
            cut = Some(spec.name.clone());
        }
    }
    if let Some(tensor) = cut {
        return Err(WeightsError::TooShort {
            group: index + 1,
            shards: describe_shards(group),
            needed,
            at_least: !exact,
            tensor,
        });
    }
    if exact && needed < held && surplus == SurplusBytes::Reject {
        return Err(WeightsError::Surplus { group: index + 1, shards: describe_shards(group), taken: needed });
    }
    Ok(())
}

/// "shard `a.bin` holds 12 bytes", or the sum and each of several.
fn describe_shards(group: &WeightGroup) -> String {
    match group.shards.as_slice() {
        [] => "there is no shard".to_owned(),
        [shard] => format!("shard `{}` holds {} bytes", shard.path, shard.bytes),
        shards => {
            let listed = shards.iter().take(6).map(|shard| format!("`{}` {}", shard.path, shard.bytes));
            let mut listed: Vec<_> = listed.collect();
            if shards.len() > listed.len() {
                listed.push(format!("{} more", shards.len() - listed.len()));
            }
            format!("the shards hold {} bytes ({})", group.byte_length(), listed.join(", "))
        }
    }
}

/// The byte ranges of the groups in the data.
pub(crate) fn group_ranges(groups: &[WeightGroup]) -> impl Iterator<Item = Range<u64>> {
    groups.iter().scan(0u64, |start, group| {
        let range = *start..*start + group.byte_length();
        *start = range.end;
        Some(range)
    })
}
