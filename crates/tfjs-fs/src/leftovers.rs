//! What a save leaves behind when its process is killed, and nothing else.
//!
//! While a save is under way, it keeps the file `.tfjs-ID.save` locked, and its other files are `.tfjs-ID-NUMBER.tmp` beside it. The lock
//! ends with the process, so who can lock the file of another save knows that it is dead. Names are made up before anybody else
//! can look: `.tfjs-ID.save` is made and locked while the folder is. Of a save that may be continued it also says which files are
//! finished (see `finished`); the next save takes them over if it continues, and removes them if not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::disk::Disk;
use crate::finished::{Finished, is_the_file, read_records};
use crate::journal::JOURNAL;

const PREFIX: &str = ".tfjs-";
const GUARD: &str = ".save";
const TEMPORARY: &str = ".tmp";

/// How many letters and digits an ID has.
pub(crate) const ID_LENGTH: usize = 12;

/// How the name of the file begins and ends that is locked as long as the save lives.
pub(crate) const GUARD_NAME: (&str, &str) = (PREFIX, GUARD);

/// The ID of a save, from the file that it keeps locked.
pub(crate) fn id_of(guard: &Path) -> Option<&str> {
    let name = guard.file_name()?.to_str()?;
    let id = name.strip_prefix(PREFIX)?.strip_suffix(GUARD)?;
    is_id(id).then_some(id)
}

/// The ID of a save, from the name of another file of it.
pub(crate) fn id_of_temporary(name: &str) -> Option<&str> {
    let (id, number) = name.strip_prefix(PREFIX)?.strip_suffix(TEMPORARY)?.split_once('-')?;
    (is_id(id) && number.parse::<usize>().is_ok()).then_some(id)
}

/// The name of another file of a save.
pub(crate) fn temporary_name(id: &str, number: usize) -> String {
    format!("{PREFIX}{id}-{number}{TEMPORARY}")
}

/// Whether somebody has left something in a folder, or is at work there.
pub(crate) fn are_in(folder: &Path) -> bool {
    folder.join(JOURNAL).exists() || !files_of_saves(folder).is_empty()
}

/// Removes the files of saves whose processes are dead. Nobody else may begin one meanwhile.
///
/// What cannot be removed, or of which nobody can tell whether it is dead, stays: it harms nobody.
pub(crate) fn remove(disk: &dyn Disk, folder: &Path) {
    for (id, files) in files_of_saves(folder) {
        let guard = folder.join(format!("{PREFIX}{id}{GUARD}"));
        if !is_dead(&guard) {
            continue;
        }
        // The guard last: without it, what is left would still be known as a dead one's.
        if files.iter().all(|file| disk.remove_file(file).is_ok()) && guard.exists() {
            let _left = disk.remove_file(&guard);
        }
    }
}

/// The weight files that saves have finished whose processes are dead, as their guards say. Nobody else may begin one meanwhile.
pub(crate) fn finished(folder: &Path) -> Vec<Finished> {
    let mut finished = Vec::new();
    for (id, files) in files_of_saves(folder) {
        let guard = folder.join(format!("{PREFIX}{id}{GUARD}"));
        if !guard.exists() || !is_dead(&guard) {
            continue;
        }
        let files: BTreeSet<_> = files.into_iter().collect();
        // Each file once, whatever the guard says: it can only be taken over once.
        let records: BTreeMap<_, _> = read_records(&guard).into_iter().collect();
        finished.extend(records.into_iter().filter_map(|(number, (record, identity))| {
            let path = folder.join(temporary_name(&id, number));
            let is_there = files.contains(&path) && is_the_file(&path, record.length, &identity);
            is_there.then_some(Finished { path, record })
        }));
    }
    finished
}

/// The temporary files in a folder, by the save that made them; none of some that have only just begun.
fn files_of_saves(folder: &Path) -> BTreeMap<String, Vec<PathBuf>> {
    let mut saves = BTreeMap::<String, Vec<PathBuf>>::new();
    // A folder that cannot be read has no leftovers that could be found.
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if let Some(id) = id_of(Path::new(name)) {
            saves.entry(id.to_owned()).or_default();
        } else if let Some(id) = id_of_temporary(name) {
            saves.entry(id.to_owned()).or_default().push(entry.path());
        }
    }
    saves
}

fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_dead(guard: &Path) -> bool {
    // What is no file has been made by nobody here; opening a named pipe would wait for somebody who writes.
    if std::fs::symlink_metadata(guard).is_ok_and(|metadata| !metadata.is_file()) {
        return false;
    }
    match File::options().write(true).open(guard) {
        // Locked by us until it is closed, which is now. Where there are no locks, nobody can tell.
        Ok(file) => file.try_lock().is_ok(),
        // Made first and removed last, it has gone with a save that somebody began to remove.
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::RealDisk;

    fn names(folder: &Path) -> Vec<String> {
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn only_what_is_dead_and_ours_goes() {
        let folder = tempfile::tempdir().unwrap();
        let others = [
            ".tfjs-lock.tmp",
            ".tfjs-notes.txt",
            // Of `tfjs convert`, as docs/guides/operations.md says.
            ".tfjs-convert-a1b2c3.tmp",
            ".tfjs-0123456789ab-x.tmp",
            ".tfjs-0123456789a-0.tmp",
            "tfjs-0123456789ab-0.tmp",
            "model.json",
        ];
        let dead = [
            ".tfjs-0123456789ab.save",
            ".tfjs-0123456789ab-0.tmp",
            ".tfjs-0123456789ab-17.tmp",
            ".tfjs-bbbbbbbbbbbb-0.tmp",
        ];
        let alive = [".tfjs-cccccccccccc.save", ".tfjs-cccccccccccc-0.tmp"];
        for name in others.iter().chain(&dead).chain(&alive) {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let guard = File::options().write(true).open(folder.path().join(alive[0])).unwrap();
        guard.try_lock().unwrap();
        remove(&RealDisk, folder.path());
        let mut expected: Vec<_> = others.iter().chain(&alive).map(|name| (*name).to_owned()).collect();
        expected.sort_unstable();
        assert_eq!(names(folder.path()), expected);
    }

    #[test]
    fn a_file_that_a_guard_names_twice_is_found_once() {
        let folder = tempfile::tempdir().unwrap();
        let record = |bytes: &[u8]| {
            let sha256 = tfjs_artifacts::Sha256::of(bytes);
            crate::finished::Record { length: bytes.len() as u64, sha256, key: None }
        };
        let lines = [record(b"older"), record(b"newer"), record(b"newer")].map(|record| record.line(0, "5")).concat();
        std::fs::write(folder.path().join(".tfjs-0123456789ab.save"), lines + &record(b"gone").line(1, "4")).unwrap();
        std::fs::write(folder.path().join(".tfjs-0123456789ab-0.tmp"), "newer").unwrap();
        let found = finished(folder.path());
        assert_eq!(found.into_iter().map(|file| file.record).collect::<Vec<_>>(), [record(b"newer")]);
    }

    #[test]
    fn names_say_whose_they_are() {
        assert_eq!(id_of(Path::new("/f/.tfjs-0123456789ab.save")), Some("0123456789ab"));
        assert_eq!(id_of(Path::new("/f/.tfjs-0123.save")), None);
        assert_eq!(temporary_name("0123456789ab", 3), ".tfjs-0123456789ab-3.tmp");
    }
}
