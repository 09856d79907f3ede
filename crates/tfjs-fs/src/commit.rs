//! All changes of a save at once, or none of them.
//!
//! The list of what is to be done is made durable (see [`Journal`]); that is the moment at which the new model takes the place of the
//! old one. Then the list is carried out, and removed. If the system refuses a step of it, everything goes back: first the new
//! files to their temporary names, where the list still finds them, then the old ones to theirs; and when the list is removed, the old
//! model is there again. So a process may end anywhere in this, too.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use tfjs_artifacts::{Error, Operation};
use tfjs_router::Links;

use crate::disk::Disk;
use crate::error::io_error;
use crate::journal::{JOURNAL, Journal};
use crate::leftovers;
use crate::links;
use crate::model_dir::folder_of;
use crate::replace::refused;
use crate::stage::{Stage, keep_permissions};

/// Puts a new model in the place of an old one, or removes one. Gives the files that nobody uses any more, and that the system does
/// not let go. Nobody else may change the folder meanwhile.
///
/// # Errors
/// When the system refuses something; then the old model is there as before, unless the error says otherwise.
pub(crate) fn commit(stage: &Stage, journal: &Journal, operation: Operation) -> Result<Vec<PathBuf>, Error> {
    let (disk, folder) = (stage.disk(), stage.folder());
    let fail = |error| io_error(error, operation, folder);
    for synced in folders_of(journal, folder) {
        stage.sync_folder(&synced).map_err(fail)?;
    }
    let list = stage.write(&journal.to_bytes()?).map_err(fail)?;
    // Who may read the model must be able to find it.
    if let Some((_, head)) = journal.renames(folder).last() {
        keep_permissions(disk, &list, &head).map_err(fail)?;
    }
    let name = folder.join(JOURNAL);
    disk.rename(&list, &name).map_err(fail)?;

    let mut undo = Undo::default();
    let done = stage
        .sync_folder(folder)
        .map_err(fail)
        .and_then(|()| rename_all(stage, journal, &mut undo, operation))
        .and_then(|()| sync_all(stage, journal, operation));
    if let Err(error) = done {
        // The old names are durable before the list is forgotten, and that is before what it names goes.
        let undone = undo.all(disk).and_then(|()| sync_names(stage, journal)).and_then(|()| disk.remove_file(&name));
        return Err(match undone.and_then(|()| stage.sync_folder(folder)) {
            Ok(()) => error,
            Err(source) => {
                // As long as it is not sure that the list is forgotten, what it names must be there.
                stage.leave();
                if name.exists() { half_done(error, &source) } else { error }
            }
        });
    }
    let left = remove_all(disk, journal, folder);
    if journal.removed(folder).next().is_some() {
        // Before the list is forgotten. What the disk does not take harms nobody.
        let _synced = sync_all(stage, journal, operation);
    }
    // Whoever looks at the folder next would do it again, which harms nobody as long as nobody else has put a file there.
    if disk.remove_file(&name).and_then(|()| stage.sync_folder(folder)).is_err() && name.exists() {
        disk.remove_file(&name).map_err(|error| not_cleared(error, operation, &name))?;
    }
    Ok(left)
}

/// Brings a folder into order that somebody may have left in the middle of something. Nobody else may change it meanwhile.
///
/// # Errors
/// When the list that was left cannot be read, or carried out.
pub(crate) fn recover(disk: &dyn Disk, folder: &Path, links: Links) -> Result<(), Error> {
    carry_out(disk, folder, links)?;
    leftovers::remove(disk, folder);
    Ok(())
}

/// Carries out the list that somebody may have left. Nobody else may change the folder meanwhile.
///
/// # Errors
/// When the list that was left cannot be read, or carried out.
pub(crate) fn carry_out(disk: &dyn Disk, folder: &Path, links: Links) -> Result<(), Error> {
    if Journal::read(folder)?.is_some() {
        if let Some(journal) = Journal::in_force(folder)? {
            check_links(&journal, folder, links)?;
            finish(disk, folder, &journal)?;
        }
        let name = folder.join(JOURNAL);
        let removed = disk.remove_file(&name).and_then(|()| disk.sync_folder(folder));
        removed.map_err(|error| not_cleared(error, Operation::Save, &name))?;
    }
    Ok(())
}

/// No link leads out of the folder on the way to a file that the list names, unless links are followed; and never to one that goes.
fn check_links(journal: &Journal, folder: &Path, links: Links) -> Result<(), Error> {
    let check = |file: &Path, links| links::check(folder, folder_of(file), links, Operation::Save);
    journal.renames(folder).try_for_each(|(_, to)| check(&to, links))?;
    journal.hidden(folder).chain(journal.removed(folder)).try_for_each(|file| check(&file, Links::StayInside))
}

