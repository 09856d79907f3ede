//! The values of a tensor, decoded while their bytes arrive.

use bytes::Bytes;
use tfjs_artifacts::{DType, WeightSpec};

use crate::decode::{Coding, decode, unsupported};
use crate::elements::{Element, copy_run};
use crate::kernels::Cut;
use crate::{DecodeError, Strings, Tensor, Values};

/// Up to here memory for a whole tensor is asked for at once; beyond, it grows with what has arrived, so that a spec alone
/// cannot ask for much.
const AT_ONCE: usize = 64 << 20;

/// A tensor of which some bytes have arrived.
#[derive(Debug)]
pub(crate) enum Arriving {
    /// Nothing has; how it is stored is known.
    Nothing(Coding),
    /// All of it came in one piece.
    Whole(Bytes),
    /// The values so far.
    Float32 { coding: Coding, cut: Cut, values: Vec<f32> },
    /// The values so far.
    Int32 { coding: Coding, cut: Cut, values: Vec<i32> },
    /// The values so far.
    Complex64 { cut: Cut, values: Vec<[f32; 2]> },
    /// Bools or strings so far: their bytes are their values.
    Bytes(Vec<u8>),
    /// It cannot be decoded; its bytes are passed over.
    Failed(DecodeError),
}

impl Arriving {
    /// A tensor of which nothing has arrived yet.
    pub(crate) fn new(spec: &WeightSpec) -> Self {
        match Coding::of(spec) {
            Ok(coding) => Self::Nothing(coding),
            Err(error) => Self::Failed(error),
        }
    }

    /// Takes the next bytes, and whether they are the last ones.
    pub(crate) fn take(&mut self, spec: &WeightSpec, bytes: Bytes, is_last: bool) {
        match self {
            Self::Nothing(_) if is_last => *self = Self::Whole(bytes),
            Self::Nothing(coding) => {
                *self = Self::begin(*coding, spec);
                self.extend(spec, &bytes);
            }
            _ => self.extend(spec, &bytes),
        }
    }

    fn begin(coding: Coding, spec: &WeightSpec) -> Self {
        match (coding, &spec.dtype) {
            (_, DType::Float32) => Self::Float32 { coding, cut: Cut::new(coding.width::<f32>()), values: Vec::new() },
            (_, DType::Int32) => Self::Int32 { coding, cut: Cut::new(coding.width::<i32>()), values: Vec::new() },
            (Coding::Plain, DType::Complex64) => {
                Self::Complex64 { cut: Cut::new(size_of::<[f32; 2]>()), values: Vec::new() }
            }
            (Coding::Plain, DType::Bool | DType::String) => Self::Bytes(Vec::new()),
            _ => Self::Failed(unsupported(spec)),
        }
    }

    fn extend(&mut self, spec: &WeightSpec, bytes: &[u8]) {
        let extended = match self {
            Self::Nothing(_) | Self::Whole(_) | Self::Failed(_) => Ok(()),
            Self::Float32 { coding, cut, values } => {
                extend(spec, cut, values, bytes, |stored, out| coding.to_f32(stored, out))
            }
            Self::Int32 { coding, cut, values } => {
                extend(spec, cut, values, bytes, |stored, out| coding.to_i32(stored, out))
            }
            Self::Complex64 { cut, values } => extend(spec, cut, values, bytes, copy_run),
            Self::Bytes(so_far) => make_room(spec, so_far, bytes.len()).map(|()| so_far.extend_from_slice(bytes)),
        };
        if let Err(error) = extended {
            *self = Self::Failed(error);
        }
    }

    /// The tensor, all of whose bytes have been taken.
    pub(crate) fn into_tensor(self, spec: WeightSpec) -> Result<Tensor, DecodeError> {
        let values = match self {
            Self::Nothing(_) => return decode(&spec, &[]),
            Self::Whole(bytes) => return decode(&spec, &[bytes]),
            Self::Float32 { values, .. } => Values::Float32(values.into()),
            Self::Int32 { values, .. } => Values::Int32(values.into()),
            Self::Complex64 { values, .. } => Values::Complex64(values.into()),
            Self::Bytes(bytes) if spec.dtype == DType::String => {
                Values::String(Strings::parse(&spec.name, spec.shape.size(), bytes.into())?)
            }
            Self::Bytes(bytes) => Values::Bool(bytes.into()),
            Self::Failed(error) => return Err(error),
        };
        Ok(Tensor::from_decoded(spec.name, spec.shape, values))
    }
}

/// Decodes the elements that the bytes complete behind the values so far.
fn extend<T: Element>(
    spec: &WeightSpec,
    cut: &mut Cut,
    values: &mut Vec<T>,
    bytes: &[u8],
    kernel: impl FnMut(&[u8], &mut [T]),
) -> Result<(), DecodeError> {
    let (before, more) = (values.len(), cut.elements(bytes.len()));
    make_room(spec, values, more)?;
    values.resize(before + more, T::zeroed());
    cut.feed(bytes, values.split_at_mut(before).1, kernel);
    Ok(())
}

/// Room for so many more values of a tensor: for all that its spec tells of if they are few, else at least for twice as many
/// as have arrived, so that the time stays linear.
fn make_room<T>(spec: &WeightSpec, values: &mut Vec<T>, more: usize) -> Result<(), DecodeError> {
    let needed = values.len().saturating_add(more);
    if needed <= values.capacity() {
        return Ok(());
    }
    let doubled = values.capacity().saturating_mul(2).max(needed);
    let all = usize::try_from(spec.shape.size()).unwrap_or(usize::MAX);
    let wanted = match spec.dtype {
        // Only the strings know how long they are.
        DType::String => doubled,
        _ if all <= AT_ONCE / size_of::<T>() => all.max(needed),
        _ => doubled.min(all).max(needed),
    };
    values
        .try_reserve_exact(wanted - values.len())
        .map_err(|_| DecodeError::TooLarge { name: spec.name.clone(), bytes: wanted.saturating_mul(size_of::<T>()) })
}
