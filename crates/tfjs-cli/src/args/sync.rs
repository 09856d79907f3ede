//! What `tfjs sync` can be told.

use std::num::NonZeroUsize;

use clap::ValueHint;

use super::{Reading, Upload};

/// Two places with many models.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Sync {
    /// Where the models are: a folder, or a URL whose scheme can list
    #[arg(value_name = "SRC-PREFIX", value_hint = ValueHint::AnyPath)]
    pub(crate) source: String,
    /// Where they will be, under the same names
    #[arg(value_name = "DST-PREFIX", value_hint = ValueHint::AnyPath)]
    pub(crate) destination: String,
    /// Compares all bytes of the weights, which are read from both sides. Without it, checksums decide if both sides have them, and
    /// otherwise the dates: what was saved at the destination after the source is taken for the same if its model.json and sizes are
    #[arg(long)]
    pub(crate) checksum: bool,
    /// Removes models at the destination that the source does not have, after all others were copied
    #[arg(long)]
    pub(crate) delete: bool,
    /// Lets --delete remove everything when the source has no models
    #[arg(long, requires = "delete")]
    pub(crate) force: bool,
    /// Says what would be done, and does nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How many models are copied at a time
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Leaves the weight files that are finished when it is interrupted, and continues models that were interrupted
    #[arg(long)]
    pub(crate) resume: bool,
    /// Does not wait until the disk has everything
    #[arg(long)]
    pub(crate) no_sync: bool,
    /// Prints what was done as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) reading: Reading,
    #[command(flatten)]
    pub(crate) upload: Upload,
}
