//! Loading and saving over real sockets on loopback.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

mod cache;
mod cancel;
mod conformance;
mod faults;
mod lazy;
mod many;
mod requests;
mod save;
mod server;

use std::time::Duration;

use tfjs_artifacts::{Error, ModelArtifacts, Shape};
use tfjs_http::{HttpClient, HttpHandler, RetryPolicy};
use tfjs_router::{LoadHandler as _, LoadOptions};
use tfjs_testkit::samples;
use tfjs_weights::Tensor;

/// Impatient, so that tests of failures are quick; never so impatient that a slow machine fails.
fn client() -> HttpClient {
    let backoff = Duration::from_millis(1);
    HttpClient::new().with_retry(RetryPolicy::new().with_attempts(3).with_backoff(backoff, backoff))
}

async fn load(url: &str) -> Result<ModelArtifacts, Error> {
    load_with(url, &client()).await
}

async fn load_with(url: &str, client: &HttpClient) -> Result<ModelArtifacts, Error> {
    HttpHandler::from_url(url, client)?.load(&LoadOptions::new()).await
}

async fn load_lazily(url: &str, client: &HttpClient) -> Result<ModelArtifacts, Error> {
    HttpHandler::from_url(url, client)?.load(&LoadOptions::lazy()).await
}

/// One float32 tensor of so many values, no two alike.
fn model_of(values: u16) -> ModelArtifacts {
    let values: Vec<f32> = (0..values).map(f32::from).collect();
    let shape = Shape::vector(values.len() as u64).unwrap();
    samples::with_tensors([Tensor::float32("w", shape, values).unwrap()])
}
