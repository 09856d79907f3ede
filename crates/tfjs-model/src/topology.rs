//! Reading a topology: from JSON to layers.

mod functional;
mod inbound;
mod sequential;

use std::collections::BTreeMap;
use std::sync::Arc;

use tfjs_artifacts::{Limits, ModelArtifacts, ModelTopology, RawJson};

use crate::classes::{self, LayerType, Read};
use crate::config::{Config, camel_case, expected};
use crate::error::ModelError;
use crate::network::{Built, Container, InputSpec, Kind, LayerEntry, LayerId, Network, ShapeId, Tensor};
use crate::problem::{Problem, abbreviate};
use crate::symbolic::SymbolicShape;

/// How deep models, wrappers and cells may lie in one another: far beyond any model, far below any stack.
const MAX_NESTING: usize = 64;

/// Makes layers of JSON.
#[derive(Debug)]
pub(crate) struct Reader<'n> {
    network: &'n mut Network,
    depth: usize,
    names: &'n mut BTreeMap<String, usize>,
    notes: &'n mut Vec<String>,
}

/// A topology that has been read.
#[derive(Debug)]
pub(crate) struct Topology {
    pub(crate) network: Network,
    pub(crate) root: LayerId,
    pub(crate) container: Arc<Container>,
    /// What was not understood, and why.
    pub(crate) notes: Vec<String>,
}

impl Topology {
    /// Reads the topology of a layers-model.
    pub(crate) fn read(artifacts: &ModelArtifacts, limits: &Limits) -> Result<Self, ModelError> {
        let json = match &artifacts.model_topology {
            Some(ModelTopology::Json(json)) => unwrap_model_config(json)?,
            Some(ModelTopology::GraphDef(_)) => {
                return Err(ModelError::topology("it is a binary graph, which has no layers"));
            }
            None => return Err(ModelError::topology("there is none, only weights")),
        };
        let (mut network, mut names, mut notes) = (Network::new(limits), BTreeMap::new(), Vec::new());
        let mut reader = Reader { network: &mut network, depth: 0, names: &mut names, notes: &mut notes };
        let root = reader.layer(&json, None)?;
        if let Kind::Container(container) = network.layer(root).kind.clone() {
            return Ok(Self { network, root, container, notes });
        }
        let class = abbreviate(&network.layer(root).class_name);
        Err(ModelError::topology(format!(
            "its class is `{class}`, but a model is `Sequential`, `Functional` or `Model`"
        )))
    }
}

/// The model inside of what Keras writes around it: an object under `model_config`, or the text of one.
fn unwrap_model_config(topology: &RawJson) -> Result<RawJson, ModelError> {
    let parse = |json: &RawJson| match json.as_str() {
        Some(text) => RawJson::parse(&text).map_err(|error| ModelError::topology(format!("`model_config` is {error}"))),
        None => Ok(json.clone()),
    };
    let topology = parse(topology)?;
    let config = Config::read(&topology).ok_or_else(|| ModelError::topology("it is no JSON object"))?;
    config.get("modelConfig").map_or(Ok(topology), parse)
}

