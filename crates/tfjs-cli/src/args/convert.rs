//! What `tfjs convert` can be told.

use std::path::{Path, PathBuf};

use clap::ValueHint;
use tfjs_convert::{Format, ImportOptions, TensorFile};

use super::{Reading, Upload};

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
    #[command(flatten)]
    pub(crate) reading: Reading,
    #[command(flatten)]
    pub(crate) upload: Upload,
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
    pub(super) fn check(&self) -> Result<(), String> {
        self.upload.check(&self.destination)?;
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
}

/// That a place where a model is to be is not called as a file of tensors, unless it is a folder.
pub(super) fn check_is_no_tensor_file(place: &str) -> Result<(), String> {
    // A query is no part of the name.
    let place = tfjs_io::Location::new(place);
    let path = Path::new(place.as_str());
    if place.as_str().ends_with(['/', std::path::MAIN_SEPARATOR]) || Format::of_path(path).is_none() || path.is_dir() {
        return Ok(());
    }
    Err(format!(
        "`{place}` is a file of tensors: `tfjs convert` reads and writes those; a folder has a slash behind its name"
    ))
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
