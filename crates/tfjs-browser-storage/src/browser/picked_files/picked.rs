//! Files as the user gave them.

use js_sys::Reflect;
use wasm_bindgen::JsValue;
use web_sys::{File, FileList};

use crate::blob_source::{BlobSource, byte_length};

/// Files that a user picked: what an `<input type="file">` has in `files`, with `multiple` or `webkitdirectory`, or what was
/// dropped.
#[derive(Clone, Debug)]
pub struct PickedFiles {
    files: Vec<PickedFile>,
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct PickedFile {
    file: File,
    path: String,
}

impl PickedFiles {
    pub(super) fn all(&self) -> &[PickedFile] {
        &self.files
    }
}

impl From<Vec<File>> for PickedFiles {
    fn from(files: Vec<File>) -> Self {
        Self { files: files.into_iter().map(PickedFile::new).collect() }
    }
}

impl From<FileList> for PickedFiles {
    fn from(files: FileList) -> Self {
        (0..files.length()).filter_map(|index| files.get(index)).collect::<Vec<_>>().into()
    }
}

impl PickedFile {
    fn new(file: File) -> Self {
        // Empty unless a folder was picked.
        let relative = Reflect::get(&file, &JsValue::from_str("webkitRelativePath")).ok();
        let relative = relative.and_then(|path| path.as_string()).filter(|path| !path.is_empty());
        Self { path: relative.unwrap_or_else(|| file.name()), file }
    }

    /// Relative to what was picked: `folder/sub/file`, or the name alone.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The path up to the last slash, with it.
    pub(super) fn folder(&self) -> &str {
        self.path.strip_suffix(self.name()).unwrap_or_default()
    }

    pub(super) fn byte_length(&self) -> u64 {
        byte_length(&self.file)
    }

    pub(super) fn source(&self) -> BlobSource {
        let version = format!("{}-{:x}-{}", self.path, self.byte_length(), self.file.last_modified());
        BlobSource::new(self.file.clone().into(), &self.path, Some(version))
    }
}
