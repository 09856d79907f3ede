//! What turns several renames into one: a list of them that is durable before the first happens.
//!
//! From the moment that a folder has the file `.tfjs-journal`, the model in it is the new one: readers take each file from where
//! the list says that it is (see `view`), and whoever changes the folder next carries the list out before anything else. So a
//! process may end between any two renames. The file is JSON:
//!
//! ```json
//! { "version": 1,
//!   "renames": [{ "from": ".tfjs-0123456789ab-0.tmp", "new": { "bytes": 40, "modified": 1700000000 },
//!                 "to": "model.json", "old": { "bytes": 39, "modified": 1600000000 } }],
//!   "hidden": [{ "name": "old.pb", "trace": { "bytes": 7, "modified": 1600000000 } }],
//!   "removed": [{ "name": "old-shard.bin", "trace": { "bytes": 9, "modified": 1600000000 } }] }
//! ```
//!
//! The file may have come with the model from a stranger, or be older than what somebody else has saved here since. So it can name only
//! temporary files of one save and files of this folder, none of them with a dot before its name; and it holds only as long as each file is
//! the one that it was made for (see [`Trace`]).

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tfjs_artifacts::{Error, ErrorKind, Operation};

use crate::error::io_error;
use crate::leftovers::id_of_temporary;
use crate::load::read_bounded;
use crate::trace::Trace;

/// The name of the list.
pub(crate) const JOURNAL: &str = ".tfjs-journal";

const VERSION: u32 = 1;

/// How often it is looked again for files that seem to be lost, and how long is waited in between.
const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_millis(2);

/// The list of a save of a hundred thousand files is as long.
const MAX_BYTES: u64 = 24 << 20;

/// What is to be done in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Journal {
    version: u32,
    /// The last makes the model visible to those who know no lists.
    renames: Vec<Rename>,
    /// The files that made a model visible, and are not there any more.
    hidden: Vec<Named>,
    /// Weight files that nobody uses any more.
    removed: Vec<Named>,
}

/// A file that gets its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Rename {
    from: String,
    new: Trace,
    to: String,
    /// What has the name before; none if nothing has.
    old: Option<Trace>,
}

/// A file, and which one it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Named {
    name: String,
    trace: Trace,
}

/// Whether a list says what is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It does.
    InForce,
    /// Somebody else has saved here since: it says nothing any more.
    Outdated,
}

impl Journal {
    /// An empty list.
    pub(crate) fn new() -> Self {
        Self { version: VERSION, ..Self::default() }
    }

    /// The list of a folder, if there is one that is in force.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] when it is no list, names what no save names, or when files that it needs are lost.
    pub(crate) fn in_force(folder: &Path) -> Result<Option<Self>, Error> {
        let mut tries = TRIES;
        loop {
            let Some(journal) = Self::read(folder)? else { return Ok(None) };
            match journal.standing(folder) {
                // Between two looks a file can have got its name, or lost it again.
                Err(_) if tries > 0 => {
                    tries -= 1;
                    std::thread::sleep(PAUSE);
                }
                standing => return Ok((standing? == Standing::InForce).then_some(journal)),
            }
        }
    }

    /// The list of a folder, in force or not.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let file = folder.join(JOURNAL);
        let bytes = match read_bounded(&file, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Self::parse(&bytes).map(Some).map_err(|why| {
            let message =
                format!("it is not the list of what an interrupted save has still to do, as its name says: {why}");
            let error = Error::new(ErrorKind::InvalidData, message).with_operation(Operation::Load);
            error.with_location(&file.to_string_lossy())
        })
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        /// What all versions have.
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        // Where it stands is told, but not what is there: that may be anything.
        let at =
            |error: serde_json::Error| format!("line {} column {} is wrong; remove it", error.line(), error.column());
        let Versioned { version } = serde_json::from_slice(bytes).map_err(at)?;
        if version != VERSION {
            return Err(format!("it is of version {version}, this library knows {VERSION}; use the newer one"));
        }
        let journal: Self = serde_json::from_slice(bytes).map_err(at)?;
        if let Some(name) = journal.names().find(|name| !is_own(name)) {
            return Err(format!("it names {name:?}, which no save names; remove it"));
        }
        let mut ids = journal.renames.iter().map(|rename| id_of_temporary(&rename.from));
        let first = ids.next().flatten();
        if !journal.renames.is_empty() && (first.is_none() || ids.any(|id| id != first)) {
            return Err("its temporary files are not those of one save; remove it".to_owned());
        }
        Ok(journal)
    }

