//! Models that nobody has written: encoded, read, and decoded to the same.

use std::num::NonZeroU64;

use arbitrary::{Result, Unstructured};
use bytes::Bytes;
use futures::executor::block_on;
use tfjs_artifacts::{
    DType, ModelArtifacts, ModelJson, ModelTopology, Quantization, QuantizationDType, RawJson, RelPath, Segment, Shape,
    Shard, ShardHasher, ShardLayout, ShardNames, Sharding, StoredSize, SurplusBytes, WeightData, WeightGroup,
    WeightSpec, Weights, encode_model_json,
};
use tfjs_testkit::assert_same_model;
use tfjs_weights::TensorReader;

use crate::decode_weights::values;
use crate::memory;

/// Makes a model of the bytes and sends it round.
pub fn check(data: &[u8]) {
    memory::bounded(data.len(), || {
        let mut unstructured = Unstructured::new(data);
        if let Ok((artifacts, layout)) = model(&mut unstructured) {
            let text = round_trip(&artifacts, layout.as_ref());
            // As uploads and downloads name their files.
            let dotted = layout.map(ShardLayout::with_dot_slash);
            assert_eq!(round_trip(&artifacts, dotted.as_ref()), text);
        }
    });
}

/// Gives the text of the model that was loaded.
fn round_trip(artifacts: &ModelArtifacts, layout: Option<&ShardLayout>) -> Option<String> {
    let Ok(text) = encode_model_json(artifacts, layout) else {
        assert!(artifacts.weights.is_none(), "weights can be written");
        return None;
    };
    let parsed = ModelJson::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
    let segments: Vec<_> = match (&artifacts.weights, layout) {
        (Some(weights), Some(layout)) => layout.shards().map(|shard| lie(weights, shard.range.clone())).collect(),
        _ => Vec::new(),
    };
    let loaded = match block_on(parsed.assemble(segments, SurplusBytes::Reject)) {
        Ok(loaded) => loaded,
        // Weights that begin like a page are refused whatever else they are.
        Err(error) if error.to_string().contains("looks like") || error.to_string().contains("is a git-lfs") => {
            return None;
        }
        Err(error) => panic!("{error}: {text}"),
    };
    let expected = match (artifacts.weights.as_ref(), layout) {
        (Some(weights), Some(layout)) => {
            let cut = weights.with_layout(layout).expect("it was made for these weights");
            artifacts.clone().with_weights(cut)
        }
        _ => artifacts.clone(),
    };
    assert_same_model(&loaded, &expected);
    let again = loaded.weights.as_ref().map(ShardLayout::as_they_are);
    let again = encode_model_json(&loaded, again.as_ref()).expect("it was written once");
    if let Some((before, after)) = artifacts.weights.as_ref().zip(loaded.weights.as_ref()) {
        assert_eq!(decoded(before), decoded(after));
    }
    Some(again)
}

fn lie(weights: &Weights, range: std::ops::Range<u64>) -> Segment {
    Segment::Memory(block_on(weights.data().read(range)).expect("the range is of these weights"))
}

type Decoded = Vec<std::result::Result<(String, String, Vec<u64>, Vec<u8>), String>>;

fn decoded(weights: &Weights) -> Decoded {
    let reader = block_on(TensorReader::open(weights)).expect("the lengths fit");
    let nth = |index| block_on(reader.nth(index)).as_ref().map(values).map_err(ToString::to_string);
    (0..reader.specs().len()).map(nth).collect()
}

