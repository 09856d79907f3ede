//! The lines as a table, for a terminal and for Markdown.

use super::line::Line;

const HEAD: [&str; 9] = ["work", "unit", "ours", "yardstick", "ratio", "TensorFlow.js", "ratio", "target", "met"];
/// Numbers are flush right.
const NUMBERS: std::ops::RangeInclusive<usize> = 2..=6;

/// Columns of one width, for reading in place.
pub(super) fn for_terminal(lines: &[Line]) -> String {
    let rows: Vec<_> = std::iter::once(HEAD.map(str::to_owned)).chain(lines.iter().map(cells)).collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
    let align = |(column, cell): (usize, &String)| {
        let width = width(column);
        if NUMBERS.contains(&column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
    };
    let line = |row: &[String; 9]| row.iter().enumerate().map(align).collect::<Vec<_>>().join("  ");
    rows.iter().map(line).map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// A Markdown table. A work that was not measured keeps the row that it has in an older one, if it has one.
pub(super) fn for_markdown<'a>(works: impl IntoIterator<Item = &'a str>, lines: &[Line], older: &str) -> String {
    let row = |cells: [String; 9]| format!("| {} |", cells.join(" | "));
    let rule = std::array::from_fn(|column| if NUMBERS.contains(&column) { "--:" } else { "---" }.to_owned());
    let head = [row(HEAD.map(str::to_owned)), row(rule)];
    let rows = works.into_iter().filter_map(|work| {
        let measured = lines.iter().find(|line| line.work == work).map(|line| row(cells(line)));
        let is_of_work = |row: &&str| row.strip_prefix("| ").is_some_and(|row| row.starts_with(&format!("{work} | ")));
        measured.or_else(|| older.lines().find(is_of_work).map(str::to_owned))
    });
    head.into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

fn cells(line: &Line) -> [String; 9] {
    let optional = |value: Option<f64>| value.map(three_digits).unwrap_or_default();
    [
        line.work.to_owned(),
        line.unit.to_owned(),
        three_digits(line.ours),
        optional(line.yardstick),
        optional(line.ratio_yardstick),
        optional(line.tfjs),
        optional(line.ratio_tfjs),
        line.target.clone(),
        match line {
            Line { met: false, .. } => "MISS",
            Line { target, .. } if target.is_empty() => "",
            Line { .. } => "yes",
        }
        .to_owned(),
    ]
}

/// Three significant digits: more would be noise.
fn three_digits(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 => 0,
        0.1..1.0 => 3,
        ..0.1 => 4,
        1.0..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> [Line; 2] {
        let line = |work, tfjs, ratio_tfjs, met| Line {
            work,
            unit: "GB/s",
            ours: 10.0,
            yardstick: Some(12.5),
            ratio_yardstick: Some(0.8),
            tfjs,
            ratio_tfjs,
            target: ">= 0.8 x memcpy".to_owned(),
            met,
        };
        [line("copy", None, None, true), line("longer work", Some(1.0), Some(2000.0), false)]
    }

    #[test]
    fn columns_line_up() {
        let table = for_terminal(&lines());
        let expected = "\
work         unit  ours  yardstick  ratio  TensorFlow.js  ratio  target           met
copy         GB/s  10.0       12.5  0.800                        >= 0.8 x memcpy  yes
longer work  GB/s  10.0       12.5  0.800           1.00   2000  >= 0.8 x memcpy  MISS";
        assert_eq!(table, expected);
    }

    #[test]
    fn a_miss_is_seen_in_markdown() {
        let lines = lines();
        let table = for_markdown(lines.iter().map(|line| line.work), &lines, "");
        let last = table.lines().last().unwrap();
        assert_eq!(last, "| longer work | GB/s | 10.0 | 12.5 | 0.800 | 1.00 | 2000 | >= 0.8 x memcpy | MISS |");
        assert_eq!(table.lines().nth(1), Some("| --- | --- | --: | --: | --: | --: | --: | --- | --- |"));
    }

    #[test]
    fn what_is_only_reported_is_not_met_either() {
        let [line, _] = lines();
        let table = for_markdown([line.work], &[Line { target: String::new(), ..line }], "");
        assert!(table.ends_with("|  |  |"), "{table}");
    }

    #[test]
    fn works_that_were_not_measured_keep_their_rows() {
        let [line, other] = lines();
        let older = for_markdown([line.work, other.work], &lines(), "");
        let table = for_markdown([line.work, "new", other.work], &[Line { ours: 11.0, ..line }], &older);
        assert_eq!(table.lines().count(), 4);
        assert!(table.contains("| 11.0 |") && table.ends_with(older.lines().last().unwrap()), "{table}");
    }

    #[test]
    fn three_significant_digits() {
        let text = [0.0, 0.01234, 0.1234, 1.234, 12.34, 123.4, 1234.5].map(three_digits);
        assert_eq!(text, ["0", "0.0123", "0.123", "1.23", "12.3", "123", "1234"]);
    }
}
