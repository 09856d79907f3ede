//! How much of what a model claims is believed: the limits of everything that reads one.

mod tally;

use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind, WeightSpec};

pub(crate) use tally::Tally;

/// Something that a model could have too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Limit {
    /// `json-bytes`: the bytes of a JSON text, be it a `model.json`, a bare manifest or what a store keeps of one.
    ///
    /// Default: 256 MiB. Hundreds of times the largest known model; parsed, a JSON takes up to some ten times its length.
    JsonBytes,
    /// `json-depth`: how deep arrays and objects are nested.
    ///
    /// Default: 512, and never more: what is accepted is printed by recursion, also on the small stack of a browser.
    JsonDepth,
    /// `graph-def-bytes`: the bytes of a binary topology.
    ///
    /// Default: 2 GiB, the largest message of protocol buffers.
    GraphDefBytes,
    /// `tensors`: the tensors of a model.
    ///
    /// Default: 1,000,000. The largest known models have some thousands.
    Tensors,
    /// `rank`: the dimensions of a tensor.
    ///
    /// Default: 254, what TensorFlow itself allows; TensorFlow.js has no operation for more than six.
    Rank,
    /// `name-bytes`: the bytes of a tensor's name, and of the path of a weight file.
    ///
    /// Default: 1 MiB. Names of nested graphs come to hundreds of bytes, and file systems take 4096.
    NameBytes,
    /// `groups`: the groups of a weights manifest.
    ///
    /// Default: 100,000. A converter that writes one for each layer comes to thousands.
    Groups,
    /// `shards`: the weight files of a model.
    ///
    /// Default: 1,000,000, as many as a save would ever make; at the usual 4 MiB each that is 4 TB.
    Shards,
    /// `string-elements`: the elements of a string tensor.
    ///
    /// Default: 67,108,864 (2^26). Each takes four bytes and more; the largest vocabularies have some millions.
    StringElements,
    /// `string-bytes`: the bytes of one element of a string tensor.
    ///
    /// Default: 1 GiB, a quarter of what the format can say. Assets that are kept in one string come to some megabytes.
    StringBytes,
    /// `weight-bytes`: the bytes of all weight files, as they are stored.
    ///
    /// Default: 1 TiB. Copies are streamed and lazy loads read nothing, so this is not about memory: it is where a length
    /// is no model's.
    WeightBytes,
    /// `unknown-bytes`: how many bytes more than the specs of a group say are read into memory from a server: of strings, of
    /// unknown types, and, where those are allowed, bytes that belong to no tensor.
    ///
    /// Default: 2 GiB. A body that never ends has to end somewhere, and no spec says where.
    UnknownBytes,
    /// `decoded-bytes`: the bytes of all tensors when they are decoded; strings and unknown types count as they are stored.
    ///
    /// Default: 4 TiB, what the most stored bytes become if all of them are uint8 codes of float32.
    DecodedBytes,
    /// `layer-calls`: how often the layers of a layers-model are applied when the shapes of their outputs are found out, with everything
    /// else that takes as long.
    ///
    /// Default: 1,000,000. Models in models can apply each layer more often than their text is long; known models come to thousands.
    LayerCalls,
}

/// The most that is accepted of each [`Limit`]; beyond, reading is an error of kind
/// [`LimitExceeded`](crate::ErrorKind::LimitExceeded), before anything is allocated or read because of the number.
///
/// ```
/// use tfjs_artifacts::{Limit, Limits, ModelJson};
///
/// let limits = Limits::new().with(Limit::Tensors, 1);
/// let text = br#"{"weightsManifest": [{"paths": ["w.bin"], "weights": [
///     {"name": "a", "shape": [2], "dtype": "float32"},
///     {"name": "b", "shape": [2], "dtype": "float32"}
/// ]}]}"#;
/// assert!(ModelJson::parse(text).is_ok());
/// let error = ModelJson::parse_with(text, &limits).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the model has 2 tensors, more than the limit `tensors` of 1; if that is right, raise it with \
///      `Limits::with(Limit::Tensors, 2)` or `--limit tensors=2`"
/// );
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    most: [u64; Limit::ALL.len()],
}

/// A model has more of something than is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitError {
    /// What it has too much of.
    pub limit: Limit,
    /// The most that is accepted.
    pub most: u64,
    /// What there is, or, if nobody counted further, what there is at least.
    pub found: u64,
    /// Whether there may be more than `found`.
    pub at_least: bool,
    /// Which part has it, such as a tensor; `None` for the whole.
    pub of: Option<String>,
}