fn model(u: &mut Unstructured<'_>) -> Result<(ModelArtifacts, Option<ShardLayout>)> {
    let mut artifacts = ModelArtifacts::new();
    if u.arbitrary()? {
        artifacts.model_topology = Some(ModelTopology::Json(json(u, 3)?));
    }
    for field in [
        &mut artifacts.format,
        &mut artifacts.generated_by,
        &mut artifacts.converted_by,
        &mut artifacts.signature,
        &mut artifacts.user_defined_metadata,
        &mut artifacts.model_initializer,
        &mut artifacts.initializer_signature,
        &mut artifacts.training_config,
    ] {
        if u.ratio(1u8, 4u8)? {
            *field = Some(json(u, 2)?);
        }
    }
    artifacts.unknown = unknown(u, &KEYS)?;
    if u.ratio(1u8, 8u8)? {
        return Ok((artifacts, None));
    }
    let mut names = Vec::new();
    let (mut groups, mut data) = (Vec::new(), Vec::new());
    for index in 0..u.int_in_range(0..=3usize)? {
        let (group, bytes) = group(u, index, &mut names)?;
        groups.push(group);
        data.push(Bytes::from(bytes));
    }
    let weights = Weights::new(groups, WeightData::from_iter(data), SurplusBytes::Reject);
    let weights = weights.unwrap_or_else(|error| panic!("{error}"));
    let layout = layout(u, &weights)?;
    Ok((artifacts.with_weights(weights), Some(layout)))
}

fn layout(u: &mut Unstructured<'_>, weights: &Weights) -> Result<ShardLayout> {
    let stem = *u.choose(&["model", "m", "a b", "模型"])?;
    let names = match u.arbitrary()? {
        true => ShardNames::for_model(stem).expect("a good name"),
        false => ShardNames::for_weights_file(RelPath::parse(&format!("w/{stem}.bin")).expect("a good path")),
    };
    let sharding = match u.int_in_range(0..=2u8)? {
        0 => Sharding::Keep,
        1 => Sharding::Single,
        _ => Sharding::Bytes(NonZeroU64::new(u.int_in_range(1..=40u64)?).unwrap_or(NonZeroU64::MIN)),
    };
    let mut layout = ShardLayout::new(weights, &names, sharding).expect("few bytes make few files");
    if u.arbitrary()? {
        let mut hasher = ShardHasher::new(layout.shards().map(|shard| shard.byte_length()));
        hasher.update(&block_on(weights.data().read(0..weights.data().byte_length())).expect("they are in memory"));
        layout.set_checksums(hasher.finish());
    }
    Ok(layout)
}

fn group(u: &mut Unstructured<'_>, index: usize, names: &mut Vec<String>) -> Result<(WeightGroup, Vec<u8>)> {
    let (mut specs, mut bytes) = (Vec::new(), Vec::new());
    for _ in 0..u.int_in_range(0..=4usize)? {
        let mut name = text(u)?;
        while names.contains(&name) {
            name.push('\'');
        }
        names.push(name.clone());
        let spec = spec(u, name)?;
        stored(u, &spec, &mut bytes)?;
        specs.push(spec);
    }
    let mut shards = Vec::new();
    let mut rest = bytes.len() as u64;
    while rest > 0 || (shards.is_empty() && u.arbitrary()?) {
        let length = u.int_in_range(0..=64u64)?.max(u64::from(shards.len() > 8) * rest).min(rest);
        let length = if u.is_empty() { rest } else { length };
        let path = RelPath::parse(&format!("g{index}/s{}", shards.len())).expect("a good path");
        shards.push(Shard::new(path, length));
        rest -= length;
    }
    let mut group = WeightGroup::new(specs, shards);
    group.unknown = unknown(u, &["paths", "weights", "sha256"])?;
    Ok((group, bytes))
}

fn spec(u: &mut Unstructured<'_>, name: String) -> Result<WeightSpec> {
    let dims = (0..u.int_in_range(0..=3usize)?).map(|_| u.int_in_range(0..=4u64)).collect::<Result<Vec<_>>>()?;
    let dtype = *u.choose(&["float32", "int32", "bool", "string", "complex64", "uint8", "uint16", "float16"])?;
    let mut spec = WeightSpec::new(name, Shape::new(dims).expect("small"), DType::from(dtype));
    if u.ratio(1u8, 4u8)? {
        spec.group = Some(text(u)?);
    }
    if u.ratio(1u8, 3u8)? {
        let dtype = *u.choose(&["uint8", "uint16", "float16", "int32", "bool"])?;
        let mut quantization = Quantization::new(QuantizationDType::from(dtype));
        for number in [&mut quantization.min, &mut quantization.scale] {
            *number = if u.ratio(1u8, 8u8)? { None } else { Some(json(u, 0)?) };
        }
        quantization.unknown = unknown(u, &["dtype", "min", "scale"])?;
        spec.quantization = Some(quantization);
    }
    spec.unknown = unknown(u, &["name", "shape", "dtype", "quantization", "group"])?;
    Ok(spec)
}

