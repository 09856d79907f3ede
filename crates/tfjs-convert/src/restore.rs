//! From a file of tensors back to a model: ours with all that it was, anybody else's as weights alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tfjs_artifacts::{
    DType, Error, ErrorKind, Limits, ModelArtifacts, Quantization, QuantizationDType, RawJson, RelPath, Segment, Shape,
    Shard, StoredSize, SurplusBytes, WeightData, WeightGroup, WeightSpec, Weights,
};

use crate::ImportOptions;
use crate::convert::ConvertedSource;
use crate::element_type::ElementType;
use crate::envelope::{self, Envelope, Opened};
use crate::note::{Note, NoteKind};
use crate::plan::form;

/// A tensor that was found in a file.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) name: String,
    /// The type as the file spells it.
    pub(crate) spelled: String,
    /// The type, if anything can become of it.
    pub(crate) dtype: Option<ElementType>,
    pub(crate) shape: Vec<u64>,
    /// Its bytes: row-major, little-endian.
    pub(crate) data: WeightData,
}

/// How many tensors an error lists by name.
const LISTED: usize = 1000;

/// The model of these tensors and texts.
pub(crate) fn restore(
    found: Vec<Found>,
    envelope: &Envelope,
    options: ImportOptions,
    limits: &Limits,
) -> Result<(ModelArtifacts, Vec<Note>), Error> {
    let opened = if options.ignores_metadata { None } else { envelope::open(envelope, limits)? };
    match opened {
        Some(opened) => Ok((ours(found, opened, limits)?, Vec::new())),
        None => foreign(found, options, limits),
    }
}

/// A model of ours: each of its tensors is looked for by name, so the file may have them in any order.
fn ours(found: Vec<Found>, opened: Opened, limits: &Limits) -> Result<ModelArtifacts, Error> {
    let mut artifacts = opened.json.artifacts().clone();
    artifacts.model_topology = opened.topology;
    let mut by_name: BTreeMap<String, Found> = found.into_iter().map(|found| (found.name.clone(), found)).collect();
    let mut problems = Vec::new();
    let mut groups = Vec::new();
    let mut segments = Vec::new();
    let mut lengths = opened.shard_bytes.iter().copied();
    for group in opened.json.groups().unwrap_or_default() {
        let specs = group.weights.clone().unwrap_or_default();
        for spec in &specs {
            let name = opened.names.get(&spec.name).unwrap_or(&spec.name);
            match by_name.remove(name) {
                Some(found) => match mismatch(spec, &found) {
                    Some(problem) => problems.push(problem),
                    None => segments.extend(found.data.segments().cloned()),
                },
                None => problems.push(format!("`{name}` is missing")),
            }
        }
        let mut checksums = group.sha256.iter().flatten().copied();
        let shard = |path: &RelPath| {
            let mut shard = Shard::new(path.clone(), lengths.next().unwrap_or(0));
            shard.sha256 = checksums.next();
            shard
        };
        let mut with_lengths = WeightGroup::new(specs, group.paths.iter().map(shard).collect());
        with_lengths.unknown.clone_from(&group.unknown);
        groups.push(with_lengths);
    }
    problems.extend(by_name.keys().map(|name| format!("`{name}` is not in the metadata")));
    if !problems.is_empty() {
        let message = format!(
            "the tensors are not those that the metadata tells of: {}; if they were changed on purpose, ignore the metadata and read them alone",
            listed(&problems)
        );
        return Err(Error::new(ErrorKind::InvalidData, message));
    }
    if opened.json.groups().is_some() {
        let weights = Weights::new(groups, WeightData::from_segments(segments), SurplusBytes::Reject)?;
        artifacts.weights = Some(weights.with_limits(limits)?);
    }
    Ok(artifacts)
}

