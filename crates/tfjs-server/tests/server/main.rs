//! The server on real sockets, over the file system and over memory.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

mod access;
mod downloads;
mod hostile;
mod lifetime;
mod page;
mod support;
mod uploads;