    /// The final names.
    fn names(&self) -> impl Iterator<Item = &str> {
        let renamed = self.renames.iter().map(|rename| rename.to.as_str());
        renamed.chain(self.hidden.iter().chain(&self.removed).map(|named| named.name.as_str()))
    }

    /// As it is written.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "the list of renames cannot be written").with_source(error)
        })
    }

    /// Adds a file that no longer makes a model visible. It must lie in the folder.
    pub(crate) fn hide(&mut self, folder: &Path, file: &Path) -> Result<(), Error> {
        let name = name_in(folder, file)?;
        self.hidden.extend(trace(file)?.map(|trace| Named { name, trace }));
        Ok(())
    }

    /// Adds a file that gets its name. Both must lie in the folder.
    pub(crate) fn rename(&mut self, folder: &Path, from: &Path, to: &Path) -> Result<(), Error> {
        let Some(new) = trace(from)? else {
            return Err(io_error(std::io::ErrorKind::NotFound.into(), Operation::Save, from));
        };
        let from = from.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        self.renames.push(Rename { from, new, to: name_in(folder, to)?, old: trace(to)? });
        Ok(())
    }

    /// Adds a file that nobody uses any more, unless a list cannot name it: then it stays.
    pub(crate) fn remove(&mut self, folder: &Path, file: &Path) {
        if let Ok(name) = name_in(folder, file)
            && let Ok(Some(trace)) = trace(file)
        {
            self.removed.push(Named { name, trace });
        }
    }

    /// Of each file that is not where its name says, where it is.
    pub(crate) fn places(&self, folder: &Path) -> BTreeMap<String, Place> {
        let hidden = self.hidden.iter().map(|named| (named.name.clone(), Place::Gone));
        let renamed = self.renames.iter().map(|rename| (rename.to.clone(), Place::Renamed(folder.join(&rename.from))));
        hidden.chain(renamed).collect()
    }

    /// Whether the files are still those that the list was made for.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] when a new file is lost: neither under its temporary name nor under its own.
    fn standing(&self, folder: &Path) -> Result<Standing, Error> {
        for Rename { from, new, to, old } in &self.renames {
            let (from, to) = (folder.join(from), folder.join(to));
            let (waiting, named) = (trace(&from)?, trace(&to)?);
            let is_old = old.is_some_and(|old| old.is(named));
            if new.is(waiting) {
                if named.is_some() && !is_old && !new.is(named) {
                    return Ok(Standing::Outdated);
                }
            } else if !new.is(named) {
                if named.is_some() && !is_old {
                    return Ok(Standing::Outdated);
                }
                return Err(lost(folder, &from));
            }
        }
        let is_another = |named: &Named| -> Result<bool, Error> {
            let found = trace(&folder.join(&named.name))?;
            Ok(found.is_some() && !named.trace.is(found))
        };
        for named in &self.hidden {
            if is_another(named)? {
                return Ok(Standing::Outdated);
            }
        }
        Ok(Standing::InForce)
    }

    /// The files that no longer make a model visible.
    pub(crate) fn hidden<'j>(&'j self, folder: &'j Path) -> impl Iterator<Item = PathBuf> + 'j {
        self.hidden.iter().map(|named| folder.join(&named.name))
    }

    /// The files that get their names, in this order: first the temporary name, then the final one.
    pub(crate) fn renames<'j>(&'j self, folder: &'j Path) -> impl Iterator<Item = (PathBuf, PathBuf)> + 'j {
        self.renames.iter().map(|rename| (folder.join(&rename.from), folder.join(&rename.to)))
    }

    /// The files that nobody uses any more, as long as they are still the same ones.
    pub(crate) fn removed<'j>(&'j self, folder: &'j Path) -> impl Iterator<Item = PathBuf> + 'j {
        let files = self.removed.iter().map(|named| (folder.join(&named.name), named.trace));
        files.filter(|(file, trace)| Trace::of(file).is_ok_and(|found| trace.is(found))).map(|(file, _)| file)
    }

    /// The folders in which names change.
    pub(crate) fn folders<'j>(&'j self, folder: &'j Path) -> impl Iterator<Item = PathBuf> + 'j {
        self.names().map(|name| crate::model_dir::folder_of(&folder.join(name)).to_path_buf())
    }
}

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Still under this name, or already under its own.
    Renamed(PathBuf),
    /// Nowhere, for all who know the list.
    Gone,
}

