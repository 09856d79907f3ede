//! From a model back to artifacts: `LayersModel.save`.

use std::collections::BTreeSet;

use tfjs_artifacts::{
    BoxFuture, Error, ErrorKind, ModelArtifacts, RelPath, SaveResult, Segment, TensorPlace, WeightData, WeightGroup,
    WeightSpec, Weights,
};
use tfjs_router::{SaveHandler, SaveOptions};
use tfjs_weights::Tensor;

use super::LayersModel;
use super::weight_table::Value;
use crate::error::ModelError;

/// What of a model is saved: the `SaveConfig` of TensorFlow.js.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SaveConfig {
    /// Whether only weights that are trained are saved.
    pub trainable_only: bool,
    /// Whether the training config and the tensors of the optimizer are saved, if there are any. True by default, unlike in TensorFlow.js:
    /// what was loaded is kept.
    pub include_optimizer: bool,
}

impl SaveConfig {
    /// Everything that there is.
    pub fn new() -> Self {
        Self { trainable_only: false, include_optimizer: true }
    }

    /// With or without weights that are not trained.
    #[must_use]
    pub fn trainable_only(mut self, only: bool) -> Self {
        self.trainable_only = only;
        self
    }

    /// With or without what the optimizer needs to go on.
    #[must_use]
    pub fn include_optimizer(mut self, include: bool) -> Self {
        self.include_optimizer = include;
        self
    }
}

impl Default for SaveConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// A weight that is saved.
enum Saved {
    /// As the file has it, maybe under another name.
    Loaded {
        /// The place of its spec.
        index: usize,
        /// Its spec.
        spec: WeightSpec,
    },
    /// As it was set.
    Set {
        /// Its spec.
        spec: WeightSpec,
        /// Its values.
        tensor: Tensor,
    },
}

impl LayersModel {
    /// Saves the model.
    ///
    /// # Errors
    /// What [`to_artifacts`](Self::to_artifacts) and the handler report.
    pub async fn save(
        &self,
        handler: &dyn SaveHandler,
        config: SaveConfig,
        options: &SaveOptions,
    ) -> Result<SaveResult, Error> {
        let artifacts = self.to_artifacts(config).await?;
        handler.save(&artifacts, options).await
    }

    /// What is saved: everything as it was loaded, but for what was changed and what the config leaves out. Weights have the names of the
    /// layers, in the order of the file; those that were not there stand at the end. Their bytes are not read.
    ///
    /// # Errors
    /// [`ModelError::Unset`] when some weights have values and others do not, and what finding the bytes of strings reports.
    pub fn to_artifacts(&self, config: SaveConfig) -> BoxFuture<'_, Result<ModelArtifacts, Error>> {
        Box::pin(async move {
            let mut artifacts = self.artifacts.clone();
            let include_optimizer = config.include_optimizer && self.keeps_optimizer;
            if !include_optimizer {
                artifacts.training_config = None;
            }
            let saved = self.saved_weights(config.trainable_only, include_optimizer)?;
            artifacts.weights = match &self.artifacts.weights {
                Some(weights) => Some(self.lay_out(weights, &saved).await?),
                None if saved.is_empty() => None,
                None => Some(single(saved.into_iter().filter_map(set_bytes))?),
            };
            Ok(artifacts)
        })
    }

    /// What is saved of the weights, in the order of the file; what the file does not have stands at the end.
    fn saved_weights(&self, trainable_only: bool, include_optimizer: bool) -> Result<Vec<Saved>, ModelError> {
        let wanted: Vec<_> = self.weights().filter(|weight| weight.is_trainable() || !trainable_only).collect();
        let names: Vec<_> =
            wanted.iter().filter(|weight| !weight.is_set()).map(|weight| weight.name().to_owned()).collect();
        if !names.is_empty() && names.len() < wanted.len() {
            return Err(ModelError::Unset { names, total: wanted.len() });
        }
        let mut saved: Vec<(usize, Saved)> = Vec::new();
        for weight in wanted {
            let Some(mut spec) = weight.spec().cloned() else { continue };
            weight.name().clone_into(&mut spec.name);
            match weight.value {
                Some(Value::Loaded(index)) => saved.push((*index, Saved::Loaded { index: *index, spec })),
                Some(Value::Set(set)) => {
                    let place = set.replaces.unwrap_or(usize::MAX);
                    saved.push((place, Saved::Set { spec, tensor: set.tensor.clone() }));
                }
                None => {}
            }
        }
        if include_optimizer {
            let specs = self.weights.specs().iter().enumerate().filter(|(_, spec)| spec.is_optimizer());
            saved.extend(specs.map(|(index, spec)| (index, Saved::Loaded { index, spec: spec.clone() })));
        }
        saved.sort_by_key(|(place, _)| *place);
        Ok(saved.into_iter().map(|(_, saved)| saved).collect())
    }

    /// The groups of the file, if all of its tensors are there and nothing else is; else one group.
    async fn lay_out(&self, weights: &Weights, saved: &[Saved]) -> Result<Weights, Error> {
        let is_whole = saved.len() == self.weights.specs().len()
            && saved
                .iter()
                .enumerate()
                .all(|(place, saved)| matches!(saved, Saved::Loaded { index, .. } if *index == place));
        if is_whole {
            return renamed(weights, saved);
        }
        let places = weights.locate().await?;
        let mut pieces = Vec::with_capacity(saved.len());
        for one in saved {
            let piece = match one {
                Saved::Loaded { index, spec } => {
                    let Some(TensorPlace::At(range)) = places.get(*index) else { return Err(no_place(spec)) };
                    (spec.clone(), weights.data().slice(range.clone())?)
                }
                Saved::Set { spec, tensor } => (spec.clone(), WeightData::from_iter([tensor.clone().into_le_bytes()])),
            };
            pieces.push(piece);
        }
        single(pieces)
    }
}

