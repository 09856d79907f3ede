//! What goes into a file of tensors comes out of it again.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::Path;

use tfjs_artifacts::{
    Bytes, DType, ErrorKind, ModelArtifacts, ModelTopology, Quantization, QuantizationDType, RawJson, RelPath, Shape,
    Shard, SurplusBytes, WeightGroup, WeightSpec, Weights,
};
use tfjs_convert::{ImportOptions, NoteKind, TensorFile};
use tfjs_router::{LoadHandler, LoadOptions, SaveHandler, SaveOptions};
use tfjs_testkit::{assert_same_model, samples};
use tfjs_weights::{Tensor, decode_weights};

const EXTENSIONS: [&str; 2] = ["safetensors", "npz"];

fn file(folder: &Path, extension: &str) -> TensorFile {
    TensorFile::from_path(folder.join("model").with_extension(extension)).unwrap()
}

/// Saves and loads, eagerly and lazily, and compares; the kinds of what was noted.
async fn round_trip(artifacts: &ModelArtifacts, extension: &str) -> Vec<&'static str> {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path(), extension);
    let exported = file.export(artifacts, &SaveOptions::new()).await.unwrap();
    assert_same_model(&file.load(&LoadOptions::new()).await.unwrap(), artifacts);
    let mut lazy = file.load(&LoadOptions::lazy()).await.unwrap();
    assert!(lazy.weights.iter().all(|weights| weights.data().is_empty() || !weights.data().is_in_memory()));
    if let Some(weights) = &mut lazy.weights {
        *weights = weights.load(|_| {}).await.unwrap();
    }
    assert_same_model(&lazy, artifacts);
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    exported.notes.iter().map(|note| note.kind.name()).collect()
}

fn spec(name: &str, shape: &[u64], dtype: DType) -> WeightSpec {
    WeightSpec::new(name, Shape::new(shape).unwrap(), dtype)
}

fn model(specs: Vec<WeightSpec>, bytes: Vec<u8>) -> ModelArtifacts {
    let path = RelPath::parse("w.bin").unwrap();
    samples::layers_model(Weights::single(specs, path, bytes.into()).unwrap())
}

