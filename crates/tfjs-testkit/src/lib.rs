#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a panic is how a behaviour fails"
)]

mod at_once;
pub mod cases;
mod compare;
mod faults;
mod harness;
mod in_memory;
mod record;
pub mod samples;
mod suite;

pub use compare::assert_same_model;
pub use faults::{FailingSource, StallingSource};
pub use futures::executor::block_on;
pub use harness::{Capabilities, Damage, Damaged, Harness};
pub use in_memory::InMemory;
pub use record::{Ability, Outcome, RECORD_PREFIX, RECORDS_VARIABLE, record_ability, record_behaviour};
pub use suite::{BEHAVIOURS, Behaviour};
