//! What the values of a tensor are like: least, greatest, mean, and how many lie where.

use serde::Serialize;
use tfjs_io::{Tensor, Values};

/// How many bars a histogram has.
const BINS: usize = 32;

/// How many of the first values are shown.
const SHOWN: usize = 8;

/// What is told of the values of a tensor. Of complex numbers the parts are counted, each as a value.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Statistics {
    /// How many values there are.
    count: usize,
    /// The least finite one.
    min: Option<f64>,
    /// The greatest finite one.
    max: Option<f64>,
    /// The mean of the finite ones.
    mean: Option<f64>,
    /// How many are zero.
    zeros: usize,
    /// How many are no number.
    nans: usize,
    /// How many are infinite.
    infinities: usize,
    /// How many finite values lie in each of the equal parts between the least and the greatest; empty if there are none.
    histogram: Vec<usize>,
    /// The first few, as text.
    first: Vec<String>,
}

impl Statistics {
    /// Looks at all values; those of strings are only counted.
    pub(crate) fn of(tensor: &Tensor) -> Self {
        match tensor.values() {
            Values::Float32(values) => Self::of_numbers(values),
            Values::Int32(values) => Self::of_numbers(values),
            Values::Bool(values) => Self::of_numbers(values),
            Values::Complex64(values) => Self::of_numbers(values.as_flattened()),
            Values::String(strings) => Self {
                count: usize::try_from(strings.count()).unwrap_or(usize::MAX),
                first: strings.iter().take(SHOWN).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect(),
                ..Self::default()
            },
        }
    }

    fn of_numbers<T: Copy + Into<f64>>(values: &[T]) -> Self {
        let numbers = || values.iter().map(|&value| value.into());
        let mut found = Self { count: values.len(), ..Self::default() };
        let (mut min, mut max, mut sum) = (f64::INFINITY, f64::NEG_INFINITY, 0.0);
        for number in numbers() {
            if number.is_finite() {
                (min, max) = (min.min(number), max.max(number));
                sum += number;
                found.zeros += usize::from(number == 0.0);
            } else if number.is_nan() {
                found.nans += 1;
            } else {
                found.infinities += 1;
            }
        }
        found.first = numbers().take(SHOWN).map(|number| number.to_string()).collect();
        let finite = found.count - found.nans - found.infinities;
        if finite > 0 {
            (found.min, found.max, found.mean) = (Some(min), Some(max), Some(mean(sum, finite)));
            found.histogram = histogram(numbers().filter(|number| number.is_finite()), min, max);
        }
        found
    }
}

#[expect(clippy::cast_precision_loss, reason = "no tensor in memory has 2^53 values")]
fn mean(sum: f64, count: usize) -> f64 {
    sum / count as f64
}

/// Values that are all the same are in the first part.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of parts is small, and none is negative"
)]
fn histogram(values: impl Iterator<Item = f64>, min: f64, max: f64) -> Vec<usize> {
    let mut bins = vec![0; BINS];
    // Of float32 and int32, so the width is finite.
    let width = max - min;
    for value in values {
        let place = if width > 0.0 { ((value - min) / width * BINS as f64) as usize } else { 0 };
        if let Some(bin) = bins.get_mut(place.min(BINS - 1)) {
            *bin += 1;
        }
    }
    bins
}

#[cfg(test)]
mod tests {
    use tfjs_io::{Shape, Tensor};

    use super::{BINS, Statistics};

    fn floats(values: &[f32]) -> Statistics {
        let shape = Shape::vector(u64::try_from(values.len()).unwrap()).unwrap();
        Statistics::of(&Tensor::float32("w", shape, values.to_vec()).unwrap())
    }

    #[test]
    fn every_finite_value_is_in_one_part() {
        let found = floats(&[-1.0, 0.0, f32::NAN, 3.0, f32::INFINITY, 3.0]);
        assert_eq!((found.count, found.nans, found.infinities, found.zeros), (6, 1, 1, 1));
        assert_eq!((found.min, found.max, found.mean), (Some(-1.0), Some(3.0), Some(1.25)));
        assert_eq!(found.histogram.iter().sum::<usize>(), 4);
        assert_eq!((found.histogram[0], found.histogram[BINS / 4], found.histogram[BINS - 1]), (1, 1, 2));
    }

    #[test]
    fn the_widest_range_of_float32_has_parts() {
        let found = floats(&[f32::MIN, f32::MAX]);
        assert_eq!((found.histogram[0], found.histogram[BINS - 1]), (1, 1));
    }

    #[test]
    fn equal_values_and_none() {
        assert_eq!(floats(&[2.0; 5]).histogram[0], 5);
        let nothing = floats(&[]);
        assert_eq!((nothing.min, nothing.histogram.len()), (None, 0));
        let only_nan = floats(&[f32::NAN]);
        assert_eq!((only_nan.max, only_nan.histogram.len(), only_nan.first), (None, 0, vec!["NaN".to_owned()]));
    }

    #[test]
    fn strings_are_shown() {
        let tensor = Tensor::string("words", Shape::vector(2).unwrap(), ["a", "b"]).unwrap();
        let found = Statistics::of(&tensor);
        assert_eq!((found.count, found.first), (2, vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn complex_numbers_are_two_values() {
        let tensor = Tensor::complex64("c", Shape::vector(1).unwrap(), vec![[1.0, -2.0]]).unwrap();
        let found = Statistics::of(&tensor);
        assert_eq!((found.count, found.min, found.max), (2, Some(-2.0), Some(1.0)));
    }
}
