//! Whole models: their JSON, and the files that hold them.
//!
//! Each group is one work of `cargo xtask bench`: `ours` is what is measured, `yardstick` what the machine can do with the same bytes in the
//! same process. The files stay in `target/tmp/bench`, so that TensorFlow.js can read the same; xtask removes them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark may panic")]

use std::cell::LazyCell;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use futures::executor::block_on;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tfjs_convert::TensorFile;
use tfjs_io::{
    Bytes, DType, LayersModelOptions, LoadOptions, ModelArtifacts, ModelJson, RawJson, RelPath, SaveOptions, Shape,
    WeightData, WeightSpec, Weights, load, load_layers_model, load_with, save,
};

const TENSORS: usize = 64;
const TENSOR_BYTES: usize = 4 << 20;
const MODEL_BYTES: usize = TENSORS * TENSOR_BYTES;
/// Of the model that is opened to its layers: dense ones, as wide as it takes for 90 MB.
const LAYERS: usize = 400;
const WIDTH: u64 = 237;
/// Weights of the model of which only the JSON is read.
const NAMES: usize = 1000;

/// `model.json` alone: a topology of a thousand layers and their weights. The yardstick only walks the text, with the JSON parser that
/// everybody uses.
fn parsing(criterion: &mut Criterion) {
    let text = LazyCell::new(|| {
        let text = large_json().to_string();
        assert!((850_000..950_000).contains(&text.len()), "{} bytes are not 0.9 MB", text.len());
        fs::write(folder("parse").join("model.json"), &text).unwrap();
        text
    });
    let mut group = group(criterion, "parse", Throughput::Elements(NAMES as u64));
    group.bench_function("ours", |bencher| {
        let text = LazyCell::force(&text).as_bytes();
        bencher.iter(|| ModelJson::parse(black_box(text)).unwrap());
    });
    group.bench_function("yardstick", |bencher| {
        let text = LazyCell::force(&text).as_bytes();
        bencher.iter(|| serde_json::from_slice::<IgnoredAny>(black_box(text)).unwrap());
    });
}

/// A model of one weight file that was just written, so that its pages are in memory. The yardstick reads that file.
fn loading(criterion: &mut Criterion) {
    let stored = LazyCell::new(Stored::write);
    for (id, options) in [("load-eager", LoadOptions::new()), ("load-lazy", LoadOptions::lazy())] {
        let mut group = group(criterion, id, Throughput::Bytes(MODEL_BYTES as u64));
        group.bench_function("ours", |bencher| {
            let Stored { url, .. } = LazyCell::force(&stored);
            bencher.iter(|| block_on(load_with(black_box(url), &options)).unwrap());
        });
        group.bench_function("yardstick", |bencher| {
            let Stored { weights, .. } = LazyCell::force(&stored);
            bencher.iter(|| fs::read(black_box(weights)).unwrap());
        });
    }
}

/// A model of 400 layers and 90 MB, opened to its layers with their weights matched: lazily, and with all bytes in memory.
fn opening(criterion: &mut Criterion) {
    let url = LazyCell::new(|| {
        let folder = folder("layers");
        block_on(save(&layers_model(), folder.to_str().unwrap())).unwrap();
        folder.to_str().unwrap().to_owned()
    });
    for (id, options) in [("open-layers-model", LoadOptions::lazy()), ("open-layers-model-eager", LoadOptions::new())] {
        let options = LayersModelOptions::new().with_load(options);
        let mut group = group(criterion, id, Throughput::Elements(LAYERS as u64));
        group.bench_function("ours", |bencher| {
            let url = LazyCell::force(&url);
            bencher.iter(|| {
                let model = block_on(load_layers_model(black_box(url), &options)).unwrap();
                assert_eq!(model.report().matched, 2 * LAYERS);
                model
            });
        });
    }
}

