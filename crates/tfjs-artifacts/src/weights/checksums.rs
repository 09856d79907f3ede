//! Whether the bytes are those that the manifest was written for.

use std::ops::Range;

use futures::TryStreamExt as _;

use super::{Weights, WeightsError};
use crate::{BoxFuture, Error, Operation, RelPath, Sha256, Shard, ShardHasher};

/// A shard that is not the one that the manifest was written for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("shard `{path}` has the SHA-256 {actual}, but the manifest says {expected}: its bytes were changed or damaged")]
#[non_exhaustive]
pub struct ChecksumMismatch {
    /// The shard.
    pub path: RelPath,
    /// What the manifest says.
    pub expected: Sha256,
    /// What its bytes have.
    pub actual: Sha256,
}

impl Weights {
    /// Reads everything, a window at a time, and compares it with the checksums that the manifest has. Without any, nothing
    /// is read.
    ///
    /// # Errors
    /// [`InvalidData`](crate::ErrorKind::InvalidData) with the shards that are wrong, and whatever the sources report.
    pub async fn verify_checksums(&self) -> Result<(), Error> {
        self.accept(self.checksum_mismatches().await?)
    }

    /// Reads everything, as [`verify_checksums`](Self::verify_checksums) does, and returns all shards that are wrong.
    ///
    /// # Errors
    /// Whatever the sources report.
    pub fn checksum_mismatches(&self) -> BoxFuture<'_, Result<Vec<ChecksumMismatch>, Error>> {
        Box::pin(async {
            let Some(mut hasher) = self.checksum_hasher() else { return Ok(Vec::new()) };
            let mut windows = self.data().stream(1 << 20);
            while let Some(window) = windows.try_next().await? {
                hasher.update(&window);
            }
            self.mismatches(&hasher.finish())
        })
    }

    /// Reads the weight files that hold these bytes, all of each, and compares them with the checksums that the manifest has: for who reads
    /// one tensor alone. Gives how many were compared; one without a checksum is not read.
    ///
    /// # Errors
    /// [`InvalidData`](crate::ErrorKind::InvalidData) with the shards that are wrong, and whatever the sources report.
    pub fn verify_checksums_around(&self, range: Range<u64>) -> BoxFuture<'_, Result<usize, Error>> {
        Box::pin(async move {
            let mut end = 0u64;
            let places = self.shards().map(|shard| {
                let start = end;
                end = end.saturating_add(shard.bytes);
                (start..end, shard)
            });
            let holds = |place: &Range<u64>| place.start < range.end && range.start < place.end;
            let around: Vec<_> = places.filter(|(place, shard)| shard.sha256.is_some() && holds(place)).collect();
            let mut hasher = ShardHasher::new(around.iter().map(|(_, shard)| shard.bytes));
            for (place, _) in &around {
                let mut windows = self.data().slice(place.clone())?.stream(1 << 20);
                while let Some(window) = windows.try_next().await? {
                    hasher.update(&window);
                }
            }
            self.accept(mismatches(around.iter().map(|(_, shard)| *shard), &hasher.finish()))?;
            Ok(around.len())
        })
    }

    /// Whether the manifest has the checksum of a weight file.
    pub fn has_any_checksum(&self) -> bool {
        self.shards().any(|shard| shard.sha256.is_some())
    }

    /// What digests the files as their bytes pass by; `None` if the manifest has no checksum to compare with.
    pub fn checksum_hasher(&self) -> Option<ShardHasher> {
        self.has_any_checksum().then(|| ShardHasher::new(self.shards().map(|shard| shard.bytes)))
    }

    /// Compares the digests of all files with the checksums of the manifest.
    ///
    /// # Errors
    /// [`InvalidData`](crate::ErrorKind::InvalidData) with the shards that are wrong, or when there is not one digest for
    /// each shard.
    pub fn compare_checksums(&self, digests: &[Sha256]) -> Result<(), Error> {
        self.accept(self.mismatches(digests)?)
    }

    fn mismatches(&self, digests: &[Sha256]) -> Result<Vec<ChecksumMismatch>, Error> {
        let shards = self.shards().count();
        if digests.len() != shards {
            return Err(self.error(WeightsError::DigestCount { digests: digests.len(), shards }));
        }
        Ok(mismatches(self.shards(), digests))
    }

    fn accept(&self, mismatches: Vec<ChecksumMismatch>) -> Result<(), Error> {
        if mismatches.is_empty() { Ok(()) } else { Err(self.error(WeightsError::Checksums { mismatches })) }
    }

    /// An error of reading these weights, with the place that they came from.
    fn error(&self, error: WeightsError) -> Error {
        let error = Error::from(error);
        match &self.location {
            Some(location) => error.with_operation(Operation::Read).with_location(location.as_str()),
            None => error,
        }
    }
}

fn mismatches<'s>(shards: impl Iterator<Item = &'s Shard>, digests: &[Sha256]) -> Vec<ChecksumMismatch> {
    let compared = shards.zip(digests).filter_map(|(shard, &actual)| {
        let expected = shard.sha256.filter(|&expected| expected != actual)?;
        Some(ChecksumMismatch { path: shard.path.clone(), expected, actual })
    });
    compared.collect()
}

/// The first in full, and the names of the others.
pub(super) fn describe(mismatches: &[ChecksumMismatch]) -> String {
    let Some((first, others)) = mismatches.split_first() else { return "no shard is wrong".to_owned() };
    let mut listed: Vec<_> = others.iter().take(5).map(|other| format!("`{}`", other.path)).collect();
    if others.len() > listed.len() {
        listed.push(format!("{} more", others.len() - listed.len()));
    }
    if listed.is_empty() { first.to_string() } else { format!("{first}; so were those of {}", listed.join(", ")) }
}
