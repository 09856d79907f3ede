//! Checksums of the weights as they pass by.

use tfjs_artifacts::{Error, PlannedShard, ShardHasher, ShardLayout, Weights};
use tfjs_router::Checksums;

/// Digests the weights: to compare them with the checksums that they came with, and for new ones.
#[derive(Debug)]
pub(super) struct Digests {
    came_with: Option<ShardHasher>,
    written: Option<ShardHasher>,
}

impl Digests {
    pub(super) fn new(weights: &Weights, layout: &ShardLayout, checksums: Checksums) -> Self {
        let came_with = weights.checksum_hasher();
        let are_wanted = came_with.is_some() || checksums == Checksums::Write;
        let lengths = layout.shards().map(PlannedShard::byte_length);
        let written = (are_wanted && !layout.has_checksums()).then(|| ShardHasher::new(lengths));
        Self { came_with, written }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        for hasher in [&mut self.came_with, &mut self.written].into_iter().flatten() {
            hasher.update(bytes);
        }
    }

    /// Compares, and puts new checksums into the layout; tells whether there are any.
    pub(super) fn finish(self, weights: &Weights, layout: &mut ShardLayout) -> Result<bool, Error> {
        if let Some(hasher) = self.came_with {
            weights.compare_checksums(&hasher.finish())?;
        }
        let Some(hasher) = self.written else { return Ok(false) };
        layout.set_checksums(hasher.finish());
        Ok(true)
    }
}
