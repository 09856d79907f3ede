//! Attention, and the einsum that it is made of.

use std::sync::Arc;

use tfjs_artifacts::RawJson;

use super::{Class, LayerType, Output};
use crate::config::Config;
use crate::network::{InputSpec, Network, ShapeId, WeightDef};
use crate::problem::{Problem, abbreviate};
use crate::symbolic::{Dim, SymbolicShape};

pub(super) const CLASSES: &[Class] =
    &[Class::alone("EinsumDense", EinsumDense::read), Class::alone("MultiHeadAttention", MultiHeadAttention::read)];

/// A product of the input with a kernel, along any axes.
#[derive(Debug)]
struct EinsumDense {
    equation: Equation,
    /// Without the batch, and without what an ellipsis stands for.
    output_shape: Vec<Dim>,
    bias_axes: Option<String>,
}

/// `ab,bc->ac`, with an ellipsis on neither side, or on one.
#[derive(Debug)]
struct Equation {
    input: Vec<char>,
    weight: Vec<char>,
    output: Vec<char>,
    is_left_elided: bool,
}

impl Equation {
    /// As `analyzeEinsumString` takes it apart.
    fn parse(text: &str) -> Option<Self> {
        let text = text.replace("...", "0");
        let (input, rest) = text.split_once(',')?;
        let (weight, output) = rest.split_once("->")?;
        let letters = |text: &str| -> Option<Vec<char>> {
            (!text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphabetic()))
                .then(|| text.chars().collect())
        };
        let left = input.strip_prefix('0').zip(output.strip_prefix('0'));
        let right = input.strip_suffix('0').filter(|input| input.len() > 1).zip(output.strip_suffix('0'));
        let (input, output) = left.or(right).unwrap_or((input, output));
        Some(Self {
            input: letters(input)?,
            weight: letters(weight)?,
            output: letters(output)?,
            is_left_elided: left.is_some(),
        })
    }
}

/// What follows from an equation and the shape of an input.
struct Analysis {
    weight: Vec<Dim>,
    bias: Option<Vec<Dim>>,
    output: SymbolicShape,
}

impl EinsumDense {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        let text = config.text("equation")?.ok_or_else(|| Problem::of("equation", "it is missing"))?;
        let equation = Equation::parse(&text).ok_or_else(|| {
            let text = abbreviate(&text);
            Problem::of("equation", format!("`{text}` is not of the form `X,Y->Z`, `...X,Y->...Z` or `X...,Y->Z...`"))
        })?;
        let output_shape = config.dims("outputShape")?.unwrap_or_else(|| vec![None]);
        Ok(Arc::new(Self { equation, output_shape, bias_axes: config.text("biasAxes")? }))
    }

    /// As `analyzeSplitString`.
    fn analyze(&self, input: &SymbolicShape) -> Result<Analysis, Problem> {
        let Equation { input: from, weight, output: to, is_left_elided } = &self.equation;
        let Some(elided) = input.rank().checked_sub(from.len()) else {
            return Err(Problem::of("equation", format!("the input {input} has fewer dimensions than it names")));
        };
        let mut output = vec![input.at(0)];
        if *is_left_elided {
            output.extend(input.dims().get(1..elided.max(1)).unwrap_or_default());
        }
        output.extend(&self.output_shape);
        if !is_left_elided {
            output.extend(input.from(input.rank() - elided));
        }
        let shift = if *is_left_elided { elided } else { 0 };
        // A letter that stands twice means its last place.
        let place = |letters: &[char], letter: char| letters.iter().rposition(|&other| other == letter);
        let in_input = |letter: char| place(from, letter).map(|index| input.at(index + shift));
        let in_output = |letter: char| place(to, letter).map(|index| output.get(index + shift).copied().flatten());

        for &letter in from {
            if let (Some(size), Some(Some(wanted))) = (in_input(letter), in_output(letter))
                && size != Some(wanted)
            {
                let shape = SymbolicShape::new(output)?;
                return Err(Problem::of(
                    "equation",
                    format!("the input {input} and the output {shape} differ at `{letter}`"),
                ));
            }
        }
        if let Some(letter) = to.iter().find(|letter| !from.contains(letter) && !weight.contains(letter)) {
            return Err(Problem::of("equation", format!("`{letter}` of the output is in neither input nor weight")));
        }
        let size = |&letter: &char| {
            let size = in_input(letter).or_else(|| in_output(letter));
            size.ok_or_else(|| {
                Problem::of("equation", format!("`{letter}` of the weight is in neither input nor output"))
            })
        };
        let weight = weight.iter().map(size).collect::<Result<Vec<_>, _>>()?;
        let bias = match &self.bias_axes {
            Some(axes) => {
                let missing = axes.chars().find(|axis| !to.contains(axis));
                if let Some(axis) = missing {
                    return Err(Problem::of("biasAxes", format!("`{axis}` is not in the output")));
                }
                let first = to.iter().position(|&letter| axes.contains(letter)).unwrap_or(to.len());
                let of = |&letter: &char| if axes.contains(letter) { in_output(letter).flatten() } else { Some(1) };
                let mut bias: Vec<_> = to.iter().skip(first).map(of).collect();
                if !is_left_elided {
                    bias.extend(vec![Some(1); elided]);
                }
                Some(bias)
            }
            None => None,
        };
        Ok(Analysis { weight, bias, output: SymbolicShape::new(output)? })
    }
}

