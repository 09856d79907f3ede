//! Numbers that are borrowed from the bytes they came in where that is possible.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use bytes::Bytes;

use crate::DecodeError;
use crate::kernels::over_pieces;

/// A number type that weight files hold: fixed size, little-endian.
pub trait Element: Copy + fmt::Debug + PartialEq + Send + Sync + 'static + sealed::Sealed {}

impl Element for f32 {}
impl Element for i32 {}
/// Real and imaginary part of a complex64.
impl Element for [f32; 2] {}
/// Codes of quantized weights.
impl Element for u16 {}

mod sealed {
    /// Keeps the byte order, and what bytes may become, in this crate's hands.
    pub trait Sealed: bytemuck::Pod {
        /// From the byte order of weight files to that of a big-endian machine, or back.
        fn swap_bytes(&mut self);
    }
}

impl sealed::Sealed for f32 {
    fn swap_bytes(&mut self) {
        *self = Self::from_bits(self.to_bits().swap_bytes());
    }
}

impl sealed::Sealed for i32 {
    fn swap_bytes(&mut self) {
        *self = (*self).swap_bytes();
    }
}

impl sealed::Sealed for u16 {
    fn swap_bytes(&mut self) {
        *self = (*self).swap_bytes();
    }
}

impl sealed::Sealed for [f32; 2] {
    fn swap_bytes(&mut self) {
        for part in self {
            part.swap_bytes();
        }
    }
}

/// The values of a tensor, as a slice: shared with the weight bytes, or owned.
#[derive(Clone)]
pub struct Elements<T>(Repr<T>);

#[derive(Clone)]
enum Repr<T> {
    /// Aligned for `T`, a multiple of its size, on a little-endian machine: checked by [`share`].
    Shared(Bytes),
    Owned(Vec<T>),
}

/// The bytes, if they can serve as a slice of `T` where they are.
fn share<T: Element>(bytes: &Bytes) -> Option<Bytes> {
    let usable = cfg!(target_endian = "little") && bytemuck::try_cast_slice::<u8, T>(bytes).is_ok();
    usable.then(|| bytes.clone())
}

/// Zeroed memory for so many values of a tensor.
pub(crate) fn allocate<T: Element>(name: &str, count: usize) -> Result<Vec<T>, DecodeError> {
    let too_large = |()| DecodeError::TooLarge { name: name.to_owned(), bytes: count.saturating_mul(size_of::<T>()) };
    bytemuck::allocation::try_zeroed_vec(count).map_err(too_large)
}

/// Copies the little-endian bytes of values; both are of one length.
pub(crate) fn copy_run<T: Element>(bytes: &[u8], values: &mut [T]) {
    let target: &mut [u8] = bytemuck::cast_slice_mut(values);
    let length = bytes.len().min(target.len());
    target.split_at_mut(length).0.copy_from_slice(bytes.split_at(length).0);
    if cfg!(target_endian = "big") {
        values.iter_mut().for_each(T::swap_bytes);
    }
}

/// Copies little-endian bytes, in any number of pieces, into values; both are of one length.
pub(crate) fn copy_pieces<T: Element>(pieces: &[Bytes], values: &mut [T]) {
    over_pieces(size_of::<T>(), pieces, values, copy_run);
}

impl<T: Element> Elements<T> {
    /// The values of the tensor `name`, from little-endian bytes in any number of pieces, together a multiple of the element
    /// size. One aligned piece is shared, everything else is copied once.
    pub(crate) fn from_pieces(name: &str, pieces: &[Bytes]) -> Result<Self, DecodeError> {
        if let [bytes] = pieces
            && let Some(shared) = share::<T>(bytes)
        {
            return Ok(Self(Repr::Shared(shared)));
        }
        let total: usize = pieces.iter().map(Bytes::len).sum();
        let mut values = allocate(name, total / size_of::<T>())?;
        copy_pieces(pieces, &mut values);
        Ok(Self(Repr::Owned(values)))
    }

    /// The little-endian bytes, without a copy on little-endian machines.
    pub(crate) fn into_le_bytes(self) -> Bytes {
        match self.0 {
            Repr::Shared(bytes) => bytes,
            Repr::Owned(mut values) => {
                if cfg!(target_endian = "big") {
                    values.iter_mut().for_each(T::swap_bytes);
                }
                Bytes::from_owner(AsBytes(values))
            }
        }
    }

    /// The little-endian bytes; borrowed on little-endian machines.
    pub(crate) fn le_bytes(&self) -> Cow<'_, [u8]> {
        if cfg!(target_endian = "little") {
            Cow::Borrowed(bytemuck::cast_slice(self))
        } else {
            let mut swapped = self.to_vec();
            swapped.iter_mut().for_each(T::swap_bytes);
            Cow::Owned(bytemuck::cast_slice(&swapped).to_vec())
        }
    }

    /// The values as a vector: their own memory if they are owned, a copy if they are the weight bytes themselves.
    pub fn into_vec(self) -> Vec<T> {
        match self.0 {
            Repr::Shared(bytes) => bytemuck::cast_slice::<u8, T>(&bytes).to_vec(),
            Repr::Owned(values) => values,
        }
    }

    /// Whether the values are the weight bytes themselves, not a copy.
    pub fn is_shared(&self) -> bool {
        matches!(self.0, Repr::Shared(_))
    }
}

/// Numbers that own the memory behind a [`Bytes`].
struct AsBytes<T>(Vec<T>);

impl<T: Element> AsRef<[u8]> for AsBytes<T> {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

impl<T: Element> Deref for Elements<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Repr::Shared(bytes) => bytemuck::cast_slice(bytes),
            Repr::Owned(values) => values,
        }
    }
}

impl<T: Element> From<Vec<T>> for Elements<T> {
    fn from(values: Vec<T>) -> Self {
        Self(Repr::Owned(values))
    }
}

impl<T: Element> PartialEq for Elements<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Element> fmt::Debug for Elements<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().take(8)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::sealed::Sealed;

    /// What a big-endian machine does with the bytes it finds: read in its own order, then swapped.
    #[test]
    fn big_endian_machines_read_the_same_values() {
        fn check<T: Sealed + PartialEq + std::fmt::Debug>(mut read: T, expected: T) {
            read.swap_bytes();
            assert_eq!(read, expected);
        }
        check(f32::from_be_bytes([0, 0, 0x80, 0xbf]), -1.0);
        check(i32::from_be_bytes([0xfe, 0xff, 0xff, 0xff]), -2);
        check(u16::from_be_bytes([0x34, 0x12]), 0x1234);
        check([f32::from_be_bytes([0, 0, 0x80, 0x3f]), f32::from_be_bytes([0, 0, 0, 0x40])], [1.0, 2.0]);
    }
}
