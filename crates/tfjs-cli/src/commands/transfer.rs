//! `tfjs cp` and `tfjs mv`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use tfjs_io::{
    Checksums, DType, Durability, Error, LoadOptions, Location, ModelArtifacts, Progress, ProgressSink,
    QuantizationReport, QuantizationRule, QuantizationRules, Resume, SaveOptions, SaveResult, WeightSpec, Weights,
    quantize_weights,
};

use crate::args::Transfer;
use crate::output::{self, Failure};
use crate::progress;

/// What is printed with `--json`: the result of the save, with one more key when weights were quantized, and one when an interrupted
/// copy may have been continued.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    #[serde(flatten)]
    saved: &'a SaveResult,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantization: Option<Vec<Quantization<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resumed_bytes: Option<u64>,
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

/// What quantizing did, for those who asked for it.
#[derive(Default)]
struct Outcome {
    reports: Vec<QuantizationReport>,
    warnings: Vec<String>,
}

/// What happens to the model on its way, if anything.
struct Quantizing<'a> {
    rules: Option<&'a QuantizationRules>,
    each: &'a [QuantizationRule],
    outcome: &'a mut Outcome,
}

/// How many bytes an interrupted copy had sent already.
#[derive(Clone, Debug, Default)]
struct ResumedBytes(Arc<AtomicU64>);

impl ResumedBytes {
    /// Listens to progress on its way to somebody else.
    fn listen(&self, sink: ProgressSink) -> ProgressSink {
        let Self(bytes) = self.clone();
        ProgressSink::new(move |progress: Progress| {
            bytes.store(progress.resumed_bytes, Ordering::Relaxed);
            sink.tell(progress);
        })
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Whether the source stays.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Copy,
    Move,
}

pub(super) async fn run(transfer: &Transfer, kind: Kind) -> Result<(), Failure> {
    let resumed = ResumedBytes::default();
    let (load, save) = options(transfer, &resumed);
    let router = transfer.reading.http.router_with(transfer.upload)?;
    let rules = transfer.quantization_rules()?;
    let mut outcome = Outcome::default();
    let quantizing = Quantizing { rules: rules.as_ref(), each: &transfer.quantize, outcome: &mut outcome };
    let change = |artifacts| quantizing.change(artifacts);
    let (source, destination) = (&transfer.source, &transfer.destination);
    let (saved, done) = match kind {
        Kind::Copy => (router.copy_model_with(source, destination, &load, &save, change).await?, "copied"),
        Kind::Move => (router.move_model_with(source, destination, &load, &save, change).await?, "moved"),
    };
    tell(transfer, done, &saved, rules.and(Some(outcome)).as_ref(), &resumed)
}

impl Quantizing<'_> {
    async fn change(self, mut artifacts: ModelArtifacts) -> Result<ModelArtifacts, Error> {
        let Some(rules) = self.rules else { return Ok(artifacts) };
        if let Some(weights) = &artifacts.weights {
            // Codes get checksums of their own, which would make damaged weights look sound.
            weights.verify_checksums().await?;
            let (quantized, reports) = quantize_weights(weights, rules).await?;
            self.outcome.warnings = useless_rules(self.each, weights, reports.is_empty())?;
            self.outcome.warnings.extend(reports.iter().filter_map(infinite));
            self.outcome.reports = reports;
            artifacts.weights = Some(quantized);
        }
        Ok(artifacts)
    }
}

/// A warning for each rule that quantizes nothing. One without a pattern is for the rest, which may well be nothing as long
/// as another rule has quantized something.
fn useless_rules(rules: &[QuantizationRule], weights: &Weights, is_unchanged: bool) -> Result<Vec<String>, Error> {
    let mut warnings = Vec::new();
    for rule in rules.iter().filter(|rule| is_unchanged || rule.pattern().is_some()) {
        let alone = QuantizationRules::new([rule.clone()])?;
        let is_for = |spec: &&WeightSpec| {
            spec.dtype == DType::Float32 && alone.quantize_to(&spec.name).is_ok_and(|to| to.is_some())
        };
        let matched: Vec<_> = weights.specs().filter(is_for).collect();
        let Some(first) = matched.first() else {
            warnings.push(format!("no float32 weight matches --quantize {rule}"));
            continue;
        };
        if matched.iter().all(|spec| spec.quantization.is_some()) {
            let name = &first.name;
            warnings.push(format!("what --quantize {rule} is for, such as `{name}`, is quantized already"));
        }
    }
    Ok(warnings)
}

/// A warning, if numbers of a weight were too large for its new type.
fn infinite(report: &QuantizationReport) -> Option<String> {
    let warning = || format!("weight `{}` has numbers that became infinite as {}", report.name, report.dtype);
    report.max_absolute_error.is_infinite().then(warning)
}

fn options(transfer: &Transfer, resumed: &ResumedBytes) -> (LoadOptions, SaveOptions) {
    let load = transfer.reading.lazily();
    let mut save = SaveOptions::new().with_progress(resumed.listen(progress::bar()));
    save.weights_file_name.clone_from(&transfer.weights_file_name);
    save.sharding = transfer.shard_size.unwrap_or_default();
    save.links = transfer.reading.trust.links();
    if transfer.checksums {
        save.checksums = Checksums::Write;
    }
    save.resume = transfer.resume.then(Resume::new);
    if transfer.no_sync {
        save.durability = Durability::Relaxed;
    }
    (load, save)
}

fn tell(
    transfer: &Transfer,
    done: &str,
    saved: &SaveResult,
    quantized: Option<&Outcome>,
    resumed: &ResumedBytes,
) -> Result<(), Failure> {
    let resumed_bytes = transfer.resume.then(|| resumed.get());
    for warning in quantized.iter().flat_map(|outcome| &outcome.warnings) {
        output::message(&format!("warning: {warning}"));
    }
    let reports = quantized.map(|outcome| outcome.reports.as_slice());
    // A token in a URL is for the server, not for a log.
    let [source, destination] = [&transfer.source, &transfer.destination].map(|url| Location::new(url));
    let told = if transfer.json {
        let quantization = reports.map(|reports| reports.iter().map(Quantization::of).collect());
        output::json(&Report { saved, quantization, resumed_bytes })
    } else {
        match reports {
            Some([]) => output::message("nothing was quantized"),
            Some(reports) => output::message_table(&rows(reports)),
            None => {}
        }
        if let Some(resumed_bytes @ 1..) = resumed_bytes {
            output::message(&format!("{} of it had been sent before", output::bytes(resumed_bytes)));
        }
        let weights = output::bytes(saved.model_artifacts_info.weight_data_bytes);
        output::lines([format!("{done} {source} to {destination} ({weights} of weights)")])
    };
    told.map_err(|failure| failure.after(|| format!("the model was {done} to {destination} all the same")))
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
