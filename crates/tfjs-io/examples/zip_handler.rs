//! A scheme of one's own: models in zip files, as `zip:///path/model.zip`. `cargo run -p tfjs-io --example zip_handler`.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::fs::File;
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tfjs_io::{
    Bytes, Error, ErrorKind, LoadHandler, LoadOptions, ModelArtifacts, ModelJson, Route, SaveHandler, SaveOptions,
    SaveResult, Segment, async_trait, encode_model_json, finish_load,
};
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

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unexpected, "the zip file cannot be read or written").with_source(error)
}

fn member(archive: &mut ZipArchive<File>, name: &str) -> Result<Bytes, Error> {
    let missing = |error| Error::new(ErrorKind::NotFound, format!("the zip file has no {name}")).with_source(error);
    let mut bytes = Vec::new();
    archive.by_name(name).map_err(missing)?.take(LARGEST).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes.into())
}

#[async_trait]
impl LoadHandler for ZipHandler {
    async fn load(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        let mut archive = ZipArchive::new(File::open(&self.file).map_err(failed)?).map_err(failed)?;
        let model_json = ModelJson::parse_with(&member(&mut archive, "model.json")?, &options.limits)?;
        let paths: Vec<_> = model_json.paths().cloned().collect();
        let shards = paths.iter().map(|path| member(&mut archive, path.as_str()).map(Segment::Memory));
        // A member that is short, long or missing is an error from here on, which names it.
        let shards = shards.collect::<Result<_, _>>()?;
        finish_load(model_json.assemble(shards, options.surplus_bytes).await?, options).await
    }
}

#[async_trait]
impl SaveHandler for ZipHandler {
    async fn save(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<SaveResult, Error> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        // Weights do not shrink.
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        let mut layout = None;
        if let Some(weights) = &artifacts.weights {
            let planned = options.shard_layout(weights, "model")?;
            for shard in planned.shards() {
                archive.start_file(shard.path.as_str(), stored).map_err(failed)?;
                archive.write_all(&weights.data().read(shard.range.clone()).await?).map_err(failed)?;
            }
            layout = Some(planned);
        }
        archive.start_file("model.json", stored).map_err(failed)?;
        archive.write_all(encode_model_json(artifacts, layout.as_ref())?.as_bytes()).map_err(failed)?;
        let bytes = archive.finish().map_err(failed)?.into_inner();
        replace(&self.file, &bytes)?;
        Ok(SaveResult::now(artifacts))
    }
}

/// All or nothing: the file gets its name when all of it is there.
fn replace(file: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    let mut staged = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    staged.write_all(bytes).and_then(|()| staged.as_file().sync_all()).map_err(failed)?;
    staged.persist(file).map(drop).map_err(failed)
}

fn route() -> Route {
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
