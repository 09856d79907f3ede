//! SVG, alone or in a page.

use super::layout::rows;
use super::{Picture, PictureBox, Role, is_plain};

/// Sizes, in pixels.
const LETTER: usize = 7;
const LINE: usize = 16;
const PADDING: usize = 10;
const GAP: usize = 24;
const ROW_GAP: usize = 44;
/// How far an arrow that goes past other rows bends to the side.
const WIDEST_BEND: usize = 120;
/// The most characters of a line; the whole text is in the box's title.
const LONGEST: usize = 48;

/// Where a box lies.
#[derive(Clone, Copy, Default)]
struct Place {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

/// The page: it may neither run nor load anything.
pub(super) fn page(picture: &Picture) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{}</title>\n</head>\n<body>\n{}</body>\n</html>\n",
        escaped(&picture.title),
        write(picture, false)
    )
}

/// The picture, with what makes it a file by itself.
pub(super) fn write(picture: &Picture, is_file: bool) -> String {
    let (places, width, height) = places(picture);
    let mut text = Vec::new();
    if is_file {
        text.push("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned());
    }
    text.push(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<title>{}</title>\n{STYLE}",
        escaped(&picture.title)
    ));
    for arrow in &picture.arrows {
        if let (Some(from), Some(to)) = (places.get(arrow.from), places.get(arrow.to)) {
            text.push(path(*from, *to, arrow.is_control));
        }
    }
    for (node, place) in picture.boxes.iter().zip(&places) {
        text.push(drawn(node, *place));
    }
    text.push("</svg>\n".to_owned());
    text.concat()
}

const STYLE: &str = "<style>\n\
rect{stroke:#555;rx:4}\n\
.plain{fill:#f5f5f5}.input{fill:#d7eaff}.output{fill:#dff3df}.constant{fill:#fff3d6}\n\
path.flow,path.control{fill:none;stroke:#555}path.control{stroke-dasharray:4 3}\n\
.kind{font-weight:bold}\n\
</style>\n\
<defs><marker id=\"tip\" markerWidth=\"8\" markerHeight=\"8\" refX=\"7\" refY=\"4\" orient=\"auto\">\
<path d=\"M0,0 L8,4 L0,8 z\" fill=\"#555\"/></marker></defs>\n";

/// Rows one below the other, each in the middle.
fn places(picture: &Picture) -> (Vec<Place>, usize, usize) {
    let rows = rows(picture);
    let size = |index: &usize| picture.boxes.get(*index).map(size_of).unwrap_or_default();
    let width_of = |row: &Vec<usize>| row.iter().map(|index| size(index).width + GAP).sum::<usize>();
    let width = rows.iter().map(width_of).max().unwrap_or(0) + GAP;
    let mut places = vec![Place::default(); picture.boxes.len()];
    let mut y = GAP;
    for row in &rows {
        let mut x = GAP + (width - GAP - width_of(row)) / 2;
        let height = row.iter().map(|index| size(index).height).max().unwrap_or(0);
        for index in row {
            let place = Place { x, y, ..size(index) };
            x += place.width + GAP;
            if let Some(at) = places.get_mut(*index) {
                *at = place;
            }
        }
        y += height + ROW_GAP;
    }
    (places, width + WIDEST_BEND, y)
}

fn lines(node: &PictureBox) -> Vec<String> {
    let lines = [&node.kind, &node.name].into_iter().chain(&node.details);
    lines.map(|line| shortened(line)).collect()
}

fn size_of(node: &PictureBox) -> Place {
    let lines = lines(node);
    let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    Place { x: 0, y: 0, width: longest * LETTER + 2 * PADDING, height: lines.len() * LINE + PADDING }
}

/// The end of a long name tells more than its beginning.
fn shortened(text: &str) -> String {
    let count = text.chars().count();
    if count <= LONGEST {
        return text.to_owned();
    }
    std::iter::once('\u{2026}').chain(text.chars().skip(count - LONGEST + 1)).collect()
}

fn path(from: Place, to: Place, is_control: bool) -> String {
    let (x1, y1) = (from.x + from.width / 2, from.y + from.height);
    let (x2, y2) = (to.x + to.width / 2, to.y);
    let bend = ROW_GAP / 2;
    let class = if is_control { "control" } else { "flow" };
    if y2 < y1 || y2 - y1 > 2 * ROW_GAP {
        // Past what is between, along the right side; upwards too, in a circle.
        let (x1, y1) = (from.x + from.width, from.y + from.height / 2);
        let (x2, y2) = (to.x + to.width, to.y + to.height / 2);
        let side = x1.max(x2) + (y1.abs_diff(y2) / 6).clamp(GAP, WIDEST_BEND);
        return format!(
            "<path class=\"{class}\" d=\"M{x1},{y1} C{side},{y1} {side},{y2} {x2},{y2}\" marker-end=\"url(#tip)\"/>\n"
        );
    }
    format!(
        "<path class=\"{class}\" d=\"M{x1},{y1} C{x1},{} {x2},{} {x2},{y2}\" marker-end=\"url(#tip)\"/>\n",
        y1 + bend,
        y2.saturating_sub(bend)
    )
}

fn drawn(node: &PictureBox, place: Place) -> String {
    let Place { x, y, width, height } = place;
    let class = match node.role {
        Role::Plain => "plain",
        Role::Input => "input",
        Role::Output => "output",
        Role::Constant => "constant",
    };
    let mut text = vec![format!(
        "<g><title>{}</title><rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>",
        escaped(&format!("{} {}", node.kind, node.name))
    )];
    for (number, line) in lines(node).iter().enumerate() {
        let class = if number == 0 { " class=\"kind\"" } else { "" };
        let (x, y) = (x + PADDING, y + (number + 1) * LINE);
        text.push(format!("<text{class} x=\"{x}\" y=\"{y}\">{}</text>", escaped(line)));
    }
    text.push("</g>\n".to_owned());
    text.concat()
}

/// A text as the content of an element.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if is_plain(c) => escaped.push(c),
            _ => escaped.push('\u{fffd}'),
        }
    }
    escaped
}
