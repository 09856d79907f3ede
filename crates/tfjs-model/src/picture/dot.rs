//! The language of Graphviz.

use super::{Picture, PictureBox, Role, is_plain};

pub(super) fn write(picture: &Picture) -> String {
    let title = quoted(&picture.title);
    let mut text = vec![format!("digraph {title} {{\n  rankdir=TB;\n  node [shape=box, style=filled];\n")];
    for (index, node) in picture.boxes.iter().enumerate() {
        text.push(format!("  n{index} [label={}, fillcolor=\"{}\"];\n", label(node), color(node.role)));
    }
    for arrow in &picture.arrows {
        let style = if arrow.is_control { " [style=dashed]" } else { "" };
        text.push(format!("  n{} -> n{}{style};\n", arrow.from, arrow.to));
    }
    text.push("}\n".to_owned());
    text.concat()
}

fn label(node: &PictureBox) -> String {
    let lines = [node.kind.as_str(), node.name.as_str()].into_iter().chain(node.details.iter().map(String::as_str));
    let lines: Vec<_> = lines.map(escaped).collect();
    format!("\"{}\"", lines.join("\\n"))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// What is between quotes; a backslash would be an escape of a label, and a line end the end of a line.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => escaped.extend(['\\', c]),
            c if is_plain(c) => escaped.push(c),
            _ => escaped.push('\u{fffd}'),
        }
    }
    escaped
}

fn color(role: Role) -> &'static str {
    match role {
        Role::Plain => "#f5f5f5",
        Role::Input => "#d7eaff",
        Role::Output => "#dff3df",
        Role::Constant => "#fff3d6",
    }
}