fn no_place(spec: &WeightSpec) -> Error {
    let name = &spec.name;
    let message = format!("nobody can tell where the bytes of `{name}` are: a tensor before it is of an unknown type");
    Error::new(ErrorKind::Unsupported, message)
}

fn set_bytes(saved: Saved) -> Option<(WeightSpec, WeightData)> {
    match saved {
        Saved::Set { spec, tensor } => Some((spec, WeightData::from_iter([tensor.into_le_bytes()]))),
        Saved::Loaded { .. } => None,
    }
}

/// The same bytes in the same files, maybe under other names.
fn renamed(weights: &Weights, saved: &[Saved]) -> Result<Weights, Error> {
    let mut specs = saved.iter().filter_map(|saved| match saved {
        Saved::Loaded { spec, .. } => Some(spec),
        Saved::Set { .. } => None,
    });
    let mut groups: Vec<WeightGroup> = weights.groups().to_vec();
    for (spec, saved) in groups.iter_mut().flat_map(|group| &mut group.weights).zip(&mut specs) {
        spec.name.clone_from(&saved.name);
    }
    if groups == weights.groups() {
        return Ok(weights.clone());
    }
    Ok(Weights::new(groups, weights.data().clone(), weights.surplus_bytes())?)
}

/// One group in one file, as TensorFlow.js saves.
fn single(pieces: impl IntoIterator<Item = (WeightSpec, WeightData)>) -> Result<Weights, Error> {
    let (mut specs, mut segments): (Vec<_>, Vec<Segment>) = (Vec::new(), Vec::new());
    for (spec, data) in pieces {
        specs.push(spec);
        segments.extend(data.segments().cloned());
    }
    let path: RelPath = "weights.bin".parse().map_err(|error| Error::new(ErrorKind::Unexpected, format!("{error}")))?;
    check_unique(&specs)?;
    Ok(Weights::single(specs, path, WeightData::from_segments(segments))?)
}

fn check_unique(specs: &[WeightSpec]) -> Result<(), ModelError> {
    let mut names = BTreeSet::new();
    match specs.iter().find(|spec| !names.insert(&spec.name)) {
        Some(spec) => Err(ModelError::DuplicateWeight { name: spec.name.clone() }),
        None => Ok(()),
    }
}
