//! Models in a folder, served over HTTP and damaged behind the server's back.

use std::fs::{self, File};
use std::path::Path;

use tfjs_fs::FsHandler;
use tfjs_router::{ModelUrl, Router, SaveOptions};
use tfjs_server::{Models, ServerOptions};
use tfjs_testkit::Damage;

/// A server of the models in this folder. They are kept as they come, without checksums of the server's own, and may have many
/// files.
pub fn app(folder: &Path) -> axum::Router {
    let router = Router::builder().routes(tfjs_fs::routes()).build().unwrap();
    let base = format!("file://{}", folder.display());
    let models = Models::new(router, &base).unwrap().with_version_of(version_of);
    let mut options = ServerOptions::new();
    options.save = SaveOptions::new();
    options.max_parts = 2000;
    tfjs_server::router(models, options)
}

/// Tells from its files whether a model has been replaced, so that not every request loads it.
fn version_of(url: &ModelUrl) -> Option<String> {
    FsHandler::from_url(url).ok()?.version()
}

/// Damages the model that lies in this folder.
pub fn damage(folder: &Path, damage: Damage) {
    let (json, weights) = (folder.join("model.json"), folder.join("model.weights.bin"));
    let length = fs::metadata(&weights).unwrap().len();
    let resize = |length| File::options().write(true).open(&weights).unwrap().set_len(length).unwrap();
    match damage {
        Damage::ShortenWeights => resize(length - 1),
        Damage::LengthenWeights => resize(length + 1),
        Damage::ChangeWeights => {
            let mut bytes = fs::read(&weights).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            fs::write(&weights, bytes).unwrap();
        }
        Damage::RemoveWeights => fs::remove_file(&weights).unwrap(),
        Damage::WeightsAreHtml => {
            fs::write(&weights, "<!DOCTYPE html>").unwrap();
            resize(length);
        }
        Damage::ReplaceJson(text) => fs::write(&json, text).unwrap(),
        Damage::TruncateJson => {
            let text = fs::read(&json).unwrap();
            fs::write(&json, text.split_at(text.len() / 2).0).unwrap();
        }
        other => panic!("no such damage here: {other:?}"),
    }
}
