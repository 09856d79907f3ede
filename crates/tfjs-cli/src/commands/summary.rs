//! `tfjs summary`: the layers of a layers-model, as TensorFlow.js prints them.

use serde::Serialize;
use tfjs_io::{Error, ErrorKind, LayersModel, ModelError, Operation, SummaryOptions, WeightMatching};

use super::load_lazily;
use crate::args::Source;
use crate::output::{self, Failure, message};

/// A summary as `--json` prints it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'m> {
    summary: String,
    total_params: u64,
    trainable_params: u64,
    non_trainable_params: u64,
    notes: &'m [String],
}

/// That of `model.summary()` of the library.
const SUMMARY_WIDTH: usize = 120;

/// Shapes follow from the topology alone: weights that do not fit it are told on the way, and change nothing.
pub(super) async fn run(source: &Source) -> Result<(), Failure> {
    let artifacts = load_lazily(source).await?;
    let matching = WeightMatching::lenient().allow_mismatched();
    let model = LayersModel::from_artifacts(artifacts, &matching, &source.reading.trust.limits());
    let model = model.map_err(|error| explained(error).with_operation(Operation::Load).with_location(&source.url))?;
    let report = model.report();
    if model.artifacts().weights.is_some() && !report.is_clean() {
        message(&format!("the weights do not fit the layers: {report}"));
    }
    if source.json {
        let params = model.count_params();
        return output::json(&Summary {
            summary: model.summary(),
            total_params: params.total(),
            trainable_params: params.trainable,
            non_trainable_params: params.non_trainable,
            notes: model.notes(),
        });
    }
    model.notes().iter().for_each(|note| message(note));
    output::lines(model.summary_lines(&SummaryOptions::new().with_line_length(SUMMARY_WIDTH)))
}

/// What commands can be used, where the library names functions.
fn explained(error: ModelError) -> Error {
    match error {
        ModelError::WrongKind { wanted, found } => Error::new(
            ErrorKind::Unsupported,
            format!("this is a {found}, not a {wanted}: `tfjs inspect` says what it is, and `tfjs graph` draws it"),
        ),
        other => other.into(),
    }
}
