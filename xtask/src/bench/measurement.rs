//! What was measured, and the units in which it is told.

use anyhow::{Result, ensure};
use serde::Deserialize;

/// What one side took for a work: how much, and of what size the work was.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
pub(super) struct Measurement {
    /// Nanoseconds, or bytes of memory.
    pub(super) cost: f64,
    /// Bytes, or tensors.
    pub(super) size: u64,
}

/// What a work took in our process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) ours: Measurement,
    pub(super) yardstick: Option<Measurement>,
    /// Ours again, on less: shows how the cost grows.
    pub(super) smaller: Option<Measurement>,
}

/// The one of least cost.
pub(super) fn fastest(measurements: impl IntoIterator<Item = Measurement>) -> Option<Measurement> {
    measurements.into_iter().min_by(|a, b| a.cost.total_cmp(&b.cost))
}

/// The unit of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    GigabytesPerSecond,
    Milliseconds,
    NanosecondsPerTensor,
    /// Of memory.
    Mebibytes,
}

impl Unit {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::GigabytesPerSecond => "GB/s",
            Self::Milliseconds => "ms",
            Self::NanosecondsPerTensor => "ns/tensor",
            Self::Mebibytes => "MiB",
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "no work has 2^53 bytes")]
    pub(super) fn value(self, Measurement { cost, size }: Measurement) -> f64 {
        match self {
            // Bytes in a nanosecond.
            Self::GigabytesPerSecond => size as f64 / cost,
            Self::Milliseconds => cost / 1e6,
            Self::NanosecondsPerTensor => cost / size as f64,
            Self::Mebibytes => cost / f64::from(1 << 20),
        }
    }

    /// How many times better than a peer: 2 means in half of the time, or in half of the memory.
    pub(super) fn ratio(self, ours: f64, peer: f64) -> f64 {
        match self {
            Self::GigabytesPerSecond => ours / peer,
            Self::Milliseconds | Self::NanosecondsPerTensor | Self::Mebibytes => peer / ours,
        }
    }
}

/// A peer that did something else is none.
pub(super) fn ensure_same_size(work: &str, ours: Measurement, peer: Measurement) -> Result<()> {
    ensure!(
        ours.size == peer.size,
        "{work}: ours is of {} bytes or tensors, its peer's of {}: make the benchmarks agree",
        ours.size,
        peer.size
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEASUREMENT: Measurement = Measurement { cost: 2e6, size: 1_000_000 };

    #[test]
    fn values_in_each_unit() {
        assert_eq!(Unit::GigabytesPerSecond.value(MEASUREMENT), 0.5);
        assert_eq!(Unit::Milliseconds.value(MEASUREMENT), 2.0);
        assert_eq!(Unit::NanosecondsPerTensor.value(MEASUREMENT), 2.0);
        assert_eq!(Unit::Mebibytes.value(Measurement { cost: 3.0 * 1024.0 * 1024.0, size: 1 }), 3.0);
    }

    #[test]
    fn a_ratio_of_two_is_always_twice_as_good() {
        assert_eq!(Unit::GigabytesPerSecond.ratio(10.0, 5.0), 2.0);
        for unit in [Unit::Milliseconds, Unit::NanosecondsPerTensor, Unit::Mebibytes] {
            assert_eq!(unit.ratio(5.0, 10.0), 2.0, "{unit:?}");
        }
    }

    #[test]
    fn a_peer_of_another_size_is_an_error() {
        assert!(ensure_same_size("a", MEASUREMENT, Measurement { cost: 1.0, ..MEASUREMENT }).is_ok());
        assert!(ensure_same_size("a", MEASUREMENT, Measurement { size: 1, ..MEASUREMENT }).is_err());
    }
}
