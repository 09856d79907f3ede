//! What the command line may say.

use std::net::SocketAddr;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand, ValueHint};
use tfjs_convert::{Format, ImportOptions, TensorFile};
use tfjs_io::{
    Error, HttpClient, ObjectStoreRoutes, QuantizationRule, QuantizationRuleError, QuantizationRules, RelPath, Router,
    Sharding, SurplusBytes,
};

use crate::trust::TrustArgs;

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
    /// Accepts bytes behind the last tensor of a group
    #[arg(long)]
    allow_surplus: bool,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    #[command(flatten)]
    pub(crate) http: Http,
}

/// How http:// and https:// URLs are asked for.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options for http:// and https://")]
pub(crate) struct Http {
    /// Sends a header to the hosts of the URLs given, and to no other. Can be given several times
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Sends the bearer token that this environment variable holds
    #[arg(long, value_name = "VAR")]
    bearer_token_env: Option<String>,
}

/// A model to copy or move.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Transfer {
    /// The model: a folder, a model.json, a bare weights manifest, a .pb file, or a URL
    #[arg(value_name = "SRC", value_hint = ValueHint::AnyPath)]
    pub(crate) source: String,
    /// Where to: a folder, a path that ends in .json, or a URL
    #[arg(value_name = "DST", value_hint = ValueHint::AnyPath)]
    pub(crate) destination: String,
    /// The name of the weights file; several files begin with its stem
    #[arg(long, value_name = "NAME", value_parser = |name: &str| name.parse::<RelPath>())]
    pub(crate) weights_file_name: Option<RelPath>,
    /// Cuts the weights into files of this many bytes (`4MiB`, `65536`), or into one for each group (`single`)
    #[arg(long, value_name = "SIZE", value_parser = sharding)]
    pub(crate) shard_size: Option<Sharding>,
    /// Writes the SHA-256 of each weight file into model.json, where loading checks it
    #[arg(long)]
    pub(crate) checksums: bool,
    /// Does not wait until the disk has everything: for many small models that can be had again. `mv` always waits
    #[arg(long)]
    pub(crate) no_sync: bool,
    /// Leaves the weight files that are finished when it is interrupted, and continues where an interrupted one ended: files that a
    /// checksum, or the version of the source, proves to be the same are not written again. For files and object stores
    #[arg(long)]
    pub(crate) resume: bool,
    /// Quantizes float32 weights: uint8, uint16 or float16, all or those whose names match, as in uint8=conv*/kernel.
    /// Can be given several times; a type without a pattern is for what no pattern matches. Without --shard-size, the
    /// files of each group that has such weights become one
    #[arg(long, value_name = "DTYPE[=GLOB]", value_parser = |rule: &str| rule.parse::<QuantizationRule>())]
    pub(crate) quantize: Vec<QuantizationRule>,
    /// Prints the result of the save as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Accepts (and copies) bytes behind the last tensor of a group
    #[arg(long)]
    allow_surplus: bool,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    #[command(flatten)]
    pub(crate) http: Http,
}

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
    /// Accepts bytes behind the last tensor of a group
    #[arg(long)]
    allow_surplus: bool,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    #[command(flatten)]
    pub(crate) http: Http,
}

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

/// A model to convert.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Convert {
    /// The model: a .safetensors or .npz file of this machine, or what `cp` takes
    #[arg(value_name = "SRC", value_hint = ValueHint::AnyPath)]
    pub(crate) source: String,
    /// Where to: a .safetensors or .npz file of this machine, or what `cp` takes. One of the two has to be such a file
    #[arg(value_name = "DST", value_hint = ValueHint::AnyPath)]
    pub(crate) destination: String,
    /// Writes the values of quantized weights, not their codes
    #[arg(long)]
    pub(crate) dequantize: bool,
    /// Makes float32 and int32 of types that TensorFlow.js has not, such as F64 and I64, which are an error otherwise
    #[arg(long)]
    pub(crate) convert_dtypes: bool,
    /// Reads the tensors of a file alone, whatever an earlier conversion wrote beside them
    #[arg(long)]
    pub(crate) ignore_metadata: bool,
    /// Prints the result of the save, and what was not the same, as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Accepts bytes behind the last tensor of a group, and leaves them out
    #[arg(long)]
    allow_surplus: bool,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    #[command(flatten)]
    pub(crate) http: Http,
}

