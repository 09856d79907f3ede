//! What `tfjs diff` can be told.

use clap::ValueHint;

use super::Reading;

/// Two models to compare.
#[derive(Debug, clap::Args)]
pub(crate) struct Diff {
    /// The left model: a folder, a model.json, a bare weights manifest, a .pb file, or a URL
    #[arg(value_name = "A", value_hint = ValueHint::AnyPath)]
    pub(crate) left: String,
    /// The right model
    #[arg(value_name = "B", value_hint = ValueHint::AnyPath)]
    pub(crate) right: String,
    /// Takes numbers of weights for equal that differ by no more than this
    #[arg(long, value_name = "NUMBER", default_value_t = 0.0, value_parser = parse_distance)]
    pub(crate) tolerance: f64,
    /// Prints one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// A number that can be the distance of two others.
fn parse_distance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number >= 0.0 => Ok(number),
        _ => Err("not a number that is 0 or more".to_owned()),
    }
}
