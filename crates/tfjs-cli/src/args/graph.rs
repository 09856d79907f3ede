//! What `tfjs graph` can be told.

use super::Source;

/// A model to draw.
#[derive(Debug, clap::Args)]
pub(crate) struct Graph {
    #[command(flatten)]
    pub(crate) source: Source,
    /// What is written on standard output
    #[arg(long, value_name = "FORMAT", default_value = "dot", conflicts_with = "json")]
    pub(crate) format: PictureFormat,
    /// Draws the constants of a graph too
    #[arg(long)]
    pub(crate) constants: bool,
}

/// How a picture is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum PictureFormat {
    /// For Graphviz.
    Dot,
    /// A file that needs no other.
    Svg,
    /// A page that needs no other file.
    Html,
}
