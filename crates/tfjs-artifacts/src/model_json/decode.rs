//! Reading: text to [`ModelJson`], with errors that say where.

use std::borrow::Cow;

use super::outline::{self, Group, GroupMember, Member, Outline};
use super::{ManifestError, ModelJson, WeightsManifestGroup};
use crate::json::scan::{self, Members};
use crate::json::{MAX_DEPTH, check_depth};
use crate::limits::Tally;
use crate::repeated::first_repeated;
use crate::shape::abbreviate;
use crate::{
    DType, Limit, Limits, ModelArtifacts, ModelTopology, Quantization, QuantizationDType, RawJson, RelPath, Sha256,
    Shape, Sniffed, WeightSpec, sniff, sniff_model,
};

/// A member of an object.
type Entry<'a> = (Cow<'a, str>, &'a str);

/// Where in the JSON something stands, made only when an error wants it.
type At<'a> = &'a dyn Fn() -> String;

type Fallible<T> = Result<T, Boxed>;

/// An error that is large, and passed through many hands.
struct Boxed(Box<ManifestError>);

impl<E: Into<ManifestError>> From<E> for Boxed {
    fn from(error: E) -> Self {
        Self(Box::new(error.into()))
    }
}

pub(super) fn parse(bytes: &[u8], limits: &Limits) -> Result<ModelJson, ManifestError> {
    parse_boxed(bytes, limits).map_err(|Boxed(error)| *error)
}

fn parse_boxed(bytes: &[u8], limits: &Limits) -> Fallible<ModelJson> {
    let text = text(bytes, limits)?;
    let depth = usize::try_from(limits.get(Limit::JsonDepth)).unwrap_or(MAX_DEPTH);
    if depth < MAX_DEPTH {
        check_depth(text, depth)?;
    }
    if text.trim_ascii_start().starts_with('{')
        && let Some(outline) = outline::outline(text)
    {
        return model_json(outline, limits);
    }
    // Something is wrong: further passes tell what, and where.
    check_depth(text, depth)?;
    let raw = scan::value(text)?;
    match raw.as_bytes().first() {
        Some(b'[') => legacy_manifest(raw, limits),
        Some(b'{') => model_json(outline(raw, limits)?, limits),
        _ => Err(ManifestError::NotAModel { found: abbreviate(raw, 40) }.into()),
    }
}

/// What messages call the whole object.
const MODEL_JSON: &str = "model.json";

/// The bytes as JSON-like text: of acceptable size, in UTF-8, and not obviously something else.
fn text<'a>(bytes: &'a [u8], limits: &Limits) -> Fallible<&'a str> {
    limits.check(Limit::JsonBytes, bytes.len() as u64)?;
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(ManifestError::ByteOrderMark.into());
    }
    if let Some(sniffed @ (Sniffed::Html | Sniffed::GitLfsPointer | Sniffed::ModelList)) = sniff(bytes) {
        return Err(ManifestError::Impostor(sniffed).into());
    }
    if let Some(sniffed) = sniff_model(bytes) {
        return Err(ManifestError::Impostor(sniffed).into());
    }
    let text = str::from_utf8(bytes).map_err(|error| ManifestError::NotUtf8 { at: error.valid_up_to() })?;
    if text.trim_ascii().is_empty() {
        return Err(ManifestError::Empty.into());
    }
    Ok(text)
}

fn model_json(members: Outline<'_>, limits: &Limits) -> Fallible<ModelJson> {
    let mut artifacts = ModelArtifacts::new();
    let mut groups = None;
    for (key, member) in unique(members, &|| MODEL_JSON.to_owned())? {
        let value = match member {
            Member::Manifest(Some(outlined)) => {
                groups = Some(manifest(outlined, limits)?);
                continue;
            }
            Member::Manifest(None) => {
                artifacts.unknown.push((key.into_owned(), RawJson::null()));
                continue;
            }
            Member::Raw(value) => value,
        };
        let json = || Some(RawJson::from_checked(value));
        match &*key {
            "modelTopology" => artifacts.model_topology = json().map(ModelTopology::Json),
            "format" => artifacts.format = json(),
            "generatedBy" => artifacts.generated_by = json(),
            "convertedBy" => artifacts.converted_by = json(),
            "signature" => artifacts.signature = json(),
            "userDefinedMetadata" => artifacts.user_defined_metadata = json(),
            "modelInitializer" => artifacts.model_initializer = json(),
            "initializerSignature" => artifacts.initializer_signature = json(),
            "trainingConfig" => artifacts.training_config = json(),
            _ => artifacts.unknown.push((key.into_owned(), RawJson::from_checked(value))),
        }
    }
    let has_topology = artifacts.topology_json().is_some_and(|topology| !topology.is_null());
    match &groups {
        None if !has_topology => return Err(ManifestError::NothingInIt.into()),
        Some(groups) if !has_topology => check_weights(groups)?,
        _ => {}
    }
    Ok(ModelJson { artifacts, groups, is_legacy_manifest: false, limits: *limits })
}

