#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod bucket;
mod commit;
mod error;
mod handler;
mod json_object;
mod load;
mod names;
mod neighbours;
mod passing;
mod place;
mod read_ahead;
mod remembered;
mod resume;
mod routes;
mod save;
mod source;
mod staged;
mod store;
mod sweep;
#[cfg(feature = "cloud")]
mod tls;
mod upload;

pub use handler::ObjectStoreHandler;
pub use object_store;
pub use routes::{ObjectStoreRoutes, route};
pub use sweep::GRACE_PERIOD;
#[cfg(feature = "cloud")]
pub use tls::RustlsConnector;
