//! A topology as a picture: DOT for Graphviz, or SVG and HTML that need nothing else.
//!
//! Names come out of a file that anybody may have written, so whatever is not plain text is escaped or left out.

mod dot;
mod layout;
mod svg;

use std::collections::{BTreeMap, BTreeSet};

use crate::{GraphModel, LayersModel, SymbolicShape};

/// What is drawn: boxes and arrows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    title: String,
    boxes: Vec<PictureBox>,
    arrows: Vec<Arrow>,
}

/// A node or layer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PictureBox {
    /// What kind it is, in the first line.
    kind: String,
    /// Its name.
    name: String,
    /// What else is to be said, such as shapes.
    details: Vec<String>,
    role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Plain,
    Input,
    Output,
    Constant,
}

/// From one box to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Arrow {
    from: usize,
    to: usize,
    /// Nothing flows: one only has to be run before the other.
    is_control: bool,
}

impl Picture {
    /// The layers of a model, and what flows between them. A nested model is one box.
    pub fn of_layers(model: &LayersModel) -> Self {
        let mut picture = Self { title: format!("{} {}", model.class_name(), model.name()), ..Self::default() };
        let places: BTreeMap<_, _> = model.layers().enumerate().map(|(place, layer)| (layer.name(), place)).collect();
        let inputs: BTreeSet<_> = model.inputs().iter().map(|input| input.name).collect();
        let outputs: BTreeSet<_> = model.outputs().iter().map(|output| output.name).collect();
        let is_sequential = model.class_name() == "Sequential";
        for (to, layer) in model.layers().enumerate() {
            let shown = |shape: Option<&SymbolicShape>| shape.map_or_else(|| "?".to_owned(), ToString::to_string);
            let mut details: Vec<_> = layer.output_shapes().into_iter().flatten().map(shown).collect();
            details.dedup();
            let params = layer.count_params();
            if params > 0 {
                details.push(format!("{params} parameters"));
            }
            let role = match layer.name() {
                name if inputs.contains(name) => Role::Input,
                name if outputs.contains(name) => Role::Output,
                _ => Role::Plain,
            };
            let (kind, name) = (layer.class_name().to_owned(), layer.name().to_owned());
            picture.boxes.push(PictureBox { kind, name, details, role });
            let mut from: Vec<_> =
                layer.connections().iter().flatten().filter_map(|c| places.get(c.layer).copied()).collect();
            from.sort_unstable();
            from.dedup();
            if from.is_empty() && is_sequential && to > 0 {
                from.push(to - 1);
            }
            picture.arrows.extend(from.into_iter().map(|from| Arrow { from, to, is_control: false }));
        }
        picture
    }

    /// The nodes of the main graph; constants only if they are asked for, since they are most of most graphs.
    pub fn of_graph<'m>(model: &'m GraphModel, with_constants: bool) -> Self {
        let title = format!("graph-model, version {}", model.model_version());
        let mut picture = Self { title, ..Self::default() };
        let named = |ends: &[crate::GraphEnd<'m>]| -> BTreeMap<&'m str, String> {
            ends.iter().rev().map(|end| (end.node.name(), end.to_string())).collect()
        };
        let (inputs, outputs) = (named(&model.inputs()), named(&model.outputs()));
        let mut places = BTreeMap::new();
        for (index, node) in model.graph().nodes().iter().enumerate() {
            if node.is_const() && !with_constants {
                continue;
            }
            places.insert(index, picture.boxes.len());
            let end = |ends: &BTreeMap<&str, String>| ends.get(node.name()).cloned();
            let (input, output) = (end(&inputs), end(&outputs));
            let role = match (&input, &output) {
                (Some(_), _) => Role::Input,
                (None, Some(_)) => Role::Output,
                _ if node.is_const() => Role::Constant,
                _ => Role::Plain,
            };
            let mut details: Vec<_> = input.into_iter().chain(output).collect();
            if let Some(spec) = model.weight_spec(node) {
                details.push(format!("{} {}", spec.dtype, spec.shape));
            }
            let (kind, name) = (node.op().to_owned(), node.name().to_owned());
            picture.boxes.push(PictureBox { kind, name, details, role });
        }
        for (index, node) in model.graph().nodes().iter().enumerate() {
            let Some(&to) = places.get(&index) else { continue };
            for input in node.inputs() {
                if let Some(&from) = places.get(&input.node) {
                    picture.arrows.push(Arrow { from, to, is_control: input.is_control });
                }
            }
        }
        picture.arrows.sort_unstable();
        picture.arrows.dedup();
        picture
    }

    /// How many boxes there are.
    pub fn box_count(&self) -> usize {
        self.boxes.len()
    }

    /// How many arrows there are.
    pub fn arrow_count(&self) -> usize {
        self.arrows.len()
    }

    /// The text of a graph for Graphviz.
    pub fn to_dot(&self) -> String {
        dot::write(self)
    }

    /// An SVG file that needs no other.
    pub fn to_svg(&self) -> String {
        svg::write(self, true)
    }

    /// An HTML page that needs no other file and runs nothing.
    pub fn to_html(&self) -> String {
        svg::page(self)
    }
}

/// Whether a character is text in XML, and neither steers a terminal nor turns a line round.
fn is_plain(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !c.is_control() && !turns && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hostile() -> Picture {
        let named = |name: &str, role| PictureBox {
            kind: "</svg><script>alert(1)</script>".to_owned(),
            name: name.to_owned(),
            details: vec!["\"quoted\" & 'more'".to_owned()],
            role,
        };
        let names = ["a\"];node[x=\"\\\n", "]]>\u{0}\u{1b}[31m\u{ffff}\u{202e}", "\\"];
        let boxes = names.map(|name| named(name, Role::Plain)).to_vec();
        let arrow = |from, to| Arrow { from, to, is_control: from > to };
        Picture { title: "--><!--".to_owned(), boxes, arrows: vec![arrow(0, 1), arrow(1, 2), arrow(2, 0), arrow(1, 1)] }
    }

    #[test]
    fn hostile_names_are_text() {
        for text in [hostile().to_svg(), hostile().to_html()] {
            assert!(!text.contains("<script") && !text.contains("-->"), "{text}");
            assert_eq!(text.matches("</svg>").count(), 1);
            assert!(text.contains("&lt;/svg&gt;&lt;script&gt;"));
            let is_plain = |c: char| c == '\n' || (!c.is_control() && !matches!(c, '\u{ffff}' | '\u{202e}'));
            assert!(text.chars().all(is_plain), "{text}");
        }
    }

    #[test]
    fn hostile_names_are_strings_of_dot() {
        let text = hostile().to_dot();
        // Without what is escaped, quotes come in pairs, and what is between them is all that was hostile.
        let bare = text.replace("\\\\", "").replace("\\\"", "");
        for line in bare.lines() {
            assert!(line.matches('"').count().is_multiple_of(2), "{line}");
            let outside: String = line.split('"').step_by(2).collect();
            assert!(!outside.contains("script") && !outside.contains("x="), "{line}");
        }
        assert_eq!(text.matches(" -> ").count(), 4);
    }

    #[test]
    fn a_circle_has_a_picture_too() {
        let text = hostile().to_svg();
        assert_eq!(text.matches("<rect ").count(), 3);
        assert_eq!(text.matches("<path class").count(), 4);
        assert!(Picture::default().to_svg().contains("<svg"));
    }
}
