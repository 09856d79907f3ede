//! A line of the result: three numbers, two ratios, and whether the target is met.

use anyhow::{Result, ensure};
use serde::Serialize;

use super::measurement::{Measured, Measurement, ensure_same_size};
use super::works::{Demand, Work};

/// What `--json` prints of a work. A ratio of 2 means that we are twice as good; null where there is no such peer.
#[derive(Debug, Serialize, PartialEq)]
pub(super) struct Line {
    pub(super) work: &'static str,
    pub(super) unit: &'static str,
    pub(super) ours: f64,
    pub(super) yardstick: Option<f64>,
    pub(super) ratio_yardstick: Option<f64>,
    pub(super) tfjs: Option<f64>,
    pub(super) ratio_tfjs: Option<f64>,
    /// Empty if nothing is demanded; then it is met.
    pub(super) target: String,
    pub(super) met: bool,
}

impl Line {
    pub(super) fn new(work: &Work, measured: &Measured, tfjs: Option<Measurement>) -> Result<Self> {
        ensure!(work.yardstick.is_some() == measured.yardstick.is_some(), "{}: the yardstick is missing", work.id);
        ensure!(work.has_tfjs == tfjs.is_some(), "{}: what TensorFlow.js takes is missing", work.id);
        for peer in measured.yardstick.into_iter().chain(tfjs) {
            ensure_same_size(work.id, measured.ours, peer)?;
        }
        let value = |measurement| work.unit.value(measurement);
        let ours = value(measured.ours);
        let (yardstick, tfjs) = (measured.yardstick.map(value), tfjs.map(value));
        let mut line = Self {
            work: work.work,
            unit: work.unit.name(),
            ours,
            yardstick,
            ratio_yardstick: yardstick.map(|peer| work.unit.ratio(ours, peer)),
            tfjs,
            ratio_tfjs: tfjs.map(|peer| work.unit.ratio(ours, peer)),
            target: work.target(),
            met: false,
        };
        let ratio_smaller = measured.smaller.map(|smaller| work.unit.ratio(ours, value(smaller)));
        line.met = work.demands.iter().all(|demand| line.meets(*demand, ratio_smaller));
        Ok(line)
    }

    /// A condition on what was not measured is not met.
    fn meets(&self, demand: Demand, ratio_smaller: Option<f64>) -> bool {
        match demand {
            Demand::Yardstick(times) => self.ratio_yardstick.is_some_and(|ratio| ratio >= times),
            Demand::TimesYardstick(times) => self.ratio_yardstick.is_some_and(|ratio| ratio * times >= 1.0),
            Demand::Tfjs(times) => self.ratio_tfjs.is_some_and(|ratio| ratio >= times),
            Demand::AtMost(value) => self.ours <= value,
            Demand::TimesSmaller(times, _) => ratio_smaller.is_some_and(|ratio| ratio * times >= 1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::measurement::Unit;
    use crate::bench::works::{Program, Source};

    fn work(unit: Unit, yardstick: Option<&'static str>, has_tfjs: bool, demands: &'static [Demand]) -> Work {
        let source = Source::Criterion(Program { package: "p", bench: "b", web: false });
        Work { id: "w", work: "a work", unit, source, yardstick, has_tfjs, demands }
    }

    fn of(cost: f64) -> Measurement {
        Measurement { cost, size: 1000 }
    }

    fn measured(ours: f64, yardstick: Option<f64>, smaller: Option<f64>) -> Measured {
        Measured { ours: of(ours), yardstick: yardstick.map(of), smaller: smaller.map(of) }
    }

    #[test]
    fn a_line_with_both_peers() {
        let work = work(Unit::GigabytesPerSecond, Some("memcpy"), true, &[Demand::Yardstick(0.8), Demand::Tfjs(5.0)]);
        let line = Line::new(&work, &measured(100.0, Some(90.0), None), Some(of(800.0))).unwrap();
        assert_eq!((line.ours, line.yardstick, line.tfjs), (10.0, Some(1000.0 / 90.0), Some(1.25)));
        assert_eq!((line.ratio_yardstick, line.ratio_tfjs), (Some(0.9), Some(8.0)));
        assert!(line.met);
        let slower = Line::new(&work, &measured(200.0, Some(90.0), None), Some(of(800.0))).unwrap();
        assert!(!slower.met, "one condition of two is not enough: {slower:?}");
    }

    #[test]
    fn a_peer_that_does_not_exist_is_null() {
        let work = work(Unit::Milliseconds, None, false, &[Demand::AtMost(5.0)]);
        let line = Line::new(&work, &measured(4e6, None, None), None).unwrap();
        let json = serde_json::to_value(&line).unwrap();
        let expected = serde_json::json!({
            "work": "a work", "unit": "ms", "ours": 4.0, "yardstick": null, "ratio_yardstick": null, "tfjs": null,
            "ratio_tfjs": null, "target": "<= 5 ms", "met": true
        });
        assert_eq!(json, expected);
        assert!(!Line::new(&work, &measured(6e6, None, None), None).unwrap().met);
    }

    #[test]
    fn a_peer_that_was_not_measured_is_an_error() {
        let work = work(Unit::Milliseconds, Some("a copy"), true, &[Demand::Yardstick(1.0)]);
        assert!(Line::new(&work, &measured(1.0, None, None), Some(of(1.0))).is_err());
        assert!(Line::new(&work, &measured(1.0, Some(1.0), None), None).is_err());
    }

    #[test]
    fn a_work_without_demands_is_reported_and_no_miss() {
        let work = work(Unit::Milliseconds, Some("another"), false, &[]);
        let line = Line::new(&work, &measured(3.0, Some(1.0), None), None).unwrap();
        assert_eq!((line.target.as_str(), line.met), ("", true));
    }

    #[test]
    fn at_most_times_the_yardstick() {
        let work = work(Unit::Milliseconds, Some("a walk"), false, &[Demand::TimesYardstick(3.0)]);
        assert!(Line::new(&work, &measured(2.9, Some(1.0), None), None).unwrap().met);
        assert!(!Line::new(&work, &measured(3.1, Some(1.0), None), None).unwrap().met);
    }

    #[test]
    fn cost_that_grows_with_the_size_is_a_miss() {
        let work = work(Unit::NanosecondsPerTensor, None, false, &[Demand::TimesSmaller(1.5, "less")]);
        assert!(Line::new(&work, &measured(1.4, None, Some(1.0)), None).unwrap().met);
        assert!(!Line::new(&work, &measured(1.6, None, Some(1.0)), None).unwrap().met);
        assert!(!Line::new(&work, &measured(1.0, None, None), None).unwrap().met, "nothing to compare with");
    }
}
