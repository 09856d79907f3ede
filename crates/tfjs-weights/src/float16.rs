//! Half precision to single precision, as TensorFlow.js widens it.

use half::f16;

/// The float32 with the value of a half.
///
/// Exact for every number, subnormals included. The payload of a NaN moves up by 13 bits and stays as it is:
/// TensorFlow.js looks it up in tables and never sets the quiet bit (`getFloat16Decoder` in tfjs-core's
/// `io/io_utils.ts`), while processors and the `half` crate do.
pub(crate) fn widen(code: u16) -> f32 {
    let half = f16::from_bits(code);
    if half.is_nan() {
        let (sign, payload) = (u32::from(code & 0x8000), u32::from(code & 0x03ff));
        f32::from_bits(sign << 16 | 0x7f80_0000 | payload << 13)
    } else {
        half.to_f32()
    }
}

#[cfg(test)]
mod tests {
    use super::widen;

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

    /// Every half, against the definition: sign, exponent with bias 15, ten bits of fraction.
    #[test]
    fn every_half_is_exact() {
        for code in 0..=u16::MAX {
            let (sign, exponent, fraction) = (code >> 15, code >> 10 & 0x1f, f64::from(code & 0x3ff));
            let magnitude = match exponent {
                0 => fraction * (-24f64).exp2(),
                31 => continue,
                _ => (1024.0 + fraction) * (f64::from(exponent) - 25.0).exp2(),
            };
            let value = if sign == 1 { -magnitude } else { magnitude };
            assert_eq!(f64::from(widen(code)).to_bits(), value.to_bits(), "{code:#06x}");
        }
    }
}
