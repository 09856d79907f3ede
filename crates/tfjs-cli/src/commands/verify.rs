//! `tfjs verify`: everything that can be checked without running the model.

mod fit;

use futures::StreamExt as _;
use serde::Serialize;
use tfjs_io::{Error, ErrorKind, Limits, ModelArtifacts, ModelFormat, ReadAhead, TensorReader, Weights};

use super::load_lazily;
use crate::args::Source;
use crate::output::{self, Failure};
use fit::Misfits;

#[derive(Serialize)]
struct Report {
    url: String,
    ok: bool,
    tensors: usize,
    weight_bytes: u64,
    findings: Vec<Finding>,
    /// Somebody has replaced the model in between: what was found is of neither.
    #[serde(skip)]
    was_replaced: bool,
}

/// How often a model is looked at that others replace meanwhile.
const TRIES: u32 = 5;

#[derive(Serialize)]
struct Finding {
    severity: Severity,
    message: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    /// Some reader of the format will refuse the model, or read wrong weights.
    Error,
    /// Everything can be read, but something is odd.
    Warning,
}

pub(super) async fn run(source: &Source) -> Result<(), Failure> {
    let mut report = Report::of(source).await?;
    for _ in 1..TRIES {
        if !report.was_replaced {
            break;
        }
        report = Report::of(source).await?;
    }
    report.print(source.json)?;
    if report.ok { Ok(()) } else { Err(Failure::Told) }
}

impl Report {
    async fn of(source: &Source) -> Result<Self, Failure> {
        let url = source.url.clone();
        let mut report = Self { url, ok: true, tensors: 0, weight_bytes: 0, findings: Vec::new(), was_replaced: false };
        match load_lazily(source).await {
            Ok(artifacts) => report.check(&artifacts, &source.reading.trust.limits()).await,
            Err(error) if error.is_about_the_model() => report.error(&error),
            Err(error) => return Err(error.into()),
        }
        report.ok = report.findings.iter().all(|finding| finding.severity != Severity::Error);
        Ok(report)
    }

    async fn check(&mut self, artifacts: &ModelArtifacts, limits: &Limits) {
        match artifacts.model_format() {
            ModelFormat::Unknown if artifacts.model_topology.is_some() => {
                self.warning("there is no `format`, and the topology is neither layers nor a graph".to_owned());
            }
            ModelFormat::Other(format) => {
                self.warning(format!("the format `{format}` is none that TensorFlow.js loads"));
            }
            _ => {}
        }
        let misfits = Misfits::of(artifacts, limits);
        misfits.warnings.into_iter().for_each(|message| self.warning(message));
        misfits.errors.into_iter().for_each(|message| self.push_error(message));
        if let Some(weights) = &artifacts.weights {
            self.weight_bytes = weights.data().byte_length();
            self.check_weights(weights).await;
        }
    }

    async fn check_weights(&mut self, weights: &Weights) {
        self.tensors = weights.specs().count();
        if let Err(error) = weights.verify().await {
            return self.error(&error);
        }
        match weights.checksum_mismatches().await {
            Ok(mismatches) => mismatches.iter().for_each(|mismatch| self.error(mismatch)),
            Err(error) => self.error(&error),
        }
        let reader = match TensorReader::open(weights).await {
            Ok(reader) => reader,
            Err(error) => return self.error(&error),
        };
        let mut tensors = reader.tensors(ReadAhead::new());
        while let Some(tensor) = tensors.next().await {
            if let Err(error) = tensor {
                self.error(&error);
            }
        }
    }

    fn error(&mut self, error: &(dyn std::error::Error + 'static)) {
        self.was_replaced |= error.downcast_ref::<Error>().is_some_and(|error| error.kind() == ErrorKind::Conflict);
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        self.push_error(message);
    }

    fn push_error(&mut self, message: String) {
        self.findings.push(Finding { severity: Severity::Error, message });
    }

    fn warning(&mut self, message: String) {
        self.findings.push(Finding { severity: Severity::Warning, message });
    }

    fn print(&self, json: bool) -> Result<(), Failure> {
        if json {
            return output::json(self);
        }
        let line = |finding: &Finding| {
            let severity = if finding.severity == Severity::Error { "error" } else { "warning" };
            format!("{severity}: {}", finding.message)
        };
        let mut lines: Vec<_> = self.findings.iter().map(line).collect();
        if self.ok {
            lines.push(format!(
                "ok: {}, {} of weights",
                output::count(self.tensors, "tensor"),
                output::bytes(self.weight_bytes)
            ));
        }
        output::lines(lines)
    }
}
