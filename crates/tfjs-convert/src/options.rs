//! How a file of tensors is read.

/// How a file of tensors is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportOptions {
    /// Whether numbers of types that TensorFlow.js has not become `float32` and `int32`; otherwise they are an error.
    pub converts_dtypes: bool,
    /// Whether the tensors are read alone, whatever this library wrote beside them.
    pub ignores_metadata: bool,
}

impl ImportOptions {
    /// Exactly what is there.
    pub fn new() -> Self {
        Self::default()
    }

    /// Converts numbers of types that TensorFlow.js has not: F64 and BF16 to `float32`, all integers to `int32`. What does not
    /// fit is an error when it is read.
    #[must_use]
    pub fn with_converted_dtypes(mut self) -> Self {
        self.converts_dtypes = true;
        self
    }

    /// Reads the tensors alone, for files of ours whose tensors somebody has changed.
    #[must_use]
    pub fn without_metadata(mut self) -> Self {
        self.ignores_metadata = true;
        self
    }
}
