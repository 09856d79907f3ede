//! Numbers as Python prints them.

use tfjs_artifacts::RawJson;

/// A finite number as Python's `repr` and so its `json` module print it: the shortest digits that read back as the same
/// number, always with a point or an exponent, the latter from 1e16 on and below 1e-4.
pub(super) fn python_float(value: f64) -> RawJson {
    let text = repr(value);
    // What `repr` makes of a finite number is always JSON; `null` stands for the branch that cannot happen.
    RawJson::parse(&text).unwrap_or_else(|_| RawJson::null())
}

fn repr(value: f64) -> String {
    // Rust prints the same digits, but `1e-5` where Python has `1e-05`, and in its own choice of notation.
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if (-4..16).contains(&exponent) => format!("{value:?}"),
        Ok(exponent) => format!("{digits}e{exponent:+03}"),
        Err(_) => scientific,
    }
}

#[cfg(test)]
mod tests {
    use super::repr;

    /// What Python 3.11 prints.
    #[test]
    fn as_python_prints() {
        for (value, printed) in [
            (6.0, "6.0"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.983_672_921_604_992_8e-5, "1.9836729216049928e-05"),
            (-1.5e-7, "-1.5e-07"),
            (123_456.789, "123456.789"),
            (9_007_199_254_740_993.0, "9007199254740992.0"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (-1.25e22, "-1.25e+22"),
            (f64::from(f32::MAX), "3.4028234663852886e+38"),
            (f64::from(f32::from_bits(1)), "1.401298464324817e-45"),
            (5e-324, "5e-324"),
            (1.797_693_134_862_315_7e308, "1.7976931348623157e+308"),
            // Two shortest texts are equally near.
            (2f64.powi(-44), "5.684341886080802e-14"),
        ] {
            assert_eq!(repr(value), printed);
        }
    }
}