impl Reader<'_> {
    pub(crate) fn network(&self) -> &Network {
        self.network
    }

    /// Makes a layer of `{class_name, config}`. It has the name of its config, else the one that stands beside it, else a new one.
    fn layer(&mut self, json: &RawJson, name: Option<&str>) -> Result<LayerId, ModelError> {
        let outer = Config::read(json);
        let class = outer.as_ref().and_then(|outer| outer.get("className")).and_then(RawJson::as_str);
        let config = outer.as_ref().and_then(|outer| outer.get("config"));
        let (Some(class), Some(config)) = (class, config) else {
            let found = abbreviate(json.get());
            return Err(ModelError::topology(format!(
                "a layer must have `class_name` and `config`, but there is `{found}`"
            )));
        };
        let class = camel_case(&class);
        let members = Config::read(config).unwrap_or_default();
        let own_name = members.get("name").and_then(RawJson::as_str);
        let name = own_name.as_deref().or(name).map_or_else(|| self.new_name(&class), str::to_owned);
        self.network.count_call().map_err(|problem| ModelError::layer(&name, &class, problem))?;
        if self.depth >= MAX_NESTING {
            let problem = Problem::new(format!("it lies in {MAX_NESTING} others, which is the most that is read"));
            return Err(ModelError::layer(&name, &class, problem));
        }
        self.depth += 1;
        let layer = match class.as_str() {
            "Sequential" => self.container(Self::sequential, config, name, class),
            "Model" | "Functional" => self.container(Self::functional, config, name, class),
            _ => self
                .plain(config, &members, name.clone(), class.clone())
                .map_err(|problem| ModelError::layer(&name, &class, problem)),
        };
        self.depth -= 1;
        layer
    }

    /// As `getUid`, with a counter for each model.
    fn new_name(&mut self, class: &str) -> String {
        let counter = self.names.entry(class.to_owned()).or_insert(0);
        *counter += 1;
        format!("{}_{counter}", class.to_lowercase())
    }

    /// A layer inside of another one, which has no application of its own.
    pub(crate) fn inner(&mut self, key: &'static str, json: &RawJson) -> Result<LayerId, Problem> {
        self.layer(json, None).map_err(|error| match error {
            ModelError::Limit(limit) => limit.into(),
            error => Problem::of(key, error.to_string()),
        })
    }

    /// The cell of a layer whose config it shares.
    pub(crate) fn inner_of_class(&mut self, class: &'static str, config: &Config) -> Result<LayerId, Problem> {
        let name = config.text("name")?.unwrap_or_default();
        let kind = self.known(class, config)?;
        let trainable = config.flag_or_true("trainable");
        Ok(self.add(name, class.to_owned(), RawJson::null(), kind, trainable))
    }

    fn known(&mut self, class: &str, config: &Config) -> Result<Option<Arc<dyn LayerType>>, Problem> {
        match classes::find(class).map(|class| class.read) {
            Some(Read::Alone(read)) => read(config).map(Some),
            Some(Read::WithLayers(read)) => read(self, config).map(Some),
            None => Ok(None),
        }
    }

    fn plain(&mut self, config: &RawJson, members: &Config, name: String, class: String) -> Result<LayerId, Problem> {
        if class == "InputLayer" {
            return self.input(config, members, name);
        }
        let kind = self.known(&class, members)?;
        if kind.is_none() {
            let (name, class) = (abbreviate(&name), abbreviate(&class));
            self.notes.push(format!(
                "layer `{name}` is of the class `{class}`, which TensorFlow.js does not have: shapes stop there, and its weights \
                 are those whose names begin with `{name}/`"
            ));
        }
        let of_class = kind.as_ref().and_then(|kind| kind.batch_input_shape());
        let has_dtype = kind.as_ref().is_some_and(|kind| kind.has_own_dtype());
        let layer = self.add(name, class, config.clone(), kind, members.flag_or_true("trainable"));
        let said = batch_input_shape(members)?;
        if has_dtype && said.is_some() {
            // As in TensorFlow.js, only a layer that knows its input has a type.
            let dtype = members.get("dtype").and_then(RawJson::as_str);
            self.network.layer_mut(layer).dtype = dtype.map(std::borrow::Cow::into_owned);
        }
        let shape = said.or(of_class);
        let shape = shape.map(|shape| self.network.add_shape(shape)).transpose()?;
        self.network.layer_mut(layer).batch_input_shape = shape;
        Ok(layer)
    }

    fn input(&mut self, config: &RawJson, members: &Config, name: String) -> Result<LayerId, Problem> {
        let shape = batch_input_shape(members)?
            .ok_or_else(|| Problem::of("batchInputShape", "an InputLayer has this or `inputShape`, but has neither"))?;
        let shape = self.network.add_shape(shape)?;
        Ok(self.add_input(name, config.clone(), shape).node.layer)
    }

    fn add_input(&mut self, name: String, config: RawJson, shape: ShapeId) -> Tensor {
        let layer = self.add(name, "InputLayer".to_owned(), config, None, false);
        let entry = self.network.layer_mut(layer);
        entry.kind = Kind::Input;
        entry.built = Built::Yes(InputSpec::any());
        entry.batch_input_shape = Some(shape);
        self.network.push_input(layer, shape)
    }

    fn add(
        &mut self,
        name: String,
        class_name: String,
        config: RawJson,
        kind: Option<Arc<dyn LayerType>>,
        trainable: bool,
    ) -> LayerId {
        self.network.add_layer(LayerEntry {
            name,
            class_name,
            config,
            kind: kind.map_or(Kind::Unknown, Kind::Known),
            trainable,
            batch_input_shape: None,
            dtype: None,
            nodes: Vec::new(),
            built: Built::No,
            trainable_weights: Vec::new(),
            non_trainable_weights: Vec::new(),
        })
    }

    fn container(
        &mut self,
        read: fn(&mut Self, LayerId, &RawJson) -> Result<Container, ModelError>,
        config: &RawJson,
        name: String,
        class: String,
    ) -> Result<LayerId, ModelError> {
        // A container does not read `trainable`: its layers do.
        let layer = self.add(name, class, config.clone(), None, true);
        let container = read(self, layer, config)?;
        let entry = self.network.layer_mut(layer);
        entry.kind = Kind::Container(Arc::new(container));
        entry.built = Built::Yes(InputSpec::any());
        Ok(layer)
    }
}

/// What the config of any layer says of its input, the batch included.
fn batch_input_shape(config: &Config) -> Result<Option<SymbolicShape>, Problem> {
    for key in ["batchInputShape", "batchShape"] {
        if let Some(shape) = config.shape(key)? {
            return Ok(Some(shape));
        }
    }
    let Some(shape) = config.shape("inputShape")? else { return Ok(None) };
    Ok(Some(SymbolicShape::join(&[config.integer("batchSize")?], shape.dims())))
}

/// The layers that a config of a model lists.
fn listed(config: &RawJson) -> Result<Vec<RawJson>, Problem> {
    let listed = if config.get().starts_with('[') { Some(config.clone()) } else { config.member("layers") };
    let listed = listed.ok_or_else(|| Problem::of("layers", "it is missing: a model's config lists its layers"))?;
    listed.elements().ok_or_else(|| expected("layers", "an array", &listed))
}
