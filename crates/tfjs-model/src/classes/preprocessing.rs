//! What is done to inputs before a model sees them.

use std::sync::Arc;

use super::{Class, LayerType, Output, elementwise, only};
use crate::config::Config;
use crate::network::{Network, ShapeId};
use crate::problem::Problem;
use crate::symbolic::{Dim, SymbolicShape};

pub(super) const CLASSES: &[Class] = &[
    Class::alone("BytePairTokenizer", elementwise),
    Class::alone("CategoryEncoding", CategoryEncoding::read),
    Class::alone("CenterCrop", CenterCrop::read),
    Class::alone("RandomHeight", |_| Ok(Arc::new(RandomSize { dims: [Some(-1), None] }))),
    Class::alone("RandomWidth", |_| Ok(Arc::new(RandomSize { dims: [None, Some(-1)] }))),
    Class::alone("Rescaling", elementwise),
    Class::alone("Resizing", Resizing::read),
];

/// Numbers as vectors of zeros and ones.
#[derive(Debug)]
struct CategoryEncoding {
    num_tokens: Dim,
    is_one_hot: bool,
}

impl CategoryEncoding {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        let is_one_hot = config.word("outputMode")?.as_deref() == Some("oneHot");
        Ok(Arc::new(Self { num_tokens: config.integer("numTokens")?, is_one_hot }))
    }
}

impl LayerType for CategoryEncoding {
    fn output_shapes(&self, network: &mut Network, inputs: &[ShapeId]) -> Result<Vec<ShapeId>, Problem> {
        let id = only(inputs)?;
        let shape = network.known(id)?.clone();
        let changed = if self.is_one_hot && shape.last() != Some(1) {
            SymbolicShape::join(shape.dims(), &[self.num_tokens])
        } else {
            let last = shape.rank().saturating_sub(1);
            shape.with(last, self.num_tokens)?
        };
        // `computeOutputShape` writes into what it was given, so that all layers that had the same shape have another one.
        network.set_shape(id, changed)?;
        Ok(vec![id])
    }
}

/// The middle of images.
#[derive(Debug)]
struct CenterCrop {
    height: Dim,
    width: Dim,
}

impl CenterCrop {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        Ok(Arc::new(Self { height: config.integer("height")?, width: config.integer("width")? }))
    }
}

impl LayerType for CenterCrop {
    fn output_shapes(&self, network: &mut Network, inputs: &[ShapeId]) -> Result<Vec<ShapeId>, Problem> {
        let id = only(inputs)?;
        let shape = network.known(id)?.clone();
        let (Some(height), Some(width)) = (shape.axis(-3), shape.axis(-2)) else {
            return Err(Problem::new(format!("it takes images, but gets an input of shape {shape}")));
        };
        // As in `CategoryEncoding`, for all that share it.
        network.set_shape(id, shape.with(height, self.height)?.with(width, self.width)?)?;
        Ok(vec![id])
    }
}

/// Images of another size. Of a batch of them TensorFlow.js 4.22 tells a shape of one, with the width as its channels.
#[derive(Debug)]
struct Resizing {
    height: Dim,
    width: Dim,
}

impl Resizing {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        config.one_of("interpolation", &[("bilinear", ()), ("nearest", ())])?;
        Ok(Arc::new(Self { height: config.integer("height")?, width: config.integer("width")? }))
    }
}

impl LayerType for Resizing {
    fn output_shape(&self, input: &SymbolicShape) -> Result<Output, Problem> {
        Ok(Output::New(SymbolicShape::new([self.height, self.width, input.at(2)])?))
    }
}

/// Images of a random height or width, of which TensorFlow.js says -1, and of the other one nothing.
#[derive(Debug)]
struct RandomSize {
    dims: [Dim; 2],
}

impl LayerType for RandomSize {
    fn output_shape(&self, input: &SymbolicShape) -> Result<Output, Problem> {
        let [height, width] = self.dims;
        Ok(Output::New(SymbolicShape::new([height, width, input.at(2)])?))
    }
}
