//! Which of the files is the model's JSON: told by what is in it, whatever its name.

use tfjs_artifacts::{ByteSource as _, Error, ErrorKind, Limit, Limits, ManifestError, ModelJson, sniff_model};

use super::picked::PickedFile;
use super::{GRAPH_DEF, listed};

/// How much of a file is looked at to tell whether it may be JSON.
const HEAD: u64 = 1 << 10;

/// The JSON of a model.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) json: &'a PickedFile,
    pub(super) model_json: ModelJson,
}

/// Finds the one model. Files called `.json` are tried first; others are read only if none of those is a model.
pub(super) async fn find<'a>(files: &'a [PickedFile], limits: &Limits) -> Result<Found<'a>, Error> {
    let is_called_json = |file: &&PickedFile| file.name().to_ascii_lowercase().ends_with(".json");
    let (mut refused, mut foreign) = (Vec::new(), None);
    let (called_json, others): (Vec<_>, Vec<_>) = files.iter().partition(is_called_json);
    for candidates in [called_json, others] {
        let mut models = Vec::new();
        for file in candidates {
            // One that cannot be read, such as a folder that was dropped, is not the one that is looked for.
            match Candidate::of(file, limits).await.unwrap_or_else(Candidate::Refused) {
                Candidate::Model(model_json) => models.push(Found { json: file, model_json: *model_json }),
                Candidate::Refused(error) => refused.push((file, error)),
                Candidate::Foreign(error) => foreign = foreign.or_else(|| Some(error.with_location(file.path()))),
                Candidate::NoJson => {}
            }
        }
        if models.len() > 1 {
            return Err(several(&models));
        }
        if let Some(found) = models.pop() {
            return Ok(found);
        }
    }
    match foreign.filter(|_| refused.is_empty()) {
        Some(error) => Err(error),
        None => Err(none(files, refused)),
    }
}

enum Candidate {
    Model(Box<ModelJson>),
    /// It looks like JSON, or is called so, and is no model.
    Refused(Error),
    /// It is a model that has to be converted.
    Foreign(Error),
    NoJson,
}

impl Candidate {
    async fn of(file: &PickedFile, limits: &Limits) -> Result<Self, Error> {
        let (source, length) = (file.source(), file.byte_length());
        let is_called_json = file.name().to_ascii_lowercase().ends_with(".json");
        if !is_called_json {
            let head = source.read(0..length.min(HEAD)).await?;
            match sniff_model(&head) {
                Some(sniffed) if file.name() != GRAPH_DEF => {
                    return Ok(Self::Foreign(ManifestError::Impostor(sniffed).into()));
                }
                _ if may_be_json(&head) => {}
                _ => return Ok(Self::NoJson),
            }
        }
        if let Err(error) = limits.check(Limit::JsonBytes, length) {
            return Ok(Self::Refused(error.into()));
        }
        Ok(match ModelJson::parse_with(&source.read(0..length).await?, limits) {
            Ok(model_json) => Self::Model(Box::new(model_json)),
            Err(error) => Self::Refused(error.into()),
        })
    }
}

/// Whether the first byte that is not blank begins an object or an array.
fn may_be_json(head: &[u8]) -> bool {
    matches!(head.trim_ascii_start().first(), Some(b'{' | b'['))
}

fn several(models: &[Found<'_>]) -> Error {
    let names = listed(models.iter().map(|found| format!("`{}`", found.json.path())));
    Error::new(
        ErrorKind::InvalidData,
        format!("there are {} models among the picked files: {names}; pick the files of one of them", models.len()),
    )
}

fn none(files: &[PickedFile], mut refused: Vec<(&PickedFile, Error)>) -> Error {
    const ADVICE: &str = "pick `model.json` together with its weight files";
    match refused.pop() {
        None => {
            let names = listed(files.iter().map(|file| format!("`{}`", file.path())));
            Error::new(ErrorKind::NotFound, format!("none of the picked files is JSON ({names}); {ADVICE}"))
        }
        Some((file, error)) if refused.is_empty() => error.with_location(file.path()),
        Some(last) => {
            refused.push(last);
            let reasons = listed(refused.iter().map(|(file, error)| format!("`{}`: {error}", file.path())));
            Error::new(
                ErrorKind::InvalidData,
                format!("none of the picked JSON files is a model ({reasons}); {ADVICE}"),
            )
        }
    }
}