/// A model in memory, over the one that was saved before. The yardstick writes the same bytes over a file and syncs it.
fn saving(criterion: &mut Criterion) {
    let artifacts = LazyCell::new(artifacts);
    let bytes = LazyCell::new(|| vec![1; MODEL_BYTES]);
    let folder = folder("save");
    let (url, plain) = (folder.join("ours").to_str().unwrap().to_owned(), folder.join("plain.bin"));
    let mut group = group(criterion, "save", Throughput::Bytes(MODEL_BYTES as u64));
    group.bench_function("ours", |bencher| {
        let artifacts = LazyCell::force(&artifacts);
        bencher.iter(|| block_on(save(black_box(artifacts), &url)).unwrap());
    });
    group.bench_function("yardstick", |bencher| {
        let bytes = LazyCell::force(&bytes);
        bencher.iter(|| {
            let mut file = File::create(&plain).unwrap();
            file.write_all(black_box(bytes)).unwrap();
            file.sync_all().unwrap();
        });
    });
}

/// A model on disk to a `.safetensors` file, over the one that was written before. The yardstick copies the weight file and syncs it.
fn converting(criterion: &mut Criterion) {
    let folder = folder("convert");
    let stored = LazyCell::new(Stored::write);
    let (ours, plain) = (folder.join("ours.safetensors"), folder.join("plain.bin"));
    let mut group = group(criterion, "convert", Throughput::Bytes(MODEL_BYTES as u64));
    group.bench_function("ours", |bencher| {
        let url = &LazyCell::force(&stored).url;
        let file = TensorFile::from_path(&ours).unwrap();
        bencher.iter(|| {
            block_on(async {
                let artifacts = load_with(black_box(url), &LoadOptions::lazy()).await.unwrap();
                file.export(&artifacts, &SaveOptions::new()).await.unwrap()
            })
        });
    });
    group.bench_function("yardstick", |bencher| {
        let weights = &LazyCell::force(&stored).weights;
        bencher.iter(|| {
            fs::copy(black_box(weights), &plain).unwrap();
            File::open(&plain).unwrap().sync_all().unwrap();
        });
    });
}

/// See `group.rs` of the codec's benchmarks.
fn group<'c>(criterion: &'c mut Criterion, id: &str, size: Throughput) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(id);
    group
        .throughput(size)
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(400));
    group
}

/// Layers with everything that Keras says of them, one after the other.
fn layers_model() -> ModelArtifacts {
    let dense = |i: usize| {
        let initializer = json!({"class_name": "VarianceScaling", "config": {"scale": 1, "mode": "fan_avg", "distribution": "normal", "seed": null}});
        let mut config = json!({
            "units": WIDTH, "activation": "relu", "use_bias": true, "kernel_initializer": initializer,
            "bias_initializer": {"class_name": "Zeros", "config": {}}, "kernel_regularizer": null, "bias_regularizer": null,
            "activity_regularizer": null, "kernel_constraint": null, "bias_constraint": null, "name": format!("dense_{i}"), "trainable": true,
        });
        if i == 0 {
            config["batch_input_shape"] = json!([null, WIDTH]);
        }
        json!({"class_name": "Dense", "config": config})
    };
    let layers: Vec<_> = (0..LAYERS).map(dense).collect();
    let topology = json!({"class_name": "Sequential", "config": {"name": "large", "layers": layers}, "keras_version": "tfjs-layers 4.22.0"});
    let (kernel, bias) = (Shape::new([WIDTH, WIDTH]).unwrap(), Shape::vector(WIDTH).unwrap());
    let specs = |i| {
        [("kernel", &kernel), ("bias", &bias)]
            .map(|(name, shape)| WeightSpec::new(format!("dense_{i}/{name}"), shape.clone(), DType::Float32))
    };
    let specs: Vec<_> = (0..LAYERS).flat_map(specs).collect();
    let bytes = specs.iter().map(|spec| usize::try_from(spec.stored_size().at_least()).unwrap()).sum();
    assert!((90_000_000..91_000_000).contains(&bytes), "{bytes} bytes are not 90 MB");
    let data = WeightData::from_iter([Bytes::from(vec![1; bytes])]);
    let weights = Weights::single(specs, RelPath::parse("model.weights.bin").unwrap(), data).unwrap();
    ModelArtifacts::new().with_topology(RawJson::from_serialize(&topology).unwrap()).with_weights(weights)
}

