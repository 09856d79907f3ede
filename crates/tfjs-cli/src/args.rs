//! What the command line may say.

use std::num::NonZeroU64;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand, ValueHint};
use tfjs_io::{
    Error, HttpClient, QuantizationRule, QuantizationRuleError, QuantizationRules, RelPath, Router, Sharding,
    SurplusBytes,
};

/// Inspect, verify, copy and manage TensorFlow.js models. A URL may also be a plain path.
#[derive(Debug, Parser)]
#[command(name = "tfjs", version, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows what a model is: format, producer, sizes, shards, layers or nodes, dtypes, metadata, signature
    Inspect(Source),
    /// Lists every tensor; with --json also the SHA-256 of its decoded values
    Tensors(Source),
    /// Checks everything that can be checked without running the model; one line per finding
    Verify(Source),
    /// Copies a model: streamed, lossless, all or nothing
    Cp(Transfer),
    /// Moves a model: copies it, and removes the source when the copy is there
    Mv(Transfer),
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
    /// Prints completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
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
    /// Quantizes float32 weights: uint8, uint16 or float16, all or those whose names match, as in uint8=conv*/kernel.
    /// Can be given several times; a type without a pattern is for what no pattern matches
    #[arg(long, value_name = "DTYPE[=GLOB]", value_parser = |rule: &str| rule.parse::<QuantizationRule>())]
    quantize: Vec<QuantizationRule>,
    /// Prints the result of the save as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Accepts (and copies) bytes behind the last tensor of a group
    #[arg(long)]
    allow_surplus: bool,
    #[command(flatten)]
    pub(crate) http: Http,
}

impl Args {
    /// What was typed. Whatever makes no sense ends the process with exit code 2.
    pub(crate) fn read() -> Self {
        let args = Self::parse();
        if let Command::Cp(transfer) | Command::Mv(transfer) = &args.command
            && let Err(error) = transfer.quantization_rules()
        {
            Self::command().error(ErrorKind::ValueValidation, format!("--quantize: {error}")).exit();
        }
        if let Some(Err(problem)) = args.command.http().map(Http::client) {
            Self::command().error(ErrorKind::ValueValidation, problem).exit();
        }
        args
    }
}

impl Command {
    /// What was said about http:// and https://, if anything can be.
    fn http(&self) -> Option<&Http> {
        match self {
            Self::Inspect(source) | Self::Tensors(source) | Self::Verify(source) => Some(&source.http),
            Self::Cp(transfer) | Self::Mv(transfer) => Some(&transfer.http),
            _ => None,
        }
    }
}

impl Http {
    /// The router that asks like that.
    pub(crate) fn router(&self) -> Result<Router, Error> {
        // What is wrong with the options has been told before.
        let client = self.client().map_err(|problem| Error::new(tfjs_io::ErrorKind::InvalidUrl, problem))?;
        tfjs_io::default_routes_with(&client).build()
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
    let unit = UNITS.iter().find_map(|(name, bytes)| Some((text.strip_suffix(name)?, *bytes)));
    let (number, unit) = unit.unwrap_or((text, 1));
    let bytes = number.trim_end().parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    let bytes = bytes.and_then(NonZeroU64::new);
    bytes
        .map(Sharding::Bytes)
        .ok_or_else(|| "expected a number of bytes from 1, such as 65536 or 4MiB, or `single`".to_owned())
}

pub(crate) fn surplus_bytes(allow: bool) -> SurplusBytes {
    if allow { SurplusBytes::Allow } else { SurplusBytes::Reject }
}
