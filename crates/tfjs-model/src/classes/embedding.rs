//! Embeddings.

use std::sync::Arc;

use super::{Class, LayerType, Output};
use crate::config::Config;
use crate::network::{InputSpec, WeightDef};
use crate::problem::Problem;
use crate::symbolic::{Dim, SymbolicShape};

pub(super) const CLASSES: &[Class] = &[Class::alone("Embedding", Embedding::read)];

/// A vector for each number.
#[derive(Debug)]
struct Embedding {
    input_dim: i64,
    output_dim: i64,
    input_length: Option<Vec<Dim>>,
    batch_size: Dim,
}

impl Embedding {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        Ok(Arc::new(Self {
            input_dim: config.positive("inputDim")?,
            output_dim: config.positive("outputDim")?,
            input_length: config.dims("inputLength")?,
            batch_size: config.integer("batchSize")?,
        }))
    }
}

impl LayerType for Embedding {
    fn weights(&self, _input: &SymbolicShape) -> Result<(Vec<WeightDef>, InputSpec), Problem> {
        let dims = [Some(self.input_dim), Some(self.output_dim)];
        Ok((vec![WeightDef::new("embeddings", dims)], InputSpec::any()))
    }

    fn output_shape(&self, input: &SymbolicShape) -> Result<Output, Problem> {
        let Some(lengths) = &self.input_length else {
            return Ok(Output::New(SymbolicShape::join(input.dims(), &[Some(self.output_dim)])));
        };
        let found = input.from(1);
        let differs = |(one, other): (&Dim, &Dim)| one.is_some() && other.is_some() && one != other;
        if lengths.len() != found.len() || lengths.iter().zip(found).any(differs) {
            return Err(Problem::of("inputLength", format!("{lengths:?} does not fit the input {input}")));
        }
        let mut dims = vec![input.at(0)];
        dims.extend(lengths.iter().zip(found).map(|(length, found)| length.or(*found)));
        dims.push(Some(self.output_dim));
        Ok(Output::New(SymbolicShape::new(dims)?))
    }

    fn has_own_dtype(&self) -> bool {
        true
    }

    fn batch_input_shape(&self) -> Option<SymbolicShape> {
        let lengths = self.input_length.clone().unwrap_or_else(|| vec![None]);
        SymbolicShape::new([vec![self.batch_size], lengths].concat()).ok()
    }
}
