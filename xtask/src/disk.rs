//! How much room there is where cargo builds, and how much of it is taken.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use xshell::cmd;

use crate::project::Project;

pub(crate) const GIB: u64 = 1 << 30;

/// Demands that a run which starts with an empty target folder has room for what it builds: without, some step fails in the middle,
/// with an error of a linker or a browser that says little about the disk.
///
/// # Errors
///
/// If what is free together with what is already built is less than `needed` bytes.
pub(crate) fn demand(project: &Project, needed: u64) -> Result<()> {
    std::fs::create_dir_all(&project.target)?;
    let (free, built) = (free(project, &project.target)?, taken(project, &project.target)?);
    ensure!(
        free + built >= needed,
        "{} needs {:.0} GiB of room in all, and its disk has {:.1} GiB free beside {:.1} GiB that are already built: \
         make room, or let CARGO_TARGET_DIR name a folder on a larger disk",
        project.target.display(),
        gib(needed),
        gib(free),
        gib(built),
    );
    Ok(())
}

/// What a folder takes on its disk, in bytes.
pub(crate) fn taken(project: &Project, folder: &Path) -> Result<u64> {
    let sh = &project.sh;
    let printed = cmd!(sh, "du -sk {folder}").quiet().read()?;
    kib_in(&printed, 0).with_context(|| format!("`du -sk` printed {printed:?}"))
}

/// What is free on the disk of a folder, in bytes.
fn free(project: &Project, folder: &Path) -> Result<u64> {
    let sh = &project.sh;
    let printed = cmd!(sh, "df -Pk {folder}").quiet().read()?;
    let line = printed.lines().nth(1).unwrap_or_default();
    kib_in(line, 3).with_context(|| format!("`df -Pk` printed {printed:?}"))
}

fn kib_in(line: &str, column: usize) -> Option<u64> {
    Some(line.split_whitespace().nth(column)?.parse::<u64>().ok()? * 1024)
}

/// For people.
#[expect(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
pub(crate) fn gib(bytes: u64) -> f64 {
    bytes as f64 / GIB as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_stand_where_posix_says() {
        let line = "/dev/vda  263174212 33914188 64973624  35% /";
        assert_eq!(kib_in(line, 3), Some(64_973_624 * 1024));
        assert_eq!(kib_in("1048576\t/a folder", 0), Some(GIB));
        assert_eq!(kib_in("", 0), None);
    }
}
