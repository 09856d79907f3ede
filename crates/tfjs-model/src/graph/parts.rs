//! What a graph consists of: nodes that know each other, and functions.

use std::collections::{BTreeMap, BTreeSet};

use super::attr::{Attr, DataType};

/// Operations and what flows between them.
#[derive(Clone, Debug)]
pub struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) by_name: BTreeMap<String, usize>,
    pub(super) inputs: Vec<End>,
    pub(super) outputs: Vec<End>,
    pub(super) functions: Vec<Function>,
}

/// A node that is an input or output, and the key that the signature has for it.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) node: usize,
    pub(super) key: Option<String>,
}

/// An operation.
#[derive(Clone, Debug)]
pub struct Node {
    pub(super) name: String,
    pub(super) op: String,
    pub(super) inputs: Vec<NodeInput>,
    pub(super) attrs: BTreeMap<String, Attr>,
    pub(super) has_consumers: bool,
}

/// Where a node gets a tensor from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeInput {
    /// The place of the other node in [`Graph::nodes`].
    pub node: usize,
    /// Which of its outputs, from 0.
    pub output: usize,
    /// The name of that output, within functions.
    pub output_name: Option<String>,
    /// Whether nothing flows: the other node only has to be run before.
    pub is_control: bool,
}

/// A function of the library, which nodes of other graphs call.
#[derive(Clone, Debug)]
pub struct Function {
    pub(super) name: String,
    pub(super) inputs: Vec<(String, Option<DataType>)>,
    pub(super) outputs: Vec<(String, Option<DataType>)>,
    pub(super) graph: Graph,
}

impl Graph {
    /// The nodes, in the order of the topology.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node of this name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.by_name.get(name).and_then(|index| self.nodes.get(*index))
    }

    /// The functions of the library.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// The function of this name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }

    /// The nodes, then those of the functions.
    pub fn all_nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().chain(self.functions.iter().flat_map(|function| function.graph.nodes()))
    }

    /// The functions that its nodes call, and those that these call. Converters leave others in the library, and their constants out of
    /// the weights.
    pub fn called_functions(&self) -> Vec<&Function> {
        let by_name: BTreeMap<&str, &Function> =
            self.functions.iter().map(|function| (function.name.as_str(), function)).collect();
        let mut waiting: Vec<&str> = self.nodes.iter().flat_map(Node::called).collect();
        let (mut seen, mut called) = (BTreeSet::new(), Vec::new());
        while let Some(name) = waiting.pop() {
            if let Some(function) = by_name.get(name).filter(|_| seen.insert(name)) {
                called.push(*function);
                waiting.extend(function.graph.nodes.iter().flat_map(Node::called));
            }
        }
        called
    }

    /// Its inputs with the keys that the signature has for them; without a signature its placeholders.
    pub fn inputs(&self) -> impl Iterator<Item = (&Node, Option<&str>)> {
        self.resolved(&self.inputs)
    }

    /// Its outputs with the keys that the signature has for them; without a signature the nodes that nobody gets anything from.
    pub fn outputs(&self) -> impl Iterator<Item = (&Node, Option<&str>)> {
        self.resolved(&self.outputs)
    }

    fn resolved<'g>(&'g self, ends: &'g [End]) -> impl Iterator<Item = (&'g Node, Option<&'g str>)> {
        ends.iter().filter_map(|end| Some((self.nodes.get(end.node)?, end.key.as_deref())))
    }
}

impl Function {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its arguments.
    pub fn inputs(&self) -> &[(String, Option<DataType>)] {
        &self.inputs
    }

    /// Its results.
    pub fn outputs(&self) -> &[(String, Option<DataType>)] {
        &self.outputs
    }

    /// What it does; its arguments are placeholders there.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }
}

impl Node {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The operation.
    pub fn op(&self) -> &str {
        &self.op
    }

    /// Where its tensors come from.
    pub fn inputs(&self) -> &[NodeInput] {
        &self.inputs
    }

    /// The attributes, by name.
    pub fn attrs(&self) -> impl Iterator<Item = (&str, &Attr)> {
        self.attrs.iter().map(|(name, attr)| (name.as_str(), attr))
    }

    /// The attribute of this name.
    pub fn attr(&self, name: &str) -> Option<&Attr> {
        self.attrs.get(name)
    }

    /// What may be the name of a function that it calls: its operation, or an attribute.
    fn called(&self) -> Vec<&str> {
        let mut names = vec![self.op.as_str()];
        for attr in self.attrs.values() {
            let several = if let Attr::List(attrs) = attr { attrs.as_slice() } else { std::slice::from_ref(attr) };
            names.extend(several.iter().filter_map(|attr| match attr {
                Attr::Function(name) => Some(name.as_str()),
                _ => None,
            }));
        }
        names
    }

    /// Whether it is a constant, whose values are a weight of its name.
    pub fn is_const(&self) -> bool {
        self.op == "Const"
    }
}
