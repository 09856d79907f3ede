//! A disk of which every step can fail, or be the last one of the process, and what a machine that loses its power may have kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::disk::{Disk, NewFile, RealDisk};
use crate::model_dir::folder_of;

/// What goes wrong, and at which step, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Nothing: the steps are only written down.
    Record,
    /// One step fails; those after it, such as cleaning up, do not.
    Fail { at: usize },
    /// The process ends within a step: what it writes is half written, and nothing comes after it.
    Die { at: usize },
}

/// A step that has been done.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    MakeFolder(PathBuf),
    Create { path: PathBuf, file: usize },
    Append { file: usize, bytes: Vec<u8> },
    SyncFile(usize),
    SetPermissions,
    Link { file: PathBuf, name: PathBuf },
    Rename { from: PathBuf, to: PathBuf },
    RemoveFile(PathBuf),
    RemoveFolder(PathBuf),
    SyncFolder(PathBuf),
}

/// See [`Plan`].
#[derive(Clone, Debug)]
pub(crate) struct FaultyDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    plan: Plan,
    tried: usize,
    is_dead: bool,
    files: usize,
    done: Vec<Step>,
}

/// What to do with a step.
enum Verdict {
    Do,
    /// Only the first half of what is written.
    DoHalf,
    Fail,
}

impl FaultyDisk {
    pub(crate) fn new(plan: Plan) -> Self {
        Self(Arc::new(Mutex::new(State { plan, tried: 0, is_dead: false, files: 0, done: Vec::new() })))
    }

    /// How many steps were tried.
    pub(crate) fn tried(&self) -> usize {
        self.0.lock().unwrap().tried
    }

    /// The steps that were done.
    pub(crate) fn done(&self) -> Vec<Step> {
        self.0.lock().unwrap().done.clone()
    }

    fn next(&self) -> Verdict {
        let mut state = self.0.lock().unwrap();
        if state.is_dead {
            return Verdict::Fail;
        }
        let at = state.tried;
        state.tried += 1;
        match state.plan {
            Plan::Fail { at: chosen } if chosen == at => Verdict::Fail,
            Plan::Die { at: chosen } if chosen == at => {
                state.is_dead = true;
                Verdict::DoHalf
            }
            _ => Verdict::Do,
        }
    }

    fn step(&self, step: Step, work: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        match self.next() {
            Verdict::Do => {
                work()?;
                self.0.lock().unwrap().done.push(step);
                Ok(())
            }
            Verdict::DoHalf | Verdict::Fail => Err(fault()),
        }
    }
}

fn fault() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, "a fault of the test")
}

impl Disk for FaultyDisk {
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        self.step(Step::MakeFolder(folder.into()), || RealDisk.make_folder(folder))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        let file = {
            let mut state = self.0.lock().unwrap();
            state.files += 1;
            state.files - 1
        };
        let mut made = None;
        self.step(Step::Create { path: path.into(), file }, || {
            made = Some(RealDisk.create(path)?);
            Ok(())
        })?;
        Ok(Box::new(FaultyFile { disk: self.clone(), file, inner: made.unwrap() }))
    }

    fn set_permissions(&self, file: &Path, permissions: Permissions) -> io::Result<()> {
        self.step(Step::SetPermissions, || RealDisk.set_permissions(file, permissions))
    }

    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        self.step(Step::Link { file: file.into(), name: name.into() }, || RealDisk.link(file, name))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(Step::Rename { from: from.into(), to: to.into() }, || RealDisk.rename(from, to))
    }

    fn remove_file(&self, file: &Path) -> io::Result<()> {
        self.step(Step::RemoveFile(file.into()), || RealDisk.remove_file(file))
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        self.step(Step::RemoveFolder(folder.into()), || RealDisk.remove_folder(folder))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        // Only pretended, because waiting for the disk thousands of times shows nothing.
        self.step(Step::SyncFolder(folder.into()), || folder.read_dir().map(drop))
    }
}

#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    file: usize,
    inner: Box<dyn NewFile>,
}

