//! Links inside of a model's folder, which may lead anywhere.
//!
//! The folder itself may be reached through links: who names it says where it is. What is inside came with the model.

use std::path::{Component, Path, PathBuf};

use tfjs_artifacts::{Error, ErrorKind, Operation};
use tfjs_router::Links;

use crate::error::io_error;

const LEADS_OUT: &str = "it is a link that leads out of the model's folder, and what it leads to did not come with the model; \
                         if that is right, follow links with `Links::Follow` or `--follow-links`";

/// Whether this is what [`check`] said.
pub(crate) fn is_refusal(error: &Error) -> bool {
    error.message() == LEADS_OUT
}

/// Refuses a file of a model if a link on the way from the model's folder to it leads out of the folder. What does not exist
/// leads nowhere.
pub(crate) fn check(folder: &Path, file: &Path, links: Links, operation: Operation) -> Result<(), Error> {
    if links == Links::Follow {
        return Ok(());
    }
    let Some(link) = first_link(folder, file) else { return Ok(()) };
    let fail = |error| io_error(error, operation, &link);
    let root = folder.canonicalize().map_err(fail)?;
    let target = match file.canonicalize() {
        Ok(target) => target,
        // A link to nothing: where it would lead is all that can be told, and writing through it would make a file there.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let target = std::fs::read_link(&link).map_err(fail)?;
            let is_inside = target.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
            if is_inside { root.clone() } else { target }
        }
        Err(error) => return Err(fail(error)),
    };
    if target.starts_with(&root) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidData, LEADS_OUT).with_operation(operation).with_location(&link.to_string_lossy()))
}

/// The first link below a folder on the way to a file in it.
fn first_link(folder: &Path, file: &Path) -> Option<PathBuf> {
    let inside = match file.strip_prefix(folder) {
        Ok(inside) => inside,
        // A bare name lies in the current folder, which is spelled `.` then.
        Err(_) => file,
    };
    let mut path = folder.to_path_buf();
    inside.components().find_map(|part| {
        path.push(part);
        path.is_symlink().then(|| path.clone())
    })
}
