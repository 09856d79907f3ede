//! Layers that make one of several.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Class, LayerType};
use crate::config::{Config, integer};
use crate::network::{Build, InputSpec, Network, ShapeId};
use crate::problem::Problem;
use crate::symbolic::{Dim, SymbolicShape, plus};

pub(super) const CLASSES: &[Class] = &[
    Class::alone("Add", Merge::read),
    Class::alone("Average", Merge::read),
    Class::alone("Maximum", Merge::read),
    Class::alone("Minimum", Merge::read),
    Class::alone("Multiply", Merge::read),
    Class::alone("Concatenate", Concatenate::read),
    Class::alone("Dot", Dot::read),
];

/// Element by element, with broadcasting.
#[derive(Debug)]
struct Merge;

impl Merge {
    #[expect(clippy::unnecessary_wraps, reason = "the signature is that of the table")]
    fn read(_: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        Ok(Arc::new(Self))
    }
}

impl LayerType for Merge {
    fn build(&self, build: &mut Build<'_>, inputs: &[ShapeId]) -> Result<InputSpec, Problem> {
        if inputs.len() < 2 {
            return Err(Problem::new(format!("it merges two inputs or more, but gets {}", inputs.len())));
        }
        let shapes = known(build.network, inputs)?;
        let mut batches = shapes.iter().filter_map(|shape| shape.at(0));
        let first = batches.next();
        if batches.any(|batch| Some(batch) != first) {
            return Err(Problem::new(format!("its inputs have different batch sizes: {}", list(&shapes))));
        }
        broadcast_all(&shapes)?;
        Ok(InputSpec::any())
    }

    fn output_shapes(&self, network: &mut Network, inputs: &[ShapeId]) -> Result<Vec<ShapeId>, Problem> {
        let shapes = known(network, inputs)?;
        let merged = broadcast_all(&shapes)?;
        let batches: BTreeSet<_> = shapes.iter().filter_map(|shape| shape.at(0)).collect();
        let batch = batches.first().copied().filter(|_| batches.len() == 1);
        Ok(vec![network.add_shape(SymbolicShape::join(&[batch], &merged))?])
    }
}

fn broadcast_all(shapes: &[&SymbolicShape]) -> Result<Vec<Dim>, Problem> {
    let mut rest = shapes.iter().map(|shape| shape.from(1));
    let first = rest.next().unwrap_or_default().to_vec();
    rest.try_fold(first, |merged, shape| broadcast(&merged, shape))
}

/// As `computeElementwiseOpOutputShape`.
fn broadcast(one: &[Dim], other: &[Dim]) -> Result<Vec<Dim>, Problem> {
    let (long, short) = if one.len() < other.len() { (other, one) } else { (one, other) };
    let (head, tail) = long.split_at(long.len() - short.len());
    let mut merged = head.to_vec();
    for (&i, &j) in tail.iter().zip(short) {
        merged.push(match (i.filter(|&i| i >= 0), j.filter(|&j| j >= 0)) {
            (None, _) | (_, None) => None,
            (Some(1), j) => j,
            (i, Some(1)) => i,
            (i, j) if i == j => i,
            _ => {
                let (long, short) = (SymbolicShape::new(long)?, SymbolicShape::new(short)?);
                return Err(Problem::new(format!("its inputs cannot be broadcast together: {long} and {short}")));
            }
        });
    }
    Ok(merged)
}

/// One after the other along an axis.
#[derive(Debug)]
struct Concatenate {
    axis: i64,
}

impl Concatenate {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        Ok(Arc::new(Self { axis: config.integer("axis")?.unwrap_or(-1) }))
    }
}

impl LayerType for Concatenate {
    fn build(&self, build: &mut Build<'_>, inputs: &[ShapeId]) -> Result<InputSpec, Problem> {
        if inputs.len() < 2 {
            return Err(Problem::new(format!("it joins two inputs or more, but gets {}", inputs.len())));
        }
        let shapes = known(build.network, inputs)?;
        let mut others = shapes.iter().map(|shape| without(shape.dims(), self.axis));
        let first = others.next();
        if others.any(|other| Some(&other) != first.as_ref()) {
            let shapes = list(&shapes);
            return Err(Problem::of("axis", format!("its inputs differ in more than axis {}: {shapes}", self.axis)));
        }
        Ok(InputSpec::any())
    }

    fn output_shapes(&self, network: &mut Network, inputs: &[ShapeId]) -> Result<Vec<ShapeId>, Problem> {
        let shapes = known(network, inputs)?;
        let Some((first, rest)) = shapes.split_first() else { return Err(Problem::new("it has no input")) };
        let Some(axis) = first.axis(self.axis) else {
            return Err(Problem::of("axis", format!("its input {first} has no axis {}", self.axis)));
        };
        let mut sum = first.at(axis);
        for shape in rest {
            sum = match shape.at(axis) {
                Some(size) => plus(sum, size)?,
                None => None,
            };
        }
        let joined = (*first).clone().with(axis, sum)?;
        Ok(vec![network.add_shape(joined)?])
    }
}