fn trace(file: &Path) -> Result<Option<Trace>, Error> {
    Trace::of(file).map_err(|error| io_error(error, Operation::Save, file))
}

fn lost(folder: &Path, from: &Path) -> Error {
    let message = format!(
        "a save that was interrupted cannot be finished, because its file `{}` is lost; remove this list, and see with \
         `tfjs verify` what is left of the model",
        from.display()
    );
    let error = Error::new(ErrorKind::InvalidData, message).with_operation(Operation::Load);
    error.with_location(&folder.join(JOURNAL).to_string_lossy())
}

/// The path of a file below a folder, with `/` between its parts.
pub(crate) fn name_in(folder: &Path, file: &Path) -> Result<String, Error> {
    let refuse = || {
        let message = format!(
            "it cannot be a file of a model in `{}`: its name must be UTF-8, and no part of it may begin with a dot",
            folder.display()
        );
        Error::new(ErrorKind::InvalidUrl, message)
            .with_operation(Operation::Save)
            .with_location(&file.to_string_lossy())
    };
    // A bare name lies in the current folder.
    let [folder_here, file_here] = [folder, file].map(|path| path.strip_prefix(".").unwrap_or(path));
    let below = file_here.strip_prefix(folder_here).map_err(|_| refuse())?;
    let parts: Option<Vec<_>> = below.components().map(|part| part.as_os_str().to_str()).collect();
    let name = parts.ok_or_else(refuse)?.join("/");
    if is_own(&name) { Ok(name) } else { Err(refuse()) }
}

