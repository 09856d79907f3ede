//! Which weights are quantized, and to what.

use std::fmt;
use std::str::FromStr;

use tfjs_artifacts::WeightSpec;

use super::glob::Glob;
use super::{QuantizationRuleError, QuantizeError, QuantizeTo, is_plain_float32};

/// One rule: a type, and the names of the weights that it is for.
///
/// Parsed from `uint8` (all weights that no pattern matches) or `uint8=conv*/kernel`. The pattern is one of Python's
/// `fnmatch`: `*` stands for any characters, slashes included, `?` for one, `[a-c]` for one of these, `[!a-c]` for any
/// other; upper and lower case differ. A comma is a comma.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantizationRule {
    to: QuantizeTo,
    /// `None` for all weights that no pattern matches.
    pattern: Option<Glob>,
}

impl QuantizationRule {
    /// For all weights that no pattern matches.
    pub fn fallthrough(to: QuantizeTo) -> Self {
        Self { to, pattern: None }
    }

    /// For the weights whose names match a pattern.
    pub fn matching(to: QuantizeTo, pattern: &str) -> Self {
        Self { to, pattern: Some(Glob::new(pattern)) }
    }

    /// What the weights become.
    pub fn quantize_to(&self) -> QuantizeTo {
        self.to
    }

    /// The pattern; `None` for all weights that no pattern matches.
    pub fn pattern(&self) -> Option<&str> {
        self.pattern.as_ref().map(Glob::as_str)
    }
}

impl FromStr for QuantizationRule {
    type Err = QuantizationRuleError;

    fn from_str(rule: &str) -> Result<Self, QuantizationRuleError> {
        let (to, pattern) = match rule.split_once('=') {
            Some((to, pattern)) => (to, Some(pattern)),
            None => (rule, None),
        };
        let Some(to) = QuantizeTo::parse(to) else {
            return Err(QuantizationRuleError::UnknownDType { rule: rule.to_owned() });
        };
        match pattern {
            None => Ok(Self::fallthrough(to)),
            Some("") => Err(QuantizationRuleError::EmptyPattern { rule: rule.to_owned(), to }),
            Some(pattern) => Ok(Self::matching(to, pattern)),
        }
    }
}

impl fmt::Display for QuantizationRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pattern {
            Some(pattern) => write!(f, "{}={}", self.to, pattern.as_str()),
            None => fmt::Display::fmt(&self.to, f),
        }
    }
}

/// Rules that do not contradict each other, with the semantics of the Python converter
/// (`map_layers_to_quantization_dtype` in `quantization.py`).
///
/// ```
/// use tfjs_weights::{QuantizationRule, QuantizationRules, QuantizeTo};
///
/// let rules = ["uint8=*/kernel", "float16"].map(str::parse::<QuantizationRule>);
/// let rules = QuantizationRules::new(rules.into_iter().collect::<Result<Vec<_>, _>>()?)?;
/// assert_eq!(rules.quantize_to("block/dense/kernel")?, Some(QuantizeTo::Uint8));
/// assert_eq!(rules.quantize_to("block/dense/bias")?, Some(QuantizeTo::Float16));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuantizationRules {
    patterns: Vec<(Glob, QuantizeTo)>,
    fallthrough: Option<QuantizeTo>,
}

impl QuantizationRules {
    /// Rules in any order.
    ///
    /// # Errors
    /// [`QuantizationRuleError::TwoFallthroughs`] when two rules without a pattern name different types.
    pub fn new(rules: impl IntoIterator<Item = QuantizationRule>) -> Result<Self, QuantizationRuleError> {
        let mut these = Self::default();
        for rule in rules {
            match (rule.pattern, these.fallthrough) {
                (Some(pattern), _) => these.patterns.push((pattern, rule.to)),
                (None, Some(first)) if first != rule.to => {
                    return Err(QuantizationRuleError::TwoFallthroughs { first, second: rule.to });
                }
                (None, _) => these.fallthrough = Some(rule.to),
            }
        }
        Ok(these)
    }

    /// One type for all weights.
    pub fn all(to: QuantizeTo) -> Self {
        Self { patterns: Vec::new(), fallthrough: Some(to) }
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.fallthrough.is_none()
    }

    /// What the weight of this name is to become; `None` if it is to stay.
    ///
    /// # Errors
    /// [`QuantizeError::TwoMatches`] when patterns of different types match.
    pub fn quantize_to(&self, name: &str) -> Result<Option<QuantizeTo>, QuantizeError> {
        let mut matches = self.patterns.iter().filter(|(pattern, _)| pattern.matches(name));
        let Some((first, to)) = matches.next() else { return Ok(self.fallthrough) };
        match matches.find(|(_, other)| other != to) {
            Some((second, other)) => {
                let [first, second] = [(to, first), (other, second)].map(|(to, by)| format!("{to}={}", by.as_str()));
                Err(QuantizeError::TwoMatches { name: name.to_owned(), first, second })
            }
            None => Ok(Some(*to)),
        }
    }

    /// The type for each spec, in order; `None` for what stays as it is. As in the converter a contradiction is one
    /// whatever the dtype of the weight, but only plain float32 is quantized.
    pub(super) fn assign<'a>(
        &self,
        specs: impl Iterator<Item = &'a WeightSpec>,
    ) -> Result<Vec<Option<QuantizeTo>>, QuantizeError> {
        specs.map(|spec| Ok(self.quantize_to(&spec.name)?.filter(|_| is_plain_float32(spec)))).collect()
    }
}
