#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod access;
mod access_log;
mod cache;
mod cors;
mod download;
mod models;
mod name;
mod options;
mod page;
mod refusal;
mod routes;
mod serve;
mod served;
mod token;
mod upload;

pub use models::Models;
pub use name::{ModelName, ModelNameError};
pub use options::{AllowedOrigins, ServeOptions, ServerOptions};
pub use page::{Page, PageError};
pub use routes::router;
pub use serve::serve;
pub use token::{Token, TokenError};

#[doc(no_inline)]
pub use axum;
