//! A graph of operations with its weights: what `tf.loadGraphModel` gives, without running it.

mod attr;
mod binary;
mod build;
mod definition;
mod json;
mod load;
mod parts;
mod report;
mod signature;

use std::collections::BTreeMap;
use std::fmt;

use tfjs_artifacts::{Limits, ModelArtifacts, ModelTopology, RawJson, WeightSpec, Weights};

use crate::{ModelError, ModelKind};

pub use attr::{Attr, DataType};
pub(crate) use load::checked;
pub use load::{GraphModelOptions, load_graph_model, load_graph_model_from};
pub use parts::{Function, Graph, Node, NodeInput};
pub use report::GraphWeightReport;
pub use signature::{Signature, TensorInfo};

use definition::GraphDef;

/// A model that is a graph of operations.
#[derive(Clone, Debug)]
pub struct GraphModel {
    artifacts: ModelArtifacts,
    graph: Graph,
    initializer: Option<Graph>,
    signature: Option<Signature>,
    signature_json: Option<RawJson>,
    initializer_signature: Option<Signature>,
    structured_output_keys: Option<Vec<String>>,
    version: String,
    report: GraphWeightReport,
    /// The group of each weight, and its place there.
    weights: BTreeMap<String, (usize, usize)>,
}

impl GraphModel {
    /// Takes the topology apart, in whatever dialect, and finds the weight of each constant. Weights are not read.
    ///
    /// Constants without a weight and weights without a constant are in the [`report`](Self::report).
    ///
    /// # Errors
    /// [`ModelError::WrongKind`] when it is a model of layers, [`ModelError::Topology`] when there is no topology or a binary one is damaged,
    /// [`ModelError::Graph`] when the graph makes no sense, with the nodes that are to blame, and [`ModelError::Limit`].
    pub fn from_artifacts(artifacts: ModelArtifacts, limits: &Limits) -> Result<Self, ModelError> {
        ModelKind::Graph.expect(&artifacts)?;
        let artifacts = artifacts.with_limits(limits)?;
        let definition = match &artifacts.model_topology {
            Some(ModelTopology::Json(json)) => json::parse(json, "modelTopology")?,
            Some(ModelTopology::GraphDef(bytes)) => binary::parse(bytes)?,
            None => return Err(ModelError::topology("there is none")),
        };
        let metadata = artifacts.user_defined_metadata.as_ref().filter(|metadata| !metadata.is_null());
        let member = |key: &str| metadata.and_then(|metadata| metadata.member(key)).filter(|value| !value.is_null());
        let signature_json = member("signature").or_else(|| artifacts.signature.clone());
        let signature = signature_json.as_ref().map(|json| Signature::parse(json, "signature")).transpose()?.flatten();
        let structured_output_keys = member("structuredOutputKeys").map(|keys| strings(&keys)).transpose()?;
        let initializer = initializer(&artifacts)?;
        let initializer_signature = match (&initializer, &artifacts.initializer_signature) {
            (Some(_), Some(json)) => Signature::parse(json, "initializerSignature")?,
            _ => None,
        };
        let version = definition.version();
        let graph = Graph::build(definition, signature.as_ref(), "modelTopology")?;
        // The reference gives the initializer no signature when it makes its graph.
        let initializer =
            initializer.map(|definition| Graph::build(definition, None, "modelInitializer")).transpose()?;
        let specs: Vec<&WeightSpec> = artifacts.weights.iter().flat_map(Weights::specs).collect();
        let graphs = [Some(&graph), initializer.as_ref()].into_iter().flatten();
        let report = GraphWeightReport::new(graphs, &specs);
        let mut weights = BTreeMap::new();
        for (group, all) in artifacts.weights.iter().flat_map(|weights| weights.groups().iter().enumerate()) {
            weights.extend(all.weights.iter().enumerate().map(|(index, spec)| (spec.name.clone(), (group, index))));
        }
        Ok(Self {
            artifacts,
            graph,
            initializer,
            signature,
            signature_json,
            initializer_signature,
            structured_output_keys,
            version,
            report,
            weights,
        })
    }

    /// `{producer}.{minConsumer}` of the topology's versions, as TensorFlow.js's `modelVersion` has it: what is missing is
    /// `undefined`, and so are both when there are no versions, on which TensorFlow.js would fail.
    pub fn model_version(&self) -> &str {
        &self.version
    }

    /// The main graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The graph that fills tables before the main one runs.
    pub fn initializer(&self) -> Option<&Graph> {
        self.initializer.as_ref()
    }

    /// Inputs and outputs by their keys: that of `userDefinedMetadata`, if there is one, else that of the model.
    pub fn signature(&self) -> Option<&Signature> {
        self.signature.as_ref()
    }

    /// The same as the file has it.
    pub fn signature_json(&self) -> Option<&RawJson> {
        self.signature_json.as_ref()
    }

    /// Inputs and outputs of the initializer.
    pub fn initializer_signature(&self) -> Option<&Signature> {
        self.initializer_signature.as_ref()
    }

