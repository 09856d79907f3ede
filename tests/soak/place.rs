//! The folder in which models are saved, with files of somebody else in it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use futures::executor::block_on;
use tfjs_fs::FsHandler;
use tfjs_io::ErrorKind;
use tfjs_router::{LoadHandler as _, ModelStore as _, RemoveOptions, SaveHandler as _, SaveOptions};

use crate::numbered;

/// A file that no save may touch.
const NOTES: (&str, &str) = ("notes.txt", "somebody else's");

/// The models: one is the folder's, one stands beside it, and one comes and goes.
const MODELS: [&str; 3] = ["", "other.json", "third.json"];

pub(crate) struct Place<'f> {
    folder: &'f Path,
}

impl<'f> Place<'f> {
    pub(crate) fn new(folder: &'f Path) -> Self {
        Self { folder }
    }

    /// All models are there, and the file of somebody else.
    pub(crate) fn begin(&self) -> Result<(), String> {
        std::fs::create_dir_all(self.folder).map_err(|error| error.to_string())?;
        std::fs::write(self.folder.join(NOTES.0), NOTES.1).map_err(|error| error.to_string())?;
        MODELS.iter().try_for_each(|model| self.save(model, 0))
    }

    /// One of the things that are done to models.
    pub(crate) fn change(&self, number: u32) -> Result<(), String> {
        match number % 8 {
            0..=3 => self.save(MODELS[0], number),
            4 | 5 => self.save(MODELS[1], number),
            6 => self.save(MODELS[2], number),
            _ => self.remove(MODELS[2]),
        }
    }

    /// All models are whole; the one that comes and goes may be gone.
    pub(crate) fn check(&self) -> Result<(), String> {
        for model in MODELS {
            let handler = self.handler(model);
            match block_on(handler.load(&numbered::options())) {
                Ok(artifacts) => {
                    numbered::number_of(&artifacts).map(drop).map_err(|error| format!("{model:?}: {error}"))?;
                }
                Err(error) if error.kind() == ErrorKind::NotFound && model == MODELS[2] => {}
                Err(error) => return Err(format!("{model:?}: {}", with_sources(&error))),
            }
        }
        let notes =
            std::fs::read_to_string(self.folder.join(NOTES.0)).map_err(|error| format!("{}: {error}", NOTES.0))?;
        if notes == NOTES.1 { Ok(()) } else { Err(format!("{} was changed", NOTES.0)) }
    }

    /// Saves all models; then there is nothing but them.
    pub(crate) fn tidy(&self) -> Result<(), String> {
        MODELS.iter().try_for_each(|model| self.save(model, 1))?;
        let mut expected = BTreeSet::from([NOTES.0.to_owned()]);
        for (json, weights) in [("model.json", "model"), ("other.json", "other"), ("third.json", "third")] {
            expected.insert(json.to_owned());
            expected.extend((1..=2).map(|shard| weights_name(weights, shard)));
        }
        let entries = std::fs::read_dir(self.folder).map_err(|error| error.to_string())?;
        let found: BTreeSet<_> =
            entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect();
        if found == expected {
            return Ok(());
        }
        let left: Vec<_> = found.symmetric_difference(&expected).collect();
        Err(format!("a save does not leave the folder tidy: {left:?}"))
    }

    fn save(&self, model: &str, number: u32) -> Result<(), String> {
        let saved = block_on(self.handler(model).save(&numbered::model(number)?, &SaveOptions::new()));
        saved.map(drop).map_err(|error| format!("saving {model:?}: {}", with_sources(&error)))
    }

    fn remove(&self, model: &str) -> Result<(), String> {
        match block_on(self.handler(model).remove(&RemoveOptions::default())) {
            // Another process was faster.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed.map(drop).map_err(|error| format!("removing {model:?}: {}", with_sources(&error))),
        }
    }

    fn handler(&self, model: &str) -> FsHandler {
        let path: PathBuf = if model.is_empty() { self.folder.into() } else { self.folder.join(model) };
        FsHandler::from_path(path)
    }
}

/// The name that the converter gives a weight file of two.
fn weights_name(model: &str, shard: usize) -> String {
    match model {
        "model" => format!("group1-shard{shard}of2.bin"),
        other => format!("{other}.group1-shard{shard}of2.bin"),
    }
}

fn with_sources(error: &tfjs_io::Error) -> String {
    let sources = std::iter::successors(std::error::Error::source(error), |error| error.source());
    [error.to_string()].into_iter().chain(sources.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}