/// Two places with many models.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Sync {
    /// Where the models are: a folder, or a URL whose scheme can list
    #[arg(value_name = "SRC-PREFIX", value_hint = ValueHint::AnyPath)]
    pub(crate) source: String,
    /// Where they will be, under the same names
    #[arg(value_name = "DST-PREFIX", value_hint = ValueHint::AnyPath)]
    pub(crate) destination: String,
    /// Compares all bytes of the weights, which are read from both sides. Without it, checksums decide if both sides have them, and
    /// otherwise the dates: what was saved at the destination after the source is taken for the same if its model.json and sizes are
    #[arg(long)]
    pub(crate) checksum: bool,
    /// Removes models at the destination that the source does not have, after all others were copied
    #[arg(long)]
    pub(crate) delete: bool,
    /// Lets --delete remove everything when the source has no models
    #[arg(long, requires = "delete")]
    pub(crate) force: bool,
    /// Says what would be done, and does nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How many models are copied at a time
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Leaves the weight files that are finished when it is interrupted, and continues models that were interrupted
    #[arg(long)]
    pub(crate) resume: bool,
    /// Does not wait until the disk has everything
    #[arg(long)]
    pub(crate) no_sync: bool,
    /// Prints what was done as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Accepts (and copies) bytes behind the last tensor of a group
    #[arg(long)]
    pub(crate) allow_surplus: bool,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    #[command(flatten)]
    pub(crate) http: Http,
}

/// A number that can be the distance of two others.
fn parse_distance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number >= 0.0 => Ok(number),
        _ => Err("not a number that is 0 or more".to_owned()),
    }
}

/// A server of models.
#[derive(Debug, clap::Args)]
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

