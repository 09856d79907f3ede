//! Which files a path means, for loading and for saving.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use tfjs_artifacts::{Error, ErrorKind, Operation, RelPath, Sniffed};

use crate::error::io_error;
use crate::path::check;
use crate::view::View;

/// The JSON file in a folder that is named as a model.
pub(crate) const MODEL_JSON: &str = "model.json";
/// The binary topology that converters before TensorFlow.js 1.0 wrote.
pub(crate) const GRAPH_DEF: &str = "tensorflowjs_model.pb";
/// The manifest that they wrote beside it.
pub(crate) const WEIGHTS_MANIFEST: &str = "weights_manifest.json";

/// What Python's TensorFlow calls a graph.
const SAVED_MODEL: &str = "saved_model.pb";

/// The files that a model begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A `model.json` or a bare manifest.
    Json(PathBuf),
    /// A binary topology and its manifest.
    Pair { topology: PathBuf, manifest: PathBuf },
}

impl Entry {
    /// The file whose folder the weight files are relative to.
    pub(crate) fn manifest(&self) -> &Path {
        match self {
            Self::Json(path) | Self::Pair { manifest: path, .. } => path,
        }
    }

    /// The files themselves; the first makes the model visible.
    pub(crate) fn files(&self) -> Vec<&Path> {
        match self {
            Self::Json(path) => vec![path],
            Self::Pair { topology, manifest } => vec![topology, manifest],
        }
    }

    /// Where a weight file lies.
    pub(crate) fn shard(&self, path: &RelPath) -> PathBuf {
        join(folder_of(self.manifest()), path)
    }
}

/// The folder of a file; `.` for a bare name.
pub(crate) fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => file,
    }
}

/// Where a relative path leads from a folder.
pub(crate) fn join(folder: &Path, path: &RelPath) -> PathBuf {
    let mut joined = folder.to_path_buf();
    joined.extend(path.segments());
    joined
}

/// Whether a file cannot take this one's place because it is a folder, or, on Windows, a link to one.
pub(crate) fn is_in_the_way(metadata: &Metadata) -> bool {
    #[cfg(windows)]
    {
        use std::os::windows::fs::FileTypeExt as _;
        metadata.is_dir() || metadata.file_type().is_symlink_dir()
    }
    #[cfg(not(windows))]
    metadata.is_dir()
}

/// What is there to be loaded, listed or removed at a path.
pub(crate) fn find(path: &Path, operation: Operation) -> Result<Entry, Error> {
    check(path).map_err(|error| error.with_operation(operation))?;
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
        return find_in(&View::of(path)?, path, operation);
    }
    let view = View::of(folder_of(path))?;
    let (_, metadata) = view.look(path).map_err(|error| missing(error, path, operation))?;
    if !metadata.is_file() {
        let error = Error::new(ErrorKind::InvalidData, "it is neither a file nor a folder");
        return Err(error.with_operation(operation).with_location(&path.to_string_lossy()));
    }
    if has_extension(path, "pb") {
        let manifest = path.with_file_name(WEIGHTS_MANIFEST);
        if !view.has(&manifest) {
            let message = format!("there is no `{WEIGHTS_MANIFEST}` beside it, so perhaps it {}", Sniffed::TensorFlow);
            let error = Error::new(ErrorKind::NotFound, message);
            return Err(error.with_operation(operation).with_location(&path.to_string_lossy()));
        }
        return Ok(Entry::Pair { topology: path.to_path_buf(), manifest });
    }
    Ok(Entry::Json(path.to_path_buf()))
}

fn find_in(view: &View, folder: &Path, operation: Operation) -> Result<Entry, Error> {
    let json = folder.join(MODEL_JSON);
    if view.has(&json) {
        return Ok(Entry::Json(json));
    }
    let (topology, manifest) = (folder.join(GRAPH_DEF), folder.join(WEIGHTS_MANIFEST));
    if view.has(&topology) && view.has(&manifest) {
        return Ok(Entry::Pair { topology, manifest });
    }
    if view.has(&folder.join(SAVED_MODEL)) {
        let message = format!("the folder has no {MODEL_JSON}; its `{SAVED_MODEL}` {}", Sniffed::TensorFlow);
        let error = Error::new(ErrorKind::NotFound, message);
        return Err(error.with_operation(operation).with_location(&folder.to_string_lossy()));
    }
    let others = view.json_files().map_err(|error| io_error(error, operation, folder))?;
    let message = match others.as_slice() {
        [] => format!("the folder has no {MODEL_JSON}"),
        names => {
            let names: Vec<_> = names.iter().take(5).map(|name| format!("`{name}`")).collect();
            format!("the folder has no {MODEL_JSON}; name the file itself if it is one of {}", names.join(", "))
        }
    };
    let error = Error::new(ErrorKind::NotFound, message);
    Err(error.with_operation(operation).with_location(&folder.to_string_lossy()))
}

fn missing(error: std::io::Error, path: &Path, operation: Operation) -> Error {
    let mut with_extension = path.as_os_str().to_owned();
    with_extension.push(".json");
    if error.kind() == std::io::ErrorKind::NotFound && Path::new(&with_extension).is_file() {
        let message = format!("there is no such file or folder; did you mean `{}`?", with_extension.to_string_lossy());
        let error = Error::new(ErrorKind::NotFound, message).with_source(error);
        return error.with_operation(operation).with_location(&path.to_string_lossy());
    }
    io_error(error, operation, path)
}

/// The `.json` files of a folder, by name.
pub(crate) fn json_files(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // A name that is not UTF-8 cannot be given as a URL.
        if let Ok(name) = entry.file_name().into_string()
            && has_extension(Path::new(&name), "json")
            && entry.path().is_file()
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

pub(crate) fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

/// Where a save to a path goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    /// The folder that all files go into.
    pub(crate) folder: PathBuf,
    /// The name of the JSON file.
    pub(crate) json: String,
    /// Whether the path named the JSON file, not the folder.
    pub(crate) is_file: bool,
}

impl Destination {
    /// A path that ends in `.json` is the JSON file; any other is a folder.
    pub(crate) fn of(path: &Path) -> Result<Self, Error> {
        let refuse = |message: String| {
            let error = Error::new(ErrorKind::AlreadyExists, message);
            Err(error.with_operation(Operation::Save).with_location(&path.to_string_lossy()))
        };
        check(path).map_err(|error| error.with_operation(Operation::Save))?;
        if has_extension(path, "json") {
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(name) = name else {
                let error = Error::new(ErrorKind::InvalidUrl, "the file name is not UTF-8");
                return Err(error.with_operation(Operation::Save).with_location(&path.to_string_lossy()));
            };
            if path.is_dir() {
                return refuse(format!("it is a folder; to save into it, name `{}`", path.join(MODEL_JSON).display()));
            }
            return Ok(Self { folder: folder_of(path).to_path_buf(), json: name.to_owned(), is_file: true });
        }
        if has_extension(path, "pb") && !path.is_dir() {
            let error =
                Error::new(ErrorKind::InvalidUrl, "a model is saved as a folder, or as a path that ends in `.json`");
            return Err(error.with_operation(Operation::Save).with_location(&path.to_string_lossy()));
        }
        if path.exists() && !path.is_dir() {
            return refuse("it is a file; a model is saved as a folder, or as a path that ends in `.json`".to_owned());
        }
        Ok(Self { folder: path.to_path_buf(), json: MODEL_JSON.to_owned(), is_file: false })
    }

    /// The name of the JSON file without its extension.
    pub(crate) fn stem(&self) -> &str {
        self.json.rsplit_once('.').map_or(&self.json, |(stem, _)| stem)
    }
}
