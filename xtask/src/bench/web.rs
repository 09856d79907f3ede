//! What works over the web need: a model, and servers on loopback. nginx is there so that a slow server of ours would not make our client
//! look good, and `tfjs serve` for what only it can do.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::large::model_json;
use crate::project::Project;
use crate::services::Service;
use crate::tools;

const SHARDS: usize = 64;
const SHARD_BYTES: usize = 4 << 20;

/// The programs, and a model on disk twice: in many files for downloads, in one for uploads. Both go when this is dropped.
pub(super) struct Web {
    nginx: PathBuf,
    tfjs: PathBuf,
    folder: PathBuf,
}

impl Web {
    pub(super) fn ready(project: &Project, folder: &Path) -> Result<Self> {
        tools::curl(project)?;
        let web = Self { nginx: tools::nginx(project)?, tfjs: project.tfjs()?, folder: folder.to_path_buf() };
        write_model(&web.served().join("sharded"), &shard_names(), SHARD_BYTES)?;
        write_model(&web.single(), &["model.weights.bin".to_owned()], SHARDS * SHARD_BYTES)?;
        Ok(web)
    }

    /// Both servers, over the same files.
    pub(super) fn start(&self) -> Result<Servers> {
        Ok(Servers {
            nginx: Service::nginx(&self.nginx, &self.served(), &self.folder.join("nginx"))?,
            tfjs: Service::tfjs(&self.tfjs, &self.served(), &[])?,
            single: self.single(),
        })
    }

    /// The root of both servers. What is uploaded lies here as well, always under the same name.
    fn served(&self) -> PathBuf {
        self.folder.join("served")
    }

    fn single(&self) -> PathBuf {
        self.folder.join("single")
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("{} must go, it takes up to a gibibyte: {error}", self.folder.display());
        }
    }
}

/// Servers that run until this is dropped.
pub(super) struct Servers {
    nginx: Service,
    tfjs: Service,
    single: PathBuf,
}

impl Servers {
    /// What a program must know of them.
    pub(super) fn told(&self) -> Value {
        let files: Vec<_> = std::iter::once("model.json".to_owned()).chain(shard_names()).collect();
        json!({
            // The folders of the model in many files, and their names.
            "nginx": format!("{}/sharded", self.nginx.url),
            "tfjs": format!("{}/sharded", self.tfjs.url),
            "files": files,
            // What is uploaded, and where to.
            "single": self.single,
            "upload": format!("{}/upload?name=uploaded", self.tfjs.url),
            "tfjsProcess": self.tfjs.id(),
        })
    }
}

fn shard_names() -> Vec<String> {
    (1..=SHARDS).map(|i| format!("group1-shard{i}of{SHARDS}.bin")).collect()
}

/// As many float32 tensors as shards, in weight files of one size.
fn write_model(folder: &Path, files: &[String], file_bytes: usize) -> Result<()> {
    fs::create_dir_all(folder)?;
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))
    };
    write("model.json", model_json(SHARDS as u64, SHARD_BYTES as u64, files).as_bytes())?;
    let bytes = vec![1; file_bytes];
    files.iter().try_for_each(|file| write(file, &bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_in_as_many_files_as_it_says() {
        let folder = tempfile::tempdir().unwrap();
        write_model(folder.path(), &shard_names(), 16).unwrap();
        let model: Value = serde_json::from_slice(&fs::read(folder.path().join("model.json")).unwrap()).unwrap();
        let paths = model.pointer("/weightsManifest/0/paths").unwrap().as_array().unwrap();
        assert_eq!(paths.len(), SHARDS);
        for path in paths {
            assert_eq!(fs::metadata(folder.path().join(path.as_str().unwrap())).unwrap().len(), 16);
        }
    }
}