    /// The keys under which `predict` gives its outputs, in order, if the model was a function that returns a structure.
    pub fn structured_output_keys(&self) -> Option<&[String]> {
        self.structured_output_keys.as_deref()
    }

    /// The inputs, in the order in which `predict` takes them.
    pub fn inputs(&self) -> Vec<GraphEnd<'_>> {
        let described = by_key(self.signature.as_ref().map(Signature::inputs));
        self.graph.inputs().map(|(node, key)| GraphEnd::new(node, key, &described)).collect()
    }

    /// The outputs, in the order in which `predict` gives them.
    pub fn outputs(&self) -> Vec<GraphEnd<'_>> {
        let described = by_key(self.signature.as_ref().map(Signature::outputs));
        self.graph.outputs().map(|(node, key)| GraphEnd::new(node, key, &described)).collect()
    }

    /// What does not fit: constants and weights.
    pub fn report(&self) -> &GraphWeightReport {
        &self.report
    }

    /// The manifest's entry for the values of a constant, in whichever graph it is.
    pub fn weight_spec(&self, node: &Node) -> Option<&WeightSpec> {
        let (group, index) = self.weights.get(node.name()).filter(|_| node.is_const())?;
        self.artifacts.weights.as_ref()?.groups().get(*group)?.weights.get(*index)
    }

    /// How often each operation occurs, in the main graph, the functions of its library and the initializer; most frequent first.
    pub fn op_histogram(&self) -> Vec<(&str, usize)> {
        let mut counts = BTreeMap::new();
        let graphs = [Some(&self.graph), self.initializer.as_ref()].into_iter().flatten();
        for node in graphs.flat_map(Graph::all_nodes) {
            *counts.entry(node.op()).or_insert(0) += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by(|(one, count), (other, most)| most.cmp(count).then_with(|| one.cmp(other)));
        counts
    }

    /// What it was made of: for saving, and for reading the weights.
    pub fn artifacts(&self) -> &ModelArtifacts {
        &self.artifacts
    }

    /// The same, given away.
    pub fn into_artifacts(self) -> ModelArtifacts {
        self.artifacts
    }
}

/// An input or output of a model.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct GraphEnd<'m> {
    /// Its node.
    pub node: &'m Node,
    /// Its key in the signature.
    pub signature_key: Option<&'m str>,
    /// What the signature says of it.
    pub info: Option<&'m TensorInfo>,
}

impl<'m> GraphEnd<'m> {
    fn new(node: &'m Node, signature_key: Option<&'m str>, described: &BTreeMap<&str, &'m TensorInfo>) -> Self {
        Self { node, signature_key, info: signature_key.and_then(|key| described.get(key).copied()) }
    }

    /// The key of the signature, else the name of the node: what TensorFlow.js lists in `inputNodes` and `outputNodes`.
    pub fn key(&self) -> &'m str {
        self.signature_key.unwrap_or_else(|| self.node.name())
    }

    /// The type: as the signature has it, else the node.
    pub fn dtype(&self) -> Option<&'m DataType> {
        let of_node = || self.node.attr("dtype").and_then(Attr::as_type);
        self.info.and_then(|info| info.dtype.as_ref()).or_else(of_node)
    }

    /// The dimensions, -1 for any size: as the signature has them, else the node. `None` if not even their number is known.
    pub fn shape(&self) -> Option<&'m [i64]> {
        let of_node = || self.node.attr("shape").and_then(Attr::as_shape);
        self.info.and_then(|info| info.shape.as_deref()).or_else(of_node)
    }
}

impl fmt::Display for GraphEnd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())?;
        if let Some(dtype) = self.dtype() {
            write!(f, " {dtype}")?;
        }
        match self.shape() {
            Some(shape) => write!(f, " {shape:?}"),
            None => Ok(()),
        }
    }
}

/// One side of a signature, to be looked up.
fn by_key(side: Option<&[(String, TensorInfo)]>) -> BTreeMap<&str, &TensorInfo> {
    side.unwrap_or_default().iter().map(|(key, info)| (key.as_str(), info)).collect()
}

/// The initializer, if it has nodes: TensorFlow.js looks at nothing else of it.
fn initializer(artifacts: &ModelArtifacts) -> Result<Option<GraphDef>, ModelError> {
    let json = artifacts.model_initializer.as_ref();
    match json.filter(|json| json.member("node").is_some_and(|nodes| !nodes.is_null())) {
        Some(json) => json::parse(json, "modelInitializer").map(Some),
        None => Ok(None),
    }
}

fn strings(json: &RawJson) -> Result<Vec<String>, ModelError> {
    let texts = json.elements().and_then(|elements| {
        elements.iter().map(|element| element.as_str().map(std::borrow::Cow::into_owned)).collect::<Option<Vec<_>>>()
    });
    texts.ok_or_else(|| ModelError::Graph {
        at: "userDefinedMetadata.structuredOutputKeys".to_owned(),
        message: "should be an array of strings".to_owned(),
    })
}
