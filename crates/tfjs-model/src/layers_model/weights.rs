//! The weights of a model as users see them: to be listed, read and set.

use tfjs_artifacts::{DType, Error, ErrorKind, Shape, TensorPlace, WeightSpec, Weights};
use tfjs_weights::{Tensor, TensorReader, decode};

use super::weight_table::{Entry, Source, Value};
use super::{Layer, LayersModel};
use crate::error::ModelError;
use crate::matching::{DTypeMismatch, MatchReport, ShapeMismatch};
use crate::problem::abbreviate;

/// The numbers that `summary` ends with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParamCounts {
    /// Values that are trained.
    pub trainable: u64,
    /// Values that are not.
    pub non_trainable: u64,
}

impl ParamCounts {
    /// All of them.
    pub fn total(self) -> u64 {
        self.trainable.saturating_add(self.non_trainable)
    }

    fn add(&mut self, is_trainable: bool, count: u64) {
        let place = if is_trainable { &mut self.trainable } else { &mut self.non_trainable };
        *place = place.saturating_add(count);
    }
}

/// A weight of a model, and its value if it has one.
#[derive(Clone, Debug)]
pub struct Weight<'m> {
    name: &'m str,
    shape: &'m Shape,
    dtype: &'m DType,
    is_trainable: bool,
    pub(super) value: Option<&'m Value>,
    spec: Option<&'m WeightSpec>,
}

impl<'m> Weight<'m> {
    /// Its name: `dense_1/kernel`.
    pub fn name(&self) -> &'m str {
        self.name
    }

    /// Its shape.
    pub fn shape(&self) -> &'m Shape {
        self.shape
    }

    /// The type of its values.
    pub fn dtype(&self) -> &'m DType {
        self.dtype
    }

    /// Whether it is trained.
    pub fn is_trainable(&self) -> bool {
        self.is_trainable
    }

    /// Whether it has a value.
    pub fn is_set(&self) -> bool {
        self.value.is_some()
    }

    /// How its value is stored: the spec of the file, or of the tensor that it was set to.
    pub fn spec(&self) -> Option<&'m WeightSpec> {
        self.spec
    }

    /// The number of its values.
    pub fn count_params(&self) -> u64 {
        self.shape.size()
    }
}

impl LayersModel {
    /// Its weights in the order of `model.weights`: those that are trained first.
    pub fn weights(&self) -> impl Iterator<Item = Weight<'_>> {
        self.weights.entries().iter().map(|entry| self.weight_of(entry))
    }

    /// A weight by its name.
    pub fn weight(&self, name: &str) -> Option<Weight<'_>> {
        let place = self.weights.position(&self.topology.network, name)?;
        self.weights.entries().get(place).map(|entry| self.weight_of(entry))
    }

    fn weight_of<'m>(&'m self, entry: &'m Entry) -> Weight<'m> {
        let spec = entry.value.as_ref().and_then(|value| match value {
            Value::Loaded(index) => self.weights.specs().get(*index),
            Value::Set(set) => Some(&set.spec),
        });
        let (is_trainable, value) = (entry.is_trainable, entry.value.as_ref());
        let (name, shape, dtype) = match entry.source {
            Source::Layer(id) => {
                let weight = self.topology.network.weight(id);
                (weight.name(), weight.shape(), weight.dtype())
            }
            Source::File(index) => {
                let own = self.weights.spec(index);
                (own.name.as_str(), &own.shape, &own.dtype)
            }
        };
        Weight { name, shape, dtype, is_trainable, value, spec }
    }

    /// The values of a weight, read from where they are; quantized ones are decoded. Where each lies is found out once, so all weights can
    /// be read one by one.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such weight or it has no value, and what reading and decoding report.
    pub async fn read_weight(&self, name: &str) -> Result<Tensor, Error> {
        let weight = self.weight(name).ok_or_else(|| self.no_such_weight(name))?;
        let missing = || Error::new(ErrorKind::NotFound, format!("the weight `{name}` has no value"));
        let in_file = match weight.value.ok_or_else(missing)? {
            Value::Set(set) => return Ok(set.tensor.clone()),
            Value::Loaded(index) => *index,
        };
        let weights = self.artifacts.weights.as_ref().ok_or_else(missing)?;
        let (_, shape, values) = self.read_from_file(weights, in_file).await?.into_parts();
        Tensor::new(name, shape, values).map_err(|error| Error::new(ErrorKind::Unexpected, error.to_string()))
    }

    async fn read_from_file(&self, weights: &Weights, index: usize) -> Result<Tensor, Error> {
        let places = if let Some(places) = self.places.get() {
            places
        } else {
            let found = weights.locate().await?;
            self.places.get_or_init(|| found)
        };
        match (self.weights.specs().get(index), places.get(index)) {
            (Some(spec), Some(TensorPlace::At(range))) => {
                Ok(decode(spec, &weights.data().read_pieces(range.clone()).await?)?)
            }
            // It says why there is no place.
            _ => TensorReader::open(weights).await?.nth(index).await,
        }
    }

    /// Gives the weight of the tensor's name its values.
    ///
    /// # Errors
    /// [`ModelError::NoSuchWeight`], and [`ModelError::Weights`] when shape or type are not those that the layer wants.
    pub fn set_weight(&mut self, tensor: &Tensor) -> Result<(), ModelError> {
        let place = self.weights.position(&self.topology.network, tensor.name());
        let found = place.and_then(|place| Some((place, self.weight_of(self.weights.entries().get(place)?))));
        let (place, weight) = found.ok_or_else(|| self.no_such_weight(tensor.name()))?;
        let mut report = MatchReport::default();
        if weight.shape != tensor.shape() {
            let (expected, found) = (weight.shape.clone(), tensor.shape().clone());
            report.shape_mismatch.push(ShapeMismatch { name: tensor.name().to_owned(), expected, found });
        }
        if *weight.dtype != tensor.dtype() {
            let (expected, found) = (weight.dtype.clone(), tensor.dtype());
            report.dtype_mismatch.push(DTypeMismatch { name: tensor.name().to_owned(), expected, found });
        }
        if !report.is_clean() {
            return Err(ModelError::Weights(Box::new(report)));
        }
        self.weights.set(place, tensor);
        Ok(())
    }

    fn no_such_weight(&self, name: &str) -> ModelError {
        // Of long names only the beginnings: comparing takes the product of their lengths.
        let name = abbreviate(name);
        let likeness = |weight: &Weight<'_>| strsim::jaro_winkler(&abbreviate(weight.name), &name);
        let nearest =
            self.weights().map(|weight| (likeness(&weight), weight.name)).filter(|(likeness, _)| *likeness > 0.8);
        let nearest = nearest.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, name)| name.to_owned());
        ModelError::NoSuchWeight { name, nearest }
    }

    /// How many values its weights have.
    pub fn count_params(&self) -> ParamCounts {
        let mut counts = ParamCounts::default();
        self.weights().for_each(|weight| counts.add(weight.is_trainable, weight.count_params()));
        counts
    }

    /// The weights of one of its layers.
    pub(super) fn weights_of_layer(&self, layer: &Layer<'_>) -> Vec<Weight<'_>> {
        let entries = self.weights.of_layer(&self.topology.network, layer.id());
        entries.map(|entry| self.weight_of(entry)).collect()
    }
}
