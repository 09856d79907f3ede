//! What a reader sees in a folder that somebody may be changing: the old model or the new one, never some files of each.
//!
//! A save makes its list of renames visible in one step (see `journal`). A reader asks here where each file is, and when it has
//! looked at all of them, whether the folder is still the one that it began with; if not, it begins again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use tfjs_artifacts::{Error, ErrorKind, Limit, Limits, Operation};

use crate::error::io_error;
use crate::journal::{JOURNAL, Journal, Place, name_in};
use crate::load::read_whole;
use crate::model_dir::{has_extension, json_files};
use crate::source::Identity;

/// How long a reader goes on beginning again.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a reader waits before it begins again: renames take less.
const PAUSE: Duration = Duration::from_millis(2);

/// A folder as it was at one moment.
#[derive(Debug)]
pub(crate) struct View {
    folder: PathBuf,
    /// Of each file that is not where its name says, where it is.
    places: BTreeMap<String, Place>,
    /// Of the list of renames; none if there was none.
    identity: Option<Identity>,
}

impl View {
    /// Looks at a folder. One that is not there has nothing in it.
    ///
    /// # Errors
    /// When there is a list of renames that cannot be read.
    pub(crate) fn of(folder: &Path) -> Result<Self, Error> {
        // Replaced between the two looks, it would have another identity the next time, and the reader begins again.
        let identity = identity_of_list(folder);
        let journal = if identity.is_some() { Journal::in_force(folder)? } else { None };
        let places = journal.map(|journal| journal.places(folder)).unwrap_or_default();
        Ok(Self { folder: folder.to_path_buf(), places, identity })
    }

    /// What the system says about a file of the folder, and the name under which it is there.
    ///
    /// # Errors
    /// As those of the system.
    pub(crate) fn look(&self, file: &Path) -> io::Result<(PathBuf, Metadata)> {
        match self.place_of(file) {
            // Under its temporary name it is the one that belongs to this view, and so it is under its own if it has no other.
            Some(Place::Renamed(temporary)) if let Ok(metadata) = std::fs::metadata(temporary) => {
                Ok((temporary.clone(), metadata))
            }
            Some(Place::Gone) => Err(io::ErrorKind::NotFound.into()),
            _ => std::fs::metadata(file).map(|metadata| (file.to_path_buf(), metadata)),
        }
    }

    /// The name under which a file of the folder may still be.
    pub(crate) fn temporary_name(&self, file: &Path) -> Option<&Path> {
        match self.place_of(file) {
            Some(Place::Renamed(temporary)) => Some(temporary),
            _ => None,
        }
    }

    /// Reads a file of the folder, if it is one and not larger than this.
    pub(crate) fn read(&self, file: &Path, limits: &Limits, limit: Limit) -> Result<Vec<u8>, Error> {
        let (name, _) = self.look(file).map_err(|error| io_error(error, Operation::Load, file))?;
        match read_whole(&name, limits, limit) {
            // It has got its own name meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound && name != file => read_whole(file, limits, limit),
            read => read,
        }
    }

    /// Whether a file of the folder is there.
    pub(crate) fn has(&self, file: &Path) -> bool {
        self.look(file).is_ok()
    }

    /// The `.json` files of the folder, by name.
    pub(crate) fn json_files(&self) -> io::Result<Vec<String>> {
        let mut names: BTreeSet<_> = json_files(&self.folder)?.into_iter().collect();
        let is_json = |name: &&String| !name.contains('/') && has_extension(Path::new(name), "json");
        names.extend(self.places.keys().filter(is_json).cloned());
        names.retain(|name| self.has(&self.folder.join(name)));
        Ok(names.into_iter().collect())
    }

    fn place_of(&self, file: &Path) -> Option<&Place> {
        if self.places.is_empty() {
            return None;
        }
        self.places.get(&name_in(&self.folder, file).ok()?)
    }

    /// Whether what was read by this view belongs together: nobody has begun or ended a change since.
    pub(crate) fn is_current(&self) -> bool {
        identity_of_list(&self.folder) == self.identity
    }
}

fn identity_of_list(folder: &Path) -> Option<Identity> {
    std::fs::metadata(folder.join(JOURNAL)).ok().map(|metadata| Identity::of(&metadata))
}

/// The files that a reader begins with, at one moment.
#[derive(Debug)]
pub(crate) struct Moment {
    view: View,
    files: Vec<(PathBuf, Option<Identity>)>,
}

impl Moment {
    /// Looks at the files that make a model visible, in the folder of the first.
    pub(crate) fn of(view: View, files: &[&Path]) -> Self {
        let files = files.iter().map(|file| (file.to_path_buf(), identity_in(&view, file))).collect();
        Self { view, files }
    }

    pub(crate) fn view(&self) -> &View {
        &self.view
    }

    /// Whether what was read since belongs together: nobody has begun or ended a change of the folder, and the files are the same
    /// ones.
    pub(crate) fn is_now(&self) -> bool {
        self.view.is_current() && self.files.iter().all(|(file, then)| identity_in(&self.view, file) == *then)
    }
}

fn identity_in(view: &View, file: &Path) -> Option<Identity> {
    view.look(file).ok().map(|(_, metadata)| Identity::of(&metadata))
}

/// How often a reader begins again: until some time has passed.
#[derive(Debug)]
pub(crate) struct Attempts {
    begin: Instant,
}

impl Attempts {
    pub(crate) fn new() -> Self {
        Self { begin: Instant::now() }
    }

    /// Waits for a moment, in which renames are done.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when the folder is changed all the time.
    pub(crate) fn again(&self, folder: &Path) -> Result<(), Error> {
        if self.begin.elapsed() > PATIENCE {
            let message = "somebody changes the model again and again while it is read; try again";
            let error = Error::new(ErrorKind::Conflict, message).with_operation(Operation::Load);
            return Err(error.with_location(&folder.to_string_lossy()));
        }
        thread::sleep(PAUSE);
        Ok(())
    }
}
