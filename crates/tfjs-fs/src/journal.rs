//! What turns several renames into one: a list of them that is durable before the first happens.
//!
//! From the moment that a folder has the file `.tfjs-journal`, the model in it is the new one: readers take each file from where
//! the list says that it is (see `view`), and whoever changes the folder next carries the list out before anything else. So a
//! process may end between any two renames. The file is JSON:
//!
//! ```json
//! { "version": 1, "hidden": ["old.pb"], "renames": [[".tfjs-x-0.tmp", "model.json"]], "removed": ["old-shard.bin"] }
//! ```
//!
//! All paths are relative to the folder and lead nowhere else: the file may have come with the model from a stranger.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use tfjs_artifacts::{Error, ErrorKind, Limit, Limits, Operation};

use crate::load::read_whole;

/// The name of the list.
pub(crate) const JOURNAL: &str = ".tfjs-journal";

const VERSION: u32 = 1;

/// What is to be done in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Journal {
    version: u32,
    /// The files that made a model visible, and are not there any more.
    hidden: Vec<String>,
    /// From the temporary name to the final one; the last makes the model visible to those who know no journals.
    renames: Vec<(String, String)>,
    /// Weight files that nobody uses any more.
    removed: Vec<String>,
    #[serde(skip)]
    index: OnceLock<BTreeMap<String, Option<String>>>,
}

impl Journal {
    /// An empty list.
    pub(crate) fn new() -> Self {
        Self { version: VERSION, ..Self::default() }
    }

    /// The list of a folder, if there is one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] when it is damaged, or names a file that is not in the folder.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let file = folder.join(JOURNAL);
        let bytes = match read_whole(&file, &Limits::new(), Limit::JsonBytes) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Self::parse(&bytes).map(Some).map_err(|why| {
            let message = format!(
                "it is not the list of what an interrupted save has still to do, as its name says: {why}; \
                 remove it if you know where it comes from"
            );
            let error = Error::new(ErrorKind::InvalidData, message).with_operation(Operation::Load);
            error.with_location(&file.to_string_lossy())
        })
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let journal: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if journal.version != VERSION {
            return Err(format!("its version is {}, this library knows {VERSION}", journal.version));
        }
        if let Some(name) = journal.names().find(|name| !stays_inside(name)) {
            return Err(format!("it names {name:?}, which is not in this folder"));
        }
        Ok(journal)
    }

    /// Of each name that is not what it seems, the temporary name, or none if the file is gone.
    fn index(&self) -> &BTreeMap<String, Option<String>> {
        self.index.get_or_init(|| {
            let hidden = self.hidden.iter().map(|name| (name.clone(), None));
            hidden.chain(self.renames.iter().map(|(from, to)| (to.clone(), Some(from.clone())))).collect()
        })
    }

    fn names(&self) -> impl Iterator<Item = &String> {
        let renamed = self.renames.iter().flat_map(|(from, to)| [from, to]);
        renamed.chain(&self.hidden).chain(&self.removed)
    }

    /// As it is written.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "the list of renames cannot be written").with_source(error)
        })
    }

    /// Adds a file that no longer makes a model visible. It must lie in the folder.
    pub(crate) fn hide(&mut self, folder: &Path, file: &Path) -> Result<(), Error> {
        self.hidden.push(name_in(folder, file)?);
        Ok(())
    }

    /// Adds a file that gets its name.
    pub(crate) fn rename(&mut self, folder: &Path, from: &Path, to: &Path) -> Result<(), Error> {
        self.renames.push((name_in(folder, from)?, name_in(folder, to)?));
        Ok(())
    }

    /// Adds a file that nobody uses any more.
    pub(crate) fn remove(&mut self, folder: &Path, file: &Path) -> Result<(), Error> {
        self.removed.push(name_in(folder, file)?);
        Ok(())
    }

    /// Where a reader finds a file of the folder.
    pub(crate) fn place_of(&self, folder: &Path, file: &Path) -> Place {
        let Ok(name) = name_in(folder, file) else { return Place::Unchanged };
        match self.index().get(name.as_str()) {
            Some(Some(from)) => Place::Renamed(folder.join(from)),
            Some(None) => Place::Gone,
            None => Place::Unchanged,
        }
    }

    /// The names that files directly in the folder get.
    pub(crate) fn new_names(&self) -> impl Iterator<Item = &str> {
        self.renames.iter().map(|(_, to)| to.as_str()).filter(|name| !name.contains('/'))
    }

    /// All files that the list names.
    pub(crate) fn files<'j>(&'j self, folder: &'j Path) -> impl Iterator<Item = PathBuf> + 'j {
        self.names().map(|name| folder.join(name))
    }

    /// The files that no longer make a model visible.
    pub(crate) fn hidden<'j>(&'j self, folder: &'j Path) -> impl Iterator<Item = PathBuf> + 'j {
        self.hidden.iter().map(|name| folder.join(name))
    }

    /// The files that get their names, in this order: first the temporary name, then the final one.
    pub(crate) fn renames<'j>(&'j self, folder: &'j Path) -> impl Iterator<Item = (PathBuf, PathBuf)> + 'j {
        self.renames.iter().map(|(from, to)| (folder.join(from), folder.join(to)))
    }

    /// The files that nobody uses any more.
    pub(crate) fn removed<'j>(&'j self, folder: &'j Path) -> impl Iterator<Item = PathBuf> + 'j {
        self.removed.iter().map(|name| folder.join(name))
    }
}

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Where its name says.
    Unchanged,
    /// Still under this name, or already under its own.
    Renamed(PathBuf),
    /// Nowhere, for all who know the list.
    Gone,
}

