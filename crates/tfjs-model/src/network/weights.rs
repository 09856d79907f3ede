//! The weights of layers: their names, shapes and types.

use tfjs_artifacts::{DType, Shape};

use super::{Built, Kind, LayerId, Network, ShapeId};
use crate::problem::Problem;
use crate::symbolic::Dim;

/// Where a weight is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WeightId(pub(crate) usize);

/// A weight that a layer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayerWeight {
    name: String,
    shape: Shape,
    dtype: DType,
}

/// A weight that a layer wants.
#[derive(Clone, Debug)]
pub(crate) struct WeightDef {
    name: &'static str,
    dims: Vec<Dim>,
    trainable: bool,
}

/// Whose weights a layer has.
#[derive(Clone, Debug)]
pub(crate) enum Holds {
    /// Its own.
    Own,
    /// Those of the layer that it wraps, whatever it says itself.
    Inner(LayerId),
    /// Those of its cell, none of which is trainable if it is not itself.
    Cell(LayerId),
    /// Those of all of these; none is trainable if it is not itself.
    Cells(Vec<LayerId>),
    /// Those of all of these.
    Both([LayerId; 2]),
}

/// Where a weight stands in a layer's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Trainable,
    NonTrainable,
}

impl LayerWeight {
    /// Its name in files: `originalName` in TensorFlow.js, such as `dense_1/kernel`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its shape.
    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The type of its values.
    pub(crate) fn dtype(&self) -> &DType {
        &self.dtype
    }

    /// What its name begins with: `dense_1`.
    pub(crate) fn scope(&self) -> &str {
        self.name.rsplit_once('/').map_or("", |(scope, _)| scope)
    }
}

impl WeightDef {
    /// A weight that is trained.
    pub(crate) fn new(name: &'static str, dims: impl Into<Vec<Dim>>) -> Self {
        Self { name, dims: dims.into(), trainable: true }
    }

    /// A weight that is not.
    pub(crate) fn fixed(name: &'static str, dims: impl Into<Vec<Dim>>) -> Self {
        Self { trainable: false, ..Self::new(name, dims) }
    }
}

/// What a layer needs to make its weights.
pub(crate) struct Build<'n> {
    pub(crate) network: &'n mut Network,
    layer: LayerId,
    scope: &'n str,
}

impl<'n> Build<'n> {
    pub(super) fn new(network: &'n mut Network, layer: LayerId, scope: &'n str) -> Self {
        Self { network, layer, scope }
    }

    /// Adds weights.
    pub(crate) fn add(&mut self, weights: Vec<WeightDef>) -> Result<(), Problem> {
        for weight in weights {
            self.add_weight(&weight)?;
        }
        Ok(())
    }

    fn add_weight(&mut self, weight: &WeightDef) -> Result<(), Problem> {
        let dims =
            weight.dims.iter().map(|dim| dim.and_then(|dim| u64::try_from(dim).ok())).collect::<Option<Vec<_>>>();
        let Some(dims) = dims else {
            let dims: Vec<_> =
                weight.dims.iter().map(|dim| dim.map_or("null".to_owned(), |dim| dim.to_string())).collect();
            let name = weight.name;
            return Err(Problem::new(format!("its weight `{name}` would have the shape [{}]", dims.join(","))));
        };
        let shape = Shape::new(dims).map_err(|error| Problem::new(format!("its weight `{}`: {error}", weight.name)))?;
        self.network.count_call()?;
        let entry = self.network.layer(self.layer);
        let dtype = entry.dtype.as_deref().map_or(DType::Float32, DType::from);
        let name = format!("{}/{}", self.scope, weight.name);
        let id = WeightId(self.network.weights.len());
        self.network.weights.push(LayerWeight { name, shape, dtype });
        let entry = self.network.layer_mut(self.layer);
        let list = if weight.trainable { &mut entry.trainable_weights } else { &mut entry.non_trainable_weights };
        list.push(id);
        Ok(())
    }

    /// Builds a layer inside of this one in this scope.
    pub(crate) fn inner(&mut self, inner: LayerId, inputs: &[ShapeId]) -> Result<(), Problem> {
        self.network.build(inner, self.scope, inputs)
    }

    /// Builds a layer inside of this one in a scope below this one.
    pub(crate) fn inner_in(&mut self, inner: LayerId, scope: &str, inputs: &[ShapeId]) -> Result<(), Problem> {
        self.network.build(inner, &format!("{}/{scope}", self.scope), inputs)
    }

    /// Whether a layer has been built.
    pub(crate) fn is_built(&self, layer: LayerId) -> bool {
        !matches!(self.network.layer(layer).built, Built::No)
    }
}

impl Network {
    #[expect(clippy::indexing_slicing, reason = "an id is made when its weight is pushed, and nothing is ever removed")]
    pub(crate) fn weight(&self, id: WeightId) -> &LayerWeight {
        &self.weights[id.0]
    }

    /// All weights of a layer in the order of TensorFlow.js: the trainable ones first.
    pub(crate) fn weights_of(&self, layer: LayerId) -> Vec<(WeightId, Place)> {
        let trainable = self.trainable_weights(layer).into_iter().map(|id| (id, Place::Trainable));
        trainable.chain(self.non_trainable_weights(layer).into_iter().map(|id| (id, Place::NonTrainable))).collect()
    }

    /// As `Layer.trainableWeights` in each of its classes.
    pub(crate) fn trainable_weights(&self, layer: LayerId) -> Vec<WeightId> {
        let entry = self.layer(layer);
        match self.holds(layer) {
            Holds::Inner(inner) => self.trainable_weights(inner),
            Holds::Both(layers) => layers.into_iter().flat_map(|layer| self.trainable_weights(layer)).collect(),
            Holds::Own | Holds::Cell(_) | Holds::Cells(_) if !entry.trainable => Vec::new(),
            Holds::Own => entry.trainable_weights.clone(),
            Holds::Cell(cell) => self.trainable_weights(cell),
            Holds::Cells(cells) => cells.into_iter().flat_map(|cell| self.trainable_weights(cell)).collect(),
        }
    }

    /// As `Layer.nonTrainableWeights` in each of its classes.
    pub(crate) fn non_trainable_weights(&self, layer: LayerId) -> Vec<WeightId> {
        let entry = self.layer(layer);
        match self.holds(layer) {
            Holds::Inner(inner) => self.non_trainable_weights(inner),
            Holds::Both(layers) => layers.into_iter().flat_map(|layer| self.non_trainable_weights(layer)).collect(),
            Holds::Own if entry.trainable => entry.non_trainable_weights.clone(),
            Holds::Own => [entry.trainable_weights.clone(), entry.non_trainable_weights.clone()].concat(),
            Holds::Cell(cell) if entry.trainable => self.non_trainable_weights(cell),
            Holds::Cell(cell) => self.weights_of(cell).into_iter().map(|(id, _)| id).collect(),
            Holds::Cells(cells) => {
                let trainable =
                    cells.iter().filter(|_| !entry.trainable).flat_map(|&cell| self.trainable_weights(cell));
                trainable.chain(cells.iter().flat_map(|&cell| self.non_trainable_weights(cell))).collect()
            }
        }
    }

    fn holds(&self, layer: LayerId) -> Holds {
        match &self.layer(layer).kind {
            Kind::Known(kind) => kind.holds(),
            Kind::Container(container) => Holds::Cells(container.layers.clone()),
            Kind::Input | Kind::Unknown => Holds::Own,
        }
    }
}
