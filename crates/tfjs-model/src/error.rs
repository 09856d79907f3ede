//! Why artifacts are not the model that they should be.

use tfjs_artifacts::{Error, ErrorKind, LimitError};

use crate::matching::MatchReport;
use crate::problem::{Problem, abbreviate};
use crate::{GraphWeightReport, ModelKind};

/// Why artifacts are not the model that they should be. Becomes a [`tfjs_artifacts::Error`] by `?`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// It is a model of the other kind.
    #[error("this is a {found}, not a {wanted}: load it with `{}`, or with `load_model`, which takes both", .found.call())]
    WrongKind {
        /// What was asked for.
        wanted: ModelKind,
        /// What it is.
        found: ModelKind,
    },
    /// Neither `format` nor the topology says what it is.
    #[error("this is neither a layers-model nor a graph-model: {reason}")]
    UnknownKind {
        /// What was looked for.
        reason: String,
    },
    /// The topology as a whole is not that of a model of its kind.
    #[error("`modelTopology` cannot be read: {message}")]
    Topology {
        /// What is wrong.
        message: String,
    },
    /// A layer is impossible: TensorFlow.js would refuse it as well.
    #[error("layer `{layer}` of the class `{class}`{}: {message}", .key.as_ref().map(|key| format!(", key `{key}`")).unwrap_or_default())]
    Layer {
        /// Its name.
        layer: String,
        /// Its class.
        class: String,
        /// The key of its config that is to blame, in JavaScript's spelling.
        key: Option<&'static str>,
        /// What is wrong.
        message: String,
    },
    /// A graph cannot be read.
    #[error("`{at}` cannot be read: {message}")]
    Graph {
        /// Which one, or which part of the model.
        at: String,
        /// What is wrong; all nodes that are to blame.
        message: String,
    },
    /// Constants of a graph have no weights.
    #[error("the weights do not fit the graph: {0}")]
    GraphWeights(Box<GraphWeightReport>),
    /// Two weights of the layers have one name: `Duplicate weight name` in TensorFlow.js.
    #[error("two weights of the layers are named `{name}`: give one of the layers that they belong to another name")]
    DuplicateWeight {
        /// The name.
        name: String,
    },
    /// Weights and layers do not fit together.
    #[error("the weights do not fit the layers: {0}")]
    Weights(Box<MatchReport>),
    /// There is no such weight.
    #[error("there is no weight `{name}`{}", .nearest.as_ref().map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default())]
    NoSuchWeight {
        /// The name that was asked for.
        name: String,
        /// The one that is most like it.
        nearest: Option<String>,
    },
    /// Some weights have no values, so that the model cannot be saved whole.
    #[error("{} of {total} weights are not set: {}", .names.len(), crate::matching::list(.names))]
    Unset {
        /// Their names.
        names: Vec<String>,
        /// How many weights there are.
        total: usize,
    },
    /// There is more of something than is accepted.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// The metadata is no JSON object.
    #[error("user-defined metadata must be a JSON object, but is `{found}`")]
    Metadata {
        /// Its beginning.
        found: String,
    },
    /// The training config cannot be understood.
    #[error("`trainingConfig` cannot be read: {message}")]
    Training {
        /// What is wrong.
        message: String,
    },
}

impl ModelError {
    /// The class of the error that it becomes.
    fn kind(&self) -> ErrorKind {
        match self {
            Self::WrongKind { .. } | Self::UnknownKind { .. } => ErrorKind::Unsupported,
            Self::Limit(_) => ErrorKind::LimitExceeded,
            Self::NoSuchWeight { .. } => ErrorKind::NotFound,
            Self::Topology { .. }
            | Self::Graph { .. }
            | Self::GraphWeights(_)
            | Self::Layer { .. }
            | Self::DuplicateWeight { .. }
            | Self::Weights(_)
            | Self::Unset { .. }
            | Self::Metadata { .. }
            | Self::Training { .. } => ErrorKind::InvalidData,
        }
    }

    pub(crate) fn topology(message: impl Into<String>) -> Self {
        Self::Topology { message: message.into() }
    }

    pub(crate) fn layer(layer: &str, class: &str, problem: Problem) -> Self {
        let Problem { key, message, limit } = problem;
        if let Some(limit) = limit {
            return Self::Limit(limit);
        }
        Self::Layer { layer: abbreviate(layer), class: abbreviate(class), key, message }
    }
}

impl From<ModelError> for Error {
    fn from(error: ModelError) -> Self {
        Self::new(error.kind(), error.to_string())
    }
}
