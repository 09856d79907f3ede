//! How a model was trained, and how far its optimizer had come.

use tfjs_artifacts::{RawJson, WeightSpec};

use super::LayersModel;
use crate::config::{Config, camel_case};
use crate::error::ModelError;

/// What `compile` was told: the model's `trainingConfig`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrainingConfig {
    /// The class of the optimizer: `Adam`.
    pub optimizer_class: String,
    /// Its settings, in the spelling of the file.
    pub optimizer_config: RawJson,
    /// The loss: a name, or several.
    pub loss: Option<RawJson>,
    /// The metrics.
    pub metrics: Option<RawJson>,
}

/// The tensors of an optimizer, told apart by their order, as TensorFlow.js tells them: their names are not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OptimizerState<'m> {
    /// How many steps have been made: the first tensor.
    pub iterations: Option<&'m WeightSpec>,
    /// What it keeps for each weight.
    pub slots: Vec<Slot<'m>>,
    /// Tensors that belong to nothing, since the class of the optimizer is unknown or their number does not fit.
    pub rest: Vec<&'m WeightSpec>,
}

/// One value for each value of each trainable weight.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Slot<'m> {
    /// As TensorFlow.js calls it: `m` or `v` of Adam.
    pub name: &'static str,
    /// A tensor for each trainable weight, in the order of the weights.
    pub tensors: Vec<&'m WeightSpec>,
}

/// What each optimizer of TensorFlow.js keeps for each weight, in the order of `getWeights`.
const SLOTS: [(&str, &[&str]); 6] = [
    ("SGD", &[]),
    ("Momentum", &["momentum"]),
    ("Adagrad", &["accumulator"]),
    ("Adadelta", &["accum_grad", "accum_var"]),
    ("RMSProp", &["rms", "momentum", "mg"]),
    ("Adam", &["m", "v"]),
];

impl LayersModel {
    /// How the model was trained; `None` if it does not say.
    ///
    /// # Errors
    /// [`ModelError::Training`] when it is no object, or names no optimizer.
    pub fn training_config(&self) -> Result<Option<TrainingConfig>, ModelError> {
        let Some(json) = self.training_json() else { return Ok(None) };
        let wrong = |message: &str| ModelError::Training { message: message.to_owned() };
        let config = Config::read(json).ok_or_else(|| wrong("it is no JSON object"))?;
        let optimizer = config.get("optimizerConfig").and_then(Config::read);
        let class = optimizer
            .as_ref()
            .and_then(|optimizer| optimizer.get("className")?.as_str().map(|class| camel_case(&class)));
        Ok(Some(TrainingConfig {
            optimizer_class: class.ok_or_else(|| wrong("`optimizer_config` has no `class_name`"))?,
            optimizer_config: optimizer
                .and_then(|optimizer| optimizer.get("config").cloned())
                .unwrap_or_else(RawJson::null),
            loss: config.get("loss").cloned(),
            metrics: config.get("metrics").cloned(),
        }))
    }

    fn training_json(&self) -> Option<&RawJson> {
        self.artifacts.training_config.as_ref().filter(|json| self.keeps_optimizer && !json.is_null())
    }

    /// The tensors of the optimizer; `None` if there are none.
    pub fn optimizer_state(&self) -> Option<OptimizerState<'_>> {
        let mut tensors = self.weights.specs().iter().filter(|spec| self.keeps_optimizer && spec.is_optimizer());
        let iterations = Some(tensors.next()?);
        let rest: Vec<_> = tensors.collect();
        let weights = self.weights().filter(super::Weight::is_trainable).count();
        let names = self.slot_names();
        if names.is_empty() || weights == 0 || rest.len() != names.len().saturating_mul(weights) {
            return Some(OptimizerState { iterations, slots: Vec::new(), rest });
        }
        let slots = names.iter().zip(rest.chunks(weights));
        let slots = slots.map(|(name, tensors)| Slot { name, tensors: tensors.to_vec() }).collect();
        Some(OptimizerState { iterations, slots, rest: Vec::new() })
    }

    fn slot_names(&self) -> &'static [&'static str] {
        let Ok(Some(config)) = self.training_config() else { return &[] };
        let found = SLOTS.iter().find(|(class, _)| *class == config.optimizer_class);
        let names = found.map(|(_, names)| *names).unwrap_or_default();
        let is_centered = Config::read(&config.optimizer_config).is_some_and(|config| config.flag("centered"));
        match names {
            [rest @ .., "mg"] if !is_centered => rest,
            names => names,
        }
    }

    /// Forgets how the model was trained: what is saved from now on has neither the config nor the tensors.
    pub fn strip_optimizer(&mut self) {
        self.keeps_optimizer = false;
    }
}
