//! What the scripts of the page can ask for. Every promise is one of JSON text or of nothing, and rejects with a [`Failure`].

mod access;
mod failure;
mod job;
mod kind;
mod listing;
mod opened;
mod status;
mod transfer;

pub use failure::Failure;
pub use job::Job;
pub use listing::{kind_of, list_models};
pub use opened::Opened;
pub use status::{persist, status};
pub use transfer::remove_model;
