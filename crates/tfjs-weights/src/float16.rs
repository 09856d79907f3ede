//! Half precision to single precision, as TensorFlow.js widens it.

/// The float32 with the value of a half.
///
/// Exact for every number, subnormals included. The payload of a NaN moves up by 13 bits and stays as it is:
/// TensorFlow.js looks it up in tables and never sets the quiet bit (`getFloat16Decoder` in tfjs-core's
/// `io/io_utils.ts`), while processors' own conversions, and with them those of the `half` crate, do.
///
/// Without branches, so that a loop over it becomes vector instructions.
#[inline]
pub(crate) fn widen(code: u16) -> f32 {
    // Exponent and fraction where a float32 has them; the exponent is still biased by 15.
    let magnitude = u32::from(code & 0x7fff) << 13;
    let exponent = magnitude & 0x0f80_0000;
    // 112 = 127 - 15 rebiases a number; infinities and NaNs go up by twice that, to the exponent 255.
    let number = magnitude.wrapping_add(112 << 23);
    let special = magnitude.wrapping_add(224 << 23);
    // A subnormal is its fraction times 2^-24: put behind the point of 2^-14 and taken from it again, exactly.
    let subnormal = (f32::from_bits(magnitude.wrapping_add(113 << 23)) - f32::from_bits(113 << 23)).to_bits();
    let bits = match exponent {
        0 => subnormal,
        0x0f80_0000 => special,
        _ => number,
    };
    f32::from_bits(bits | u32::from(code & 0x8000) << 16)
}

/// What [`widen`] gives, by a table of the sign and the exponent: for loops that do not become vector instructions, as on wasm32,
/// where a look and an addition are less than the three cases of a number.
#[cfg(any(target_arch = "wasm32", test))]
#[inline]
pub(crate) fn widen_by_table(code: u16) -> f32 {
    const SIGN_AND_EXPONENT: [u32; 64] = sign_and_exponent();
    if code & 0x7c00 == 0 {
        return widen(code);
    }
    let fraction = u32::from(code & 0x03ff) << 13;
    // Six bits: the index is always there.
    let rest = SIGN_AND_EXPONENT.get(usize::from(code >> 10)).copied().unwrap_or_default();
    f32::from_bits(rest | fraction)
}

/// For each sign and exponent of a half, those of the float32.
#[cfg(any(target_arch = "wasm32", test))]
#[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "evaluated by the compiler")]
const fn sign_and_exponent() -> [u32; 64] {
    let mut table = [0; 64];
    let mut index = 0;
    while index < table.len() {
        let (sign, exponent) = (index as u32 >> 5, index as u32 & 31);
        let widened = if exponent == 31 { 255 } else { exponent + 112 };
        table[index] = sign << 31 | widened << 23;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::{widen, widen_by_table};

    /// Vectors B: float16.
    #[test]
    fn vector_b_float16() {
        let codes = [
            0x3400, 0x3800, 0x3a00, 0x3555, 0x0001, 0x03ff, 0x0400, 0x8001, 0x7bff, 0xfc00, 0x7e00, 0x7c01, 0xfe01,
            0x8000,
        ];
        let bytes: Vec<String> =
            codes.iter().map(|&code| format!("{:08x}", widen(code).to_bits().swap_bytes())).collect();
        let expected = "0000803e 0000003f 0000403f 00a0aa3e 00008033 00c07f38 00008038 000080b3 00e07f47 000080ff \
                        0000c07f 0020807f 0020c0ff 00000080";
        assert_eq!(bytes.join(" "), expected);
    }

    /// Every half: numbers against the `half` crate, NaNs against the rule above.
    #[test]
    fn every_half_is_exact() {
        for code in 0..=u16::MAX {
            let half = half::f16::from_bits(code);
            let expected = if half.is_nan() {
                u32::from(code & 0x8000) << 16 | 0x7f80_0000 | u32::from(code & 0x03ff) << 13
            } else {
                half.to_f32().to_bits()
            };
            assert_eq!(widen(code).to_bits(), expected, "{code:#06x}");
            assert_eq!(widen_by_table(code).to_bits(), expected, "{code:#06x}");
        }
    }
}
