//! Through S3's protocol: the command, beside `aws s3 cp`, on the same server. Both are processes that start, do one thing and end; both read
//! and write files in memory, if the system has such a folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::measurement::{Measured, Measurement, fastest};
use super::works::Work;
use crate::object_stores::{Profile, Server, Stores, in_folder};
use crate::project::Project;
use crate::tools;

const SHARDS: u64 = 64;
const SHARD_BYTES: u64 = 8 << 20;
const BYTES: u64 = SHARDS * SHARD_BYTES;
/// Both sides in turn, so often in each round; the fastest counts.
const TIMES: usize = 3;

/// The programs, and a model of 512 MiB.
pub(super) struct Objects<'p> {
    stores: Stores<'p>,
    aws: PathBuf,
    folder: PathBuf,
}

/// What one work took on both sides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    ours: Measurement,
    yardstick: Measurement,
}

/// What all works took in one round.
pub(super) type Round = BTreeMap<&'static str, Pair>;

impl<'p> Objects<'p> {
    pub(super) fn ready(project: &'p Project) -> Result<Self> {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory } else { project.target.as_path() };
        let folder = parent.join(format!("tfjs-bench-{}", std::process::id()));
        Ok(Self { aws: tools::aws(project)?, stores: Stores::ready(project, Profile::Release)?, folder })
    }

    /// Measures those of the works that are measured here.
    pub(super) fn measure(&self, works: &[&Work]) -> Result<Round> {
        let ids: Vec<_> = works.iter().filter(|work| work.is_object_store()).map(|work| work.id).collect();
        eprintln!("through an object store: {}", ids.join(", "));
        in_folder(&self.folder, || {
            let source = self.folder.join("source");
            write(&source)?;
            let server = self.stores.s3(&self.folder.join("objects"))?;
            let place = Place { objects: self, server, source: source.display().to_string() };
            place.run(&place.tfjs(&["cp", &place.source, "s3://bucket/m"]))?;
            ids.into_iter().map(|id| Ok((id, place.pair(id)?))).collect()
        })
    }
}

/// A server that has the model as `s3://bucket/m`.
struct Place<'o> {
    objects: &'o Objects<'o>,
    server: Server,
    source: String,
}

type Words = Vec<String>;

impl Place<'_> {
    fn pair(&self, id: &'static str) -> Result<Pair> {
        let to = self.objects.folder.join("copy");
        let copy = to.display().to_string();
        let (ours, peer) = match id {
            "object-store-download" => (
                self.tfjs(&["cp", "--no-sync", "s3://bucket/m", &copy]),
                self.aws(&["s3", "cp", "--quiet", "--recursive", "s3://bucket/m", &copy]),
            ),
            "object-store-upload" => (
                self.tfjs(&["cp", &self.source, "s3://bucket/ours"]),
                self.aws(&["s3", "cp", "--quiet", "--recursive", &self.source, "s3://bucket/theirs"]),
            ),
            "object-store-tensor" => (
                self.tfjs(&["tensors", "--json", "--name", "layer31/kernel", "s3://bucket/m"]),
                self.tfjs(&["cp", "--no-sync", "s3://bucket/m", &copy]),
            ),
            _ => anyhow::bail!("nothing is called {id}"),
        };
        let (mut of_ours, mut of_peer) = (Vec::new(), Vec::new());
        for _ in 0..TIMES {
            for (words, measurements) in [(&ours, &mut of_ours), (&peer, &mut of_peer)] {
                for folder in [to.clone(), self.object("ours"), self.object("theirs")] {
                    if folder.exists() {
                        fs::remove_dir_all(folder)?;
                    }
                }
                measurements.push(self.run(words)?);
            }
        }
        let ours = fastest(of_ours).context("it was run")?;
        Ok(Pair { ours, yardstick: fastest(of_peer).context("it was run")? })
    }

    fn object(&self, name: &str) -> PathBuf {
        self.objects.folder.join("objects/bucket").join(name)
    }

    fn tfjs(&self, words: &[&str]) -> Words {
        command(self.objects.stores.tfjs(), words)
    }

    fn aws(&self, words: &[&str]) -> Words {
        command(&self.objects.aws, words)
    }

    /// How long a process takes, with its start and its end.
    fn run(&self, words: &Words) -> Result<Measurement> {
        let (program, arguments) = words.split_first().context("a command has a program")?;
        let mut process = Command::new(program);
        process.args(arguments).envs(self.server.environment()).stdin(Stdio::null()).stdout(Stdio::null());
        let start = Instant::now();
        let status = process.status().with_context(|| format!("starting {program}"))?;
        let cost = start.elapsed().as_secs_f64() * 1e9;
        ensure!(status.success(), "`{}` failed: {status}", words.join(" "));
        Ok(Measurement { cost, size: BYTES })
    }
}

fn command(program: &Path, words: &[&str]) -> Words {
    std::iter::once(program.display().to_string()).chain(words.iter().map(|word| (*word).to_owned())).collect()
}

/// What a work took on both sides, in the best of the rounds.
pub(super) fn measured(work: &Work, rounds: &[Round]) -> Result<Measured> {
    let pairs = || rounds.iter().filter_map(|round| round.get(work.id));
    let ours = fastest(pairs().map(|pair| pair.ours)).with_context(|| format!("{} was not measured", work.id))?;
    Ok(Measured { ours, yardstick: fastest(pairs().map(|pair| pair.yardstick)), smaller: None })
}

/// As many tensors as files.
fn write(folder: &Path) -> Result<()> {
    let paths: Vec<_> = (1..=SHARDS).map(|i| format!("group1-shard{i}of{SHARDS}.bin")).collect();
    let weights: Vec<_> = (0..SHARDS)
        .map(|i| json!({"name": format!("layer{i}/kernel"), "shape": [SHARD_BYTES / 4], "dtype": "float32"}))
        .collect();
    fs::create_dir_all(folder)?;
    let bytes = vec![1; usize::try_from(SHARD_BYTES)?];
    for path in &paths {
        fs::write(folder.join(path), &bytes)?;
    }
    let manifest = [json!({"paths": paths, "weights": weights})];
    let model = json!({"modelTopology": {"node": []}, "format": "graph-model", "weightsManifest": manifest});
    Ok(fs::write(folder.join("model.json"), model.to_string())?)
}
