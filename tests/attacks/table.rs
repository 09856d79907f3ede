//! What a row of the table is.

use std::path::Path;

use tfjs_io::{ErrorKind, Limits};

use crate::site::Site;

/// One thing that somebody could do to harm whoever reads or receives models.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// The rule that stops it.
    pub(crate) rule: &'static str,
    /// The kind of the error; of an upload only its status counts.
    pub(crate) kind: ErrorKind,
    /// A part of what the error says.
    pub(crate) says: &'static str,
    pub(crate) how: How,
}

/// Where it comes in.
pub(crate) enum How {
    /// A `model.json` in a folder, on a server, and in an upload.
    Json(&'static [u8]),
    /// A `model.json` in a folder and on a server. Storing it harms nobody: the server names the files itself and decodes nothing.
    Read(&'static [u8]),
    /// A folder with what this makes in it, and the path below it that is loaded.
    Folder(fn(&Path) -> &'static str),
    /// A server that answers like this, and the limits of the load.
    Web(fn(&mut Site) -> Limits),
    /// Bytes that are sent to the server of models, and the status that it answers with.
    Upload(fn() -> Vec<u8>, u16),
}

/// A model of one float32 in `w.bin`.
pub(crate) const GOOD: &str = r#"{"modelTopology":{},"weightsManifest":[{"paths":["w.bin"],"weights":[{"name":"a","shape":[1],"dtype":"float32"}]}]}"#;

/// The bytes of `w.bin`.
pub(crate) const WEIGHTS: [u8; 4] = [0xff; 4];