fn legacy_manifest(raw: &str, limits: &Limits) -> Fallible<ModelJson> {
    let groups = manifest(outline_of_groups(raw, limits)?, limits)?;
    if groups.is_empty() {
        return Err(ManifestError::NothingInIt.into());
    }
    check_weights(&groups)?;
    let artifacts = ModelArtifacts::new();
    Ok(ModelJson { artifacts, groups: Some(groups), is_legacy_manifest: true, limits: *limits })
}

/// Refuses a manifest that only a topology could have left behind, where there is none.
fn check_weights(groups: &[WeightsManifestGroup]) -> Fallible<()> {
    if !groups.is_empty() && groups.iter().all(|group| group.weights.is_none()) {
        return Err(ManifestError::NeitherTopologyNorWeights.into());
    }
    Ok(())
}

/// What [`Outline`] reads in one pass, step by step, with errors that say where.
fn outline<'a>(raw: &'a str, limits: &Limits) -> Fallible<Outline<'a>> {
    let member = |(key, value): Entry<'a>| match &*key {
        "weightsManifest" if value == "null" => Ok((key, Member::Manifest(None))),
        "weightsManifest" => Ok((key, Member::Manifest(Some(outline_of_groups(value, limits)?)))),
        _ => Ok((key, Member::Raw(value))),
    };
    let members = entries(raw, &|| MODEL_JSON.to_owned())?.into_iter().map(member);
    members.collect()
}

fn outline_of_groups<'a>(raw: &'a str, limits: &Limits) -> Fallible<Vec<Group<'a>>> {
    limits.check(Limit::Groups, count(raw))?;
    let mut tally = Tally::new(limits);
    let groups = elements(raw, &|| "weightsManifest".to_owned(), "an array of groups")?.into_iter().enumerate();
    groups.map(|(index, group)| outline_of_group(group, &|| format!("weightsManifest[{index}]"), &mut tally)).collect()
}

fn outline_of_group<'a>(raw: &'a str, at: At<'_>, tally: &mut Tally) -> Fallible<Group<'a>> {
    let member = |(key, value): Entry<'a>| match &*key {
        "weights" => {
            let at = || format!("{}.weights", at());
            tally.tensors(usize::try_from(count(value)).unwrap_or(usize::MAX))?;
            let weights = elements(value, &at, "an array of weights")?.into_iter().enumerate();
            let weights = weights
                .map(|(index, weight)| entries(weight, &|| format!("{}[{index}]", at())))
                .collect::<Result<_, _>>()?;
            Ok((key, GroupMember::Weights(weights)))
        }
        _ => Ok((key, GroupMember::Raw(value))),
    };
    entries(raw, at)?.into_iter().map(member).collect()
}

fn manifest(groups: Vec<Group<'_>>, limits: &Limits) -> Fallible<Vec<WeightsManifestGroup>> {
    limits.check(Limit::Groups, groups.len() as u64)?;
    limits.check(Limit::Tensors, groups.iter().map(tensors).sum())?;
    let mut tally = Tally::new(limits);
    let mut parsed = Vec::with_capacity(groups.len());
    let all = groups.into_iter().enumerate().try_for_each(|(index, group)| {
        let at = || format!("weightsManifest[{index}]");
        manifest_group(group, &at, &mut tally).map(|group| parsed.push(group))
    });
    // What is wrong with the first groups is told before what is wrong with the next.
    check_paths(&parsed)?;
    all?;
    let some_have = parsed.iter().any(|group| group.weights.is_some());
    match parsed.iter().position(|group| group.weights.is_none()) {
        Some(index) if some_have => {
            Err(ManifestError::MissingKey { at: format!("weightsManifest[{index}]"), key: "weights" }.into())
        }
        _ => Ok(parsed),
    }
}

/// Refuses a file that is named twice.
fn check_paths(groups: &[WeightsManifestGroup]) -> Fallible<()> {
    let mut paths =
        groups.iter().enumerate().flat_map(|(index, group)| group.paths.iter().map(move |path| (index, path)));
    let repeated = first_repeated(&mut paths.clone().map(|(_, path)| path.as_str()));
    match repeated.and_then(|place| paths.nth(place)) {
        Some((index, path)) => {
            Err(ManifestError::DuplicatePath { at: format!("weightsManifest[{index}]"), path: path.clone() }.into())
        }
        None => Ok(()),
    }
}

