//! Numbers of bytes, with units.

use std::num::NonZeroU64;

use tfjs_io::Sharding;

/// The units of sizes.
const UNITS: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

pub(super) fn sharding(text: &str) -> Result<Sharding, String> {
    if text == "single" {
        return Ok(Sharding::Single);
    }
    let wrong = || "expected a number of bytes from 1, such as 65536 or 4MiB, or `single`".to_owned();
    bytes(text).map(Sharding::Bytes).ok_or_else(wrong)
}

pub(super) fn size(text: &str) -> Result<NonZeroU64, String> {
    bytes(text).ok_or_else(|| "expected a number of bytes from 1, such as 65536 or 4MiB".to_owned())
}

pub(super) fn bytes(text: &str) -> Option<NonZeroU64> {
    let unit = UNITS.iter().find_map(|(name, bytes)| Some((text.strip_suffix(name)?, *bytes)));
    let (number, unit) = unit.unwrap_or((text, 1));
    let bytes = number.trim_end().parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    bytes.and_then(NonZeroU64::new)
}
