//! What every command that reads a model can be told.

use tfjs_io::{LoadOptions, SurplusBytes};

use super::{Http, TrustArgs};

/// How models are read.
#[derive(Debug, clap::Args)]
pub(crate) struct Reading {
    /// Accepts bytes behind the last tensor of a group. Copies have them too; `convert` leaves them out
    #[arg(long)]
    allow_surplus: bool,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    #[command(flatten)]
    pub(crate) http: Http,
}

impl Reading {
    /// How a model is loaded whose weights are read when they are used.
    pub(crate) fn lazily(&self) -> LoadOptions {
        self.trust.load(LoadOptions::lazy().with_surplus_bytes(surplus_bytes(self.allow_surplus)))
    }
}

/// What `--allow-surplus` means.
pub(crate) fn surplus_bytes(allow: bool) -> SurplusBytes {
    if allow { SurplusBytes::Allow } else { SurplusBytes::Reject }
}
