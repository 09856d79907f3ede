//! What `tfjs cp` and `tfjs mv` can be told.

use clap::ValueHint;
use tfjs_io::{QuantizationRule, QuantizationRuleError, QuantizationRules, RelPath, Sharding};

use super::sizes::sharding;
use super::{Reading, Upload};

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
    /// The name of the weights file; several files begin with its stem. Of uploads only `--upload put` sends names that count
    #[arg(long, value_name = "NAME", value_parser = |name: &str| RelPath::parse(name).and_then(RelPath::fetchable))]
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
    #[command(flatten)]
    pub(crate) reading: Reading,
    #[command(flatten)]
    pub(crate) upload: Upload,
}

impl Transfer {
    /// That the rules of `--quantize` go together, and that what was said about the destination can be followed there.
    pub(super) fn check(&self) -> Result<(), String> {
        self.upload.check(&self.destination)?;
        if self.weights_file_name.is_some() && !self.upload.keeps_names(&self.destination) {
            return Err(
                "--weights-file-name: a server names what is uploaded to it; `--upload put` sends files by their names"
                    .to_owned(),
            );
        }
        if self.resume && !self.quantize.is_empty() {
            return Err("--resume: what --quantize computes on the way cannot be taken over from an interrupted copy; leave one of them out".to_owned());
        }
        self.quantization_rules().map(drop).map_err(|error| format!("--quantize: {error}"))
    }

    /// What `--quantize` says; `None` without it.
    pub(crate) fn quantization_rules(&self) -> Result<Option<QuantizationRules>, QuantizationRuleError> {
        if self.quantize.is_empty() {
            return Ok(None);
        }
        QuantizationRules::new(self.quantize.iter().cloned()).map(Some)
    }
}