#[tokio::test]
async fn everything_survives() {
    for extension in EXTENSIONS {
        assert_eq!(round_trip(&samples::everything(), extension).await, ["strings"]);
        assert!(round_trip(&samples::many_shards(1000), extension).await.contains(&"oddBools"));
        assert!(round_trip(&samples::filled(0.5), extension).await.is_empty());
        let bare = ModelArtifacts::new().with_weights(samples::filled(1.0).weights.unwrap());
        assert!(round_trip(&bare, extension).await.is_empty());
        let mut binary = samples::filled(2.0);
        binary.model_topology = Some(ModelTopology::GraphDef(Bytes::from_static(b"\x0a\x03\x00\xff\x01")));
        assert!(round_trip(&binary, extension).await.is_empty());
        let alone = ModelArtifacts::new().with_topology(RawJson::parse(r#"{"node": []}"#).unwrap());
        assert!(round_trip(&alone, extension).await.is_empty());
    }
}

#[tokio::test]
async fn each_type_is_told_of_as_it_is() {
    let mut codes = spec("codes", &[3], DType::Float32);
    let mut quantization = Quantization::new(QuantizationDType::Uint8);
    quantization.scale = Some(RawJson::parse("0.5").unwrap());
    quantization.min = Some(RawJson::parse("-0.0").unwrap());
    codes.quantization = Some(quantization);
    let mut half = spec("half", &[], DType::Float32);
    half.quantization = Some(Quantization::new(QuantizationDType::Float16));
    let specs = vec![
        spec("bool", &[2], DType::Bool),
        codes,
        half,
        spec("complex", &[1], DType::Complex64),
        spec("plain8", &[1], DType::Uint8),
        spec("plain16", &[1], DType::Float16),
        spec("nothing", &[0, 7], DType::Int32),
        spec("__metadata__", &[1], DType::Int32),
        spec("../up", &[1], DType::Float32),
        spec("tensor-7", &[1], DType::Bool),
        spec("strange", &[1], DType::from("int4")),
    ];
    let bytes = vec![1, 0, 1, 2, 3, 0, 60, 0, 0, 0, 0, 0, 0, 128, 63, 9, 0, 62, 7, 0, 0, 0, 0, 0, 0, 64, 1, 99];
    let artifacts = model(specs, bytes);
    let safetensors = round_trip(&artifacts, "safetensors").await;
    assert_eq!(safetensors, ["codes", "codes", "complexPairs", "renamed", "unknownDType"]);
    assert_eq!(round_trip(&artifacts, "npz").await, ["codes", "codes", "renamed", "unknownDType"]);
}

#[tokio::test]
async fn goldens_survive_with_their_checksums() {
    let goldens = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/goldens");
    for folder in std::fs::read_dir(goldens).unwrap() {
        let folder = folder.unwrap().path();
        let text = std::fs::read(folder.join("model.json")).unwrap();
        let json = tfjs_artifacts::ModelJson::parse(&text).unwrap();
        let read =
            |path: &RelPath| tfjs_artifacts::Segment::Memory(std::fs::read(folder.join(path.as_str())).unwrap().into());
        let shards = json.paths().map(read).collect();
        let artifacts = json.clone().assemble(shards, SurplusBytes::Reject).await.unwrap();
        for extension in EXTENSIONS {
            round_trip(&artifacts, extension).await;
        }
    }
}

#[tokio::test]
async fn surplus_is_left_out_and_told() {
    let path = |path: &str| RelPath::parse(path).unwrap();
    let shards = vec![Shard::new(path("a"), 3), Shard::new(path("b"), 5)];
    let one = WeightGroup::new(vec![spec("a", &[1], DType::Float32)], shards);
    let two = WeightGroup::new(vec![spec("b", &[2], DType::Bool)], vec![Shard::new(path("c"), 2)]);
    let bytes: Vec<u8> = vec![0, 1, 0, 1, 9, 9, 9, 9, 1, 0];
    let weights = Weights::new(vec![one, two], bytes.into(), SurplusBytes::Allow).unwrap();
    for extension in EXTENSIONS {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path(), extension);
        let artifacts = ModelArtifacts::new().with_weights(weights.clone());
        let notes = file.export(&artifacts, &SaveOptions::new()).await.unwrap().notes;
        assert!(
            matches!(notes.as_slice(), [note] if note.kind == NoteKind::Surplus { bytes: 4 } && note.kind.is_lost())
        );
        let again = file.load(&LoadOptions::new()).await.unwrap().weights.unwrap();
        assert_eq!(again.groups()[0].shards.iter().map(|shard| shard.bytes).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(again.data().read(0..6).await.unwrap()[..], [0, 1, 0, 1, 1, 0]);
    }
}

#[tokio::test]
async fn dequantized_on_request() {
    let values: Vec<f32> = (0..1_500_000u32).map(|number| f32::from((number % 251) as u8)).collect();
    let tensor = Tensor::float32("w", Shape::vector(values.len() as u64).unwrap(), values).unwrap();
    let plain = samples::with_tensors([tensor]);
    let rules = tfjs_weights::QuantizationRules::new(["uint8".parse().unwrap()]).unwrap();
    let quantized = tfjs_weights::quantize_weights(plain.weights.as_ref().unwrap(), &rules).await.unwrap().0;
    let artifacts = samples::layers_model(quantized.clone());
    for extension in EXTENSIONS {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path(), extension).with_dequantized();
        assert!(file.export(&artifacts, &SaveOptions::new()).await.unwrap().notes.is_empty());
        let again = file.load(&LoadOptions::new()).await.unwrap().weights.unwrap();
        assert!(again.specs().all(|spec| spec.quantization.is_none()));
        assert_eq!(decode_weights(&again).await.unwrap(), decode_weights(&quantized).await.unwrap());
    }
}

#[tokio::test]
async fn a_failed_save_leaves_the_old_file() {
    for extension in EXTENSIONS {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path(), extension);
        file.save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
        let broken = samples::from_source(Broken);
        let error = file.save(&broken, &SaveOptions::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
        assert_same_model(&file.load(&LoadOptions::new()).await.unwrap(), &samples::filled(1.0));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

/// A source that fails in the middle.
#[derive(Debug)]
struct Broken;

#[tfjs_artifacts::async_trait]
impl tfjs_artifacts::ByteSource for Broken {
    fn byte_length(&self) -> u64 {
        20 << 20
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, range: std::ops::Range<u64>) -> Result<Bytes, tfjs_artifacts::Error> {
        if range.end > 9 << 20 {
            return Err(tfjs_artifacts::Error::new(ErrorKind::Transport, "gone"));
        }
        Ok(vec![0; usize::try_from(range.end - range.start).unwrap()].into())
    }
}

#[tokio::test]
async fn numbers_may_be_changed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path(), "safetensors");
    file.save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
    let bytes = std::fs::read(file.path()).unwrap();
    let mut other = bytes.clone();
    *other.last_mut().unwrap() = 7;
    std::fs::write(file.path(), &other).unwrap();
    assert!(file.load(&LoadOptions::new()).await.unwrap().topology_json().is_some());

    let entry = br#""w":{"dtype":"F32""#;
    let at = bytes.windows(entry.len()).position(|window| window == entry).unwrap();
    let mut other = bytes.clone();
    other[at + 1] = b'v';
    std::fs::write(file.path(), &other).unwrap();
    let error = file.load(&LoadOptions::new()).await.unwrap_err();
    assert!(error.message().contains("`w` is missing, `v` is not in the metadata"), "{error}");
    let alone = file.clone().with_import(ImportOptions::new().without_metadata());
    assert!(alone.load(&LoadOptions::new()).await.unwrap().is_bare());
}

#[test]
fn an_unknown_extension_names_the_known_ones() {
    let error = TensorFile::from_path("w.bin").unwrap_err();
    assert!(error.to_string().contains(".safetensors and .npz"), "{error}");
    assert!(TensorFile::from_path("W.NPZ").is_ok());
}
