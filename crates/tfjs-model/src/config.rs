//! Reading configs, in Python's spelling or JavaScript's.

use tfjs_artifacts::RawJson;

use crate::problem::{Problem, abbreviate};
use crate::symbolic::{Dim, MAX_DIM, SymbolicShape};

/// The members of a JSON object, found by their names in JavaScript's spelling: `kernel_size` is `kernelSize`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config(Vec<(String, RawJson)>);

/// As TensorFlow.js spells what Python wrote: `toCamelCase` of generic_utils.ts, for keys and for the strings that are values.
pub(crate) fn camel_case(text: &str) -> String {
    if text.chars().nth(1).is_none() || !text.contains('_') {
        return text.to_owned();
    }
    let mut camel = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '_' {
            camel.push(character);
            continue;
        }
        while characters.next_if_eq(&'_').is_some() {}
        // As a regular expression has it, a letter is one of ASCII; before anything else the underscore stays.
        match characters.next_if(char::is_ascii_alphanumeric) {
            Some(letter) => camel.push(letter.to_ascii_uppercase()),
            None if characters.peek().is_none() => {}
            None => camel.push('_'),
        }
    }
    camel
}

impl Config {
    /// The members, if it is an object.
    pub(crate) fn read(json: &RawJson) -> Option<Self> {
        let mut entries = json.entries()?;
        for (key, _) in &mut entries {
            if key.contains('_') {
                *key = camel_case(key);
            }
        }
        Some(Self(entries))
    }

    /// A member that is there and not `null`; the last of several.
    pub(crate) fn get(&self, key: &str) -> Option<&RawJson> {
        self.given(key).filter(|value| !value.is_null())
    }

    /// A member that is there, maybe as `null`.
    pub(crate) fn given(&self, key: &str) -> Option<&RawJson> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// A string as it stands.
    pub(crate) fn text(&self, key: &'static str) -> Result<Option<String>, Problem> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.as_str().map(|text| Some(text.into_owned())).ok_or_else(|| expected(key, "a string", value))
    }

    /// A string in JavaScript's spelling.
    pub(crate) fn word(&self, key: &'static str) -> Result<Option<String>, Problem> {
        Ok(self.text(key)?.map(|text| camel_case(&text)))
    }

    /// One of several words, the first of which is the default.
    pub(crate) fn one_of<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Result<Option<T>, Problem> {
        let Some(word) = self.word(key)? else { return Ok(None) };
        let found = words.iter().find(|(name, _)| *name == word).map(|(_, value)| Some(*value));
        found.ok_or_else(|| {
            let names: Vec<_> = words.iter().map(|(name, _)| format!("`{name}`")).collect();
            Problem::of(key, format!("`{}` is none of {}", abbreviate(&word), names.join(", ")))
        })
    }

    /// What JavaScript takes for true: everything but `false`, 0, an empty string and what is not there.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| !matches!(value.get(), "false" | "0" | "\"\""))
    }

    /// As [`flag`](Self::flag), and true if it is not there.
    pub(crate) fn flag_or_true(&self, key: &str) -> bool {
        self.get(key).is_none() || self.flag(key)
    }

    /// A number that is an integer.
    pub(crate) fn integer(&self, key: &'static str) -> Result<Option<i64>, Problem> {
        self.get(key).map(|value| integer(value).ok_or_else(|| expected(key, "an integer", value))).transpose()
    }

    /// An integer above 0.
    pub(crate) fn positive(&self, key: &'static str) -> Result<i64, Problem> {
        match self.integer(key)? {
            Some(number) if number > 0 => Ok(number),
            Some(number) => Err(Problem::of(key, format!("expected an integer above 0, found {number}"))),
            None => Err(Problem::of(key, "expected an integer above 0, but it is missing")),
        }
    }

    /// One integer, or an array of them.
    pub(crate) fn integers(&self, key: &'static str) -> Result<Option<Vec<i64>>, Problem> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let found = integer(value).map(|number| vec![number]).or_else(|| list(value));
        found.map(Some).ok_or_else(|| expected(key, "an integer or an array of integers", value))
    }

    /// Several integers, an array of which may be given as a number: all of them are it.
    pub(crate) fn several<const N: usize>(&self, key: &'static str) -> Result<Option<[i64; N]>, Problem> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let found = integer(value).map(|number| [number; N]).or_else(|| list(value)?.try_into().ok());
        found.map(Some).ok_or_else(|| expected(key, &format!("an integer or an array of {N}"), value))
    }

    /// As [`several`](Self::several), each above 0.
    pub(crate) fn positives<const N: usize>(&self, key: &'static str) -> Result<Option<[i64; N]>, Problem> {
        match self.several(key)? {
            Some(numbers) if numbers.iter().any(|&number| number < 1) => {
                Err(Problem::of(key, format!("expected integers above 0, found {numbers:?}")))
            }
            numbers => Ok(numbers),
        }
    }

    /// A shape: integers and `null`.
    pub(crate) fn shape(&self, key: &'static str) -> Result<Option<SymbolicShape>, Problem> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let dims = value.elements().and_then(|elements| elements.iter().map(dim).collect::<Option<Vec<_>>>());
        let dims = dims.ok_or_else(|| expected(key, "an array of integers and `null`", value))?;
        SymbolicShape::new(dims).map(Some)
    }

    /// `null`, one integer, or an array of integers and `null`.
    pub(crate) fn dims(&self, key: &'static str) -> Result<Option<Vec<Dim>>, Problem> {
        match self.get(key).and_then(integer) {
            Some(number) => Ok(Some(vec![Some(number)])),
            None => Ok(self.shape(key)?.map(|shape| shape.dims().to_vec())),
        }
    }
}

