//! Layers in a graph: `Container.fromConfig`.

use std::collections::{BTreeMap, BTreeSet};

use tfjs_artifacts::RawJson;

use super::inbound::{self, Reference};
use super::{Reader, listed};
use crate::config::Config;
use crate::error::ModelError;
use crate::network::{Container, Kind, LayerId, Members, Network, NodeId, OutputShapes, Tensor};
use crate::problem::{Problem, abbreviate};

impl Reader<'_> {
    pub(super) fn functional(&mut self, model: LayerId, config: &RawJson) -> Result<Container, ModelError> {
        let of_model = |network: &Network, problem| network.error(model, problem);
        let listed = listed(config).map_err(|problem| of_model(self.network, problem))?;
        let mut pending = Pending::default();
        for json in &listed {
            let members = Config::read(json).unwrap_or_default();
            let name = members.get("name").and_then(RawJson::as_str);
            let layer = self.layer(json, name.as_deref())?;
            let nodes = inbound::nodes(&members).map_err(|problem| self.network.error(layer, problem))?;
            let name = name.map_or_else(|| self.network.layer(layer).name.clone(), std::borrow::Cow::into_owned);
            pending.add(name, layer, nodes).map_err(|problem| of_model(self.network, problem))?;
        }
        pending.apply_all(self.network, model)?;

        let members = Config::read(config).unwrap_or_default();
        let mut ends = |key| {
            let ends = inbound::ends(&members, key)?;
            ends.iter().map(|end| pending.find(self.network, key, end)).collect::<Result<Vec<_>, _>>()
        };
        let (inputs, outputs) = match (ends("inputLayers"), ends("outputLayers")) {
            (Ok(inputs), Ok(outputs)) => (inputs, outputs),
            (Err(problem), _) | (_, Err(problem)) => return Err(of_model(self.network, problem)),
        };
        check_inputs(self.network, &inputs).map_err(|problem| of_model(self.network, problem))?;
        let members =
            Members::new(self.network, &inputs, &outputs).map_err(|problem| of_model(self.network, problem))?;
        let shapes = OutputShapes::List(outputs.iter().map(|tensor| tensor.shape).collect());
        self.network.push_whole(model, &inputs, &outputs, shapes);
        Ok(Container { layers: members.layers.clone(), inputs, outputs, members })
    }
}

/// The inputs of a model are inputs, each once.
fn check_inputs(network: &Network, inputs: &[Tensor]) -> Result<(), Problem> {
    let mut seen = BTreeSet::new();
    for input in inputs {
        let layer = network.layer(input.node.layer);
        let name = abbreviate(&layer.name);
        if !matches!(layer.kind, Kind::Input) {
            return Err(Problem::of("inputLayers", format!("`{name}` is no InputLayer")));
        }
        if !seen.insert(input.node) {
            return Err(Problem::of("inputLayers", format!("`{name}` stands there twice")));
        }
    }
    Ok(())
}

/// The layers of a model with the applications that are still to come.
///
/// TensorFlow.js goes over all layers again and again, and applies what it can. The order matters: the first application that succeeds is
/// the layer's first node. We do the same in the same order, but look again only at layers that waited for one that has got a node.
#[derive(Default)]
struct Pending {
    layers: Vec<(LayerId, Vec<Vec<Reference>>)>,
    by_name: BTreeMap<String, usize>,
    /// Who waits for a node of a layer.
    waiting: BTreeMap<usize, BTreeSet<usize>>,
}

impl Pending {
    fn add(&mut self, name: String, layer: LayerId, nodes: Vec<Vec<Reference>>) -> Result<(), Problem> {
        if self.by_name.contains_key(&name) {
            return Err(Problem::of("layers", format!("two of its layers are named `{}`", abbreviate(&name))));
        }
        self.by_name.insert(name, self.layers.len());
        self.layers.push((layer, nodes));
        Ok(())
    }