impl NewFile for FaultyFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = match self.disk.next() {
            Verdict::Do => bytes,
            Verdict::DoHalf => bytes.split_at(bytes.len() / 2).0,
            Verdict::Fail => return Err(fault()),
        };
        self.inner.append(written)?;
        self.disk.0.lock().unwrap().done.push(Step::Append { file: self.file, bytes: written.to_vec() });
        if written.len() == bytes.len() { Ok(()) } else { Err(fault()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.step(Step::SyncFile(self.file), || Ok(()))
    }

    fn lock(&self) -> io::Result<bool> {
        self.inner.lock()
    }
}

/// Files with their bytes, and folders without.
pub(crate) type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// What is below a folder.
pub(crate) fn read_tree(folder: &Path) -> Tree {
    let mut tree = Tree::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tree.extend(read_tree(&path));
            tree.insert(path, None);
        } else {
            tree.insert(path.clone(), Some(std::fs::read(&path).unwrap()));
        }
    }
    tree
}

/// Makes a folder hold exactly this.
pub(crate) fn write_tree(folder: &Path, tree: &Tree) {
    std::fs::remove_dir_all(folder).unwrap();
    std::fs::create_dir(folder).unwrap();
    for (path, content) in tree {
        match content {
            None => std::fs::create_dir_all(path).unwrap(),
            Some(bytes) => {
                std::fs::create_dir_all(folder_of(path)).unwrap();
                std::fs::write(path, bytes).unwrap();
            }
        }
    }
}

/// A change of names that may not be durable yet.
#[derive(Clone, Debug)]
struct Change {
    removed: Option<PathBuf>,
    added: Option<(PathBuf, Node)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Folder,
    File(usize),
}

/// What the disk may hold after the machine lost its power when these steps had been done: bytes and names that were not synced may
/// be there or not, in any combination. All combinations of a few names are tried, of many each alone, each but one, and those up to each.
pub(crate) fn after_power_loss(before: &Tree, steps: &[Step]) -> BTreeSet<Vec<(PathBuf, Option<Vec<u8>>)>> {
    let mut lost = Loss::new(before);
    for step in steps {
        lost.apply(step);
    }
    let mut states = BTreeSet::new();
    for kept in choices(lost.pending.len()) {
        for are_bytes_kept in [false, true] {
            states.insert(lost.state(&kept, are_bytes_kept));
        }
    }
    states
}

struct Loss {
    /// Of each file, what is durable, and what has been written.
    files: Vec<(Vec<u8>, Vec<u8>)>,
    /// The numbers that the steps have for files that were made.
    made: BTreeMap<usize, usize>,
    made_folders: BTreeSet<PathBuf>,
    /// As the process sees them.
    names: BTreeMap<PathBuf, Node>,
    durable: BTreeMap<PathBuf, Node>,
    pending: Vec<Change>,
}

