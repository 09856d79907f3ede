//! Where each tensor's bytes lie.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::{SurplusBytes, WeightGroup, Weights, WeightsError, describe_shards, group_ranges};
use crate::shape::abbreviate;
use crate::{BoxFuture, Error, Limit, Limits, StoredSize, WeightData, WeightSpec};

/// Where a tensor's bytes lie in the model's [`WeightData`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a place is known or it is not")]
pub enum TensorPlace {
    /// In these bytes.
    At(Range<u64>),
    /// Nobody can tell, because of a tensor of unknown dtype before it in its group.
    Unknown {
        /// That tensor's name, or its beginning if it is very long.
        because_of: Arc<str>,
    },
}

impl Weights {
    /// The place of every tensor, in the order of [`Weights::specs`].
    ///
    /// Reads nothing but the length prefixes of string tensors. A tensor of unknown dtype takes what the others
    /// of its group leave, if it is the only one; what cannot be placed is [`TensorPlace::Unknown`].
    ///
    /// # Errors
    /// [`InvalidData`](crate::ErrorKind::InvalidData) when string lengths point past the end, or bytes are left
    /// over; and whatever the sources report.
    pub fn locate(&self) -> BoxFuture<'_, Result<Vec<TensorPlace>, Error>> {
        Box::pin(async {
            let mut places = Vec::with_capacity(self.specs().count());
            for (index, range) in group_ranges(&self.groups).enumerate() {
                if let Some(group) = self.groups.get(index) {
                    let group =
                        Group { index, group, range, data: &self.data, surplus: self.surplus, limits: &self.limits };
                    places.extend(group.locate().await?);
                }
            }
            Ok(places)
        })
    }
}

/// One group being walked.
struct Group<'a> {
    index: usize,
    group: &'a WeightGroup,
    range: Range<u64>,
    data: &'a WeightData,
    surplus: SurplusBytes,
    limits: &'a Limits,
}

impl Group<'_> {
    async fn locate(self) -> Result<Vec<TensorPlace>, Error> {
        let mut places = Vec::with_capacity(self.group.weights.len());
        let mut at = self.range.start;
        let mut prefixes = Prefixes { data: self.data, end: self.range.end, window: 0..0, bytes: Bytes::new() };
        for spec in &self.group.weights {
            let end = match spec.stored_size() {
                StoredSize::Exact(bytes) => at.saturating_add(bytes),
                StoredSize::Strings(elements) => self.strings_end(spec, elements, at, &mut prefixes).await?,
                StoredSize::Unknown => return self.locate_around(spec, at, places),
            };
            if end > self.range.end {
                return Err(self.too_short(spec, end).into());
            }
            places.push(TensorPlace::At(at..end));
            at = end;
        }
        if at < self.range.end && self.surplus == SurplusBytes::Reject {
            let shards = describe_shards(self.group);
            let taken = at - self.range.start;
            return Err(WeightsError::Surplus { group: self.index + 1, shards, taken }.into());
        }
        Ok(places)
    }

    /// Walks the length prefixes of a string tensor that begins at `at`; returns where it ends.
    async fn strings_end(
        &self,
        spec: &WeightSpec,
        elements: u64,
        mut at: u64,
        prefixes: &mut Prefixes<'_>,
    ) -> Result<u64, Error> {
        for element in 0..elements {
            let Some(length) = prefixes.read(at).await? else {
                return Err(self.too_short(spec, at.saturating_add((elements - element) * 4)).into());
            };
            at += 4;
            let left = self.range.end - at;
            if u64::from(length) > left {
                return Err(WeightsError::StringTooLong {
                    group: self.index + 1,
                    tensor: spec.name.clone(),
                    element,
                    length: length.into(),
                    left,
                }
                .into());
            }
            self.limits
                .check(Limit::StringBytes, length.into())
                .map_err(|error| error.of(format!("string {element} of tensor `{}`", spec.name)))?;
            at += u64::from(length);
        }
        Ok(at)
    }

    /// Places the tensors from the first one of unknown dtype on, counting from the end of the group.
    fn locate_around(
        &self,
        unknown: &WeightSpec,
        at: u64,
        mut places: Vec<TensorPlace>,
    ) -> Result<Vec<TensorPlace>, Error> {
        let rest = self.group.weights.get(places.len()..).unwrap_or_default();
        let mut from_end = Vec::with_capacity(rest.len());
        let mut end = self.range.end;
        if self.surplus == SurplusBytes::Reject {
            for spec in rest.iter().skip(1).rev() {
                let StoredSize::Exact(bytes) = spec.stored_size() else { break };
                let Some(start) = end.checked_sub(bytes).filter(|&start| start >= at) else {
                    return Err(self.too_short(spec, at.saturating_add(bytes)).into());
                };
                from_end.push(TensorPlace::At(start..end));
                end = start;
            }
            if from_end.len() + 1 == rest.len() {
                from_end.push(TensorPlace::At(at..end));
            }
        }
        let lost = rest.len() - from_end.len();
        let because_of: Arc<str> = abbreviate(&unknown.name, 100).into();
        places.extend((0..lost).map(|_| TensorPlace::Unknown { because_of: Arc::clone(&because_of) }));
        places.extend(from_end.into_iter().rev());
        Ok(places)
    }

    fn too_short(&self, spec: &WeightSpec, end: u64) -> WeightsError {
        WeightsError::TooShort {
            group: self.index + 1,
            shards: describe_shards(self.group),
            needed: end - self.range.start,
            at_least: true,
            tensor: spec.name.clone(),
        }
    }
}

/// Reads 4-byte prefixes through a window, so that a lazy source is not asked for each one.
struct Prefixes<'a> {
    data: &'a WeightData,
    end: u64,
    window: Range<u64>,
    bytes: Bytes,
}

const WINDOW: u64 = 64 * 1024;

impl Prefixes<'_> {
    /// The little-endian number at an offset; `None` if the group ends within it.
    async fn read(&mut self, at: u64) -> Result<Option<u32>, Error> {
        if at + 4 > self.end {
            return Ok(None);
        }
        if at < self.window.start || at + 4 > self.window.end {
            self.window = at..self.end.min(at + WINDOW);
            self.bytes = self.data.read(self.window.clone()).await?;
        }
        let offset = usize::try_from(at - self.window.start).unwrap_or(usize::MAX);
        let prefix = self.bytes.get(offset..).and_then(|rest| rest.first_chunk::<4>());
        Ok(prefix.map(|prefix| u32::from_le_bytes(*prefix)))
    }
}
