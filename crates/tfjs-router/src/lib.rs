#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(
    target_arch = "wasm32",
    expect(
        clippy::arc_with_non_send_sync,
        reason = "natively it is both; on wasm32 nothing is shared between threads"
    )
)]

mod below;
mod checkpoints;
mod digests;
mod handler;
mod manage;
mod memory;
mod options;
mod passthrough;
mod progress;
mod resume;
mod route;
mod router;
mod sync;
mod url;

pub use checkpoints::{Checkpoint, Checkpoints};
pub use digests::Digests;
pub use handler::{IoHandler, ListedModel, LoadHandler, ModelStore, SaveHandler, finish_load};
pub use memory::MemoryStore;
pub use options::{Checksums, Durability, Links, LoadOptions, RemoveOptions, SaveOptions, WeightLoading};
pub use passthrough::{FromMemory, WithSaveHandler, from_memory, with_save_handler};
pub use progress::{Phase, Progress, ProgressFn, ProgressMeter, ProgressSink};
pub use resume::Resume;
pub use route::{OpenLoad, OpenSave, OpenStore, PlaceOf, Route};
pub use router::{Router, RouterBuilder};
pub use sync::{Compare, SyncAction, SyncItem, SyncOptions, SyncPlan};
pub use url::{ModelSource, ModelUrl};
