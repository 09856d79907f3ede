//! Loading and saving with `fetch`, from a server of another origin: `damageable-server` of the workspace's tests.

#[path = "../../src/address.rs"]
#[expect(dead_code, reason = "only its own tests are wanted, which natively run with the crate's")]
mod address;
mod conformance;
mod cors;
mod faults;
#[path = "../../src/message.rs"]
#[expect(dead_code, reason = "as above")]
mod message;
mod save;
mod server;

use std::time::Duration;

use tfjs_artifacts::{Error, ModelArtifacts, Shape};
use tfjs_http::{HttpClient, HttpHandler, RetryPolicy};
use tfjs_router::{LoadHandler as _, LoadOptions, SaveHandler as _, SaveOptions};
use tfjs_testkit::samples;
use tfjs_weights::Tensor;

use self::server::Case;

/// Impatient, so that tests of failures are quick.
fn client() -> HttpClient {
    let backoff = Duration::from_millis(1);
    HttpClient::new().with_retry(RetryPolicy::new().with_attempts(3).with_backoff(backoff, backoff))
}

async fn load(url: &str) -> Result<ModelArtifacts, Error> {
    load_with(url, &client(), &LoadOptions::new()).await
}

async fn load_with(url: &str, client: &HttpClient, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
    HttpHandler::from_url(url, client)?.load(options).await
}

async fn save(artifacts: &ModelArtifacts, url: &str, client: &HttpClient) -> Result<(), Error> {
    HttpHandler::from_url(url, client)?.save(artifacts, &SaveOptions::new()).await.map(|_| ())
}

/// One float32 tensor of so many values, no two alike.
fn model_of(values: u32) -> ModelArtifacts {
    let values: Vec<f32> = (0..values).map(|value| f32::from_bits(0x3f80_0000 + value)).collect();
    let shape = Shape::vector(values.len() as u64).unwrap();
    samples::with_tensors([Tensor::float32("w", shape, values).unwrap()])
}

/// A case in which this model is stored, file by file.
async fn case_of(model: &ModelArtifacts) -> Case {
    let case = Case::new();
    store(&case, model).await;
    case
}

/// Stores a model in a case, in place of one that was there; its weights are `w.bin`.
async fn store(case: &Case, model: &ModelArtifacts) {
    let options = SaveOptions::new().with_weights_file_name(tfjs_artifacts::RelPath::parse("w.bin").unwrap());
    let client = client().with_put_per_file();
    HttpHandler::from_url(&case.url("files"), &client).unwrap().save(model, &options).await.unwrap();
}