impl Loss {
    fn new(before: &Tree) -> Self {
        let (mut files, mut names) = (Vec::new(), BTreeMap::new());
        for (path, content) in before {
            let node = content.as_ref().map_or(Node::Folder, |bytes| {
                files.push((bytes.clone(), bytes.clone()));
                Node::File(files.len() - 1)
            });
            names.insert(path.clone(), node);
        }
        let durable = names.clone();
        Self { files, made: BTreeMap::new(), made_folders: BTreeSet::new(), names, durable, pending: Vec::new() }
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::MakeFolder(path) => {
                self.made_folders.insert(path.clone());
                self.change(None, Some((path.clone(), Node::Folder)));
            }
            Step::Create { path, file } => {
                self.files.push((Vec::new(), Vec::new()));
                let node = self.files.len() - 1;
                self.made.insert(*file, node);
                self.change(None, Some((path.clone(), Node::File(node))));
            }
            Step::Append { file, bytes } => self.files[self.made[file]].1.extend(bytes),
            Step::SyncFile(file) => {
                let (durable, written) = &mut self.files[self.made[file]];
                durable.clone_from(written);
            }
            Step::SetPermissions => {}
            Step::Link { file, name } => {
                let node = self.names[file];
                self.change(None, Some((name.clone(), node)));
            }
            Step::Rename { from, to } => {
                let node = self.names[from];
                self.change(Some(from.clone()), Some((to.clone(), node)));
            }
            Step::RemoveFile(path) | Step::RemoveFolder(path) => self.change(Some(path.clone()), None),
            Step::SyncFolder(folder) => {
                let (synced, pending) = self.pending.drain(..).partition(|change| change.is_in(folder));
                self.pending = pending;
                let synced: Vec<Change> = synced;
                for change in &synced {
                    change.apply(&mut self.durable);
                }
            }
        }
    }

    fn change(&mut self, removed: Option<PathBuf>, added: Option<(PathBuf, Node)>) {
        let change = Change { removed, added };
        change.apply(&mut self.names);
        self.pending.push(change);
    }

    fn state(&self, kept: &[bool], are_bytes_kept: bool) -> Vec<(PathBuf, Option<Vec<u8>>)> {
        let mut names = self.durable.clone();
        let kept = self.pending.iter().zip(kept).filter(|(_, is_kept)| **is_kept);
        kept.for_each(|(change, _)| change.apply(&mut names));
        // What is in a folder that was lost is lost with it.
        let is_lost = |path: &Path| {
            path.ancestors().skip(1).any(|folder| self.made_folders.contains(folder) && !names.contains_key(folder))
        };
        let content = |node: &Node| match node {
            Node::Folder => None,
            Node::File(file) => {
                let (durable, written) = &self.files[*file];
                Some(if are_bytes_kept { written.clone() } else { durable.clone() })
            }
        };
        names.iter().filter(|(path, _)| !is_lost(path)).map(|(path, node)| (path.clone(), content(node))).collect()
    }
}

impl Change {
    /// Whether the folder's syncing makes it durable. A rename from one folder to another is not torn apart.
    fn is_in(&self, folder: &Path) -> bool {
        let added = self.added.as_ref().map(|(path, _)| path);
        self.removed.iter().chain(added).any(|path| folder_of(path) == folder)
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, Node>) {
        if let Some(path) = &self.removed {
            names.remove(path);
        }
        if let Some((path, node)) = &self.added {
            names.insert(path.clone(), *node);
        }
    }
}

/// Which of so many changes were kept.
fn choices(count: usize) -> Vec<Vec<bool>> {
    const FEW: usize = 5;
    if count <= FEW {
        return (0..1_usize << count).map(|bits| (0..count).map(|at| bits & (1 << at) != 0).collect()).collect();
    }
    let mut choices: Vec<Vec<bool>> = Vec::new();
    for chosen in 0..=count {
        choices.push((0..count).map(|at| at < chosen).collect());
        choices.push((0..count).map(|at| at >= chosen).collect());
        choices.push((0..count).map(|at| at == chosen).collect());
        choices.push((0..count).map(|at| at != chosen).collect());
    }
    choices
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What everybody gets wrong once: a rename may be durable before the bytes of the file are.
    #[test]
    fn a_renamed_file_that_was_not_synced_may_be_empty() {
        let folder = PathBuf::from("/f");
        let before = Tree::from([(folder.clone(), None), (folder.join("a"), Some(b"old".to_vec()))]);
        let steps = [
            Step::Create { path: folder.join("t"), file: 0 },
            Step::Append { file: 0, bytes: b"new".to_vec() },
            Step::Rename { from: folder.join("t"), to: folder.join("a") },
        ];
        let contents = |steps: &[Step]| -> BTreeSet<Vec<u8>> {
            let states = after_power_loss(&before, steps);
            states
                .into_iter()
                .flatten()
                .filter(|(path, _)| path.ends_with("a"))
                .filter_map(|(_, bytes)| bytes)
                .collect()
        };
        assert_eq!(contents(&steps), BTreeSet::from([b"".to_vec(), b"new".to_vec(), b"old".to_vec()]));

        let synced = [&steps[..2], &[Step::SyncFile(0)], &steps[2..]].concat();
        assert_eq!(contents(&synced), BTreeSet::from([b"new".to_vec(), b"old".to_vec()]));
        let all = [synced, vec![Step::SyncFolder(folder.clone())]].concat();
        assert_eq!(contents(&all), BTreeSet::from([b"new".to_vec()]));
    }
}
