//! Models of layers: what is read, what follows from it, how weights are matched, and what is saved.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what helpers of tests find wrong ends the test")]

mod dialects;
mod families;
mod hostile;
mod matching;
mod saving;
mod support;