impl LayerType for EinsumDense {
    fn weights(&self, input: &SymbolicShape) -> Result<(Vec<WeightDef>, InputSpec), Problem> {
        let analysis = self.analyze(input)?;
        let mut weights = vec![WeightDef::new("kernel", analysis.weight)];
        weights.extend(analysis.bias.map(|bias| WeightDef::new("bias", bias)));
        Ok((weights, InputSpec::any()))
    }

    fn has_own_dtype(&self) -> bool {
        true
    }

    fn output_shape(&self, input: &SymbolicShape) -> Result<Output, Problem> {
        Ok(Output::New(self.analyze(input)?.output))
    }
}

/// Queries that look at values. TensorFlow.js gives it weights when it is called, and never counts or saves them.
#[derive(Debug)]
struct MultiHeadAttention {
    output_shape: Option<Vec<Dim>>,
}

impl MultiHeadAttention {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        let output_shape = if config.get("outputShape").is_some_and(|shape: &RawJson| shape.get() == "0") {
            None
        } else {
            config.dims("outputShape")?
        };
        Ok(Arc::new(Self { output_shape }))
    }
}

impl LayerType for MultiHeadAttention {
    fn output_shapes(&self, network: &mut Network, inputs: &[ShapeId]) -> Result<Vec<ShapeId>, Problem> {
        let [query, value, ..] = *inputs else {
            return Err(Problem::new(format!("it takes a query and a value, but gets {} inputs", inputs.len())));
        };
        let key = inputs.get(2).copied().unwrap_or(value);
        let (asked, given, key) = (network.known(query)?, network.known(value)?, network.known(key)?);
        if asked.last() != given.last() {
            return Err(Problem::new(format!("query and value differ in their last dimension: {asked} and {given}")));
        }
        let middle = |shape: &SymbolicShape| shape.from(1).split_last().map(|(_, middle)| middle.to_vec());
        if middle(given) != middle(key) {
            return Err(Problem::new(format!(
                "value and key differ in more than their last dimension: {given} and {key}"
            )));
        }
        match &self.output_shape {
            Some(shape) => {
                let batch = asked.dims().split_last().map(|(_, batch)| batch).unwrap_or_default();
                let shape = SymbolicShape::join(batch, shape);
                Ok(vec![network.add_shape(shape)?])
            }
            None => Ok(vec![query]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_taken_apart_as_by_the_regular_expressions() {
        for good in ["ab,bc->ac", "...x,xy->...y", "ab...,bc->ac..."] {
            assert!(Equation::parse(good).is_some(), "{good}");
        }
        for bad in ["", "ab", "ab,bc", "ab,->a", "a...b,c->d", "a...,b->c...", "...a,b->c"] {
            assert!(Equation::parse(bad).is_none(), "{bad}");
        }
    }
}
