//! Affine codes to values, bit for bit as TensorFlow.js computes them.
//!
//! JavaScript computes in double precision and rounds once, when it stores into a `Float32Array`; for int32 it
//! applies `Math.round` and then `ToInt32`.

/// `code * scale + min`, in double precision.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Affine {
    pub(crate) scale: f64,
    pub(crate) min: f64,
}

impl Affine {
    #[inline]
    fn value(self, code: impl Into<f64>) -> f64 {
        // Two roundings, as in JavaScript: never a fused multiply-add.
        code.into() * self.scale + self.min
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "rounding to single precision is the point")]
    pub(crate) fn to_f32(self, code: impl Into<f64>) -> f32 {
        self.value(code) as f32
    }

    #[inline]
    pub(crate) fn to_i32(self, code: impl Into<f64>) -> i32 {
        to_int32(math_round(self.value(code)))
    }
}

/// `Math.round`: to the nearest integer, halves toward positive infinity.
#[inline]
fn math_round(value: f64) -> f64 {
    let floor = value.floor();
    // Exact: not `(value + 0.5).floor()`, which is 1 for 0.49999999999999994.
    if value - floor >= 0.5 { floor + 1.0 } else { floor }
}

/// `ToInt32` of ECMA-262: modulo 2^32; NaN and infinities are 0.
#[expect(clippy::cast_possible_truncation, reason = "the wrap-around is the point")]
#[inline]
fn to_int32(value: f64) -> i32 {
    if !value.is_finite() {
        return 0;
    }
    (value % 4_294_967_296.0) as i64 as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors B: min -1, scale 0.1.
    #[test]
    fn vector_b_affine() {
        let affine = Affine { scale: 0.1, min: -1.0 };
        assert_eq!([0u8, 0x30, 0xff].map(|code| affine.to_f32(code)), [-1.0, 3.799_999_952_316_284, 24.5]);
        assert_eq!([0u16, 0x30, 0xff].map(|code| affine.to_i32(code)), [-1, 4, 25]);
    }

    /// Vectors B: min -2.5, scale 0.5: halves go up.
    #[test]
    fn vector_b_rounding() {
        let affine = Affine { scale: 0.5, min: -2.5 };
        let values: Vec<i32> = (0u8..=10).map(|code| affine.to_i32(code)).collect();
        assert_eq!(values, [-2, -2, -1, -1, 0, 0, 1, 1, 2, 2, 3]);
    }

    /// What Node 20 prints for `Math.round(x)` and `x | 0`.
    #[test]
    fn javascript_rounding() {
        for (value, rounded) in [
            (-2.5, -2.0),
            (0.5, 1.0),
            (0.499_999_999_999_999_94, 0.0),
            (-0.500_000_000_000_000_1, -1.0),
            (-0.5, 0.0),
            (4_503_599_627_370_497.5, 4_503_599_627_370_498.0),
            (9_007_199_254_740_993.0, 9_007_199_254_740_992.0),
        ] {
            assert_eq!(math_round(value), rounded, "{value}");
        }
        for (value, wrapped) in [
            (255.0 * 1e10, -1_210_573_824),
            (2_147_483_648.0, i32::MIN),
            (-2_147_483_649.0, i32::MAX),
            (4_294_967_296.0, 0),
            (1e300, 0),
            (f64::NAN, 0),
            (f64::INFINITY, 0),
        ] {
            assert_eq!(to_int32(value), wrapped, "{value}");
        }
    }
}