/// How many tensors a group has.
fn tensors(members: &Group<'_>) -> u64 {
    let weights = members.iter().filter_map(|(_, member)| match member {
        GroupMember::Weights(weights) => Some(weights.len() as u64),
        GroupMember::Raw(_) => None,
    });
    weights.sum()
}

fn manifest_group(members: Group<'_>, at: At<'_>, tally: &mut Tally) -> Fallible<WeightsManifestGroup> {
    let (mut paths, mut sha256) = (None, None);
    let mut group = WeightsManifestGroup { paths: Vec::new(), weights: None, sha256: None, unknown: Vec::new() };
    for (key, member) in unique(members, at)? {
        let value = match member {
            GroupMember::Weights(weights) => {
                group.weights = Some(weight_specs(weights, at, tally)?);
                continue;
            }
            GroupMember::Raw(value) => value,
        };
        match &*key {
            "paths" => paths = Some(shard_paths(value, at, tally)?),
            "sha256" => sha256 = Some((group.unknown.len(), value)),
            _ => group.unknown.push((key.into_owned(), RawJson::from_checked(value))),
        }
    }
    group.paths = paths.ok_or_else(|| ManifestError::MissingKey { at: at(), key: "paths" })?;
    if let Some((place, value)) = sha256 {
        tally.limits().check(Limit::Shards, count(value)).map_err(|error| error.of(format!("{}.sha256", at())))?;
        group.sha256 = checksums(value, group.paths.len(), at)?;
        if group.sha256.is_none() {
            group.unknown.insert(place, ("sha256".to_owned(), RawJson::from_checked(value)));
        }
    }
    Ok(group)
}

/// An array of SHA-256 digests in hex, one for each file; `None` if it is somebody else's key of that name.
fn checksums(raw: &str, paths: usize, group: At<'_>) -> Fallible<Option<Vec<Sha256>>> {
    let Some(elements) = scan::elements(raw) else { return Ok(None) };
    let digest = |element: &&str| string(element, group).ok()?.parse().ok();
    let digests: Vec<Option<Sha256>> = elements.iter().map(digest).collect();
    let checksums = digests.len();
    match digests.iter().position(Option::is_none) {
        None if checksums == paths => Ok(Some(digests.into_iter().flatten().collect())),
        None => Err(ManifestError::ChecksumCount { at: group(), checksums, paths }.into()),
        // One that is damaged must not turn off the comparison with the others, nor a cut one its own.
        Some(index) if checksums == paths && elements.iter().any(|element| is_like_digest(element)) => {
            let found = elements.get(index).map_or_else(String::new, |element| abbreviate(element, 80));
            Err(ManifestError::Checksum { at: format!("{}.sha256[{index}]", group()), found }.into())
        }
        Some(_) => Ok(None),
    }
}

