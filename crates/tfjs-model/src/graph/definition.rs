//! A `GraphDef` as both its forms say it, before anything of it is looked up.

use std::collections::BTreeMap;

use super::attr::{Attr, DataType};

/// A graph.
#[derive(Debug, Default)]
pub(super) struct GraphDef {
    pub(super) nodes: Vec<NodeDef>,
    pub(super) functions: Vec<FunctionDef>,
    /// As the text of a template in JavaScript has them.
    pub(super) producer: Option<String>,
    pub(super) min_consumer: Option<String>,
}

/// A node.
#[derive(Debug, Default)]
pub(super) struct NodeDef {
    pub(super) name: String,
    pub(super) op: String,
    pub(super) inputs: Vec<String>,
    pub(super) attrs: BTreeMap<String, Attr>,
}

/// A function of the library.
#[derive(Debug, Default)]
pub(super) struct FunctionDef {
    pub(super) name: String,
    pub(super) inputs: Vec<ArgDef>,
    pub(super) outputs: Vec<ArgDef>,
    pub(super) nodes: Vec<NodeDef>,
    /// Which tensor each output is.
    pub(super) ret: BTreeMap<String, String>,
}

/// An argument or a result of a function.
#[derive(Clone, Debug, Default)]
pub(super) struct ArgDef {
    pub(super) name: String,
    pub(super) dtype: Option<DataType>,
}

impl GraphDef {
    pub(super) fn version(&self) -> String {
        let text = |version: &Option<String>| version.clone().unwrap_or_else(|| "undefined".to_owned());
        format!("{}.{}", text(&self.producer), text(&self.min_consumer))
    }
}
