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

/// Hands out codes of `N` bytes that lie in pieces cut anywhere: whole runs where they are, and one at a time where a cut
/// goes through a code. `kernel` gets bytes and the values that they belong to.
pub(crate) fn over_pieces<const N: usize, T>(
    pieces: impl Iterator<Item = impl AsRef<[u8]>>,
    mut out: &mut [T],
    mut kernel: impl FnMut(&[u8], &mut [T]),
) {
    let mut cut = [0; N];
    let mut held = 0;
    for piece in pieces {
        let mut bytes = piece.as_ref();
        if held > 0 {
            let missing = bytes.len().min(N - held);
            let (completing, rest) = bytes.split_at(missing);
            for (slot, byte) in cut.iter_mut().skip(held).zip(completing) {
                *slot = *byte;
            }
            held += missing;
            bytes = rest;
            if held < N {
                continue;
            }
            let (value, rest) = out.split_at_mut(out.len().min(1));
            kernel(&cut, value);
            out = rest;
        }
        let (whole, rest) = bytes.split_at(bytes.len() / N * N);
        let (values, rest_out) = out.split_at_mut(out.len().min(whole.len() / N));
        kernel(whole, values);
        out = rest_out;
        held = rest.len();
        for (slot, byte) in cut.iter_mut().zip(rest) {
            *slot = *byte;
        }
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
            over_pieces::<4, [u8; 4]>(codes.chunks(size), &mut values, |bytes, out| {
                out.copy_from_slice(bytes.as_chunks::<4>().0);
            });
            assert_eq!(values.as_flattened(), codes, "pieces of {size}");
        }
    }
}