impl Args {
    /// What was typed. Whatever makes no sense ends the process with exit code 2.
    pub(crate) fn read() -> Self {
        let args = Self::parse();
        let (name, transfer) = match &args.command {
            Command::Inspect(_) => ("inspect", None),
            Command::Tensors { .. } => ("tensors", None),
            Command::Summary(_) => ("summary", None),
            Command::Verify(_) => ("verify", None),
            Command::Graph(_) => ("graph", None),
            Command::Diff(_) => ("diff", None),
            Command::Cp(transfer) => ("cp", Some(transfer)),
            Command::Mv(transfer) => ("mv", Some(transfer)),
            Command::Convert(convert) => {
                if let Err(problem) = convert.check() {
                    Self::wrong_usage("convert", &problem).exit();
                }
                ("convert", None)
            }
            Command::Sync(_) => ("sync", None),
            _ => return args,
        };
        if let Some(Err(error)) = transfer.map(Transfer::quantization_rules) {
            Self::wrong_usage(name, &format!("--quantize: {error}")).exit();
        }
        if let Some(Err(problem)) = args.command.http().map(Http::client) {
            Self::wrong_usage(name, &problem).exit();
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
    /// What was said about http:// and https://, if anything can be.
    fn http(&self) -> Option<&Http> {
        match self {
            Self::Inspect(source) | Self::Tensors { source, .. } | Self::Summary(source) | Self::Verify(source) => {
                Some(&source.http)
            }
            Self::Cp(transfer) | Self::Mv(transfer) => Some(&transfer.http),
            Self::Convert(convert) => Some(&convert.http),
            Self::Graph(graph) => Some(&graph.source.http),
            Self::Diff(diff) => Some(&diff.http),
            Self::Sync(sync) => Some(&sync.http),
            _ => None,
        }
    }
}

/// The router of commands that have no options for HTTP.
pub(crate) fn router() -> Result<Router, Error> {
    router_with(&HttpClient::new())
}

/// Object stores are reached as the environment says.
fn router_with(client: &HttpClient) -> Result<Router, Error> {
    tfjs_io::default_routes_with_stores(client, &ObjectStoreRoutes::from_env()).build()
}

impl Http {
    /// The router that asks like that.
    pub(crate) fn router(&self) -> Result<Router, Error> {
        // What is wrong with the options has been told before.
        let client = self.client().map_err(|problem| Error::new(tfjs_io::ErrorKind::InvalidUrl, problem))?;
        router_with(&client)
    }

    /// The client that asks like that, or which option is wrong; values of headers are not repeated.
    fn client(&self) -> Result<HttpClient, String> {
        let mut client = HttpClient::new();
        for header in &self.headers {
            let (name, value) = header.split_once(':').ok_or("--header: expected a name, a colon and a value")?;
            client = client.with_header(name.trim(), value.trim()).map_err(|error| format!("--header: {error}"))?;
        }
        if let Some(variable) = &self.bearer_token_env {
            let problem = |problem| format!("--bearer-token-env: the environment variable `{variable}` {problem}");
            let token = std::env::var(variable).map_err(|_| problem("is not set, or is not text"))?;
            client = client.with_bearer_token(token.trim()).map_err(|_| problem("holds no token"))?;
        }
        Ok(client)
    }
}

impl Source {
    pub(crate) fn surplus_bytes(&self) -> SurplusBytes {
        surplus_bytes(self.allow_surplus)
    }
}

impl Diff {
    pub(crate) fn surplus_bytes(&self) -> SurplusBytes {
        surplus_bytes(self.allow_surplus)
    }
}

impl Convert {
    /// The file of tensors that a place is, if it is one.
    pub(crate) fn tensor_file(&self, place: &str) -> Option<TensorFile> {
        let mut import = ImportOptions::new();
        import.converts_dtypes = self.convert_dtypes;
        import.ignores_metadata = self.ignore_metadata;
        let path = local_path(place)?;
        let file = TensorFile::from_path(path).ok()?.with_import(import);
        Some(if self.dequantize { file.with_dequantized() } else { file })
    }

    /// That the extensions tell what is to be done.
    fn check(&self) -> Result<(), String> {
        let is_known = |place: &str| Format::of_path(Path::new(place)).is_some();
        for place in [&self.source, &self.destination] {
            if is_known(place) && local_path(place).is_none() {
                return Err(format!("`{}` has to be a file of this machine", tfjs_io::Location::new(place)));
            }
        }
        if is_known(&self.source) || is_known(&self.destination) {
            return Ok(());
        }
        let known = Format::ALL.map(|format| format!(".{}", format.extension())).join(" or ");
        Err(format!("neither SRC nor DST ends in {known}; use `cp` to copy a model as it is"))
    }

    pub(crate) fn surplus_bytes(&self) -> SurplusBytes {
        surplus_bytes(self.allow_surplus)
    }
}

/// The path of a file of this machine; `None` for any other place.
fn local_path(place: &str) -> Option<PathBuf> {
    match place.split_once("://") {
        None => Some(place.into()),
        Some((scheme, _)) if scheme.eq_ignore_ascii_case(tfjs_fs::SCHEME) => {
            let url = tfjs_io::ModelUrl::parse(place).ok()?;
            Some(tfjs_io::FsHandler::from_url(&url).ok()?.path().to_path_buf())
        }
        Some(_) => None,
    }
}

impl Transfer {
    /// What `--quantize` says; `None` without it.
    pub(crate) fn quantization_rules(&self) -> Result<Option<QuantizationRules>, QuantizationRuleError> {
        if self.quantize.is_empty() {
            return Ok(None);
        }
        QuantizationRules::new(self.quantize.iter().cloned()).map(Some)
    }

    pub(crate) fn surplus_bytes(&self) -> SurplusBytes {
        surplus_bytes(self.allow_surplus)
    }
}

/// The units of sizes.
const UNITS: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

fn sharding(text: &str) -> Result<Sharding, String> {
    if text == "single" {
        return Ok(Sharding::Single);
    }
    let wrong = || "expected a number of bytes from 1, such as 65536 or 4MiB, or `single`".to_owned();
    bytes(text).map(Sharding::Bytes).ok_or_else(wrong)
}

fn size(text: &str) -> Result<NonZeroU64, String> {
    bytes(text).ok_or_else(|| "expected a number of bytes from 1, such as 65536 or 4MiB".to_owned())
}

pub(crate) fn bytes(text: &str) -> Option<NonZeroU64> {
    let unit = UNITS.iter().find_map(|(name, bytes)| Some((text.strip_suffix(name)?, *bytes)));
    let (number, unit) = unit.unwrap_or((text, 1));
    let bytes = number.trim_end().parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    bytes.and_then(NonZeroU64::new)
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

pub(crate) fn surplus_bytes(allow: bool) -> SurplusBytes {
    if allow { SurplusBytes::Allow } else { SurplusBytes::Reject }
}
