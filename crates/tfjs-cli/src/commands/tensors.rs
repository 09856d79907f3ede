//! `tfjs tensors`: every tensor of a model.

use futures::TryStreamExt as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tfjs_io::{Operation, Quantization, RawJson, ReadAhead, Tensor, TensorReader, WeightSpec, Weights};

use super::load_lazily;
use crate::args::Source;
use crate::output::{self, Failure};

/// A tensor as `--json` prints it.
#[derive(Serialize)]
struct Row {
    name: String,
    dtype: String,
    shape: Vec<u64>,
    group: Option<String>,
    quantization: Option<RawJson>,
    stored_bytes: u64,
    decoded_bytes: u64,
    sha256: String,
}

pub(super) async fn run(source: &Source) -> Result<(), Failure> {
    let artifacts = load_lazily(source).await?;
    match (&artifacts.weights, source.json) {
        (Some(weights), true) => output::json(&digests(weights, &source.url).await?),
        (None, true) => output::json(&[(); 0]),
        (Some(weights), false) => output::table(&rows(weights)),
        (None, false) => Ok(()),
    }
}

/// Decodes one tensor after the other, and reads those behind it meanwhile.
async fn digests(weights: &Weights, url: &str) -> Result<Vec<Row>, Failure> {
    let verified = weights.verify().await;
    verified.map_err(|error| error.with_operation(Operation::Load).with_location(url))?;
    weights.verify_checksums().await?;
    let reader = TensorReader::open(weights).await?;
    let mut rows = Vec::with_capacity(reader.specs().len());
    let mut tensors = reader.stored_tensors(ReadAhead::new());
    while let Some(stored) = tensors.try_next().await? {
        rows.push(row(stored.spec, stored.byte_length(), stored.decode()?)?);
    }
    Ok(rows)
}

fn row(spec: &WeightSpec, stored_bytes: u64, tensor: Tensor) -> Result<Row, Failure> {
    let decoded = tensor.into_le_bytes();
    Ok(Row {
        name: spec.name.clone(),
        dtype: spec.dtype.to_string(),
        shape: spec.shape.dims().to_vec(),
        group: spec.group.clone(),
        quantization: spec.quantization.as_ref().map(Quantization::to_json).transpose()?,
        stored_bytes,
        decoded_bytes: decoded.len() as u64,
        sha256: Sha256::digest(&decoded).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat(),
    })
}

/// For people: nothing is read.
fn rows(weights: &Weights) -> Vec<Vec<String>> {
    let row = |spec: &WeightSpec| {
        let dtype = match &spec.quantization {
            Some(quantization) => format!("{} as {}", spec.dtype, quantization.dtype.as_str()),
            None => spec.dtype.to_string(),
        };
        let group = spec.group.clone().unwrap_or_default();
        vec![spec.name.clone(), dtype, spec.shape.to_string(), group]
    };
    weights.specs().map(row).collect()
}
