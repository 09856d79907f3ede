//! All weights as one file, which is what TensorFlow.js itself makes of every model.

use super::{Shard, TensorPlace, WeightGroup, Weights, group_ranges};
use crate::{BoxFuture, Error, ErrorKind, PlannedShard, RelPath, Segment, WeightData};

impl Weights {
    /// The same tensors in one group and one file of this name, for media that take a single file of weights.
    ///
    /// Nothing is read but the lengths of strings, where several groups are joined. Bytes between them that belong to no tensor
    /// are left out, and so are keys of theirs that this library does not know: they were about other sets of tensors. Those of
    /// a single group stay. A checksum stays if the file has the bytes that it had.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when groups have to be joined and nobody could tell where the bytes of a tensor lie, and what
    /// [`locate`](Self::locate) reports.
    pub fn joined(&self, path: RelPath) -> BoxFuture<'_, Result<Self, Error>> {
        Box::pin(async move {
            let data = if self.groups.len() > 1 { self.without_gaps().await? } else { self.data.clone() };
            let mut shards = self.shards();
            let sha256 = match (shards.next(), shards.next()) {
                (Some(only), None) if data.byte_length() == self.data.byte_length() => only.sha256,
                _ => None,
            };
            let file = PlannedShard { path: path.clone(), range: 0..data.byte_length(), sha256 };
            let unknown = match self.groups.as_slice() {
                [only] => only.unknown_with(std::slice::from_ref(&file)).cloned().collect(),
                _ => Vec::new(),
            };
            let shard = Shard { path, bytes: data.byte_length(), sha256 };
            let group = WeightGroup { weights: self.specs().cloned().collect(), shards: vec![shard], unknown };
            let joined = Self { location: self.location.clone(), ..Self::new(vec![group], data, self.surplus)? };
            if self.groups.len() > 1 {
                // Two tensors of unknown dtype can be told apart only while each has a group of its own.
                joined.ends().await?;
            }
            Ok(joined)
        })
    }

    /// The bytes of several groups without those between them that belong to no tensor.
    async fn without_gaps(&self) -> Result<WeightData, Error> {
        let mut ends = self.ends().await?.into_iter();
        let mut segments: Vec<Segment> = Vec::new();
        for (group, range) in self.groups.iter().zip(group_ranges(&self.groups)) {
            let end = ends.by_ref().take(group.weights.len()).last().unwrap_or(range.start);
            segments.extend(self.data.slice(range.start..end)?.segments().cloned());
        }
        Ok(WeightData::from_segments(segments))
    }

    /// Where the bytes of each tensor end.
    async fn ends(&self) -> Result<Vec<u64>, Error> {
        let places = self.locate().await?.into_iter();
        let ends = places.map(|place| match place {
            TensorPlace::At(range) => Ok(range.end),
            TensorPlace::Unknown { because_of } => {
                let message = format!(
                    "the dtype of tensor `{because_of}` is unknown, and in one group with all others nobody could tell where its bytes lie"
                );
                Err(Error::new(ErrorKind::Unsupported, message))
            }
        });
        ends.collect()
    }
}
