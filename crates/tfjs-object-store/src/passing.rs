//! Who sees the bytes of weight files on their way into a store.

use tfjs_artifacts::{Error, ErrorKind, PlannedShard, Sha256, ShardHasher};
use tfjs_router::{Digests, ProgressMeter};

/// Sees the bytes of one weight file, in their order.
pub(crate) struct Passing<'a> {
    digests: &'a mut Digests,
    meter: &'a mut ProgressMeter,
    /// For an object that may be used by who continues: that it is what its checksum says is known before it is there.
    check: Option<(ShardHasher, Sha256)>,
}

impl<'a> Passing<'a> {
    pub(crate) fn new(
        digests: &'a mut Digests,
        meter: &'a mut ProgressMeter,
        shard: &PlannedShard,
        content: Option<Sha256>,
    ) -> Self {
        let hasher = || ShardHasher::new([shard.byte_length()]);
        let check = content.and(shard.sha256).map(|expected| (hasher(), expected));
        Self { digests, meter, check }
    }

    pub(crate) fn see(&mut self, bytes: &[u8]) {
        self.digests.update(bytes);
        if let Some((hasher, _)) = &mut self.check {
            hasher.update(bytes);
        }
        self.meter.advance(bytes.len() as u64);
    }

    /// When all have passed, and before the object is there.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] when they are not what their checksum says.
    pub(crate) fn verify(&mut self) -> Result<(), Error> {
        let Some((hasher, expected)) = self.check.take() else { return Ok(()) };
        if hasher.finish() == [expected] {
            return Ok(());
        }
        let message = format!("the source has other bytes than its checksum {expected} says; it is damaged");
        Err(Error::new(ErrorKind::InvalidData, message))
    }
}
