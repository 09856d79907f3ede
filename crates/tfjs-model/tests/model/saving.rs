//! What is saved, what it takes, and what can be changed before.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::executor::block_on;
use tfjs_artifacts::{
    ByteSource, Bytes, Error, ErrorKind, Limits, ModelArtifacts, RawJson, Segment, Shape, WeightData, Weights,
    async_trait,
};
use tfjs_model::{LayersModel, ModelError, SaveConfig, WeightMatching, load_model_from};
use tfjs_router::{LoadHandler, SaveOptions, from_memory, with_save_handler};
use tfjs_weights::{Tensor, encode_weights};

use crate::support::{artifacts, layer, model, sequential, spec, two_layers, zeros};

/// Bytes that nobody may read.
#[derive(Debug)]
struct Untouchable(u64);

#[async_trait]
impl ByteSource for Untouchable {
    fn byte_length(&self) -> u64 {
        self.0
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        panic!("somebody reads {range:?}")
    }
}

fn open(artifacts: ModelArtifacts) -> LayersModel {
    LayersModel::from_artifacts(artifacts, &WeightMatching::strict(), &Limits::new()).unwrap()
}

/// A trained model of a frozen layer, a batch normalization and an optimizer, whose weights cannot be read.
fn trained() -> ModelArtifacts {
    let topology = sequential(
        "[null,2]",
        &[
            &layer("Dense", "one", r#""units":3,"use_bias":false,"trainable":false"#),
            &layer("BatchNormalization", "two", ""),
        ],
    );
    let mut specs = vec![spec("two/gamma", &[3]), spec("two/beta", &[3]), spec("one/kernel", &[2, 3])];
    specs.extend([spec("two/moving_mean", &[3]), spec("two/moving_variance", &[3])]);
    for name in ["iter", "a/m", "b/m", "a/v", "b/v"] {
        let mut optimizer = spec(name, if name == "iter" { &[] } else { &[3] });
        optimizer.group = Some("optimizer".to_owned());
        specs.push(optimizer);
    }
    let length = specs.iter().map(|spec| spec.stored_size().at_least()).sum();
    let data = WeightData::from_segments([Segment::lazy(Arc::new(Untouchable(length)))]);
    let mut artifacts =
        artifacts(&topology).with_weights(Weights::single(specs, "w.bin".parse().unwrap(), data).unwrap());
    let config = r#"{"loss":"mean_squared_error","metrics":["acc"],"optimizer_config":{"class_name":"Adam","config":{"learningRate":0.001}}}"#;
    artifacts.training_config = Some(RawJson::parse(config).unwrap());
    artifacts.unknown.push(("mine".to_owned(), RawJson::parse("[1.0]").unwrap()));
    artifacts
}

fn names(artifacts: &ModelArtifacts) -> Vec<String> {
    artifacts.weights.iter().flat_map(Weights::specs).map(|spec| spec.name.clone()).collect()
}

#[test]
fn what_was_not_changed_is_saved_as_it_was_and_never_read() {
    let loaded = trained();
    let saved = block_on(open(loaded.clone()).to_artifacts(SaveConfig::new())).unwrap();
    assert!(saved.has_the_keys_of(&loaded));
}

#[test]
fn a_save_can_leave_things_out() {
    let model = open(trained());
    let saved = block_on(model.to_artifacts(SaveConfig::new().include_optimizer(false))).unwrap();
    assert_eq!(names(&saved).len(), 5);
    assert!(saved.training_config.is_none() && saved.unknown.len() == 1);
    let saved = block_on(model.to_artifacts(SaveConfig::new().trainable_only(true).include_optimizer(false))).unwrap();
    assert_eq!(names(&saved), ["two/gamma", "two/beta"]);
    let saved = block_on(model.to_artifacts(SaveConfig::new().trainable_only(true))).unwrap();
    assert_eq!(names(&saved).len(), 7);
    assert_eq!(saved.weights.unwrap().data().byte_length(), 6 * 4 + 4 + 12 * 4);
}

#[test]
fn training_can_be_looked_at_and_forgotten() {
    let mut model = open(trained());
    let config = model.training_config().unwrap().unwrap();
    assert_eq!((config.optimizer_class.as_str(), config.loss.unwrap().get()), ("Adam", "\"mean_squared_error\""));
    let state = model.optimizer_state().unwrap();
    assert_eq!(state.iterations.unwrap().name, "iter");
    let slots: Vec<_> = state.slots.iter().map(|slot| (slot.name, slot.tensors[1].name.as_str())).collect();
    assert_eq!((slots, state.rest.len()), (vec![("m", "b/m"), ("v", "b/v")], 0));
    model.strip_optimizer();
    assert!(model.training_config().unwrap().is_none() && model.optimizer_state().is_none());
    assert_eq!(names(&block_on(model.to_artifacts(SaveConfig::new())).unwrap()).len(), 5);
    let mut broken = trained();
    broken.training_config = Some(RawJson::parse(r#"{"loss":"x"}"#).unwrap());
    assert!(matches!(open(broken).training_config(), Err(ModelError::Training { .. })));
}

#[test]
fn weights_can_be_set_and_are_compared() {
    let specs = vec![spec("one/kernel", &[2, 3]), spec("one/bias", &[3]), spec("two/kernel", &[3, 1])];
    let mut model = open(artifacts(&two_layers()).with_weights(zeros(specs)));
    let tensor = |name: &str, dims: &[u64], values: &[f32]| {
        Tensor::float32(name, Shape::new(dims).unwrap(), values.to_vec()).unwrap()
    };
    let bias = tensor("one/bias", &[3], &[1.0, 2.0, 3.0]);
    model.set_weight(&bias).unwrap();
    assert_eq!(block_on(model.read_weight("one/bias")).unwrap(), bias);
    assert_eq!(block_on(model.read_weight("two/kernel")).unwrap().as_f32().unwrap(), [0.0; 3]);

    let error = model.set_weight(&tensor("one/bias", &[1, 3], &[0.0; 3])).unwrap_err().to_string();
    assert!(error.ends_with("`one/bias is [1,3], not [3]`"), "{error}");
    let integers = Tensor::int32("one/bias", Shape::new([3]).unwrap(), vec![0; 3]).unwrap();
    assert!(model.set_weight(&integers).unwrap_err().to_string().ends_with("`one/bias is int32, not float32`"));
    let error = model.set_weight(&tensor("one/biaz", &[3], &[0.0; 3])).unwrap_err().to_string();
    assert_eq!(error, "there is no weight `one/biaz`; did you mean `one/bias`?");
    assert_eq!(block_on(model.read_weight("x")).unwrap_err().kind(), ErrorKind::NotFound);

    // In the place of the one that was there.
    let saved = block_on(model.to_artifacts(SaveConfig::new())).unwrap();
    assert_eq!(names(&saved), ["one/kernel", "one/bias", "two/kernel"]);
    assert_eq!(block_on(open(saved).read_weight("one/bias")).unwrap(), bias);
}

/// Counts what is read.
#[derive(Debug)]
struct Counting(Bytes, Arc<AtomicUsize>);

#[async_trait]
impl ByteSource for Counting {
    fn byte_length(&self) -> u64 {
        self.0.len() as u64
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Ok(self.0.slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()))
    }
}

#[test]
fn all_weights_can_be_read_one_by_one() {
    const COUNT: usize = 500;
    let name = |index: usize| format!("mine/{index}");
    // Where numbers lie is known without reading; how long strings are is not.
    let strings = |index: usize| Tensor::string(name(index), Shape::scalar(), [index.to_string()]).unwrap();
    let (specs, data) = encode_weights((0..COUNT).map(strings), None);
    let reads = Arc::new(AtomicUsize::new(0));
    let source = Counting(block_on(data.read(0..data.byte_length())).unwrap(), Arc::clone(&reads));
    let data = WeightData::from_segments([Segment::lazy(Arc::new(source))]);
    let topology = sequential("[null,2]", &[&layer("Mine", "mine", "")]);
    let loaded = artifacts(&topology).with_weights(Weights::single(specs, "w.bin".parse().unwrap(), data).unwrap());
    let mut model = open(loaded);
    assert_eq!((model.weights().count(), reads.load(Ordering::Relaxed)), (COUNT, 0));

    // In an order that is not that of the file, nor that of the names.
    for index in (0..COUNT).map(|index| (index * 7) % COUNT) {
        let read = block_on(model.read_weight(&name(index))).unwrap();
        assert_eq!(read, strings(index));
        assert_eq!(model.weight(&name(index)).unwrap().name(), name(index));
    }
    let reads_of_all = reads.load(Ordering::Relaxed);
    assert!((COUNT..2 * COUNT).contains(&reads_of_all), "{reads_of_all} reads of {COUNT} weights");

    // What is set later is found under its name, and the others where they were.
    let other = Tensor::string(name(7), Shape::scalar(), ["other"]).unwrap();
    model.set_weight(&other).unwrap();
    assert_eq!(block_on(model.read_weight(&name(7))).unwrap(), other);
    assert_eq!(block_on(model.read_weight(&name(8))).unwrap(), strings(8));
    assert_eq!(block_on(model.read_weight("mine/")).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(reads.load(Ordering::Relaxed), reads_of_all + 1);
}

#[test]
fn of_weights_of_one_name_the_first_is_meant() {
    // A layer in a model in the model, and one of an unknown class, which has whatever begins with its name.
    let inner = layer("Dense", "mine", r#""units":1,"use_bias":false,"batch_input_shape":[null,1]"#);
    let inner = format!(r#"{{"class_name":"Sequential","config":{{"name":"n","layers":[{inner}]}}}}"#);
    let topology = sequential("[null,1]", &[&inner, &layer("Mine", "mine_too", "")]).replace("mine_too", "mine");
    let floats = |name: &str, value: f32| Tensor::float32(name, Shape::new([1, 1]).unwrap(), vec![value]).unwrap();
    let (specs, data) = encode_weights([floats("z", 1.0), floats("mine/kernel", 2.0)], None);
    let weights = Weights::single(specs, "w.bin".parse().unwrap(), data).unwrap();
    let matching = WeightMatching::strict().rename("z", "mine/kernel");
    let loaded = artifacts(&topology).with_weights(weights);
    let model = LayersModel::from_artifacts(loaded, &matching, &Limits::new()).unwrap();
    let names: Vec<_> = model.weights().map(|weight| weight.name().to_owned()).collect();
    assert_eq!(names, ["mine/kernel", "mine/kernel"]);
    assert_eq!(block_on(model.read_weight("mine/kernel")).unwrap().as_f32().unwrap(), [1.0]);
    assert!(model.weight("mine/kerne").is_none() && model.weight("n").is_none() && model.weight("").is_none());
}

#[test]
fn a_model_without_weights_gets_all_of_them_or_none() {
    let mut model = model(&two_layers());
    assert!(block_on(model.to_artifacts(SaveConfig::new())).unwrap().weights.is_none());
    let zeros = |name: &str, dims: &[u64]| {
        let shape = Shape::new(dims).unwrap();
        let length = usize::try_from(shape.size()).unwrap();
        Tensor::float32(name, shape, vec![0.5; length]).unwrap()
    };
    model.set_weight(&zeros("two/kernel", &[3, 1])).unwrap();
    let error = block_on(model.to_artifacts(SaveConfig::new())).unwrap_err().to_string();
    assert_eq!(error, "2 of 3 weights are not set: `one/kernel`, `one/bias`");
    model.set_weight(&zeros("one/kernel", &[2, 3])).unwrap();
    model.set_weight(&zeros("one/bias", &[3])).unwrap();
    let saved = block_on(model.to_artifacts(SaveConfig::new())).unwrap();
    assert_eq!(names(&saved), ["one/kernel", "one/bias", "two/kernel"]);
    assert_eq!(block_on(open(saved).read_weight("one/bias")).unwrap().as_f32().unwrap(), [0.5; 3]);
}

#[test]
fn weights_are_saved_under_the_names_of_the_layers() {
    let specs = vec![spec("one/0", &[2, 3]), spec("one/1", &[3]), spec("two/0", &[3, 1])];
    let saved =
        block_on(open(artifacts(&two_layers()).with_weights(zeros(specs))).to_artifacts(SaveConfig::new())).unwrap();
    assert_eq!(names(&saved), ["one/kernel", "one/bias", "two/kernel"]);
    assert_eq!(saved.weights.unwrap().groups()[0].shards[0].path.as_str(), "w.bin");
    // What belonged to no layer is gone: the model is one that everybody can load.
    let specs = vec![spec("x", &[7]), spec("one/kernel", &[2, 3]), spec("one/bias", &[3]), spec("two/kernel", &[3, 1])];
    let loaded = artifacts(&two_layers()).with_weights(zeros(specs));
    let model = LayersModel::from_artifacts(loaded, &WeightMatching::lenient(), &Limits::new()).unwrap();
    let saved = block_on(model.to_artifacts(SaveConfig::new())).unwrap();
    assert_eq!((names(&saved).len(), saved.weights.unwrap().data().byte_length()), (3, 48));
}

#[test]
fn metadata_is_set_without_touching_anything_else() {
    let loaded = trained();
    let mut model = open(loaded.clone());
    model.set_user_defined_metadata(Some(RawJson::parse(r#"{"labels":["cat"]}"#).unwrap())).unwrap();
    let error = model.set_user_defined_metadata(Some(RawJson::parse("[1]").unwrap())).unwrap_err().to_string();
    assert_eq!(error, "user-defined metadata must be a JSON object, but is `[1]`");
    let mut saved = block_on(model.to_artifacts(SaveConfig::new())).unwrap();
    assert_eq!(saved.user_defined_metadata.take().unwrap().get(), r#"{"labels":["cat"]}"#);
    assert!(saved.has_the_keys_of(&loaded));
    model.set_user_defined_metadata(None).unwrap();
    assert!(model.user_defined_metadata().is_none());
}

#[test]
fn handlers_load_and_save() {
    let handler = from_memory(trained());
    let model = block_on(async {
        let handler: &dyn LoadHandler = &handler;
        // Of a handler whose weights cannot be read, only a lazy load gives anything.
        load_model_from(handler, &tfjs_model::LayersModelOptions::new()).await.unwrap()
    });
    let tfjs_model::Model::Layers(model) = model else { panic!("it consists of layers") };
    let saves = with_save_handler(async |artifacts: ModelArtifacts| {
        assert_eq!(names(&artifacts).len(), 2);
        Ok(tfjs_artifacts::SaveResult::now(&artifacts))
    });
    let config = SaveConfig::new().trainable_only(true).include_optimizer(false);
    let saved = block_on(model.save(&saves, config, &SaveOptions::new())).unwrap();
    assert_eq!(saved.model_artifacts_info.weight_data_bytes, 24);
}