/// Whether a JSON text is a string of hex digits, about as many as a digest has.
fn is_like_digest(json: &str) -> bool {
    let inner = json.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.is_some_and(|text| text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn shard_paths(raw: &str, group: At<'_>, tally: &mut Tally) -> Fallible<Vec<RelPath>> {
    tally.shards(count(raw))?;
    let at = || format!("{}.paths", group());
    let mut paths = Vec::new();
    for (index, path) in elements(raw, &at, "an array of strings")?.into_iter().enumerate() {
        let at = || format!("{}[{index}]", at());
        let path = string(path, &at)?;
        tally.name(&path)?;
        let path = RelPath::parse(&path).map_err(|error| ManifestError::Path { at: at(), error })?;
        paths.push(path);
    }
    Ok(paths)
}

fn weight_specs(weights: Vec<Members<'_, &str>>, group: At<'_>, tally: &mut Tally) -> Fallible<Vec<WeightSpec>> {
    let mut specs = Vec::with_capacity(weights.len());
    for (index, entries) in weights.into_iter().enumerate() {
        let at = || format!("{}.weights[{index}]", group());
        let spec = weight_spec(&unique(entries, &at)?, &at, tally)?;
        tally.spec(&spec)?;
        specs.push(spec);
    }
    Ok(specs)
}

fn weight_spec(entries: &[Entry<'_>], at: At<'_>, tally: &Tally) -> Fallible<WeightSpec> {
    let find = |key: &'static str| {
        let found = entries.iter().find(|(name, _)| name == key).map(|(_, value)| *value);
        found.ok_or_else(|| ManifestError::MissingKey { at: at(), key })
    };
    let name = string(find("name")?, &|| format!("{}.name", at()))?;
    tally.name(&name)?;
    let name = name.into_owned();
    let tensor = || format!("tensor `{name}`");
    let shape = find("shape")?;
    // Each dimension takes a digit and, but for the last, a comma.
    if shape.len() as u64 / 2 > tally.limits().get(Limit::Rank) {
        tally.limits().check(Limit::Rank, count(shape)).map_err(|error| error.of(tensor()))?;
    }
    let shape = Shape::from_json(shape).map_err(|error| ManifestError::Shape { tensor: name.clone(), error })?;
    let dtype = DType::from(&*string(find("dtype")?, &|| format!("the dtype of {}", tensor()))?);

    let mut spec = WeightSpec::new(name.clone(), shape, dtype);
    for (key, value) in entries {
        match &**key {
            "name" | "shape" | "dtype" => {}
            // Only a string is a group; the reference compares it with `'optimizer'` and nothing else.
            "group" if value.starts_with('"') => spec.group = Some(string(value, &tensor)?.into_owned()),
            "quantization" => spec.quantization = Some(quantization(value, &tensor)?),
            _ => spec.unknown.push((key.clone().into_owned(), RawJson::from_checked(value))),
        }
    }
    Ok(spec)
}

fn quantization(raw: &str, tensor: At<'_>) -> Fallible<Quantization> {
    let at = || format!("the quantization of {}", tensor());
    let mut dtype = None;
    let mut quantization = Quantization::new(QuantizationDType::Uint8);
    for (key, value) in entries(raw, &at)? {
        match &*key {
            "dtype" => dtype = Some(QuantizationDType::from(&*string(value, &at)?)),
            "min" => quantization.min = Some(RawJson::from_checked(value)),
            "scale" => quantization.scale = Some(RawJson::from_checked(value)),
            _ => quantization.unknown.push((key.into_owned(), RawJson::from_checked(value))),
        }
    }
    quantization.dtype = dtype.ok_or_else(|| ManifestError::MissingKey { at: at(), key: "dtype" })?;
    Ok(quantization)
}

/// How many elements an array has, without keeping any; 0 if it is none.
fn count(raw: &str) -> u64 {
    scan::count(raw).map_or(0, |count| count as u64)
}

/// The members of an object, none of them twice.
fn entries<'a>(raw: &'a str, at: At<'_>) -> Fallible<Vec<Entry<'a>>> {
    match scan::members(raw) {
        Some(entries) => unique(entries, at),
        None => Err(wrong_type(raw, at, "an object").into()),
    }
}

fn unique<'a, V>(entries: Members<'a, V>, at: At<'_>) -> Fallible<Members<'a, V>> {
    match repeated(&entries) {
        Some(key) => Err(ManifestError::DuplicateKey { at: at(), key: key.to_owned() }.into()),
        None => Ok(entries),
    }
}

/// The first key that comes twice. Objects of a manifest have a handful of members, for which comparing all is fastest.
fn repeated<'a, V>(entries: &'a [(Cow<'_, str>, V)]) -> Option<&'a str> {
    if entries.len() > 16 {
        let repeated = first_repeated(&mut entries.iter().map(|(key, _)| &**key))?;
        return entries.get(repeated).map(|(key, _)| &**key);
    }
    let is_repeated = |index: usize, key: &str| entries.iter().take(index).any(|(earlier, _)| *earlier == key);
    entries
        .iter()
        .enumerate()
        .map(|(index, (key, _))| (index, &**key))
        .find(|(index, key)| is_repeated(*index, key))
        .map(|(_, key)| key)
}

fn elements<'a>(raw: &'a str, at: At<'_>, expected: &'static str) -> Fallible<Vec<&'a str>> {
    scan::elements(raw).ok_or_else(|| wrong_type(raw, at, expected).into())
}

fn string<'a>(raw: &'a str, at: At<'_>) -> Fallible<Cow<'a, str>> {
    scan::string(raw).ok_or_else(|| wrong_type(raw, at, "a string").into())
}

/// Why a value, of which the syntax is known to be right, was not what it should be.
fn wrong_type(raw: &str, at: At<'_>, expected: &'static str) -> ManifestError {
    let is_object = expected == "an object" && raw.starts_with('{');
    let is_string = expected == "a string" && raw.starts_with('"');
    if is_object || is_string {
        return ManifestError::NotUnicode { at: at() };
    }
    ManifestError::WrongType { at: at(), expected, found: abbreviate(raw, 40) }
}
