//! One entry of a weights manifest.

use crate::{DType, Quantization, RawJson, Shape};

/// A tensor's entry in the weights manifest: what it is called and how its bytes are to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WeightSpec {
    /// The name, unique in the model; may hold any characters.
    pub name: String,
    /// The dimensions.
    pub shape: Shape,
    /// The type of the decoded values.
    pub dtype: DType,
    /// `"optimizer"` for optimizer state; anything else, or nothing, counts as the model itself.
    pub group: Option<String>,
    /// How the stored codes become values, if they are quantized.
    pub quantization: Option<Quantization>,
    /// Other keys, in order. A key that is written from a field of its own counts for nothing here, and `quantization` never
    /// does.
    pub unknown: Vec<(String, RawJson)>,
}

/// How many bytes a tensor takes in the weight file, as far as its spec tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a size is fixed, prefixed, or unknown")]
pub enum StoredSize {
    /// Exactly this many bytes.
    Exact(u64),
    /// This many strings, each a 4-byte length and that many bytes: known only when the lengths are read.
    Strings(u64),
    /// Unknown, because the dtype is.
    Unknown,
}

impl WeightSpec {
    /// A plain, unquantized entry.
    pub fn new(name: impl Into<String>, shape: Shape, dtype: DType) -> Self {
        Self { name: name.into(), shape, dtype, group: None, quantization: None, unknown: Vec::new() }
    }

    /// Whether this is optimizer state rather than a weight of the model.
    pub fn is_optimizer(&self) -> bool {
        self.group.as_deref() == Some("optimizer")
    }

    /// The number of bytes in the weight file.
    ///
    /// As in the reference's `decodeWeights`, a `quantization` decides alone, whatever the dtype.
    pub fn stored_size(&self) -> StoredSize {
        let element = match (&self.quantization, &self.dtype) {
            (Some(quantization), _) => quantization.dtype.code_size(),
            (None, DType::String) => return StoredSize::Strings(self.shape.size()),
            (None, dtype) => dtype.element_size(),
        };
        // At most 2^53 - 1 elements of 8 bytes: no overflow.
        element.map_or(StoredSize::Unknown, |element| StoredSize::Exact(self.shape.size() * element))
    }

    /// The number of bytes of the decoded values; `None` for strings and unknown types.
    pub fn decoded_size(&self) -> Option<u64> {
        self.dtype.element_size().map(|element| self.shape.size() * element)
    }
}

impl StoredSize {
    /// The fewest bytes that the tensor can take.
    pub fn at_least(self) -> u64 {
        match self {
            Self::Exact(bytes) => bytes,
            Self::Strings(elements) => elements * 4,
            Self::Unknown => 0,
        }
    }
}
