//! Which picked file is which weight file of the manifest.

use std::collections::{BTreeMap, BTreeSet};

use tfjs_artifacts::{Error, ErrorKind, ModelJson, RelPath};

use super::listed;
use super::picked::PickedFile;

/// The file of each path of the manifest, in its order. A path means the file that lies there, seen from the JSON; if there is
/// none, the one that has its name, whatever its folder.
pub(super) fn shards<'a>(
    json: &PickedFile,
    model_json: &ModelJson,
    files: &'a [PickedFile],
) -> Result<Vec<&'a PickedFile>, Error> {
    let others: Vec<_> = files.iter().filter(|file| !std::ptr::eq(*file, json)).collect();
    let paths: Vec<_> = model_json.paths().collect();

    let by_path = grouped(&others, PickedFile::path);
    let at_place = |path: &RelPath| match by_path.get(format!("{}{path}", json.folder()).as_str()).map(Vec::as_slice) {
        Some([only]) => Some(*only),
        _ => None,
    };
    let placed: Vec<_> = paths.iter().map(|path| at_place(path)).collect();
    let taken: BTreeSet<_> = placed.iter().flatten().map(|file| file.path()).collect();

    let left: Vec<_> = others.into_iter().filter(|file| !taken.contains(file.path())).collect();
    let by_name = ByName { files: grouped(&left, PickedFile::name), wanted: unplaced(&paths, &placed) };
    let mut found = Vec::with_capacity(paths.len());
    let mut unmatched = Unmatched::default();
    for (path, placed) in paths.into_iter().zip(placed) {
        match placed.map_or_else(|| by_name.find(path), Match::One) {
            Match::One(file) => found.push(file),
            Match::None => unmatched.missing.push(format!("`{path}`")),
            Match::Several(why) => unmatched.ambiguous.push(format!("`{path}` ({why})")),
        }
    }
    if unmatched.missing.is_empty() && unmatched.ambiguous.is_empty() {
        return Ok(found);
    }
    let extra = left.into_iter().filter(|file| !by_name.wanted.contains_key(file.name()));
    unmatched.extra = extra.map(|file| format!("`{}`", file.path())).collect();
    Err(unmatched.error())
}

type Grouped<'a> = BTreeMap<&'a str, Vec<&'a PickedFile>>;

fn grouped<'a>(files: &[&'a PickedFile], key: impl Fn(&'a PickedFile) -> &'a str) -> Grouped<'a> {
    let mut grouped = Grouped::new();
    for file in files {
        grouped.entry(key(file)).or_default().push(file);
    }
    grouped
}

/// The names of the paths where no file lies, and how many paths have each.
fn unplaced<'a>(paths: &[&'a RelPath], placed: &[Option<&PickedFile>]) -> BTreeMap<&'a str, usize> {
    let mut names = BTreeMap::new();
    for (path, _) in paths.iter().zip(placed).filter(|(_, placed)| placed.is_none()) {
        *names.entry(path.file_name()).or_insert(0) += 1;
    }
    names
}

struct ByName<'a, 'm> {
    files: Grouped<'a>,
    wanted: BTreeMap<&'m str, usize>,
}

enum Match<'a> {
    One(&'a PickedFile),
    None,
    /// Why nobody can tell.
    Several(String),
}

impl<'a> ByName<'a, '_> {
    fn find(&self, path: &RelPath) -> Match<'a> {
        let files = self.files.get(path.file_name()).map(Vec::as_slice).unwrap_or_default();
        let paths = self.wanted.get(path.file_name()).copied().unwrap_or_default();
        match files {
            [] => Match::None,
            [only] if paths == 1 => Match::One(only),
            [only] => Match::Several(format!("`{}` could be any of {paths} with this name", only.path())),
            several => {
                let files = listed(several.iter().map(|file| format!("`{}`", file.path())));
                Match::Several(format!("{} files have this name: {files}", several.len()))
            }
        }
    }
}

/// What keeps files and manifest from fitting together.
#[derive(Debug, Default)]
struct Unmatched {
    missing: Vec<String>,
    ambiguous: Vec<String>,
    extra: Vec<String>,
}

impl Unmatched {
    fn error(self) -> Error {
        let kind = if self.missing.is_empty() { ErrorKind::InvalidData } else { ErrorKind::NotFound };
        let parts = [("missing", self.missing), ("ambiguous", self.ambiguous), ("not in the manifest", self.extra)];
        let parts = parts.into_iter().filter(|(_, items)| !items.is_empty());
        let parts: Vec<_> = parts.map(|(what, items)| format!("{what}: {}", listed(items.into_iter()))).collect();
        let parts = parts.join("; ");
        Error::new(
            kind,
            format!("the picked files are not those of the manifest ({parts}); pick the model's whole folder"),
        )
    }
}
