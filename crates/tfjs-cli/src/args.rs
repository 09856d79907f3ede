//! What the command line may say.

mod convert;
mod diff;
mod graph;
mod http;
mod reading;
mod sizes;
mod sync;
mod transfer;
mod trust;

use std::net::SocketAddr;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueHint};

pub(crate) use convert::Convert;
pub(crate) use diff::Diff;
pub(crate) use graph::{Graph, PictureFormat};
pub(crate) use http::{Http, router};
pub(crate) use reading::{Reading, surplus_bytes};
use sizes::size;
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
        /// Only the tensor of this name; nothing else is read, so checksums of whole files are not compared
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
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
    Mv(Transfer),
    /// Converts a model to or from .safetensors or .npz: streamed, all or nothing; says what was not the same
    Convert(Convert),
    /// Copies the models below one place to another, but for those that are there already
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
    /// Lists the models below a folder or store
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

/// A server of models.
#[derive(Debug, clap::Args)]
#[expect(clippy::option_option, reason = "`--page` is not given, given alone, or given with a folder")]
pub(crate) struct Serve {
    /// The folder with the models, each in a folder of its own
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// Where to listen; port 0 takes a free one, which the first line on standard output tells
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Takes the token that writing needs from an environment variable
    #[arg(long, value_name = "VAR", conflicts_with = "token_file")]
    pub(crate) token_env: Option<String>,
    /// Takes the token that writing needs from a file
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) token_file: Option<PathBuf>,
    /// Asks for the token for reading too
    #[arg(long)]
    pub(crate) protect_reads: bool,
    /// Lets nobody upload or remove models
    #[arg(long, conflicts_with = "allow_anonymous_writes")]
    pub(crate) read_only: bool,
    /// Lets everybody upload and remove models who can reach an address that is not this machine's alone
    #[arg(long)]
    pub(crate) allow_anonymous_writes: bool,
    /// Lets web pages of this origin use the server, such as `https://example.org`, and no others. Can be given several
    /// times. Without it all may read, and those may write that know the token or are of this machine
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    pub(crate) allow_origin: Vec<String>,
    /// Also serves the page that manages models, and sends browsers to it that open the address: of a folder that `cargo xtask page`
    /// has made. Without a folder, the one beside the command (`page`) or where it was installed (`../share/tfjs/page`)
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, value_hint = ValueHint::DirPath)]
    pub(crate) page: Option<Option<PathBuf>>,
    /// The most bytes of an upload
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_upload_size: Option<NonZeroU64>,
    /// The most bytes of an uploaded model.json; 16MiB unless said otherwise
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_json_size: Option<NonZeroU64>,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    /// The most uploads at a time
    #[arg(long, value_name = "N")]
    pub(crate) max_uploads: Option<NonZeroUsize>,
    /// The most connections at a time
    #[arg(long, value_name = "N")]
    pub(crate) max_connections: Option<NonZeroUsize>,
    /// How many seconds a client may be silent, or take nothing of an answer
    #[arg(long, value_name = "SECONDS")]
    pub(crate) idle_timeout: Option<NonZeroU64>,
    /// How many seconds requests may go on when the server is to end
    #[arg(long, value_name = "SECONDS")]
    pub(crate) shutdown_timeout: Option<u64>,
    /// How requests are logged on standard error
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON document on each line.
    Json,
}

/// An origin as browsers write it: nothing behind the host and port.
fn origin(text: &str) -> Result<String, String> {
    let host = text.split_once("://").map_or("", |(_, host)| host);
    let is_origin =
        !host.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) && !host.contains(['/', '?', '#']);
    if is_origin {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("expected an origin, such as https://example.org".to_owned())
    }
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
            _ => {}
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
