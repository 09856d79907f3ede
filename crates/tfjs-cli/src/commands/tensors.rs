//! `tfjs tensors`: every tensor of a model.

use futures::TryStreamExt as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tfjs_io::{
    Error, ErrorKind, Operation, Quantization, RawJson, ReadAhead, Tensor, TensorPlace, TensorReader, WeightSpec,
    Weights,
};

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

pub(super) async fn run(source: &Source, name: Option<&str>, checks: bool) -> Result<(), Failure> {
    let artifacts = load_lazily(source).await?;
    if let Some(name) = name {
        return one(artifacts.weights.as_ref(), source, name, checks).await;
    }
    match (&artifacts.weights, source.json) {
        (Some(weights), true) => output::json(&digests(weights, &source.url).await?),
        (None, true) => output::json(&[(); 0]),
        (Some(weights), false) => output::table(&rows(weights.specs())),
        (None, false) => Ok(()),
    }
}

/// The tensor of this name, in a list of one. Of the others nothing is read, but to compare checksums.
async fn one(weights: Option<&Weights>, source: &Source, name: &str, checks: bool) -> Result<(), Failure> {
    let here = |error: Error| error.with_operation(Operation::Load).with_location(&source.url);
    let spec = weights.and_then(|weights| Some((weights, weights.specs().position(|spec| spec.name == name)?)));
    let Some((weights, index)) = spec else {
        let message = format!("the model has no tensor `{name}`; `tfjs tensors` lists those that it has");
        return Err(here(Error::new(ErrorKind::NotFound, message)).into());
    };
    if checks {
        check(weights, index).await?;
    }
    if !source.json {
        return output::table(&rows(weights.specs().skip(index).take(1)));
    }
    weights.verify().await.map_err(here)?;
    let reader = TensorReader::open(weights).await?;
    let tensor = reader.nth(index).await?;
    let specs = reader.specs().get(index);
    let row = specs.map(|spec| row(spec, reader.stored_bytes(index).unwrap_or(0), tensor)).transpose()?;
    output::json(&row.as_slice())
}

/// Compares the files that a tensor lies in with their checksums.
async fn check(weights: &Weights, index: usize) -> Result<(), Failure> {
    let places = weights.locate().await?;
    // Where nobody can tell where it lies, all of them may be its files.
    let compared = match places.get(index) {
        Some(TensorPlace::At(range)) => weights.verify_checksums_around(range.clone()).await?,
        _ => weights.verify_checksums_around(0..weights.data().byte_length()).await?,
    };
    if compared == 0 {
        output::message(
            "warning: there is no checksum to compare with: the model has none of the files that the tensor lies in",
        );
    }
    Ok(())
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
fn rows<'w>(specs: impl Iterator<Item = &'w WeightSpec>) -> Vec<Vec<String>> {
    let row = |spec: &WeightSpec| {
        let dtype = match &spec.quantization {
            Some(quantization) => format!("{} as {}", spec.dtype, quantization.dtype.as_str()),
            None => spec.dtype.to_string(),
        };
        let group = spec.group.clone().unwrap_or_default();
        vec![spec.name.clone(), dtype, spec.shape.to_string(), group]
    };
    specs.map(row).collect()
}
