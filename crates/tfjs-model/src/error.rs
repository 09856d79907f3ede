//! Why artifacts are not the model that they should be.

use tfjs_artifacts::{Error, ErrorKind};

use crate::ModelKind;

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
}

impl ModelError {
    /// The class of the error that it becomes.
    fn kind(&self) -> ErrorKind {
        match self {
            Self::WrongKind { .. } | Self::UnknownKind { .. } => ErrorKind::Unsupported,
        }
    }
}

impl From<ModelError> for Error {
    fn from(error: ModelError) -> Self {
        Self::new(error.kind(), error.to_string())
    }
}
