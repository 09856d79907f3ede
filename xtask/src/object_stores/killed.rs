//! Processes that are killed while they replace a model: the old one stays, and a later save removes what they left.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{Server, Stores};

const URL: &str = "s3://bucket/models/m";
/// Each is sent in parts.
const FILES: usize = 3;
const FILE_BYTES: u64 = 20 << 20;
/// At how many moments of a save its process is killed.
const MOMENTS: u32 = 12;
/// Longer than a save may be silent.
const DAY: Duration = Duration::from_hours(25);

pub(super) fn run(stores: &Stores<'_>, folder: &Path) -> Result<()> {
    let objects = folder.join("objects");
    let server = stores.s3(&objects)?;
    let old = stores.project.root.join("tests/models/tiny").display().to_string();
    let new = folder.join("new");
    write(&new)?;
    let place = Place { stores, server: &server, objects, old, new: new.display().to_string() };
    let whole = place.time_of_a_save()?;
    let mut left = Left::default();
    for moment in 0..MOMENTS {
        left.add(place.kill_at(whole * moment / MOMENTS).with_context(|| format!("at moment {moment} of {MOMENTS}"))?);
    }
    println!(
        "object-stores: {MOMENTS} processes killed within {:.2} s while they replaced a model: {} times the old one, a whole model each \
         time; they left {} weight files and notes, and {} uploads in parts, which the next save removed, and {} that nobody knew",
        whole.as_secs_f64(),
        left.old,
        left.objects,
        left.uploads,
        left.unknown
    );
    ensure!(
        left.old > 1 && left.objects > 0 && left.uploads > 0,
        "nobody was killed in the middle of a save: {left:?}"
    );
    Ok(())
}

struct Place<'s> {
    stores: &'s Stores<'s>,
    server: &'s Server,
    objects: PathBuf,
    old: String,
    new: String,
}

/// What killed processes left.
#[derive(Clone, Copy, Debug, Default)]
struct Left {
    /// How often the old model was still there.
    old: usize,
    /// Weight files, and ids of uploads.
    objects: usize,
    uploads: usize,
    /// Uploads whose ids nobody had written down yet.
    unknown: usize,
}

impl Left {
    fn add(&mut self, other: Self) {
        self.old += other.old;
        self.objects += other.objects;
        self.uploads += other.uploads;
        self.unknown += other.unknown;
    }
}

impl Place<'_> {
    fn save(&self, model: &str) -> Result<String> {
        self.stores.read(self.server, &["cp", model, URL])
    }

    fn tensors(&self, url: &str) -> Result<String> {
        self.stores.read(self.server, &["tensors", "--json", url])
    }

    fn time_of_a_save(&self) -> Result<Duration> {
        self.save(&self.old)?;
        let start = Instant::now();
        self.save(&self.new)?;
        Ok(start.elapsed())
    }

    /// Kills a process that replaces the old model, looks, and saves the old one again.
    fn kill_at(&self, moment: Duration) -> Result<Left> {
        self.save(&self.old)?;
        let mut command: Command = self.stores.command(self.server, &["cp", &self.new, URL]);
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        thread::sleep(moment);
        process.kill()?;
        process.wait()?;
        // What it had sent is still on its way through the server.
        thread::sleep(Duration::from_millis(500));

        let (found, old, new) = (self.tensors(URL)?, self.tensors(&self.old)?, self.tensors(&self.new)?);
        ensure!(found == old || found == new, "neither the old model nor the new one is there: {found}");
        let unknown = self.unknown_uploads()?;
        let left = Left {
            old: usize::from(found == old),
            objects: self.left_objects()?.len(),
            uploads: self.uploads()?.len() - unknown.len(),
            unknown: unknown.len(),
        };
        // As if a day had passed.
        self.age()?;
        self.save(&self.old)?;
        ensure!(self.tensors(URL)? == old, "the save after it is not there");
        let (objects, mut uploads) = (self.left_objects()?, self.uploads()?);
        uploads.retain(|upload| !unknown.contains(upload));
        ensure!(objects.is_empty() && uploads.is_empty(), "the next save left {objects:?} and {uploads:?}");
        for upload in unknown {
            fs::remove_file(self.objects.join(upload))?;
        }
        Ok(left)
    }

    /// The upload of a process that was killed between the store's answer and its note: at most the one that it had just begun.
    fn unknown_uploads(&self) -> Result<Vec<String>> {
        let folder = self.objects.join("bucket/models/m");
        let notes = self.left_objects()?.into_iter().filter(|name| name.ends_with(".upload"));
        let known = notes.map(|note| Ok(fs::read_to_string(folder.join(note))?)).collect::<Result<Vec<_>>>()?;
        let is_known = |upload: &String| known.iter().any(|id| *upload == format!(".upload-{id}.json"));
        let unknown: Vec<_> = self.uploads()?.into_iter().filter(|upload| !is_known(upload)).collect();
        ensure!(unknown.len() <= 1, "no note has the ids of {unknown:?}, but {known:?}");
        Ok(unknown)
    }

    /// Objects that the model does not name.
    fn left_objects(&self) -> Result<Vec<String>> {
        let folder = self.objects.join("bucket/models/m");
        let model: Value = serde_json::from_slice(&fs::read(folder.join("model.json"))?)?;
        let named: Vec<_> = model
            .pointer("/weightsManifest/0/paths")
            .and_then(Value::as_array)
            .context("the model has no weight files")?
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let names = names(&folder)?;
        Ok(names.into_iter().filter(|name| name != "model.json" && !named.contains(&name.as_str())).collect())
    }

    /// Where s3s-fs keeps the uploads that are neither complete nor aborted. It forgets an upload before it begins to complete it; the
    /// parts of one whose client is killed meanwhile stay there for ever, and nobody can ask for them any more.
    fn uploads(&self) -> Result<Vec<String>> {
        let is_upload =
            |name: &String| name.strip_prefix(".upload-").is_some_and(|id| id.strip_suffix(".json").is_some());
        Ok(names(&self.objects)?.into_iter().filter(is_upload).collect())
    }

    fn age(&self) -> Result<()> {
        let (folder, long_ago) = (self.objects.join("bucket/models/m"), SystemTime::now() - DAY);
        for name in names(&folder)? {
            File::options().append(true).open(folder.join(name))?.set_modified(long_ago)?;
        }
        Ok(())
    }
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    names.collect()
}

fn write(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let paths: Vec<_> = (1..=FILES).map(|i| format!("group1-shard{i}of{FILES}.bin")).collect();
    for path in &paths {
        File::create(folder.join(path))?.set_len(FILE_BYTES)?;
    }
    let shape = [FILES as u64 * FILE_BYTES / 4];
    let manifest = [json!({"paths": paths, "weights": [{"name": "w", "shape": shape, "dtype": "int32"}]})];
    let model = json!({"modelTopology": {"node": []}, "format": "graph-model", "weightsManifest": manifest});
    Ok(fs::write(folder.join("model.json"), model.to_string())?)
}
