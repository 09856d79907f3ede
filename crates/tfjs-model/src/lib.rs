#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod classes;
mod config;
mod error;
mod kind;
mod layers_model;
mod load;
mod matching;
mod network;
mod problem;
mod symbolic;
mod topology;

pub use error::ModelError;
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
pub use network::LayerWeight;
pub use symbolic::{Dim, SymbolicShape};
