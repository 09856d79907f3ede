//! From a definition to a graph: what nodes are called in each other's inputs is looked up.

use std::collections::{BTreeMap, BTreeSet};

use super::attr::Attr;
use super::definition::{ArgDef, FunctionDef, GraphDef, NodeDef};
use super::parts::{End, Function, Graph, Node, NodeInput};
use super::signature::{Signature, TensorInfo, sort_like_object_keys};
use crate::ModelError;
use crate::problem::abbreviate;

/// How many problems an error lists.
const LISTED: usize = 20;

impl Graph {
    /// Looks up what nodes are called in each other's inputs.
    pub(super) fn build(definition: GraphDef, signature: Option<&Signature>, at: &str) -> Result<Self, ModelError> {
        let mut graph = Self::of_nodes(definition.nodes, at)?;
        let (inputs, outputs) = (signature.map(Signature::inputs), signature.map(Signature::outputs));
        graph.inputs = graph
            .ends(inputs.unwrap_or_default())
            .unwrap_or_else(|| graph.ends_where(|node| node.op.starts_with("Placeholder")));
        graph.outputs =
            graph.ends(outputs.unwrap_or_default()).unwrap_or_else(|| graph.ends_where(|node| !node.has_consumers));
        let mut functions: BTreeSet<&str> = BTreeSet::new();
        if let Some(twice) = definition.functions.iter().find(|function| !functions.insert(&function.name)) {
            let message = format!("there are two functions `{}`", abbreviate(&twice.name));
            return Err(ModelError::Graph { at: at.to_owned(), message });
        }
        let functions = definition.functions.into_iter().map(|function| Function::build(function, at));
        graph.functions = functions.collect::<Result<_, _>>()?;
        Ok(graph)
    }

    fn of_nodes(definitions: Vec<NodeDef>, at: &str) -> Result<Self, ModelError> {
        let mut by_name = BTreeMap::new();
        let mut problems = Vec::new();
        for (index, node) in definitions.iter().enumerate() {
            if by_name.insert(node.name.clone(), index).is_some() {
                problems.push(format!("there are two nodes `{}`", abbreviate(&node.name)));
            }
        }
        let mut nodes = Vec::with_capacity(definitions.len());
        let mut consumed = BTreeSet::new();
        for definition in definitions {
            let mut inputs = Vec::with_capacity(definition.inputs.len());
            for text in &definition.inputs {
                let reference = Reference::parse(text);
                match by_name.get(reference.node) {
                    Some(node) => {
                        consumed.insert(*node);
                        inputs.push(reference.to(*node));
                    }
                    None => problems.push(format!(
                        "`{}` gets something from `{}`, and there is no such node",
                        abbreviate(&definition.name),
                        abbreviate(reference.node)
                    )),
                }
            }
            let NodeDef { name, op, attrs, .. } = definition;
            nodes.push(Node { name, op, inputs, attrs, has_consumers: false });
        }
        if !problems.is_empty() {
            return Err(ModelError::Graph { at: at.to_owned(), message: listed(&problems) });
        }
        for (index, node) in nodes.iter_mut().enumerate() {
            node.has_consumers = consumed.contains(&index);
        }
        Ok(Self { nodes, by_name, inputs: Vec::new(), outputs: Vec::new(), functions: Vec::new() })
    }

    /// The nodes that one side of a signature names, as TensorFlow.js finds them: of two keys for one tensor the last counts, what
    /// names no node of the graph is left out. `None` if it names no tensor at all.
    fn ends(&self, entries: &[(String, TensorInfo)]) -> Option<Vec<End>> {
        let mut by_tensor: Vec<(String, &str)> = Vec::new();
        let mut places = BTreeMap::new();
        for (key, info) in entries {
            let tensor = info.name.as_deref().unwrap_or_default();
            let place = *places.entry(tensor).or_insert(by_tensor.len());
            match by_tensor.get_mut(place) {
                Some((_, known)) => *known = key,
                None => by_tensor.push((tensor.to_owned(), key)),
            }
        }
        sort_like_object_keys(&mut by_tensor);
        let end = |(tensor, key): &(String, &str)| {
            let node = *self.by_name.get(Reference::parse(tensor).node)?;
            Some(End { node, key: Some((*key).to_owned()) })
        };
        (!by_tensor.is_empty()).then(|| by_tensor.iter().filter_map(end).collect())
    }

    fn ends_where(&self, is_end: impl Fn(&Node) -> bool) -> Vec<End> {
        let ends = self.nodes.iter().enumerate().filter(|(_, node)| is_end(node));
        ends.map(|(node, _)| End { node, key: None }).collect()
    }
}

impl Function {
    fn build(definition: FunctionDef, at: &str) -> Result<Self, ModelError> {
        let at = format!("{at}, function `{}`", abbreviate(&definition.name));
        let arguments = definition.inputs.iter().map(|argument| NodeDef {
            name: argument.name.clone(),
            op: "Placeholder".to_owned(),
            inputs: Vec::new(),
            attrs: argument.dtype.iter().map(|dtype| ("dtype".to_owned(), Attr::Type(dtype.clone()))).collect(),
        });
        let nodes = definition.nodes.into_iter().chain(arguments);
        let mut graph = Graph::of_nodes(nodes.collect(), &at)?;
        let named = |name: &str, key: &str| {
            let node = *graph.by_name.get(name)?;
            Some(End { node, key: Some(key.to_owned()) })
        };
        let inputs = definition.inputs.iter().filter_map(|arg| named(&arg.name, &arg.name)).collect();
        let returned = |arg: &ArgDef| named(Reference::parse(definition.ret.get(&arg.name)?).node, &arg.name);
        let outputs = definition.outputs.iter().filter_map(returned).collect();
        (graph.inputs, graph.outputs) = (inputs, outputs);
        let args = |args: Vec<ArgDef>| args.into_iter().map(|arg| (arg.name, arg.dtype)).collect();
        Ok(Self { name: definition.name, inputs: args(definition.inputs), outputs: args(definition.outputs), graph })
    }
}

/// What stands in the inputs of a node: `node`, `node:1`, `node:output:1`, or `^node`.
struct Reference<'t> {
    node: &'t str,
    output_name: Option<&'t str>,
    output: usize,
    is_control: bool,
}

impl<'t> Reference<'t> {
    fn parse(text: &'t str) -> Self {
        let (text, is_control) = text.strip_prefix('^').map_or((text, false), |text| (text, true));
        let mut parts = text.split(':');
        let node = parts.next().unwrap_or_default();
        let (output_name, last) = match (parts.next(), parts.next(), parts.next()) {
            (Some(last), None, _) => (None, last),
            (Some(name), Some(last), None) => (Some(name), last),
            _ => (None, "0"),
        };
        Self { node, output_name, output: last.parse().unwrap_or(0), is_control }
    }

    fn to(&self, node: usize) -> NodeInput {
        let output_name = self.output_name.map(str::to_owned);
        NodeInput { node, output: self.output, output_name, is_control: self.is_control }
    }
}

fn listed(problems: &[String]) -> String {
    let text = problems.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join("; ");
    match problems.len().saturating_sub(LISTED) {
        0 => text,
        more => format!("{text}; and {more} more"),
    }
}
