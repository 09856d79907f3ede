//! `tfjs cp` and `tfjs mv`.

use serde::Serialize;
use tfjs_io::{
    Checksums, Error, LoadOptions, Location, ModelArtifacts, QuantizationReport, QuantizationRules, SaveOptions,
    SaveResult, quantize_weights,
};

use crate::args::Transfer;
use crate::output::{self, Failure};
use crate::progress;

/// What is printed with `--json` when weights were quantized: the result of the save with one more key.
#[derive(Serialize)]
struct Quantized<'a> {
    #[serde(flatten)]
    saved: &'a SaveResult,
    quantization: Vec<Quantization<'a>>,
}

/// What became of one weight. JSON has no infinity: an error that is one, because a number was too large for float16,
/// is `null`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Quantization<'a> {
    name: &'a str,
    dtype: &'static str,
    min: Option<f64>,
    scale: Option<f64>,
    max_absolute_error: f64,
    max_relative_error: f64,
}

pub(super) async fn copy(transfer: &Transfer) -> Result<(), Failure> {
    let (load, save) = options(transfer);
    let router = transfer.http.router()?;
    let rules = transfer.quantization_rules()?;
    let mut reports = Vec::new();
    let saved = router
        .copy_model_with(&transfer.source, &transfer.destination, &load, &save, |artifacts| {
            quantize(artifacts, rules.as_ref(), &mut reports)
        })
        .await?;
    tell(transfer, "copied", &saved, rules.and(Some(reports)).as_deref())
}

pub(super) async fn rename(transfer: &Transfer) -> Result<(), Failure> {
    let (load, save) = options(transfer);
    let router = transfer.http.router()?;
    let rules = transfer.quantization_rules()?;
    let mut reports = Vec::new();
    let saved = router
        .move_model_with(&transfer.source, &transfer.destination, &load, &save, |artifacts| {
            quantize(artifacts, rules.as_ref(), &mut reports)
        })
        .await?;
    tell(transfer, "moved", &saved, rules.and(Some(reports)).as_deref())
}

/// What happens to the model on its way, if anything.
async fn quantize(
    mut artifacts: ModelArtifacts,
    rules: Option<&QuantizationRules>,
    reports: &mut Vec<QuantizationReport>,
) -> Result<ModelArtifacts, Error> {
    if let Some((weights, rules)) = artifacts.weights.as_ref().zip(rules) {
        // Codes get checksums of their own, which would make damaged weights look sound.
        weights.verify_checksums().await?;
        let (quantized, about) = quantize_weights(weights, rules).await?;
        artifacts.weights = Some(quantized);
        *reports = about;
    }
    Ok(artifacts)
}

fn options(transfer: &Transfer) -> (LoadOptions, SaveOptions) {
    let load = LoadOptions::lazy().with_surplus_bytes(transfer.surplus_bytes());
    let mut save = SaveOptions::new().with_progress(progress::bar());
    save.weights_file_name.clone_from(&transfer.weights_file_name);
    save.sharding = transfer.shard_size.unwrap_or_default();
    if transfer.checksums {
        save.checksums = Checksums::Write;
    }
    (load, save)
}

fn tell(
    transfer: &Transfer,
    done: &str,
    saved: &SaveResult,
    quantized: Option<&[QuantizationReport]>,
) -> Result<(), Failure> {
    match (quantized, transfer.json) {
        (None, true) => return output::json(saved),
        (Some(reports), true) => {
            return output::json(&Quantized { saved, quantization: reports.iter().map(Quantization::of).collect() });
        }
        (Some([]), false) => output::message("no float32 weight matches --quantize: nothing was quantized"),
        (Some(reports), false) => output::message_table(&rows(reports)),
        (None, false) => {}
    }
    let weights = output::bytes(saved.model_artifacts_info.weight_data_bytes);
    // A token in a URL is for the server, not for a log.
    let [source, destination] = [&transfer.source, &transfer.destination].map(|url| Location::new(url));
    output::lines([format!("{done} {source} to {destination} ({weights} of weights)")])
}

/// For people: what became of each weight, under a line that says what is what.
fn rows(reports: &[QuantizationReport]) -> Vec<Vec<String>> {
    let number = |number: f64| format!("{number:.3e}");
    let optional = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
    let header = ["weight", "quantized to", "min", "scale", "largest error", "largest relative error"];
    let row = |report: &QuantizationReport| {
        let (name, dtype) = (report.name.clone(), report.dtype.to_string());
        let errors = [report.max_absolute_error, report.max_relative_error].map(number);
        [vec![name, dtype, optional(report.min), optional(report.scale)], errors.to_vec()].concat()
    };
    std::iter::once(header.map(str::to_owned).to_vec()).chain(reports.iter().map(row)).collect()
}

impl<'a> Quantization<'a> {
    fn of(report: &'a QuantizationReport) -> Self {
        Self {
            name: &report.name,
            dtype: report.dtype.as_str(),
            min: report.min,
            scale: report.scale,
            max_absolute_error: report.max_absolute_error,
            max_relative_error: report.max_relative_error,
        }
    }
}
