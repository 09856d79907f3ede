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
    let scientific = shortest(value);
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if (-4..16).contains(&exponent) => positional(digits, exponent),
        Ok(exponent) => format!("{digits}e{exponent:+03}"),
        Err(_) => scientific,
    }
}

/// The fewest digits that read back as the same number, and of these the nearest to it. If two are equally near, which
/// happens from 2^50 on, Rust takes the larger and Python the even one.
fn shortest(value: f64) -> String {
    let shortest = format!("{value:e}");
    let decimals = shortest.split_once('e').and_then(|(digits, _)| digits.split_once('.')).map_or(0, |(_, d)| d.len());
    // Rounded from the exact value, ties to even.
    let rounded = format!("{value:.decimals$e}");
    if rounded.parse() == Ok(value) { rounded } else { shortest }
}

/// `-1.25` and 1 are `-12.5`.
fn positional(digits: &str, exponent: i32) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let digits = digits.replace('.', "");
    let Ok(exponent) = usize::try_from(exponent) else {
        let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
        return format!("{sign}0.{zeros}{digits}");
    };
    match digits.split_at_checked(exponent + 1) {
        Some((whole, fraction)) if !fraction.is_empty() => format!("{sign}{whole}.{fraction}"),
        _ => format!("{sign}{digits:0<width$}.0", width = exponent + 1),
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
            (-0.001_25, "-0.00125"),
            (-12.5, "-12.5"),
            (1_200.0, "1200.0"),
            // Two shortest texts are equally near.
            (2f64.powi(-44), "5.684341886080802e-14"),
            (1_195_161_740_527_358.25, "1195161740527358.2"),
            (1_195_161_740_527_358.75, "1195161740527358.8"),
            (1_195_161_740_527_359.25, "1195161740527359.2"),
            // The nearest with as few digits reads as another number.
            (9_007_199_254_740_992.0, "9007199254740992.0"),
            (2f64.powi(1023), "8.98846567431158e+307"),
        ] {
            assert_eq!(repr(value), printed);
        }
    }
}
