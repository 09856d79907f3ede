//! What the command line may say.

use std::num::NonZeroU64;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand, ValueHint};
use tfjs_io::{QuantizationRule, QuantizationRuleError, QuantizationRules, RelPath, Sharding, SurplusBytes};

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
}

impl Args {
    /// What was typed. Whatever makes no sense ends the process with exit code 2.
    pub(crate) fn read() -> Self {
        let args = Self::parse();
        let (name, transfer) = match &args.command {
            Command::Cp(transfer) => ("cp", transfer),
            Command::Mv(transfer) => ("mv", transfer),
            _ => return args,
        };
        if let Err(error) = transfer.quantization_rules() {
            Self::wrong_usage(name, &format!("--quantize: {error}")).exit();
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