/// Bytes that fit the spec.
fn stored(u: &mut Unstructured<'_>, spec: &WeightSpec, bytes: &mut Vec<u8>) -> Result<()> {
    match spec.stored_size() {
        StoredSize::Exact(length) => {
            for _ in 0..length {
                bytes.push(u.arbitrary()?);
            }
        }
        StoredSize::Strings(strings) => {
            for _ in 0..strings {
                let length = u.int_in_range(0..=8u8)?;
                bytes.extend_from_slice(&u32::from(length).to_le_bytes());
                bytes.extend_from_slice(u.bytes(usize::from(length))?);
            }
        }
        StoredSize::Unknown => unreachable!("only known types are chosen"),
    }
    Ok(())
}

/// What `model.json` has a field for.
const KEYS: [&str; 10] = [
    "modelTopology",
    "format",
    "generatedBy",
    "convertedBy",
    "weightsManifest",
    "signature",
    "userDefinedMetadata",
    "modelInitializer",
    "initializerSignature",
    "trainingConfig",
];

/// Keys that nothing knows, each once.
fn unknown(u: &mut Unstructured<'_>, known: &[&str]) -> Result<Vec<(String, RawJson)>> {
    let mut unknown: Vec<(String, RawJson)> = Vec::new();
    if u.ratio(1u8, 4u8)? {
        for _ in 0..u.int_in_range(1..=3usize)? {
            let (key, value) = (text(u)?, json(u, 2)?);
            if !known.contains(&key.as_str()) && unknown.iter().all(|(before, _)| *before != key) {
                unknown.push((key, value));
            }
        }
    }
    Ok(unknown)
}

fn text(u: &mut Unstructured<'_>) -> Result<String> {
    let odd = ["__proto__", "constructor", "0", "1e3", "", "a/b:0", "模型", "\"\\\u{0}\n", "dense/kernel", "\u{2028}"];
    Ok(if u.arbitrary()? { (*u.choose(&odd)?).to_owned() } else { u.arbitrary::<&str>()?.chars().take(20).collect() })
}

/// A JSON text, nested at most so deep.
fn json(u: &mut Unstructured<'_>, depth: usize) -> Result<RawJson> {
    let text = json_text(u, depth)?;
    Ok(RawJson::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
}

fn json_text(u: &mut Unstructured<'_>, depth: usize) -> Result<String> {
    let kinds = if depth == 0 { 3 } else { 5 };
    Ok(match u.int_in_range(0..=kinds)? {
        0 => (*u.choose(&["null", "true", "false", "1.0", "-0.0", "1e400", "0.10000000000000000001", "-5E-1"])?)
            .to_owned(),
        1 => u.arbitrary::<f64>()?.to_string().replace("inf", "1e999").replace("NaN", "0"),
        2 => u.arbitrary::<i64>()?.to_string(),
        3 => RawJson::string(&text(u)?).get().to_owned(),
        4 => {
            let elements = (0..u.int_in_range(0..=3usize)?).map(|_| json_text(u, depth - 1));
            format!("[{}]", elements.collect::<Result<Vec<_>>>()?.join(" , "))
        }
        _ => {
            let members = (0..u.int_in_range(0..=3usize)?)
                .map(|_| Ok(format!("{} :{}", RawJson::string(&text(u)?), json_text(u, depth - 1)?)));
            format!("{{{}}}", members.collect::<Result<Vec<_>>>()?.join(",\n"))
        }
    })
}
