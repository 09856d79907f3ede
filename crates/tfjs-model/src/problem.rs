//! What is wrong with one layer, before anybody says which.

use tfjs_artifacts::LimitError;

/// What is wrong with a layer, and with which key of its config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) key: Option<&'static str>,
    pub(crate) message: String,
    /// There is too much of something, whatever the layer.
    pub(crate) limit: Option<LimitError>,
}

impl Problem {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { key: None, message: message.into(), limit: None }
    }

    pub(crate) fn of(key: &'static str, message: impl Into<String>) -> Self {
        Self { key: Some(key), message: message.into(), limit: None }
    }

    /// In a layer inside of the one that is looked at.
    pub(crate) fn inside(self, layer: &str) -> Self {
        Self { message: format!("in its layer `{}`: {}", abbreviate(layer), self.message), ..self }
    }
}

impl From<LimitError> for Problem {
    fn from(error: LimitError) -> Self {
        Self { key: None, message: error.to_string(), limit: Some(error) }
    }
}

/// At most so many characters of what a file has, for messages.
pub(crate) fn abbreviate(text: &str) -> String {
    const LIMIT: usize = 60;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