/// Carries out a list that another process may have carried out in part.
fn finish(disk: &dyn Disk, folder: &Path, journal: &Journal) -> Result<(), Error> {
    for (from, to) in journal.renames(folder) {
        match disk.rename(&from, &to) {
            // It has its name already.
            Err(error) if error.kind() == io::ErrorKind::NotFound && to.is_file() => {}
            Err(error) => return Err(unfinished(refused(error, Operation::Save, &to), folder)),
            Ok(()) => {}
        }
    }
    for file in journal.hidden(folder) {
        match disk.remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(unfinished(io_error(error, Operation::Save, &file), folder));
            }
            _ => {}
        }
    }
    // A file that nobody uses harms nobody.
    let _left = remove_all(disk, journal, folder);
    let sync = |folder: &PathBuf| disk.sync_folder(folder).map_err(|error| io_error(error, Operation::Save, folder));
    folders_of(journal, folder).iter().try_for_each(sync)
}

/// Gives the new files their names, and takes those that made the old model visible out of sight. What is replaced keeps a second
/// name, as long as the file system has hard links (FAT has none).
fn rename_all(stage: &Stage, journal: &Journal, undo: &mut Undo, operation: Operation) -> Result<(), Error> {
    let (disk, folder) = (stage.disk(), stage.folder());
    for (from, to) in journal.renames(folder) {
        let fail = |error| refused(error, operation, &to);
        let aside =
            if std::fs::symlink_metadata(&to).is_ok() { Some(stage.keep_aside(&to).map_err(fail)?) } else { None };
        disk.rename(&from, &to).map_err(fail)?;
        undo.push(to.clone(), from);
        match aside {
            Some(Some(aside)) => undo.push(aside, to),
            // It has no second name.
            Some(None) => undo.is_impossible(),
            None => {}
        }
    }
    for file in journal.hidden(folder) {
        let aside = stage.name_for_old();
        match disk.rename(&file, &aside) {
            Ok(()) => undo.push(aside, file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(refused(error, operation, &file)),
        }
    }
    Ok(())
}

fn sync_all(stage: &Stage, journal: &Journal, operation: Operation) -> Result<(), Error> {
    sync_names(stage, journal).map_err(|error| io_error(error, operation, stage.folder()))
}

fn sync_names(stage: &Stage, journal: &Journal) -> io::Result<()> {
    folders_of(journal, stage.folder()).iter().try_for_each(|folder| stage.sync_folder(folder))
}

/// Removes what nobody uses any more. Gives what is left.
fn remove_all(disk: &dyn Disk, journal: &Journal, folder: &Path) -> Vec<PathBuf> {
    let is_left = |file: &PathBuf| match disk.remove_file(file) {
        Ok(()) => false,
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    };
    journal.removed(folder).filter(is_left).collect()
}

/// The folders in which names change.
fn folders_of(journal: &Journal, folder: &Path) -> BTreeSet<PathBuf> {
    let folders = journal.folders(folder).chain([folder.to_path_buf()]);
    folders.filter(|folder| folder.is_dir()).collect()
}

/// Renames that take back others.
#[derive(Debug, Default)]
struct Undo {
    /// In the order in which they became necessary: a new file goes back to its temporary name, then the old one to its own.
    renames: Vec<(PathBuf, PathBuf)>,
    is_impossible: bool,
}

impl Undo {
    fn push(&mut self, from: PathBuf, to: PathBuf) {
        self.renames.push((from, to));
    }

    fn is_impossible(&mut self) {
        self.is_impossible = true;
    }

    /// Takes back everything.
    fn all(self, disk: &dyn Disk) -> io::Result<()> {
        if self.is_impossible {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "the file system has no hard links"));
        }
        self.renames.iter().try_for_each(|(from, to)| disk.rename(from, to))
    }
}

/// The save has failed, and could not be taken back: the list stays, and whoever knows it finds the new model.
fn half_done(error: Error, source: &io::Error) -> Error {
    let message = format!(
        "the new model is complete and takes the place of the old one, but not all of its files could get their names \
         ({source}); until the next save here ends that, only programs with this library find all of it"
    );
    Error::new(error.kind(), message).with_source(error)
}

/// An interrupted save cannot be finished.
fn unfinished(error: Error, folder: &Path) -> Error {
    let message = format!(
        "a save that was interrupted cannot be finished; if its files are lost, remove `{}`, and see with `tfjs verify` what is left",
        folder.join(JOURNAL).display()
    );
    Error::new(error.kind(), message).with_source(error)
}

fn not_cleared(error: io::Error, operation: Operation, name: &Path) -> Error {
    let message =
        "everything is done and the model is whole, but the list of what was to be done cannot be removed; remove it";
    let error = Error::new(io_error_kind(&error), message).with_source(error);
    error.with_operation(operation).with_location(&name.to_string_lossy())
}

fn io_error_kind(error: &io::Error) -> tfjs_artifacts::ErrorKind {
    io_error(error.kind().into(), Operation::Save, Path::new("")).kind()
}
