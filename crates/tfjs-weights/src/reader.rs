//! Tensors out of a model's weights, one at a time.

use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::OnceLock;

use tfjs_artifacts::{Bytes, Error, ErrorKind, Operation, StoredSize, TensorPlace, WeightSpec, Weights};

use crate::{Codes, DecodeError, Tensor, ValuesMut, decode, decode_codes, decode_into};

/// Decodes tensors of a model one by one, reading only the bytes of those that are asked for.
#[derive(Debug)]
pub struct TensorReader<'a> {
    weights: &'a Weights,
    specs: Vec<&'a WeightSpec>,
    places: Vec<TensorPlace>,
    /// The places of the specs in the order of their names, when the first name was asked for.
    by_name: OnceLock<Vec<usize>>,
}

impl<'a> TensorReader<'a> {
    /// Finds out where each tensor lies.
    ///
    /// # Errors
    /// Those of [`Weights::locate`].
    pub async fn open(weights: &'a Weights) -> Result<Self, Error> {
        let places = weights.locate().await?;
        Ok(Self { weights, specs: weights.specs().collect(), places, by_name: OnceLock::new() })
    }

    /// The specs, in order.
    pub fn specs(&self) -> &[&'a WeightSpec] {
        &self.specs
    }

    /// The place of each tensor, in the order of [`specs`](Self::specs).
    pub fn places(&self) -> &[TensorPlace] {
        &self.places
    }

    /// How many bytes the tensor at this place in the order of [`specs`](Self::specs) takes; `None` if it cannot be
    /// located.
    pub fn stored_bytes(&self, index: usize) -> Option<u64> {
        match self.places.get(index)? {
            TensorPlace::At(range) => Some(range.end - range.start),
            TensorPlace::Unknown { .. } => None,
        }
    }

    /// Decodes the tensor of this name.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none; otherwise what [`decode()`] and the sources report.
    pub async fn tensor(&self, name: &str) -> Result<Tensor, Error> {
        self.nth(self.position(name)?).await
    }

    /// Decodes the tensor of this name into memory of the caller's.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none; otherwise what [`decode_into`] and the sources report.
    pub async fn tensor_into(&self, name: &str, out: impl Into<ValuesMut<'_>>) -> Result<(), Error> {
        let (spec, pieces) = self.stored(self.position(name)?).await?;
        Ok(decode_into(spec, &pieces, out)?)
    }

    /// The stored codes of the quantized tensor of this name.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none; otherwise what [`decode_codes`] and the sources report.
    pub async fn codes(&self, name: &str) -> Result<Codes, Error> {
        let (spec, pieces) = self.stored(self.position(name)?).await?;
        Ok(decode_codes(spec, &pieces)?)
    }

    /// Decodes the tensor at this place in the order of [`specs`](Self::specs).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there are fewer; otherwise what [`decode()`] and the sources report.
    pub async fn nth(&self, index: usize) -> Result<Tensor, Error> {
        let (spec, range) = self.located(index)?;
        let data = self.weights.data();
        // Without a future where none is needed: it costs more than decoding what need not be touched.
        match data.shared(range.clone()) {
            Some(bytes) => Ok(decode(spec, &[bytes])?),
            None => Ok(decode(spec, &data.read_pieces(range).await?)?),
        }
    }

    fn position(&self, name: &str) -> Result<usize, Error> {
        let name_at = |index: usize| self.specs.get(index).map(|spec| spec.name.as_str());
        let by_name = self.by_name.get_or_init(|| {
            let all = 0..self.specs.len();
            if cfg!(target_arch = "wasm32") {
                // A tenth of the code, which a page has to download.
                let heap: BinaryHeap<_> = all.map(|index| (name_at(index), index)).collect();
                return heap.into_sorted_vec().into_iter().map(|(_, index)| index).collect();
            }
            let mut by_name: Vec<_> = all.collect();
            by_name.sort_unstable_by_key(|index| name_at(*index));
            by_name
        });
        let found = by_name.binary_search_by_key(&Some(name), |index| name_at(*index)).ok();
        found.and_then(|at| by_name.get(at)).copied().ok_or_else(|| {
            let message = format!("the model has no weight `{name}`");
            Error::new(ErrorKind::NotFound, message).with_operation(Operation::Decode)
        })
    }

    /// Reads the bytes of one tensor.
    async fn stored(&self, index: usize) -> Result<(&'a WeightSpec, Vec<Bytes>), Error> {
        let (spec, range) = self.located(index)?;
        Ok((spec, self.weights.data().read_pieces(range).await?))
    }

    pub(crate) fn weights(&self) -> &'a Weights {
        self.weights
    }

    /// The spec and the place of one tensor.
    pub(crate) fn located(&self, index: usize) -> Result<(&'a WeightSpec, Range<u64>), Error> {
        let Some((spec, place)) = self.specs.get(index).zip(self.places.get(index)) else {
            let message = format!("the model has {} weights, there is no number {index}", self.places.len());
            return Err(Error::new(ErrorKind::NotFound, message).with_operation(Operation::Decode));
        };
        match place {
            TensorPlace::At(range) => Ok((spec, range.clone())),
            TensorPlace::Unknown { .. } if spec.stored_size() == StoredSize::Unknown => {
                let (name, dtype) = (spec.name.clone(), spec.dtype.clone());
                Err(DecodeError::UnsupportedDType { name, dtype }.into())
            }
            TensorPlace::Unknown { because_of } => {
                let (name, because_of) = (spec.name.clone(), because_of.to_string());
                Err(DecodeError::Unplaced { name, because_of }.into())
            }
        }
    }
}

/// Decodes all tensors in order: what `tf.io.decodeWeights` does.
///
/// # Errors
/// The first that [`TensorReader::nth`] reports.
pub async fn decode_weights(weights: &Weights) -> Result<Vec<Tensor>, Error> {
    let reader = TensorReader::open(weights).await?;
    let mut tensors = Vec::with_capacity(reader.places.len());
    for index in 0..reader.places.len() {
        let (spec, range) = reader.located(index)?;
        // See `TensorReader::nth`, whose own future is one too many here.
        tensors.push(match weights.data().shared(range) {
            Some(bytes) => decode(spec, &[bytes])?,
            None => reader.nth(index).await?,
        });
    }
    Ok(tensors)
}
