//! When two spellings are one file: by links and `..`, and where upper and lower case, or two forms of a letter, are the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tfjs_artifacts::{Error, ErrorKind, Operation, RelPath};

use crate::model_dir::folder_of;
use crate::source::FileSource;

/// One spelling for each file: its folder without links and `..`, and its name, as the system lists it if it is there.
pub(crate) fn spelled(file: &Path) -> PathBuf {
    let is_link = std::fs::symlink_metadata(file).map(|metadata| metadata.is_symlink());
    if is_link.is_ok_and(|is_link| !is_link)
        && let Ok(listed) = file.canonicalize()
    {
        return listed;
    }
    match (folder_of(file).canonicalize(), file.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => file.to_path_buf(),
    }
}

/// [`spelled`], and the same for all that may be one file, also if it is not there yet: on Windows and macOS without regard to upper
/// and lower case. For questions where yes by mistake harms nobody.
pub(crate) fn key(file: &Path) -> PathBuf {
    let spelled = spelled(file);
    if cfg!(any(windows, target_vendor = "apple")) { spelled.to_string_lossy().to_lowercase().into() } else { spelled }
}

/// Refuses files of a manifest that are one file here although they have two names: on Windows and macOS `A.bin` and `a.bin`,
/// on Windows also `weight~1.bin` and `weights of the model.bin`. If their lengths agree, nothing else would tell.
///
/// Two names that are both in the folder, hard or symbolic links, are as many files as the manifest says.
pub(crate) fn check_distinct(folder: &Path, files: &[(&RelPath, FileSource)]) -> Result<(), Error> {
    // Whatever looks alike, by length, time stamp and, where there is one, inode: rarely more than one, so it costs nothing.
    let mut alike = BTreeMap::<String, Vec<_>>::new();
    for (path, source) in files {
        alike.entry(source.identity_text()).or_default().push((*path, source));
    }
    for group in alike.into_values().filter(|group| group.len() > 1) {
        let mut same = BTreeMap::<PathBuf, Vec<_>>::new();
        for (path, source) in group {
            // With an inode it is known already.
            let key = if cfg!(unix) { PathBuf::new() } else { key(source.path()) };
            same.entry(key).or_default().push(path);
        }
        for paths in same.into_values().filter(|paths| paths.len() > 1) {
            let Some(unlisted) = paths.iter().find(|path| !is_listed(folder, path)) else { continue };
            let Some(other) = paths.iter().find(|path| path != &unlisted) else { continue };
            let message = format!(
                "the manifest names two weight files, `{other}` and `{unlisted}`, but on this file system they are one; \
                 load the model where both exist, or give them names that differ in more than upper and lower case"
            );
            let error = Error::new(ErrorKind::InvalidData, message).with_operation(Operation::Load);
            return Err(error.with_location(&folder.join(unlisted.as_str()).to_string_lossy()));
        }
    }
    Ok(())
}

/// Whether each part of a path stands in its folder exactly so; yes if a folder cannot be read.
fn is_listed(folder: &Path, path: &RelPath) -> bool {
    let mut folder = folder.to_path_buf();
    for segment in path.segments() {
        let Ok(mut entries) = std::fs::read_dir(&folder) else { return true };
        if !entries.any(|entry| entry.is_ok_and(|entry| entry.file_name() == segment)) {
            return false;
        }
        folder.push(segment);
    }
    true
}
