//! `cargo xtask memory`: a copy holds a bounded window of the weights, however many there are.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::Deserialize;
use xshell::cmd;

use crate::large::model_json;
use crate::object_stores;
use crate::project::Project;
use crate::tools;

const MIB: u64 = 1 << 20;
const TENSORS: u64 = 320;
const TENSOR_BYTES: u64 = 16 * MIB;
const MODEL_BYTES: u64 = TENSORS * TENSOR_BYTES;
const LIMIT_KIB: u64 = 64 * 1024;

/// Where the sparse file is not zero: odd offsets, over a tensor's border, over the border of 32-bit offsets, and at the very end.
const MARKERS: [u64; 5] = [1, TENSOR_BYTES - 5, 3_000_000_001, (1 << 32) - 7, MODEL_BYTES - MARKER_BYTES];
const MARKER_LENGTH: usize = 61;
const MARKER_BYTES: u64 = MARKER_LENGTH as u64;

/// Which copies.
#[derive(Args)]
pub(crate) struct Options {
    /// Also a model of 6 GiB to and from an object store, in 96 MiB; needs 13 GiB of disk
    #[arg(long)]
    large: bool,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    file_to_file(project)?;
    if options.large { object_stores::large(project) } else { Ok(()) }
}

/// As `ci` does it.
pub(crate) fn file_to_file(project: &Project) -> Result<()> {
    let time = tools::gnu_time(project)?;
    let tfjs = project.tfjs()?;
    let folder = project.target.join("memory");
    remove(&folder)?;
    let outcome = measure(project, &time, &tfjs, &folder);
    remove(&folder)?;
    outcome
}

fn measure(project: &Project, time: &Path, tfjs: &Path, folder: &Path) -> Result<()> {
    let sh = &project.sh;
    let (source, copy, report) = (folder.join("source"), folder.join("copy"), folder.join("time.txt"));
    fs::create_dir_all(&source)?;
    require_free_disk(project, folder)?;
    write_model(&source)?;

    let start = Instant::now();
    cmd!(sh, "{time} -v -o {report} {tfjs} cp {source} {copy}").run()?;
    let elapsed = start.elapsed();

    verify_copy(&copy)?;
    judge(peak_kib(&fs::read_to_string(&report)?)?, elapsed)
}

fn judge(peak_kib: u64, elapsed: Duration) -> Result<()> {
    println!(
        "memory: copied {}.0 GiB in {:.1} s, peak resident {} MiB (limit {} MiB)",
        MODEL_BYTES >> 30,
        elapsed.as_secs_f64(),
        peak_kib.div_ceil(1024),
        LIMIT_KIB / 1024
    );
    ensure!(
        peak_kib <= LIMIT_KIB,
        "the copy took {peak_kib} KiB of memory, {LIMIT_KIB} KiB are allowed: find what holds the weights"
    );
    Ok(())
}

/// The source is sparse; its copy need not be.
fn require_free_disk(project: &Project, folder: &Path) -> Result<()> {
    let needed = MODEL_BYTES + 256 * MIB;
    let sh = &project.sh;
    let printed = cmd!(sh, "df --output=avail --block-size=1 {folder}").quiet().read()?;
    let free: u64 = printed
        .lines()
        .last()
        .unwrap_or_default()
        .trim()
        .parse()
        .with_context(|| format!("`df` printed {printed:?}"))?;
    if free < needed {
        bail!(
            "{} has {} MiB free, the copy needs {} MiB: make room, or put CARGO_TARGET_DIR on a larger disk",
            folder.display(),
            free / MIB,
            needed / MIB
        );
    }
    Ok(())
}

fn write_model(folder: &Path) -> Result<()> {
    let model = model_json(TENSORS, TENSOR_BYTES, &["weights.bin".to_owned()]);
    fs::write(folder.join("model.json"), model)?;

    let mut file = File::create(folder.join("weights.bin"))?;
    file.set_len(MODEL_BYTES)?;
    for offset in MARKERS {
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(&marker(offset))?;
    }
    Ok(())
}

/// Bytes that tell their place, so that a shifted copy is seen.
fn marker(offset: u64) -> Vec<u8> {
    offset.to_le_bytes().into_iter().cycle().zip(1..=u8::MAX).map(|(byte, i)| byte ^ i).take(MARKER_LENGTH).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModelJson {
    weights_manifest: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    paths: Vec<String>,
}

fn verify_copy(folder: &Path) -> Result<()> {
    let model: ModelJson = serde_json::from_slice(&fs::read(folder.join("model.json"))?)?;
    let shards: Vec<PathBuf> =
        model.weights_manifest.into_iter().flat_map(|group| group.paths).map(|path| folder.join(path)).collect();
    let mut bytes = 0;
    for shard in &shards {
        bytes += fs::metadata(shard).with_context(|| format!("{} is missing in the copy", shard.display()))?.len();
    }
    ensure!(bytes == MODEL_BYTES, "the copy has {bytes} bytes of weights, its source has {MODEL_BYTES}");
    for offset in MARKERS {
        let found = read_at(&shards, offset)?;
        ensure!(found == marker(offset), "the copy differs from its source at byte {offset}: it has {found:02x?}");
    }
    Ok(())
}

/// As many bytes as a marker has, from the shards taken as one.
fn read_at(shards: &[PathBuf], offset: u64) -> Result<Vec<u8>> {
    let mut start = offset;
    let mut found = Vec::with_capacity(MARKER_LENGTH);
    for shard in shards {
        let length = fs::metadata(shard)?.len();
        if start >= length {
            start -= length;
            continue;
        }
        let mut file = File::open(shard)?;
        file.seek(SeekFrom::Start(start))?;
        file.take(MARKER_BYTES - u64::try_from(found.len())?).read_to_end(&mut found)?;
        start = 0;
        if found.len() == MARKER_LENGTH {
            break;
        }
    }
    Ok(found)
}

/// What GNU time calls the maximum resident set size, in its "kbytes", which are KiB.
pub(crate) fn peak_kib(report: &str) -> Result<u64> {
    let line = report.lines().find_map(|line| line.trim().strip_prefix("Maximum resident set size (kbytes): "));
    line.and_then(|number| number.parse().ok())
        .with_context(|| format!("GNU time printed no maximum resident set size, but:\n{report}"))
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("{} must go, it takes 5 GiB", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_memory_of_what_gnu_time_prints() {
        let report =
            "\tCommand being timed: \"tfjs cp a b\"\n\tMaximum resident set size (kbytes): 12345\n\tExit status: 0\n";
        assert_eq!(peak_kib(report).unwrap(), 12345);
        assert!(peak_kib("tfjs: not found").is_err());
    }

    #[test]
    fn more_than_the_limit_is_an_error() {
        assert!(judge(LIMIT_KIB, Duration::ZERO).is_ok());
        assert!(judge(LIMIT_KIB + 1, Duration::ZERO).is_err());
    }

    #[test]
    fn a_marker_is_read_back_over_the_borders_of_shards() {
        let folder = tempfile::tempdir().unwrap();
        let all: Vec<u8> = [vec![0; 9], marker(9), vec![0; 5]].concat();
        let shards: Vec<_> = all
            .chunks(20)
            .enumerate()
            .map(|(i, chunk)| {
                let path = folder.path().join(i.to_string());
                fs::write(&path, chunk).unwrap();
                path
            })
            .collect();
        assert_eq!(read_at(&shards, 9).unwrap(), marker(9));
        assert_ne!(read_at(&shards, 8).unwrap(), marker(9));
    }
}
