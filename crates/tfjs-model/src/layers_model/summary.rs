//! What `model.summary()` prints: `layer_utils.ts`, to the letter.

use super::{Layer, LayersModel};
use crate::network::{NodeId, OutputShapes};
use crate::symbolic::SymbolicShape;

/// How wide a summary is.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SummaryOptions {
    /// The length of a line; without it 90 for models that are a chain, and 115 for others.
    pub line_length: Option<usize>,
    /// Where each column ends: in characters, or as parts of the line if the last is 1 or less.
    pub positions: Option<Vec<f64>>,
}

impl SummaryOptions {
    /// As TensorFlow.js does if it is told nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// With lines of this length.
    #[must_use]
    pub fn with_line_length(mut self, length: usize) -> Self {
        self.line_length = Some(length);
        self
    }

    /// With columns that end there.
    #[must_use]
    pub fn with_positions(mut self, positions: impl Into<Vec<f64>>) -> Self {
        self.positions = Some(positions.into());
        self
    }
}

/// Stands for a shape that nobody can tell, which TensorFlow.js never has.
const UNKNOWN: &str = "?";

impl LayersModel {
    /// What `model.summary(120)` prints, each line with its end.
    ///
    /// Where TensorFlow.js would refuse a layer, because it does not have its class, the shapes are `?`.
    pub fn summary(&self) -> String {
        self.summary_with(&SummaryOptions::new().with_line_length(120))
    }

    /// What `model.summary(line_length, positions)` prints.
    pub fn summary_with(&self, options: &SummaryOptions) -> String {
        self.summary_lines(options).iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// The lines of [`summary_with`](Self::summary_with), one after the other. Names of layers are in them as they are, with line ends if
    /// they have some; [`printable`](tfjs_artifacts::printable) makes one line of each again.
    pub fn summary_lines(&self, options: &SummaryOptions) -> Vec<String> {
        let is_chain = self.is_sequential_like();
        let (length, positions): (usize, &[f64]) =
            if is_chain { (90, &[0.32, 0.61, 0.89, 1.0]) } else { (115, &[0.24, 0.48, 0.70, 0.80, 1.0]) };
        let length = options.line_length.unwrap_or(length);
        let mut table = Table::new(length, options.positions.as_deref().unwrap_or(positions));
        let mut header = vec!["Layer (type)", "Input Shape", "Output shape", "Param #"];
        if !is_chain {
            header.push("Receives inputs");
        }
        table.rule('_');
        table.row(&header);
        table.rule('=');
        let count = self.topology.container.layers.len();
        for (index, layer) in self.layers().enumerate() {
            self.layer_rows(&layer, is_chain, &mut table);
            table.rule(if index + 1 == count { '=' } else { '_' });
        }
        let counts = self.count_params();
        table.lines.push(format!("Total params: {}", counts.total()));
        table.lines.push(format!("Trainable params: {}", counts.trainable));
        table.lines.push(format!("Non-trainable params: {}", counts.non_trainable));
        table.rule('_');
        table.lines
    }

    fn layer_rows(&self, layer: &Layer<'_>, is_chain: bool, table: &mut Table) {
        let name = format!("{} ({})", layer.name(), layer.class_name());
        let params = layer.count_params().to_string();
        let inputs: Vec<_> = layer.nodes().iter().map(|node| list(&layer.shapes(&node.input_shapes))).collect();
        let fields = [name, inputs.join(","), output_shape(layer), params];
        let mut fields: Vec<_> = fields.iter().map(String::as_str).collect();
        if is_chain {
            return table.row(&fields);
        }
        let connections = self.connections(layer);
        let mut connections = connections.iter().map(String::as_str);
        fields.push(connections.next().unwrap_or_default());
        table.row(&fields);
        connections.for_each(|connection| table.row(&["", "", "", "", connection]));
    }

    /// Where the inputs of a layer come from, as far as they belong to this model.
    fn connections(&self, layer: &Layer<'_>) -> Vec<String> {
        let members = &self.topology.container.members;
        let nodes =
            (0..).zip(layer.nodes()).filter(|(index, _)| members.contains(NodeId { layer: layer.id(), index: *index }));
        let name = |id| &self.topology.network.layer(id).name;
        let inbound = nodes.flat_map(|(_, node)| &node.inbound);
        inbound.map(|from| format!("{}[{}][{}]", name(from.node.layer), from.node.index, from.index)).collect()
    }

    /// Whether it is a chain in which no layer is used twice: `isModelSequentialLike`.
    fn is_sequential_like(&self) -> bool {
        let members = &self.topology.container.members;
        let inbound = |id: NodeId| self.topology.network.node(id).map_or(0, |node| node.inbound.len());
        let is_chain = members.nodes_by_depth.iter().all(|nodes| match nodes[..] {
            [node] => inbound(node) <= 1,
            _ => nodes.is_empty(),
        });
        let uses = |layer: &Layer<'_>| {
            let nodes = 0..layer.nodes().len();
            nodes.filter(|&index| members.contains(NodeId { layer: layer.id(), index })).count()
        };
        is_chain && self.layers().all(|layer| uses(&layer) <= 1)
    }
}