/// A name that no [`Limit`] has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no limit `{name}`; there are {}", Limit::ALL.map(Limit::name).join(", "))]
pub struct UnknownLimit {
    /// The name.
    name: String,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::JsonBytes,
        Self::JsonDepth,
        Self::GraphDefBytes,
        Self::Tensors,
        Self::Rank,
        Self::NameBytes,
        Self::Groups,
        Self::Shards,
        Self::StringElements,
        Self::StringBytes,
        Self::WeightBytes,
        Self::UnknownBytes,
        Self::DecodedBytes,
        Self::LayerCalls,
    ];

    /// Its name on the command line and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::JsonBytes => "json-bytes",
            Self::JsonDepth => "json-depth",
            Self::GraphDefBytes => "graph-def-bytes",
            Self::Tensors => "tensors",
            Self::Rank => "rank",
            Self::NameBytes => "name-bytes",
            Self::Groups => "groups",
            Self::Shards => "shards",
            Self::StringElements => "string-elements",
            Self::StringBytes => "string-bytes",
            Self::WeightBytes => "weight-bytes",
            Self::UnknownBytes => "unknown-bytes",
            Self::DecodedBytes => "decoded-bytes",
            Self::LayerCalls => "layer-calls",
        }
    }

    /// What is accepted unless somebody says otherwise; the reasons stand with the variants.
    pub const fn default_value(self) -> u64 {
        match self {
            Self::JsonBytes => 256 << 20,
            Self::JsonDepth => crate::json::MAX_DEPTH as u64,
            Self::GraphDefBytes | Self::UnknownBytes => 2 << 30,
            Self::Tensors | Self::Shards | Self::LayerCalls => 1_000_000,
            Self::Rank => 254,
            Self::NameBytes => 1 << 20,
            Self::Groups => 100_000,
            Self::StringElements => 1 << 26,
            Self::StringBytes => 1 << 30,
            Self::WeightBytes => 1 << 40,
            Self::DecodedBytes => 4 << 40,
        }
    }

    /// What cannot be passed, whatever somebody says.
    pub const fn ceiling(self) -> u64 {
        match self {
            Self::JsonDepth => crate::json::MAX_DEPTH as u64,
            _ => u64::MAX,
        }
    }

    /// The variant, as it is written in Rust.
    const fn variant(self) -> &'static str {
        match self {
            Self::JsonBytes => "JsonBytes",
            Self::JsonDepth => "JsonDepth",
            Self::GraphDefBytes => "GraphDefBytes",
            Self::Tensors => "Tensors",
            Self::Rank => "Rank",
            Self::NameBytes => "NameBytes",
            Self::Groups => "Groups",
            Self::Shards => "Shards",
            Self::StringElements => "StringElements",
            Self::StringBytes => "StringBytes",
            Self::WeightBytes => "WeightBytes",
            Self::UnknownBytes => "UnknownBytes",
            Self::DecodedBytes => "DecodedBytes",
            Self::LayerCalls => "LayerCalls",
        }
    }

    /// What has it, and what is counted.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::JsonBytes => ("the JSON", "bytes"),
            Self::JsonDepth => ("the JSON", "levels of nesting"),
            Self::GraphDefBytes => ("the binary topology", "bytes"),
            Self::Tensors => ("the model", "tensors"),
            Self::Rank => ("a tensor", "dimensions"),
            Self::NameBytes => ("a name", "bytes"),
            Self::Groups => ("the manifest", "groups"),
            Self::Shards => ("the model", "weight files"),
            Self::StringElements => ("a string tensor", "elements"),
            Self::StringBytes => ("a string", "bytes"),
            Self::WeightBytes => ("the model", "bytes of weights"),
            Self::UnknownBytes => ("a group of weights", "bytes that no spec tells of"),
            Self::DecodedBytes => ("the model", "bytes of decoded weights"),
            Self::LayerCalls => ("the topology", "applications of layers"),
        }
    }
}

impl Limits {
    /// The default of each limit.
    pub fn new() -> Self {
        Self { most: Limit::ALL.map(Limit::default_value) }
    }

    /// No limits, for input that is trusted, but for [`Limit::JsonDepth`].
    pub fn none() -> Self {
        Self { most: Limit::ALL.map(Limit::ceiling) }
    }

    /// With another value of one limit, `u64::MAX` for none. [`Limit::JsonDepth`] is at most 512.
    #[must_use]
    pub fn with(mut self, limit: Limit, most: u64) -> Self {
        if let Some(place) = self.most.get_mut(limit as usize) {
            *place = most.min(limit.ceiling());
        }
        self
    }

    /// The most that is accepted.
    pub fn get(&self, limit: Limit) -> u64 {
        self.most.get(limit as usize).copied().unwrap_or_default()
    }