/// Whether a path leads to somewhere below the folder that it is relative to, and not to a file with a dot before its name, such as those that
/// programs take their settings from.
fn is_own(name: &str) -> bool {
    let is_plain =
        |part: Component<'_>| matches!(part, Component::Normal(name) if !name.to_string_lossy().starts_with('.'));
    !name.is_empty() && !name.contains('\0') && Path::new(name).components().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPORARY: &str = ".tfjs-0123456789ab-0.tmp";

    /// A folder with an old model, a new file under its temporary name, and a list.
    fn folder() -> (tempfile::TempDir, Journal) {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (name, text) in [(TEMPORARY, "new"), ("model.json", "old"), ("old.pb", "head"), ("old.bin", "weights")] {
            std::fs::write(path(name), text).unwrap();
        }
        let mut journal = Journal::new();
        journal.rename(folder.path(), &path(TEMPORARY), &path("model.json")).unwrap();
        journal.hide(folder.path(), &path("old.pb")).unwrap();
        journal.remove(folder.path(), &path("old.bin"));
        std::fs::write(path(JOURNAL), journal.to_bytes().unwrap()).unwrap();
        (folder, journal)
    }

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let (folder, journal) = folder();
        let read = Journal::in_force(folder.path()).unwrap().unwrap();
        assert_eq!(read, journal);
        let places = read.places(folder.path());
        assert_eq!(places.get("model.json"), Some(&Place::Renamed(folder.path().join(TEMPORARY))));
        assert_eq!(places.get("old.pb"), Some(&Place::Gone));
        assert_eq!(places.get("old.bin"), None);
        assert_eq!(read.removed(folder.path()).count(), 1);
    }

    #[test]
    fn a_list_does_not_outlive_what_others_save() {
        for name in ["model.json", "old.pb"] {
            let (folder, _) = folder();
            std::fs::write(folder.path().join(name), "of somebody else").unwrap();
            assert_eq!(Journal::in_force(folder.path()).unwrap(), None, "{name}");
        }
        let (folder, journal) = folder();
        std::fs::rename(folder.path().join(TEMPORARY), folder.path().join("model.json")).unwrap();
        assert!(Journal::in_force(folder.path()).unwrap().is_some(), "it has been carried out in part");
        std::fs::write(folder.path().join("old.bin"), "of somebody else").unwrap();
        assert_eq!(journal.removed(folder.path()).count(), 0);
        std::fs::write(folder.path().join("model.json"), "of somebody else").unwrap();
        assert_eq!(Journal::in_force(folder.path()).unwrap(), None);
    }

    #[test]
    fn a_new_file_that_is_lost_is_an_error() {
        let (folder, _) = folder();
        std::fs::remove_file(folder.path().join(TEMPORARY)).unwrap();
        let error = Journal::in_force(folder.path()).unwrap_err();
        assert!(error.to_string().contains("is lost"), "{error}");
    }

    fn list(renames: &str, removed: &str) -> String {
        format!(r#"{{"version":1,"renames":[{renames}],"hidden":[],"removed":[{removed}]}}"#)
    }

    #[test]
    fn a_list_names_nothing_that_no_save_names() {
        let trace = r#"{"bytes":1,"modified":1}"#;
        for name in ["../w.bin", "/etc/passwd", "a/../../b", "", "a\\u0000b", "./a", ".git/config", "a/.ssh", ".bashrc"]
        {
            let removed = list("", &format!(r#"{{"name":"{name}","trace":{trace}}}"#));
            assert!(Journal::parse(removed.as_bytes()).unwrap_err().contains("no save names"), "{name}");
        }
        let rename = |from: &str| format!(r#"{{"from":"{from}","new":{trace},"to":"a.bin","old":null}}"#);
        Journal::parse(list(&rename(TEMPORARY), "").as_bytes()).unwrap();
        let two = format!("{},{}", rename(TEMPORARY), rename(".tfjs-bbbbbbbbbbbb-0.tmp"));
        for renames in [rename("hook"), rename("../x"), rename(".tfjs-0123456789ab-0.tmp/x"), two] {
            assert!(Journal::parse(list(&renames, "").as_bytes()).unwrap_err().contains("one save"), "{renames}");
        }
    }

    #[test]
    fn what_is_no_list_is_refused_without_being_quoted() {
        for (text, why) in [
            ("", "line 1 column 0"),
            ("<html>", "line 1"),
            (r#"{"version":2,"secret":1}"#, "version 2"),
            (r#"{"version":1,"secret":1}"#, "line 1"),
        ] {
            let error = Journal::parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(why) && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn names_in_the_current_folder() {
        assert_eq!(name_in(Path::new("."), Path::new("./model.json")).unwrap(), "model.json");
        assert_eq!(name_in(Path::new("."), Path::new("model.json")).unwrap(), "model.json");
        assert_eq!(name_in(Path::new("a"), Path::new("a/b/c.bin")).unwrap(), "b/c.bin");
        assert_eq!(name_in(Path::new("./a"), Path::new("./a/c.bin")).unwrap(), "c.bin");
        assert!(name_in(Path::new("a"), Path::new("b/c.bin")).is_err());
        assert!(name_in(Path::new("a"), Path::new("a/.hidden.json")).is_err());
    }
}
