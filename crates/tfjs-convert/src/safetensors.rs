//! The format of safetensors: a length, a JSON header of that length, and the bytes of the tensors.

mod header;

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::StreamExt as _;
use tfjs_artifacts::{Error, ErrorKind, ModelArtifacts, RawJson, Segment, WeightData};
use tfjs_router::{LoadOptions, finish_load};

use crate::note::Note;
use crate::pending::Pending;
use crate::plan::{Abilities, Entry, plan};
use crate::restore::{Found, restore};
use crate::{ImportOptions, WINDOW};

/// The key of the header that is no tensor.
const METADATA: &str = "__metadata__";
/// The key of a model.json for texts that somebody else's file had in its metadata.
const FOREIGN: &str = "safetensorsMetadata";
/// The longest header that the library of the format reads (`MAX_HEADER_SIZE`).
const LONGEST_HEADER: usize = 100_000_000;

/// Complex numbers came to the format late: a reader that does not know them refuses the whole file.
const ABILITIES: Abilities = Abilities { complex: false, can_be_called: |name| name != METADATA };

/// The bytes of a `.safetensors` file of this model, and what is not in it as it was. The weights are not read, but for the
/// lengths of strings and bools; they are when the bytes are.
///
/// # Errors
/// [`ErrorKind::Unsupported`] when the header would be longer than readers accept, and when tensors have no known place; and
/// what the sources of the weights report.
pub async fn to_safetensors(artifacts: &ModelArtifacts) -> Result<(WeightData, Vec<Note>), Error> {
    let mut planned = plan(artifacts, ABILITIES).await?;
    let mut metadata = foreign_metadata(artifacts);
    metadata.append(&mut planned.envelope);
    // As the library of the format does: the larger alignments first, so that all tensors are aligned.
    let mut entries: Vec<&Entry> = planned.entries.iter().collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.form.dtype.alignment()));
    let header = header::encode(&metadata, &entries)?;
    if header.len() > LONGEST_HEADER {
        let message = format!(
            "the header would have {} bytes, more than the {LONGEST_HEADER} that readers of safetensors accept; most of it is the model's JSON, so try .npz",
            header.len()
        );
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    let length = (header.len() as u64).to_le_bytes();
    let mut segments = vec![Segment::Memory(Bytes::from([length.as_slice(), &header].concat()))];
    for range in runs(&entries) {
        segments.extend(planned.data.slice(range)?.segments().cloned());
    }
    Ok((WeightData::from_segments(segments), planned.notes))
}

/// The ranges of the entries, as few as possible: what follows one another is read at once.
fn runs(entries: &[&Entry]) -> Vec<std::ops::Range<u64>> {
    let mut runs: Vec<std::ops::Range<u64>> = Vec::new();
    for entry in entries {
        match runs.last_mut() {
            Some(run) if run.end == entry.range.start => run.end = entry.range.end,
            _ => runs.push(entry.range.clone()),
        }
    }
    runs
}

/// Writes bytes in windows; the next one is read while one is written. `on_bytes` hears how many are written.
pub(crate) async fn write(
    bytes: &WeightData,
    mut pending: Pending,
    mut on_bytes: impl FnMut(u64),
) -> Result<Pending, Error> {
    let mut windows = bytes.stream(WINDOW);
    let mut next = windows.next().await;
    while let Some(window) = next.transpose()? {
        let length = window.len() as u64;
        let (written, following) = futures::join!(pending.write(window), windows.next());
        (pending, next) = (written?, following);
        on_bytes(length);
    }
    Ok(pending)
}

/// The model that the bytes of a `.safetensors` file hold: all of it if this library wrote them, the weights alone otherwise.
/// With [`WeightLoading::Lazy`](tfjs_router::WeightLoading::Lazy) only the header is read.
///
/// # Errors
/// [`ErrorKind::InvalidData`] when the bytes are no safetensors or the tensors not those of the metadata,
/// [`ErrorKind::Unsupported`] when there are types that TensorFlow.js has not, all of which are listed, and
/// [`ErrorKind::LimitExceeded`] when there is more than the options accept.
pub async fn from_safetensors(
    data: &WeightData,
    import: ImportOptions,
    options: &LoadOptions,
) -> Result<(ModelArtifacts, Vec<Note>), Error> {
    let (tensors, metadata, start) = header::read(data, &options.limits).await?;
    let mut found = Vec::with_capacity(tensors.len());
    for tensor in tensors {
        let bytes = data.slice(start + tensor.range.start..start + tensor.range.end)?;
        let (dtype, spelled) = (tensor.dtype, tensor.spelled);
        found.push(Found { name: tensor.name, spelled, dtype, shape: tensor.shape, data: bytes });
    }
    let (mut artifacts, notes) = restore(found, &metadata, import, &options.limits)?;
    if artifacts.is_bare() {
        keep_foreign_metadata(&mut artifacts, metadata)?;
    }
    Ok((finish_load(artifacts, options).await?, notes))
}

/// Keeps what somebody wrote beside the tensors.
fn keep_foreign_metadata(artifacts: &mut ModelArtifacts, metadata: BTreeMap<String, String>) -> Result<(), Error> {
    let theirs: Vec<_> = metadata
        .into_iter()
        .filter(|(key, _)| !key.starts_with("tfjs."))
        .map(|(key, value)| (key, RawJson::string(&value)))
        .collect();
    if !theirs.is_empty() {
        let object = RawJson::from_entries(theirs)
            .map_err(|error| Error::new(ErrorKind::InvalidData, "the metadata cannot be kept").with_source(error))?;
        artifacts.unknown.push((FOREIGN.to_owned(), object));
    }
    Ok(())
}

/// What somebody's file had in its metadata, if that is where the model comes from.
fn foreign_metadata(artifacts: &ModelArtifacts) -> BTreeMap<String, String> {
    let kept = artifacts.unknown.iter().find(|(key, _)| key == FOREIGN);
    let entries = kept.and_then(|(_, value)| value.entries()).unwrap_or_default();
    entries
        .into_iter()
        .filter(|(key, _)| !key.starts_with("tfjs."))
        .filter_map(|(key, value)| Some((key, value.as_str()?.into_owned())))
        .collect()
}
