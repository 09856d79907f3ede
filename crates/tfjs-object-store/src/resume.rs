//! Weight files that an interrupted save has sent, and that are the same as those of this one.
//!
//! An object is there all at once, so one that is there is finished. A save that may be continued puts the [key](tfjs_router::Resume::key) of
//! what an object was made of into its metadata. The next one looks at objects of the same model, length and number; those whose
//! key is its own are copied **by the store** to a name of its own, and looked at again. So no bytes are sent, each save has names that no other
//! has, and it does not matter whether the other one is dead.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, stream};
use object_store::path::Path;
use object_store::{Attribute, CopyMode, CopyOptions, GetOptions, ObjectMeta, ObjectStore as _};
use tfjs_artifacts::{Error, PlannedShard, Sha256, ShardLayout, Weights};
use tfjs_router::Resume;

use crate::bucket::{Bucket, REQUESTS_AT_ONCE};
use crate::names::{WeightsFile, behind_generation, of_this_library};
use crate::place::Place;
use crate::sweep::level;

/// The name of the key in the metadata of an object: one that every store takes.
pub(crate) const CONTENT_KEY: &str = "tfjscontent";

/// What proves a weight file; `None` if nothing does.
///
/// Of files that are cut anew, nobody would see in time that their bytes are not those of the checksums.
pub(crate) fn key(resume: Option<&Resume>, weights: &Weights, shard: &PlannedShard) -> Option<Sha256> {
    let has_checksums = weights.has_any_checksum();
    if has_checksums && shard.sha256.is_none() {
        return None;
    }
    resume?.key(weights, &shard.range)
}

/// A weight file that another save may have sent.
struct Candidate {
    /// Which of the files it is.
    index: usize,
    to: Path,
    key: Sha256,
    from: Vec<ObjectMeta>,
}

/// The files that other saves may have sent, by their number in the layout.
pub(crate) struct Candidates(Vec<Candidate>);

impl Candidates {
    pub(crate) async fn find(
        place: &Place,
        weights: &Weights,
        layout: &ShardLayout,
        file: &WeightsFile,
        resume: &Resume,
    ) -> Result<Self, Error> {
        let folder = place.shard(&file.path)?.parent().unwrap_or_default();
        let mut others = BTreeMap::<_, Vec<_>>::new();
        for object in level(place, &folder).await? {
            let Some(name) = object.location.filename() else { continue };
            if of_this_library(name).is_some_and(|(begin, _)| begin == file.begin)
                && let Some(behind) = behind_generation(name)
            {
                others.entry((behind.to_owned(), object.size)).or_default().push(object);
            }
        }
        let mut candidates = Vec::new();
        for (index, shard) in layout.shards().enumerate() {
            let behind = behind_generation(shard.path.file_name()).unwrap_or_default().to_owned();
            let from = others.remove(&(behind, shard.byte_length()));
            if let Some((from, key)) = from.zip(key(Some(resume), weights, shard)) {
                candidates.push(Candidate { index, to: place.shard(&shard.path)?, key, from });
            }
        }
        Ok(Self(candidates))
    }

    /// The objects that may be made.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|candidate| &candidate.to)
    }

    /// Lets the store copy those that are proven. Gives which files are there.
    pub(crate) async fn copy(self, bucket: &Bucket) -> BTreeSet<usize> {
        let copies = stream::iter(self.0).map(async |candidate| {
            for from in &candidate.from {
                // Whatever the store refuses: what is not there is sent.
                if candidate.copy(bucket, from).await.unwrap_or(false) {
                    return Some(candidate.index);
                }
            }
            None
        });
        copies.buffer_unordered(REQUESTS_AT_ONCE).filter_map(std::future::ready).collect().await
    }
}

impl Candidate {
    async fn copy(&self, bucket: &Bucket, from: &ObjectMeta) -> Result<bool, object_store::Error> {
        if !self.is_proven(bucket, &from.location, from.size).await? {
            return Ok(false);
        }
        let options = CopyOptions { mode: CopyMode::Overwrite, ..CopyOptions::default() };
        bucket.store.copy_opts(&from.location, &self.to, options).await?;
        self.is_proven(bucket, &self.to, from.size).await
    }

    async fn is_proven(&self, bucket: &Bucket, object: &Path, size: u64) -> Result<bool, object_store::Error> {
        let got = bucket.store.get_opts(object, GetOptions::new().with_head(true)).await?;
        let key = got.attributes.get(&Attribute::Metadata(CONTENT_KEY.into()));
        Ok(got.meta.size == size && key.is_some_and(|key| **key == self.key.to_string()))
    }
}