/// An error about a value that is something else.
pub(crate) fn expected(key: &'static str, what: &str, found: &RawJson) -> Problem {
    Problem::of(key, format!("expected {what}, found `{}`", abbreviate(found.get())))
}

fn dim(value: &RawJson) -> Option<Dim> {
    if value.is_null() { Some(None) } else { integer(value).map(Some) }
}

fn list(value: &RawJson) -> Option<Vec<i64>> {
    value.elements()?.iter().map(integer).collect()
}

/// A JSON number that is an integer, also as old Keras wrote scalars: `{"type": "ndarray", "value": 3}`.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "the range check makes both exact")]
pub(crate) fn integer(value: &RawJson) -> Option<i64> {
    if let Ok(number) = value.get().parse::<i64>() {
        return (number.abs_diff(0) <= MAX_DIM.unsigned_abs()).then_some(number);
    }
    if value.get().starts_with('{') {
        let wrapped = Config::read(value)?;
        let is_scalar = wrapped.get("type").and_then(RawJson::as_str).as_deref() == Some("ndarray");
        return wrapped
            .get("value")
            .filter(|_| is_scalar)
            .filter(|value| !value.get().starts_with('{'))
            .and_then(integer);
    }
    let number = value.as_f64()?;
    (number.fract() == 0.0 && number.abs() <= MAX_DIM as f64).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: &str) -> Config {
        Config::read(&RawJson::parse(json).unwrap()).unwrap()
    }

    #[test]
    fn spellings_are_one() {
        for (text, camel) in [
            ("kernel_size", "kernelSize"),
            ("a__b", "aB"),
            ("batch_input_shape", "batchInputShape"),
            ("trailing_", "trailing"),
            ("_", "_"),
            ("x_é", "x_é"),
            ("conv_2d", "conv2d"),
            ("kernelSize", "kernelSize"),
        ] {
            assert_eq!(camel_case(text), camel, "{text}");
        }
        assert_eq!(config(r#"{"kernel_size": 1, "kernelSize": 2}"#).integer("kernelSize").unwrap(), Some(2));
    }

    #[test]
    fn numbers_are_integers_if_their_value_is() {
        let read = |json: &str| config(&format!(r#"{{"units": {json}}}"#)).integer("units");
        assert_eq!(read("3.0").unwrap(), Some(3));
        assert_eq!(read("-1e2").unwrap(), Some(-100));
        assert_eq!(read(r#"{"type": "ndarray", "value": 4}"#).unwrap(), Some(4));
        assert_eq!(read("null").unwrap(), None);
        for bad in ["1.5", "\"3\"", "[3]", "1e300", "9007199254740993", r#"{"type": "ndarray"}"#] {
            let problem = read(bad).unwrap_err();
            assert_eq!(problem.key, Some("units"), "{bad}");
            assert!(problem.message.starts_with("expected an integer, found `"), "{bad}: {problem:?}");
        }
    }

    #[test]
    fn one_number_stands_for_several() {
        let config = config(r#"{"pool_size": 2, "strides": [1, 3], "padding": [0, 1, 2]}"#);
        assert_eq!(config.positives::<2>("poolSize").unwrap(), Some([2, 2]));
        assert_eq!(config.positives::<2>("strides").unwrap(), Some([1, 3]));
        assert!(config.positives::<2>("padding").is_err() && config.positives::<3>("padding").is_err());
    }
}
