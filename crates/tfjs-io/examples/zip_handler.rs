//! A scheme of one's own: models in zip files, as `zip:///path/model.zip`. `cargo run -p tfjs-io --example zip_handler`.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::fs::File;
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tfjs_io::{
    Bytes, Digests, Error, ErrorKind, LoadHandler, LoadOptions, ModelArtifacts, ModelJson, Operation, ProgressMeter,
    Route, SaveHandler, SaveOptions, SaveResult, Segment, ShardLayout, async_trait, encode_model_json, finish_load,
};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// A model of this repository.
const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/models/tiny");

/// The most bytes that a member may say it has.
const LARGEST: u64 = 1 << 30;

#[derive(Debug)]
struct ZipHandler {
    file: PathBuf,
}

/// What is not there is an error of its own kind, which callers ask for.
fn failed(error: impl Into<ZipError>) -> Error {
    let error = error.into();
    let (kind, message) = match &error {
        ZipError::FileNotFound => (ErrorKind::NotFound, "the zip file has no such member"),
        ZipError::Io(error) if error.kind() == std::io::ErrorKind::NotFound => {
            (ErrorKind::NotFound, "there is no such zip file")
        }
        ZipError::InvalidArchive(_) => (ErrorKind::InvalidData, "it is no zip file"),
        _ => (ErrorKind::Unexpected, "the zip file cannot be read or written"),
    };
    Error::new(kind, message).with_source(error)
}

impl ZipHandler {
    fn place(&self) -> String {
        self.file.display().to_string()
    }

    fn open(&self) -> Result<ZipArchive<File>, Error> {
        ZipArchive::new(File::open(&self.file).map_err(failed)?).map_err(failed)
    }

    fn member(&self, archive: &mut ZipArchive<File>, name: &str) -> Result<Bytes, Error> {
        let mut bytes = Vec::new();
        let read = archive.by_name(name).and_then(|member| Ok(member.take(LARGEST).read_to_end(&mut bytes)?));
        read.map_err(|error| failed(error).with_location(&format!("{}/{name}", self.place())))?;
        Ok(bytes.into())
    }

    async fn read(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        let mut archive = self.open()?;
        let model_json = ModelJson::parse_with(&self.member(&mut archive, "model.json")?, &options.limits)?;
        let paths: Vec<_> = model_json.paths().cloned().collect();
        let shards = paths.iter().map(|path| self.member(&mut archive, path.as_str()).map(Segment::Memory));
        let shards = shards.collect::<Result<_, _>>()?;
        // A member that is short or long is an error from here on, which names it.
        finish_load(model_json.assemble(shards, options.surplus_bytes).await?, options).await
    }

    async fn write(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<(), Error> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        // Weights do not shrink.
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        let mut layout = match &artifacts.weights {
            Some(weights) => Some(options.shard_layout(weights, "model")?),
            None => None,
        };
        if layout.iter().flat_map(ShardLayout::shards).any(|shard| shard.path.as_str() == "model.json") {
            let message = "a weights file cannot be called `model.json`: the JSON is; choose another name";
            return Err(Error::new(ErrorKind::InvalidUrl, message));
        }
        let mut meter = ProgressMeter::of_layout(options.progress.as_ref(), layout.as_ref());
        if let (Some(weights), Some(layout)) = (&artifacts.weights, &mut layout) {
            // Compares with the checksums that the weights came with, and makes new ones if they are asked for.
            let mut digests = Digests::new(weights, layout, options.checksums);
            for shard in layout.shards() {
                let bytes = weights.data().read(shard.range.clone()).await?;
                digests.update(&bytes);
                archive.start_file(shard.path.as_str(), stored).map_err(failed)?;
                archive.write_all(&bytes).map_err(failed)?;
                meter.advance(shard.byte_length());
            }
            digests.finish(weights, layout)?;
        }
        archive.start_file("model.json", stored).map_err(failed)?;
        archive.write_all(encode_model_json(artifacts, layout.as_ref())?.as_bytes()).map_err(failed)?;
        let bytes = archive.finish().map_err(failed)?.into_inner();
        replace(&self.file, &bytes)?;
        meter.done();
        Ok(())
    }
}

#[async_trait]
impl LoadHandler for ZipHandler {
    async fn load(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        let loaded = self.read(options).await;
        loaded.map_err(|error| error.with_operation(Operation::Load).with_location(&self.place()))
    }
}

#[async_trait]
impl SaveHandler for ZipHandler {
    async fn save(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<SaveResult, Error> {
        let saved = self.write(artifacts, options).await;
        saved.map_err(|error| error.with_operation(Operation::Save).with_location(&self.place()))?;
        Ok(SaveResult::now(artifacts))
    }
}

/// All or nothing: the file gets its name when all of it is there.
fn replace(file: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    let mut staged = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    staged.write_all(bytes).and_then(|()| staged.as_file().sync_all()).map_err(failed)?;
    staged.persist(file).map(drop).map_err(|error| failed(error.error))
}

pub(crate) fn route() -> Route {
    let open = |path: &str| Arc::new(ZipHandler { file: path.into() });
    Route::new("zip").with_load(move |source| Ok(open(source.url().rest()))).with_save(move |url| Ok(open(url.rest())))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let scratch = tempfile::tempdir()?;
    let url = format!("zip://{}", scratch.path().join("tiny.zip").display());
    let router = tfjs_io::default_routes().route(route()).build()?;
    router.copy_model(TINY, &url, &LoadOptions::new(), &SaveOptions::new()).await?;
    let loaded = router.load(&url, &LoadOptions::new()).await?;
    println!("{url}: {:?} bytes of weights", loaded.weights.map(|weights| weights.data().byte_length()));
    Ok(())
}
