//! What every save does with checksums while the weights pass by.

use tfjs_artifacts::{Error, PlannedShard, ShardHasher, ShardLayout, Weights};

use crate::Checksums;

/// Digests weights as they are saved: to compare them with the checksums that they came with, and to make the new ones that
/// the options or the layout ask for.
///
/// A save handler feeds all bytes in their order to [`update`](Self::update), and calls [`finish`](Self::finish) before it
/// commits.
#[derive(Clone, Debug)]
pub struct Digests {
    came_with: Option<ShardHasher>,
    written: Option<ShardHasher>,
}

impl Digests {
    /// For weights that are saved in these files.
    pub fn new(weights: &Weights, layout: &ShardLayout, checksums: Checksums) -> Self {
        let came_with = weights.checksum_hasher();
        let are_wanted = came_with.is_some() || checksums == Checksums::Write;
        let lengths = layout.shards().map(PlannedShard::byte_length);
        let written = (are_wanted && !layout.has_checksums()).then(|| ShardHasher::new(lengths));
        Self { came_with, written }
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for hasher in [&mut self.came_with, &mut self.written].into_iter().flatten() {
            hasher.update(bytes);
        }
    }

    /// Whether anybody looks at the bytes.
    pub fn are_wanted(&self) -> bool {
        self.came_with.is_some() || self.written.is_some()
    }

    /// Compares, and puts new checksums into the layout; tells whether there are any, so that a manifest that was written
    /// before is written again.
    ///
    /// # Errors
    /// [`InvalidData`](tfjs_artifacts::ErrorKind::InvalidData) that names the files whose bytes are not those that their
    /// checksums were made of.
    pub fn finish(self, weights: &Weights, layout: &mut ShardLayout) -> Result<bool, Error> {
        if let Some(hasher) = self.came_with {
            weights.compare_checksums(&hasher.finish())?;
        }
        let Some(hasher) = self.written else { return Ok(false) };
        layout.set_checksums(hasher.finish());
        Ok(true)
    }
}
