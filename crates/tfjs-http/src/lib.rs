#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(
    target_arch = "wasm32",
    expect(
        clippy::arc_with_non_send_sync,
        reason = "natively it is both; on wasm32 nothing is shared between threads"
    )
)]

mod address;
mod cached;
mod client;
mod concurrent;
mod date;
mod download;
mod error;
mod exchange;
mod handler;
mod load;
mod message;
mod meter;
mod options;
mod random;
mod response;
mod retry;
mod save;
mod source;
mod timer;
mod transport;
mod upload;

use std::sync::Arc;

use tfjs_router::Route;

pub use cached::{CachePolicy, Cached, cached};
pub use client::HttpClient;
pub use handler::HttpHandler;
#[cfg(target_arch = "wasm32")]
pub use options::{FetchCache, FetchCredentials, FetchMode};
pub use options::{FileRef, FileUse, RequestInfo, ShardQuery};
pub use retry::RetryPolicy;

#[cfg(all(not(target_arch = "wasm32"), not(feature = "rustls"), not(feature = "native-tls")))]
compile_error!("tfjs-http needs TLS for https://: enable its feature `rustls` (the default) or `native-tls`");

/// The schemes of this backend.
pub const SCHEMES: [&str; 2] = ["http", "https"];

/// The routes of this backend, `http://` and `https://`, with a client that knows no credentials.
pub fn routes() -> [Route; 2] {
    routes_with(&HttpClient::new())
}

/// The routes of this backend with a client of one's own.
pub fn routes_with(client: &HttpClient) -> [Route; 2] {
    SCHEMES.map(|scheme| {
        let (load, save) = (client.clone(), client.clone());
        Route::new(scheme)
            .with_load(move |source| HttpHandler::new(source, &load).map(Arc::new))
            .with_save(move |url| HttpHandler::new(&url.clone().into(), &save).map(Arc::new))
            .with_place(address::place)
            .with_escaped_names("?#")
            .with_model_file("model.json")
    })
}