    /// Compares what there is with what is accepted.
    ///
    /// # Errors
    /// [`LimitError`] when there is more.
    pub fn check(&self, limit: Limit, found: u64) -> Result<(), LimitError> {
        let most = self.get(limit);
        if found <= most { Ok(()) } else { Err(LimitError { limit, most, found, at_least: false, of: None }) }
    }

    /// Compares what specs claim, all of one model, with what is accepted.
    ///
    /// # Errors
    /// [`LimitError`] when there is more.
    pub fn check_specs(&self, specs: &[WeightSpec]) -> Result<(), LimitError> {
        let mut tally = Tally::new(self);
        self.check(Limit::Tensors, specs.len() as u64)?;
        specs.iter().try_for_each(|spec| tally.spec(spec))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(Limit::ALL.map(|limit| (limit.name(), self.get(limit)))).finish()
    }
}

impl LimitError {
    /// Of something that was read or counted no further than this.
    #[must_use]
    pub fn at_least(mut self) -> Self {
        self.at_least = true;
        self
    }

    /// Says which part has it, such as ``tensor `w` ``.
    #[must_use]
    pub fn of(mut self, part: impl Into<String>) -> Self {
        self.of = Some(part.into());
        self
    }

    /// What is wrong, without how to raise the limit: for those who cannot.
    pub fn without_advice(&self) -> String {
        let Self { limit, most, found, .. } = self;
        let (whole, unit) = limit.words();
        let whole = self.of.as_deref().unwrap_or(whole);
        let at_least = if self.at_least { "at least " } else { "" };
        format!("{whole} has {at_least}{found} {unit}, more than the limit `{}` of {most}", limit.name())
    }
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, variant) = (self.limit.name(), self.limit.variant());
        f.write_str(&self.without_advice())?;
        if self.most >= self.limit.ceiling() {
            return f.write_str(", which cannot be raised");
        }
        // What was counted to the end is enough.
        let enough = if self.at_least { "N".to_owned() } else { self.found.to_string() };
        write!(
            f,
            "; if that is right, raise it with `Limits::with(Limit::{variant}, {enough})` or `--limit {name}={enough}`"
        )
    }
}

impl std::error::Error for LimitError {}

impl From<LimitError> for Error {
    fn from(error: LimitError) -> Self {
        Self::new(ErrorKind::LimitExceeded, error.to_string())
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Limit {
    type Err = UnknownLimit;

    fn from_str(name: &str) -> Result<Self, UnknownLimit> {
        let found = Self::ALL.into_iter().find(|limit| limit.name() == name);
        found.ok_or_else(|| UnknownLimit { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_holds_exactly_and_says_how_to_raise_it() {
        for (index, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limit as usize, index, "each has a place of its own");
            assert_eq!(limit.name().parse(), Ok(limit));
            assert_eq!(Limits::new().get(limit), limit.default_value());
            let limits = Limits::new().with(limit, 7);
            assert_eq!(limits.check(limit, 7), Ok(()));
            let error = limits.check(limit, 8).unwrap_err().to_string();
            let (name, variant) = (limit.name(), limit.variant());
            for part in [
                "has 8 ",
                &format!("the limit `{name}` of 7;"),
                &format!("`Limits::with(Limit::{variant}, 8)`"),
                &format!("`--limit {name}=8`"),
            ] {
                assert!(error.contains(part), "{error}");
            }
            assert_eq!(format!("{limit:?}"), variant);
        }
    }

    #[test]
    fn without_limits_only_depth_has_one() {
        for limit in Limit::ALL {
            let most = if limit == Limit::JsonDepth { 512 } else { u64::MAX };
            assert_eq!(Limits::none().get(limit), most);
            assert_eq!(Limits::new().with(limit, u64::MAX).get(limit), most);
        }
        let error = Limits::none().check(Limit::JsonDepth, 513).unwrap_err();
        let expected =
            "the JSON has 513 levels of nesting, more than the limit `json-depth` of 512, which cannot be raised";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn what_was_not_counted_to_the_end_is_told_so() {
        let error = Limits::new().with(Limit::JsonBytes, 3).check(Limit::JsonBytes, 4).unwrap_err();
        let expected = "`x` has at least 4 bytes, more than the limit `json-bytes` of 3; if that is right, raise it with \
                        `Limits::with(Limit::JsonBytes, N)` or `--limit json-bytes=N`";
        assert_eq!(error.at_least().of("`x`").to_string(), expected);
    }

    #[test]
    fn an_unknown_name_lists_those_that_there_are() {
        let error = "json".parse::<Limit>().unwrap_err().to_string();
        assert!(error.starts_with("there is no limit `json`; there are json-bytes, json-depth, "), "{error}");
    }
}
