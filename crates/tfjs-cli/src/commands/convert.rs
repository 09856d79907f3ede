//! `tfjs convert`: to and from files of tensors.

use serde::Serialize;
use tfjs_convert::Note;
use tfjs_io::{Error, Location, ModelArtifacts, SaveOptions, SaveResult};

use crate::args::Convert;
use crate::output::{self, Failure};
use crate::progress;

/// What is printed with `--json`: the result of the save with one more key.
#[derive(Serialize)]
struct Converted<'a> {
    #[serde(flatten)]
    saved: &'a SaveResult,
    notes: Vec<Told<'a>>,
}

/// Something that was not the same.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    tensor: Option<&'a str>,
    kind: &'static str,
    message: String,
    is_lost: bool,
}

pub(super) async fn run(convert: &Convert) -> Result<(), Failure> {
    let load = convert.reading.lazily();
    let mut save = SaveOptions::new().with_progress(progress::bar());
    save.links = convert.reading.trust.links();
    let router = convert.reading.http.router_with(convert.upload)?;
    // Also of files of tensors, which no router looks at.
    for place in [&convert.source, &convert.destination] {
        router.parse(place)?;
    }
    let (artifacts, mut notes) = match convert.tensor_file(&convert.source) {
        Some(file) => {
            let imported = file.import(&load).await?;
            (imported.artifacts, imported.notes)
        }
        None => (router.load(&convert.source, &load).await?, Vec::new()),
    };
    let saved = if let Some(file) = convert.tensor_file(&convert.destination) {
        let exported = file.export(&artifacts, &save).await?;
        notes.extend(exported.notes);
        exported.result
    } else {
        router.save(&checked(artifacts, convert.dequantize).await?, &convert.destination, &save).await?
    };
    tell(convert, &saved, &notes)
}

/// The model, if it has the checksums that came along.
async fn checked(mut artifacts: ModelArtifacts, dequantizes: bool) -> Result<ModelArtifacts, Error> {
    if let Some(weights) = &artifacts.weights {
        weights.verify().await?;
        weights.verify_checksums().await?;
        if dequantizes {
            artifacts.weights = Some(tfjs_convert::dequantize_weights(weights).await?);
        }
    }
    Ok(artifacts)
}

fn tell(convert: &Convert, saved: &SaveResult, notes: &[Note]) -> Result<(), Failure> {
    for note in notes {
        output::message(&format!("{}: {note}", if note.kind.is_lost() { "warning" } else { "note" }));
    }
    // A token in a URL is for the server, not for a log.
    let [source, destination] = [&convert.source, &convert.destination].map(|url| Location::new(url));
    let told = if convert.json {
        output::json(&Converted { saved, notes: notes.iter().map(Told::of).collect() })
    } else {
        let weights = output::bytes(saved.model_artifacts_info.weight_data_bytes);
        output::lines([format!("converted {source} to {destination} ({weights} of weights)")])
    };
    told.map_err(|failure| failure.after(|| format!("the model was converted to {destination} all the same")))
}

impl<'a> Told<'a> {
    fn of(note: &'a Note) -> Self {
        Self {
            tensor: note.tensor.as_deref(),
            kind: note.kind.name(),
            message: note.kind.to_string(),
            is_lost: note.kind.is_lost(),
        }
    }
}