/// A model on disk.
struct Stored {
    url: String,
    weights: PathBuf,
}

impl Stored {
    fn write() -> Self {
        let folder = folder("load");
        let url = folder.to_str().unwrap().to_owned();
        block_on(save(&artifacts(), &url)).unwrap();
        let saved = block_on(load(&url)).unwrap();
        let [group] = saved.weights.as_ref().unwrap().groups() else { panic!("one group was saved") };
        let [shard] = &group.shards[..] else { panic!("one weight file was saved") };
        Self { url, weights: folder.join(shard.path.as_str()) }
    }
}

fn artifacts() -> ModelArtifacts {
    let shape = Shape::vector(TENSOR_BYTES as u64 / 4).unwrap();
    let spec = |i| WeightSpec::new(format!("layer{i}/kernel"), shape.clone(), DType::Float32);
    let data = WeightData::from_iter([Bytes::from(vec![1; MODEL_BYTES])]);
    let name = RelPath::parse("model.weights.bin").unwrap();
    let weights = Weights::single((0..TENSORS).map(spec).collect(), name, data).unwrap();
    let topology = RawJson::parse(r#"{"class_name":"Sequential","config":{"name":"large","layers":[]}}"#).unwrap();
    ModelArtifacts::new().with_topology(topology).with_weights(weights)
}

/// As Keras describes layers and the converter weights, 0.9 MB.
fn large_json() -> Value {
    let layers: Vec<_> = (0..NAMES).map(layer).collect();
    let weights: Vec<_> = (0..NAMES)
        .map(|i| json!({"name": format!("large/block_{i}/conv2d/kernel"), "shape": [3, 3, 64, 64], "dtype": "float32",
            "quantization": {"dtype": "uint8", "min": -0.512_345_678_9, "scale": 0.004_018_397_481_568_6, "original_dtype": "float32"}}))
        .collect();
    json!({
        "format": "layers-model", "generatedBy": "keras v2.11.0", "convertedBy": "TensorFlow.js Converter v4.22.0",
        "modelTopology": {"keras_version": "2.11.0", "backend": "tensorflow", "model_config":
            {"class_name": "Functional", "config": {"name": "large", "layers": layers}}},
        "weightsManifest": [{"paths": ["group1-shard1of1.bin"], "weights": weights}],
    })
}

fn layer(i: usize) -> Value {
    let initializer = json!({"class_name": "GlorotUniform", "config": {"seed": null}});
    json!({"class_name": "Conv2D", "name": format!("block_{i}_conv2d"), "config": {
        "name": format!("block_{i}_conv2d"), "trainable": true, "batch_input_shape": [null, 224, 224, 3], "dtype": "float32",
        "filters": 64, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "data_format": "channels_last",
        "dilation_rate": [1, 1], "groups": 1, "activation": "linear", "use_bias": true, "kernel_initializer": initializer,
        "bias_initializer": {"class_name": "Zeros", "config": {}}, "bias_regularizer": null,
        "kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.000_099_999_997_473_787_52}},
        "activity_regularizer": null, "kernel_constraint": null, "bias_constraint": null,
    }, "build_config": {"input_shape": [null, 224, 224, 3]}, "inbound_nodes": [[[format!("block_{}_conv2d", i.wrapping_sub(1)), 0, 0, {}]]]})
}

/// A folder of its own on the disk where `target` lies.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench").join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

criterion_group!(model, parsing, loading, opening, saving, converting);
criterion_main!(model);
