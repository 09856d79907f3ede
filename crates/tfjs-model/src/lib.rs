#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod classes;
mod config;
mod diff;
mod error;
mod graph;
mod kind;
mod layers_model;
mod load;
mod matching;
mod network;
mod picture;
mod problem;
mod symbolic;
mod topology;

pub use diff::{
    JsonDifference, ModelDifferences, SpecDifference, TensorDifferences, TopologyDifferences, ValueDifference,
};
pub use error::ModelError;
pub use graph::{
    Attr, DataType, Function, Graph, GraphEnd, GraphModel, GraphModelOptions, GraphWeightReport, Node, NodeInput,
    Signature, TensorInfo, load_graph_model, load_graph_model_from,
};
pub use kind::ModelKind;
pub use layers_model::{
    Connection, InputOutput, Layer, LayersModel, OptimizerState, ParamCounts, SaveConfig, Slot, SummaryOptions,
    TrainingConfig, Weight,
};
pub use load::{
    LayersModelOptions, Model, load_layers_model, load_layers_model_from, load_model, load_model_from,
    save_layers_model,
};
pub use matching::{DTypeMismatch, MatchReport, Rename, ShapeMismatch, WeightMatching};
pub use picture::Picture;
pub use symbolic::{Dim, SymbolicShape};