/// Sums of products along an axis of each.
#[derive(Debug)]
struct Dot {
    axes: Axes,
}

#[derive(Clone, Copy, Debug)]
enum Axes {
    /// Of both; from the end, if it is negative.
    One(i64),
    /// As they are: TensorFlow.js counts none of these from the end, but removes them as if it did.
    Two(i64, i64),
}

impl Dot {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        let axes = match config.get("axes").and_then(integer) {
            Some(axis) => Axes::One(axis),
            None => match config.integers("axes")?.as_deref() {
                Some([one, other]) => Axes::Two(*one, *other),
                _ => return Err(Problem::of("axes", "expected an integer or an array of two")),
            },
        };
        Ok(Arc::new(Self { axes }))
    }

    fn shapes(network: &Network, inputs: &[ShapeId]) -> Result<[SymbolicShape; 2], Problem> {
        let Ok([one, other]) = <[&SymbolicShape; 2]>::try_from(known(network, inputs)?) else {
            return Err(Problem::new(format!("it takes two inputs, but gets {}", inputs.len())));
        };
        let shapes = [one.clone(), other.clone()];
        match shapes.iter().find(|shape| !(1..=3).contains(&shape.rank())) {
            Some(shape) => Err(Problem::new(format!("it takes inputs of rank 3 at most, but gets {shape}"))),
            None => Ok(shapes),
        }
    }

    fn axes(&self, [one, other]: &[SymbolicShape; 2]) -> (i64, i64) {
        let from_start = |axis: i64, shape: &SymbolicShape| match i64::try_from(shape.rank()) {
            Ok(rank) if axis < 0 && rank > 0 => axis.rem_euclid(rank),
            _ => axis,
        };
        match self.axes {
            Axes::One(axis) => (from_start(axis, one), from_start(axis, other)),
            Axes::Two(first, second) => (first, second),
        }
    }
}

impl LayerType for Dot {
    fn build(&self, build: &mut Build<'_>, inputs: &[ShapeId]) -> Result<InputSpec, Problem> {
        let shapes = Self::shapes(build.network, inputs)?;
        let (first, second) = self.axes(&shapes);
        // No axis, a negative one included, is equal to no axis.
        let size = |shape: &SymbolicShape, axis: i64| {
            usize::try_from(axis).ok().and_then(|axis| shape.dims().get(axis).copied())
        };
        let [one, other] = &shapes;
        if size(one, first) != size(other, second) {
            return Err(Problem::of(
                "axes",
                format!("axis {first} of {one} and axis {second} of {other} differ in size"),
            ));
        }
        Ok(InputSpec::any())
    }

    fn output_shapes(&self, network: &mut Network, inputs: &[ShapeId]) -> Result<Vec<ShapeId>, Problem> {
        let shapes = Self::shapes(network, inputs)?;
        let (first, second) = self.axes(&shapes);
        let [one, other] = shapes;
        let rest = without(&without(other.dims(), second), 0);
        let mut dims = [without(one.dims(), first), rest].concat();
        if dims.len() == 1 {
            dims.push(Some(1));
        }
        Ok(vec![network.add_shape(SymbolicShape::new(dims)?)?])
    }
}

/// As JavaScript's `dims.splice(axis, 1)` leaves it: a negative axis counts from the end, and stops at the start.
fn without(dims: &[Dim], axis: i64) -> Vec<Dim> {
    let length = i64::try_from(dims.len()).unwrap_or(i64::MAX);
    let axis = if axis < 0 { axis.saturating_add(length).max(0) } else { axis };
    let is_left = |(index, _): &(i64, &Dim)| *index != axis;
    (0..).zip(dims).filter(is_left).map(|(_, dim)| *dim).collect()
}

fn known<'n>(network: &'n Network, inputs: &[ShapeId]) -> Result<Vec<&'n SymbolicShape>, Problem> {
    inputs.iter().map(|&input| network.known(input)).collect()
}

fn list(shapes: &[&SymbolicShape]) -> String {
    shapes.iter().take(8).map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_spliced_as_javascript_does() {
        let dims = [Some(1), Some(2), Some(3)];
        assert_eq!(without(&dims, -1), [Some(1), Some(2)]);
        assert_eq!(without(&dims, 1), [Some(1), Some(3)]);
        assert_eq!(without(&dims, 7), dims);
        assert_eq!(without(&dims, i64::MIN), [Some(2), Some(3)]);
    }

    #[test]
    fn shapes_are_broadcast() {
        assert_eq!(broadcast(&[Some(1), Some(4)], &[Some(3), Some(1)]).unwrap(), [Some(3), Some(4)]);
        assert_eq!(broadcast(&[Some(4)], &[Some(2), None]).unwrap(), [Some(2), None]);
        let problem = broadcast(&[Some(2)], &[Some(3)]).unwrap_err();
        assert_eq!(problem.message, "its inputs cannot be broadcast together: [2] and [3]");
    }
}
