//! What the command line may say.

mod convert;
mod diff;
mod graph;
mod http;
mod reading;
mod serve;
mod sizes;
mod sync;
mod transfer;
mod trust;

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueHint};

pub(crate) use convert::Convert;
pub(crate) use diff::Diff;
pub(crate) use graph::{Graph, PictureFormat};
pub(crate) use http::{Http, Upload, router};
pub(crate) use reading::{Reading, surplus_bytes};
pub(crate) use serve::{LogFormat, Serve};
pub(crate) use sync::Sync;
pub(crate) use transfer::Transfer;
pub(crate) use trust::TrustArgs;

/// What is given to others says which commit it was made from.
const VERSION: &str = match option_env!("TFJS_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// Inspect, verify, copy and manage TensorFlow.js models. A URL may also be a plain path.
#[derive(Debug, Parser)]
#[command(name = "tfjs", version = VERSION, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows what a model is: format, producer, sizes, shards, layers or nodes, dtypes, metadata, signature
    Inspect(Source),
    /// Lists every tensor; with --json also the SHA-256 of its decoded values
    Tensors {
        #[command(flatten)]
        source: Source,
        /// Only the tensor of this name; nothing else is read, so checksums of whole files are compared with --check only
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Also reads all of the files that the tensor lies in, and compares their checksums
        #[arg(long, requires = "name")]
        check: bool,
    },
    /// Prints what `model.summary(120)` prints in TensorFlow.js: the layers of a layers-model with their shapes and parameters
    Summary(Source),
    /// Writes the topology of a model as a picture: for Graphviz, or as SVG or HTML that need no other file
    Graph(Graph),
    /// Checks everything that can be checked without running the model; one line per finding
    Verify(Source),
    /// Says what differs between two models: JSON values, layers or nodes, and tensors; exits with 1 if anything does
    Diff(Diff),
    /// Copies a model: streamed, lossless, all or nothing
    Cp(Transfer),
    /// Moves a model: copies it, and removes the source when the copy is there
    ///
    /// From http:// and https:// nothing is moved, because nothing can be removed there; and if the copy cannot be loaded from where it was
    /// sent to, the source stays. The error says what there is.
    Mv(Transfer),
    /// Converts a model to or from .safetensors or .npz: streamed, all or nothing; says what was not the same
    Convert(Convert),
    /// Copies the models of one place to another, but for those that are there already; of a folder those in it and in its folders, no deeper
    Sync(Sync),
    /// Removes a model and its weight files
    Rm {
        /// The model
        #[arg(value_hint = ValueHint::AnyPath)]
        url: String,
        /// Prints what was removed as JSON
        #[arg(long)]
        json: bool,
        /// Also removes weight files with bytes behind the last tensor of a group
        #[arg(long)]
        allow_surplus: bool,
        #[command(flatten)]
        trust: TrustArgs,
    },
    /// Lists the models of a store, or of a folder: those in it and in its folders, no deeper
    Ls {
        /// Where to look
        #[arg(default_value = ".", value_hint = ValueHint::AnyPath)]
        url: String,
        /// Prints the list as JSON
        #[arg(long)]
        json: bool,
    },
    /// Serves the models of a folder, and receives those that are saved to it over HTTP
    Serve(Serve),
    /// Prints completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Writes manual pages into a folder, for `man`
    Man {
        /// The folder, such as ~/.local/share/man/man1
        #[arg(value_hint = ValueHint::DirPath)]
        folder: PathBuf,
    },
}

/// A model to look at.
#[derive(Debug, clap::Args)]
pub(crate) struct Source {
    /// The model: a folder, a model.json, a bare weights manifest, a .pb file, or a URL
    #[arg(value_hint = ValueHint::AnyPath)]
    pub(crate) url: String,
    /// Prints one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

impl Args {
    /// What was typed. Whatever makes no sense ends the process with exit code 2.
    pub(crate) fn read() -> Self {
        let matches = Self::command().get_matches();
        let args = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.format(&mut Self::command()).exit());
        if let Err(problem) = args.command.check() {
            Self::wrong_usage(matches.subcommand_name().unwrap_or_default(), &problem).exit();
        }
        args
    }

    /// An error that shows the usage of a subcommand.
    fn wrong_usage(subcommand: &str, message: &str) -> clap::Error {
        let mut tfjs = Self::command();
        // Gives the subcommands their full names.
        tfjs.build();
        let command = tfjs.find_subcommand(subcommand).cloned();
        command.unwrap_or(tfjs).error(ErrorKind::ValueValidation, message)
    }
}

impl Command {
    /// That options which are fine alone make sense together.
    fn check(&self) -> Result<(), String> {
        match self {
            Self::Cp(transfer) | Self::Mv(transfer) => transfer.check()?,
            Self::Convert(convert) => convert.check()?,
            Self::Sync(sync) => sync.upload.check(&sync.destination)?,
            _ => {}
        }
        if !matches!(self, Self::Convert(_)) {
            let places = self.http().map(|(_, places)| places).unwrap_or_default();
            places.into_iter().try_for_each(convert::check_is_no_tensor_file)?;
        }
        self.http().map_or(Ok(()), |(http, places)| http.check(&places))
    }

    /// What was said about http:// and https://, if anything can be, and the places that it may be about.
    fn http(&self) -> Option<(&Http, Vec<&str>)> {
        let (reading, places) = match self {
            Self::Inspect(source) | Self::Tensors { source, .. } | Self::Summary(source) | Self::Verify(source) => {
                (&source.reading, vec![source.url.as_str()])
            }
            Self::Graph(Graph { source, .. }) => (&source.reading, vec![source.url.as_str()]),
            Self::Cp(Transfer { reading, source, destination, .. })
            | Self::Mv(Transfer { reading, source, destination, .. })
            | Self::Convert(Convert { reading, source, destination, .. })
            | Self::Sync(Sync { reading, source, destination, .. })
            | Self::Diff(Diff { reading, left: source, right: destination, .. }) => {
                (reading, vec![source.as_str(), destination.as_str()])
            }
            _ => return None,
        };
        Some((&reading.http, places))
    }
}
