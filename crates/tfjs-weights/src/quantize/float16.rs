//! Single precision to half precision, as NumPy casts it.

/// The half that is nearest to the float with these bits, ties to the even one; infinite from 65520 on.
///
/// A NaN keeps the upper ten bits of its payload, and does not become infinite for the lack of them
/// (`npy_floatbits_to_halfbits` in NumPy): what [`widen`](crate::float16::widen) made comes back as it was.
///
/// Without branches, so that a loop over it becomes vector instructions.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "sign and half fit into 16 bits")]
pub(super) fn narrow(bits: u32) -> u16 {
    let magnitude = bits & 0x7fff_ffff;
    // Rebias the exponent from 127 to 15, and round the 13 bits that go: half of the last bit that stays, less one if that
    // is even.
    let odd = magnitude >> 13 & 1;
    let number = magnitude.wrapping_sub(112 << 23).wrapping_add(0x0fff + odd) >> 13;
    // Below 2^-14: behind the point of 0.5, where the last bit is 2^-24, the addition rounds.
    let subnormal = (f32::from_bits(magnitude) + 0.5).to_bits().wrapping_sub(0.5f32.to_bits());
    let payload = magnitude >> 13 & 0x03ff;
    let nan = 0x7c00 | payload | u32::from(payload == 0);
    let half = if magnitude < 113 << 23 { subnormal } else { number };
    let half = if magnitude >= 143 << 23 { 0x7c00 } else { half };
    let half = if magnitude > 0x7f80_0000 { nan } else { half };
    (half | bits >> 16 & 0x8000) as u16
}

#[cfg(test)]
mod tests {
    use super::narrow;
    use crate::float16::widen;

    /// Vectors I: float16.
    #[test]
    fn vector_i_float16() {
        let values = [0.0, 1.0, 2.0, 3.0, 0.1, 65504.0, 65520.0, 70000.0, 1e-8, 6e-8, -0.0, 0.333_333];
        let codes: Vec<String> =
            values.map(f32::to_bits).map(narrow).iter().map(|code| format!("{:04x}", code.swap_bytes())).collect();
        assert_eq!(codes.join(" "), "0000 003c 0040 0042 662e ff7b 007c 007c 0000 0100 0080 5535");
    }

    #[test]
    fn every_half_comes_back() {
        for code in 0..=u16::MAX {
            assert_eq!(narrow(widen(code).to_bits()), code, "{code:#06x}");
        }
    }

    /// Every float that is not NaN and whose lower bits decide: around each half, around the middle to the next.
    #[test]
    fn neighbours_and_ties_are_rounded_as_by_half() {
        for code in 0..0x7c00 {
            let (here, next) = (widen(code).to_bits(), widen(code + 1).to_bits());
            let middle = f32::midpoint(widen(code), if next == 0x7f80_0000 { 65536.0 } else { widen(code + 1) });
            for bits in [here, middle.to_bits()] {
                for bits in [bits.wrapping_sub(1) & 0x7fff_ffff, bits, bits + 1] {
                    for bits in [bits, bits | 0x8000_0000] {
                        let expected = half::f16::from_f32_const(f32::from_bits(bits));
                        if !expected.is_nan() {
                            assert_eq!(narrow(bits), expected.to_bits(), "{bits:#010x}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn nans_stay_nans() {
        assert_eq!(narrow(0x7f80_0001), 0x7c01);
        assert_eq!(narrow(0xff80_2000), 0xfc01);
        assert_eq!(narrow(0x7fc0_0000), 0x7e00);
        assert_eq!(narrow(0xffff_ffff), 0xffff);
    }
}