/// As `JSON.stringify` prints an array of shapes.
fn list(shapes: &[Option<&SymbolicShape>]) -> String {
    let shapes: Vec<_> =
        shapes.iter().map(|shape| shape.map_or_else(|| UNKNOWN.to_owned(), ToString::to_string)).collect();
    format!("[{}]", shapes.join(","))
}

/// As `Layer.outputShape`, or `multiple` where it throws.
fn output_shape(layer: &Layer<'_>) -> String {
    let text = |outputs: &OutputShapes| match outputs {
        OutputShapes::List(shapes) => list(&layer.shapes(shapes)),
        OutputShapes::Bare(shape) => {
            layer.shapes(&[*shape]).first().copied().flatten().map_or_else(|| UNKNOWN.to_owned(), ToString::to_string)
        }
        OutputShapes::Unknown => UNKNOWN.to_owned(),
    };
    let mut all = layer.nodes().iter().map(|node| &node.output_shapes);
    let Some(first) = all.next() else { return "multiple".to_owned() };
    if all.any(|other| text(other) != text(first)) {
        return "multiple".to_owned();
    }
    match first {
        OutputShapes::List(shapes) if shapes.len() == 1 => {
            let shapes = list(&layer.shapes(shapes));
            shapes.strip_prefix('[').and_then(|shapes| shapes.strip_suffix(']')).unwrap_or(&shapes).to_owned()
        }
        _ => text(first),
    }
}

/// Lines of columns.
struct Table {
    length: usize,
    positions: Vec<usize>,
    lines: Vec<String>,
}

impl Table {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "positions are columns, and what is beyond any column ends there"
    )]
    fn new(length: usize, positions: &[f64]) -> Self {
        let is_relative = positions.last().is_some_and(|last| *last <= 1.0);
        let place = |position: &f64| if is_relative { (length as f64 * position).floor() } else { *position };
        // No column is wider than a line that somebody asked for.
        let positions = positions.iter().map(|position| (place(position) as usize).min(MAX_COLUMN)).collect();
        Self { length, positions, lines: Vec::new() }
    }

    fn rule(&mut self, character: char) {
        self.lines.push(std::iter::repeat_n(character, self.length).collect());
    }

    /// Cuts and fills each field so that the next begins at its column. JavaScript counts UTF-16 units.
    fn row(&mut self, fields: &[&str]) {
        let mut line: Vec<u16> = Vec::new();
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                line.pop();
                line.push(u16::from(b' '));
            }
            line.extend(field.encode_utf16());
            if let Some(&position) = self.positions.get(index) {
                line.resize(position, u16::from(b' '));
            }
        }
        let line = String::from_utf16_lossy(&line);
        self.lines.push(line);
    }
}

/// Wider than any terminal.
const MAX_COLUMN: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_cut_with_a_space_between() {
        let mut table = Table::new(20, &[0.5, 1.0]);
        table.row(&["abcdefghijkl", "xyz"]);
        table.row(&["ab", "0123456789abc"]);
        table.row(&["\u{1f600}bcdefghijk", ""]);
        assert_eq!(table.lines, ["abcdefghi xyz       ", "ab        0123456789", "\u{1f600}bcdefgh           "]);
    }

    #[test]
    fn positions_may_be_columns() {
        let mut table = Table::new(4, &[3.0, 6.0]);
        table.row(&["a", "b", "beyond"]);
        assert_eq!(table.lines, ["a  b  beyond"]);
    }
}