/// What is wrong with a tensor, compared with the entry of the manifest.
fn mismatch(spec: &WeightSpec, found: &Found) -> Option<String> {
    let bytes = found.data.byte_length();
    if let StoredSize::Exact(expected) = spec.stored_size()
        && expected != bytes
    {
        return Some(format!(
            "`{}` has {bytes} bytes of {} {:?}, which for {} {} should be {expected}",
            found.name, found.spelled, found.shape, spec.dtype, spec.shape
        ));
    }
    let forms = [(false, true), (true, true), (false, false)].map(|(odd, complex)| form(spec, bytes, odd, complex).0);
    let is_one = forms.iter().any(|form| Some(form.dtype) == found.dtype && form.shape == found.shape);
    let expected = &forms[0];
    (!is_one).then(|| {
        format!("`{}` is {} {:?}, not {} {:?}", found.name, found.spelled, found.shape, expected.dtype, expected.shape)
    })
}

/// Anybody's tensors, as a model that has nothing but weights.
fn foreign(found: Vec<Found>, options: ImportOptions, limits: &Limits) -> Result<(ModelArtifacts, Vec<Note>), Error> {
    refuse_what_cannot_be(&found, options)?;
    let mut notes = Vec::new();
    let (mut specs, mut segments) = (Vec::new(), Vec::new());
    for tensor in found {
        let Some(dtype) = tensor.dtype else { continue };
        let shape = Shape::new(&tensor.shape).map_err(|error| {
            Error::new(ErrorKind::InvalidData, format!("tensor `{}` has no possible shape", tensor.name))
                .with_source(error)
        })?;
        let mut spec = WeightSpec::new(tensor.name.clone(), shape, DType::Float32);
        let mut data = tensor.data;
        match dtype {
            ElementType::F32 => {}
            ElementType::I32 => spec.dtype = DType::Int32,
            ElementType::Bool => spec.dtype = DType::Bool,
            ElementType::C64 => spec.dtype = DType::Complex64,
            ElementType::F16 => {
                let mut quantization = Quantization::new(QuantizationDType::Float16);
                quantization.unknown.push(("original_dtype".to_owned(), RawJson::string("float16")));
                spec.quantization = Some(quantization);
                notes.push(Note::about(&spec.name, NoteKind::HalfPrecision));
            }
            other => {
                if let Some((to, _)) = other.conversion() {
                    let (from, is_exact) = (tensor.spelled.clone(), other != ElementType::F64);
                    notes.push(Note::about(&spec.name, NoteKind::Converted { from, to: to.to_string(), is_exact }));
                    spec.dtype = to;
                    let source = ConvertedSource::new(spec.name.clone(), other, data);
                    data = WeightData::from_segments([Segment::lazy(Arc::new(source))]);
                }
            }
        }
        segments.extend(data.segments().cloned());
        specs.push(spec);
    }
    let path = RelPath::parse("model.weights.bin")?;
    let weights = Weights::single(specs, path, WeightData::from_segments(segments))?.with_limits(limits)?;
    Ok((ModelArtifacts::new().with_weights(weights), notes))
}

/// An error that lists all tensors of types that TensorFlow.js has not, unless they are to be converted and can be.
fn refuse_what_cannot_be(found: &[Found], options: ImportOptions) -> Result<(), Error> {
    let (mut convertible, mut hopeless) = (Vec::new(), Vec::new());
    let mut advice = BTreeSet::new();
    for tensor in found {
        let line = format!("`{}` {}", tensor.name, tensor.spelled);
        match tensor.dtype.map(|dtype| (dtype, dtype.conversion())) {
            None => hopeless.push(line),
            Some((dtype, Some((to, how)))) if !options.converts_dtypes => {
                advice.insert(format!("{dtype} to {to} ({how})"));
                convertible.push(line);
            }
            Some(_) => {}
        }
    }
    if convertible.is_empty() && hopeless.is_empty() {
        return Ok(());
    }
    let mut message = String::from("TensorFlow.js has no such types: ");
    message.push_str(&listed(&[hopeless.as_slice(), convertible.as_slice()].concat()));
    if !convertible.is_empty() {
        message.push_str("; on request (`ImportOptions::with_converted_dtypes`, `--convert-dtypes`) become ");
        message.push_str(&advice.into_iter().collect::<Vec<_>>().join(", "));
    }
    if !hopeless.is_empty() {
        message = format!("{message}; of {} of them nothing can become", hopeless.len());
    }
    Err(Error::new(ErrorKind::Unsupported, message))
}

/// All, or very many and how many more.
pub(crate) fn listed(items: &[String]) -> String {
    let text = items.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(LISTED) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}