    fn apply_all(&mut self, network: &mut Network, model: LayerId) -> Result<(), ModelError> {
        let mut sweep: BTreeSet<usize> = (0..self.layers.len()).collect();
        while !sweep.is_empty() {
            let mut next = BTreeSet::new();
            while let Some(place) = sweep.pop_first() {
                if self.apply(network, place)? {
                    for waiter in self.waiting.remove(&place).unwrap_or_default() {
                        if waiter > place {
                            sweep.insert(waiter)
                        } else {
                            next.insert(waiter)
                        };
                    }
                }
            }
            sweep = next;
        }
        let stuck = self.layers.iter().find_map(|(layer, nodes)| nodes.first().map(|node| (*layer, node)));
        let Some((layer, node)) = stuck else { return Ok(()) };
        let wanted = node.iter().find(|input| self.lookup(network, input).is_none());
        let wanted = wanted.map_or("", |input| input.layer.as_str());
        let name = abbreviate(&network.layer(layer).name);
        let problem = if self.by_name.contains_key(wanted) {
            format!(
                "`{name}` waits for an output of `{}`, which never comes: there is a cycle, or no such node",
                abbreviate(wanted)
            )
        } else {
            format!("`{name}` is applied to `{}`, and there is no such layer", abbreviate(wanted))
        };
        Err(network.error(model, Problem::of("inboundNodes", problem)))
    }

    /// Applies a layer wherever its inputs are there; tells whether it did.
    fn apply(&mut self, network: &mut Network, place: usize) -> Result<bool, ModelError> {
        let Some((layer, nodes)) = self.layers.get_mut(place).map(|(layer, nodes)| (*layer, std::mem::take(nodes)))
        else {
            return Ok(false);
        };
        let (mut left, mut is_new) = (Vec::new(), false);
        for node in nodes {
            network.count_call().map_err(|problem| network.error(layer, problem))?;
            match self.tensors(network, &node) {
                Ok(inputs) if inputs.is_empty() => {}
                Ok(inputs) => {
                    let inputs =
                        inputs.into_iter().map(|input| tensor(network, layer, &input)).collect::<Result<_, _>>()?;
                    network.apply(layer, inputs)?;
                    is_new = true;
                }
                Err(missing) => {
                    if let Some(missing) = missing {
                        self.waiting.entry(missing).or_default().insert(place);
                    }
                    left.push(node);
                }
            }
        }
        if is_new && !left.is_empty() {
            // What is left may wait for what is new: it is looked at again in the next sweep.
            self.waiting.entry(place).or_default().insert(place);
        }
        if let Some((_, nodes)) = self.layers.get_mut(place) {
            *nodes = left;
        }
        Ok(is_new)
    }

    /// The nodes that are the inputs, if all are there, else the layer of the first that is not.
    fn tensors(&self, network: &Network, node: &[Reference]) -> Result<Vec<(NodeId, usize)>, Option<usize>> {
        let find = |input: &Reference| {
            let id = self.lookup(network, input).ok_or_else(|| self.by_name.get(&input.layer).copied())?;
            Ok((id, input.tensor))
        };
        node.iter().map(find).collect()
    }

    fn lookup(&self, network: &Network, input: &Reference) -> Option<NodeId> {
        let (layer, _) = self.layers.get(*self.by_name.get(&input.layer)?)?;
        let id = NodeId { layer: *layer, index: input.node };
        network.node(id).map(|_| id)
    }

    /// The tensor at an end of the model.
    fn find(&self, network: &mut Network, key: &'static str, end: &Reference) -> Result<Tensor, Problem> {
        let found = self.lookup(network, end).and_then(|id| network.output(id, end.tensor));
        found.ok_or_else(|| {
            let Reference { layer, node, tensor } = end;
            Problem::of(
                key,
                format!("there is no output {tensor} of application {node} of a layer `{}`", abbreviate(layer)),
            )
        })
    }
}

fn tensor(network: &mut Network, layer: LayerId, (id, index): &(NodeId, usize)) -> Result<Tensor, ModelError> {
    network.output(*id, *index).ok_or_else(|| {
        let name = abbreviate(&network.layer(id.layer).name);
        network.error(layer, Problem::of("inboundNodes", format!("`{name}` has no output {index}")))
    })
}
