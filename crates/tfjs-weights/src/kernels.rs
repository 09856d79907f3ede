//! The loops that touch every weight.
//!
//! Each is written once, in plain Rust. `pulp` compiles it a second time for the vector instructions that the processor may
//! have (AVX2 on x86-64) and picks one at run time; both compute the same operations in the same order, so their results
//! are equal bit for bit, which the tests check for every code.

use pulp::Arch;

/// Computes a value for each one-byte code. `out` has as many values as there are codes.
pub(crate) fn map_u8<T>(codes: &[u8], out: &mut [T], value: impl Fn(u8) -> T) {
    Arch::new().dispatch(
        #[inline(always)]
        || map_u8_scalar(codes, out, value),
    );
}

/// Computes a value for each little-endian two-byte code. `out` has half as many values as there are bytes.
pub(crate) fn map_u16<T>(codes: &[u8], out: &mut [T], value: impl Fn(u16) -> T) {
    Arch::new().dispatch(
        #[inline(always)]
        || map_u16_scalar(codes, out, value),
    );
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "the loop must be compiled within the dispatched closure")]
fn map_u8_scalar<T>(codes: &[u8], out: &mut [T], value: impl Fn(u8) -> T) {
    for (out, code) in out.iter_mut().zip(codes) {
        *out = value(*code);
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "the loop must be compiled within the dispatched closure")]
fn map_u16_scalar<T>(codes: &[u8], out: &mut [T], value: impl Fn(u16) -> T) {
    for (out, code) in out.iter_mut().zip(codes.as_chunks::<2>().0) {
        *out = value(u16::from_le_bytes(*code));
    }
}

/// Hands out elements of `width` bytes, at most 8, that lie in pieces cut anywhere. See [`Cut::feed`].
pub(crate) fn over_pieces<T>(
    width: usize,
    pieces: &[impl AsRef<[u8]>],
    mut out: &mut [T],
    mut kernel: impl FnMut(&[u8], &mut [T]),
) {
    let mut cut = Cut::new(width);
    for piece in pieces {
        let values = cut.elements(piece.as_ref().len()).min(out.len());
        let (these, rest) = out.split_at_mut(values);
        cut.feed(piece.as_ref(), these, &mut kernel);
        out = rest;
    }
}

/// What came of an element through which a cut between two pieces goes.
#[derive(Debug)]
pub(crate) struct Cut {
    width: usize,
    bytes: [u8; 8],
    held: usize,
}

impl Cut {
    /// For elements of `width` bytes, at most 8.
    pub(crate) fn new(width: usize) -> Self {
        debug_assert!((1..=8).contains(&width));
        Self { width, bytes: [0; 8], held: 0 }
    }

    /// How many elements the next piece completes, if it has so many bytes.
    pub(crate) fn elements(&self, length: usize) -> usize {
        (self.held + length) / self.width
    }

    /// Takes the next piece: `kernel` gets whole runs of elements where they are, and the one that is cut by itself, each
    /// with the values of `out` that belong to it. `out` has as many as [`elements`](Self::elements) says.
    pub(crate) fn feed<T>(&mut self, piece: &[u8], mut out: &mut [T], mut kernel: impl FnMut(&[u8], &mut [T])) {
        let mut bytes = piece;
        if self.held > 0 {
            bytes = self.hold(bytes);
            let Some(element) = self.bytes.get(..self.width).filter(|_| self.held == self.width) else { return };
            let (value, rest) = out.split_at_mut(out.len().min(1));
            kernel(element, value);
            out = rest;
            self.held = 0;
        }
        let (whole, rest) = bytes.split_at(bytes.len() / self.width * self.width);
        kernel(whole, out);
        self.hold(rest);
    }

    /// Keeps what the element lacks, and returns what is left.
    fn hold<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (these, rest) = bytes.split_at(bytes.len().min(self.width - self.held));
        for (slot, byte) in self.bytes.iter_mut().skip(self.held).zip(these) {
            *slot = *byte;
        }
        self.held += these.len();
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dequantize::Affine;
    use crate::float16::widen;

    /// The dispatched loop and its scalar twin, over all codes, at every offset from an aligned address.
    #[test]
    fn dispatched_and_scalar_agree_on_every_code() {
        let shorts: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(1000).collect();
        let scales = [0.1, 1.0, 1e-45, 1e10, -0.003, 1.983_672_921_604_992_8e-5, f64::MAX, 0.0];
        for (scale, min) in scales.iter().flat_map(|&scale| [0.0, -1.0, -0.0, 6.0, 1e300].map(|min| (scale, min))) {
            let affine = Affine { scale, min };
            for skip in 0..9 {
                check(&bytes[skip..], map_u8, map_u8_scalar, |code: u8| affine.to_f32(code).to_bits());
                check(&bytes[skip..], map_u8, map_u8_scalar, |code: u8| affine.to_i32(code));
            }
            check(&shorts, map_u16, map_u16_scalar, |code: u16| affine.to_f32(code).to_bits());
            check(&shorts, map_u16, map_u16_scalar, |code: u16| affine.to_i32(code));
        }
        check(&shorts, map_u16, map_u16_scalar, |code| widen(code).to_bits());
    }

    fn check<C, T: Default + Clone + PartialEq + std::fmt::Debug, F: Fn(C) -> T + Copy>(
        codes: &[u8],
        dispatched: impl Fn(&[u8], &mut [T], F),
        scalar: impl Fn(&[u8], &mut [T], F),
        value: F,
    ) {
        let count = codes.len() / size_of::<C>();
        let (mut one, mut other) = (vec![T::default(); count], vec![T::default(); count]);
        dispatched(codes, &mut one, value);
        scalar(codes, &mut other, value);
        assert_eq!(one, other);
    }

    #[test]
    fn cuts_through_codes() {
        let codes: Vec<u8> = (0..40).collect();
        for size in 1..=codes.len() {
            let mut values = [[0; 4]; 10];
            let pieces: Vec<_> = codes.chunks(size).collect();
            over_pieces(4, &pieces, &mut values, |bytes, out| {
                out.copy_from_slice(bytes.as_chunks::<4>().0);
            });
            assert_eq!(values.as_flattened(), codes, "pieces of {size}");
        }
    }
}