/// The path of a file below a folder, with `/` between its parts.
fn name_in(folder: &Path, file: &Path) -> Result<String, Error> {
    let refuse = || {
        let message = format!("it does not lie in the folder `{}` as a file with a UTF-8 name", folder.display());
        Error::new(ErrorKind::InvalidUrl, message)
            .with_operation(Operation::Save)
            .with_location(&file.to_string_lossy())
    };
    // A bare name lies in the current folder.
    let [folder_here, file_here] = [folder, file].map(|path| path.strip_prefix(".").unwrap_or(path));
    let below = file_here.strip_prefix(folder_here).map_err(|_| refuse())?;
    let parts: Option<Vec<_>> = below.components().map(|part| part.as_os_str().to_str()).collect();
    let name = parts.ok_or_else(refuse)?.join("/");
    if stays_inside(&name) { Ok(name) } else { Err(refuse()) }
}

/// Whether a path leads to somewhere below the folder that it is relative to.
fn stays_inside(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    !name.is_empty() && !name.contains('\0') && parts.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let folder = Path::new("/models/m");
        let mut journal = Journal::new();
        journal.hide(folder, &folder.join("old.pb")).unwrap();
        journal.rename(folder, &folder.join("deep/.tfjs-1-0.tmp"), &folder.join("deep/w.bin")).unwrap();
        journal.remove(folder, &folder.join("old.bin")).unwrap();
        let read = Journal::parse(&journal.to_bytes().unwrap()).unwrap();
        assert_eq!(read, journal);
        assert_eq!(
            read.place_of(folder, &folder.join("deep/w.bin")),
            Place::Renamed(folder.join("deep/.tfjs-1-0.tmp"))
        );
        assert_eq!(read.place_of(folder, &folder.join("old.pb")), Place::Gone);
        assert_eq!(read.place_of(folder, &folder.join("old.bin")), Place::Unchanged);
        assert_eq!(read.place_of(folder, Path::new("/elsewhere/w.bin")), Place::Unchanged);
    }

    #[test]
    fn a_list_leads_nowhere_else() {
        for name in ["../w.bin", "/etc/passwd", "a/../../b", "", "a\0b", "./a"] {
            let text =
                format!(r#"{{"version":1,"hidden":[],"renames":[],"removed":[{name:?}]}}"#).replace("\\0", "\\u0000");
            assert!(Journal::parse(text.as_bytes()).unwrap_err().contains("not in this folder"), "{name:?}");
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for (text, why) in [
            ("", "EOF"),
            ("<html>", "expected value"),
            (r#"{"version":2,"hidden":[],"renames":[],"removed":[]}"#, "version is 2"),
            (r#"{"version":1,"hidden":[],"renames":[]}"#, "removed"),
            (r#"{"version":1,"hidden":[],"renames":[],"removed":[],"more":1}"#, "more"),
        ] {
            assert!(Journal::parse(text.as_bytes()).unwrap_err().contains(why), "{text}");
        }
    }

    #[test]
    fn names_in_the_current_folder() {
        assert_eq!(name_in(Path::new("."), Path::new("./model.json")).unwrap(), "model.json");
        assert_eq!(name_in(Path::new("."), Path::new("model.json")).unwrap(), "model.json");
        assert_eq!(name_in(Path::new("a"), Path::new("a/b/c.bin")).unwrap(), "b/c.bin");
        assert_eq!(name_in(Path::new("./a"), Path::new("./a/c.bin")).unwrap(), "c.bin");
        assert!(name_in(Path::new("a"), Path::new("b/c.bin")).is_err());
    }
}
