//! A file of tensors as a place for models: what handlers of other places are, for one file.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tfjs_artifacts::{Error, ErrorKind, ModelArtifacts, Operation, SaveResult, WeightData};
use tfjs_router::{LoadHandler, LoadOptions, ProgressMeter, SaveHandler, SaveOptions};

use crate::dequantize::dequantize_weights;
use crate::file;
use crate::note::Note;
use crate::pending::Pending;
use crate::{Format, ImportOptions};

/// A `.safetensors` or `.npz` file on this machine, to load a model from and to save one to.
///
/// A save writes a temporary file beside it and gives that its name when everything is there, so an old file stays whole until
/// then, and whenever the save fails or is dropped.
#[derive(Clone, Debug)]
pub struct TensorFile {
    path: PathBuf,
    format: Format,
    import: ImportOptions,
    dequantizes: bool,
}

/// What became of a save.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exported {
    /// What every save reports.
    pub result: SaveResult,
    /// What the file does not say as the model did.
    pub notes: Vec<Note>,
}

/// What became of a load.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Imported {
    /// The model.
    pub artifacts: ModelArtifacts,
    /// What the model does not say as the file did.
    pub notes: Vec<Note>,
}

impl TensorFile {
    /// A file of the format that its extension names.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when the extension is none of a format that this build knows.
    pub fn from_path(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let Some(format) = Format::of_path(&path) else {
            let known = Format::ALL.map(|format| format!(".{}", format.extension())).join(" and ");
            let message = format!("the extension is none of those of files of tensors, which are {known}");
            return Err(Error::new(ErrorKind::InvalidUrl, message).with_location(&path.to_string_lossy()));
        };
        Ok(Self::new(path, format))
    }

    /// A file of this format, whatever its name.
    pub fn new(path: impl Into<PathBuf>, format: Format) -> Self {
        Self { path: path.into(), format, import: ImportOptions::new(), dequantizes: false }
    }

    /// Says how it is read.
    #[must_use]
    pub fn with_import(mut self, import: ImportOptions) -> Self {
        self.import = import;
        self
    }

    /// Saves the values that quantized weights stand for, not their codes.
    #[must_use]
    pub fn with_dequantized(mut self) -> Self {
        self.dequantizes = true;
        self
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Loads the model, and says what it does not say as the file did.
    ///
    /// # Errors
    /// What [`from_safetensors`](crate::from_safetensors) or [`from_npz`](crate::from_npz) reports, and what the system does.
    pub async fn import(&self, options: &LoadOptions) -> Result<Imported, Error> {
        let loaded = async {
            let data = file::open(&self.path).await?;
            self.read(&data, options).await
        };
        let (artifacts, notes) = loaded.await.map_err(|error| self.explain(error, Operation::Load))?;
        Ok(Imported { artifacts, notes })
    }

    /// Saves the model, and says what the file does not say as the model did.
    ///
    /// # Errors
    /// What [`to_safetensors`](crate::to_safetensors) reports, and what the system does.
    pub async fn export(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<Exported, Error> {
        let exported = self.write(artifacts, options).await;
        exported.map_err(|error| self.explain(error, Operation::Save))
    }

    fn explain(&self, error: Error, operation: Operation) -> Error {
        error.with_operation(operation).with_location(&self.path.to_string_lossy())
    }

    async fn read(&self, data: &WeightData, options: &LoadOptions) -> Result<(ModelArtifacts, Vec<Note>), Error> {
        match self.format {
            #[cfg(feature = "safetensors")]
            Format::Safetensors => crate::from_safetensors(data, self.import, options).await,
            #[cfg(feature = "npz")]
            Format::Npz => crate::from_npz(data, self.import, options).await,
        }
    }

    async fn write(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<Exported, Error> {
        let mut artifacts = artifacts.clone();
        if let Some(weights) = artifacts.weights.as_ref().filter(|_| self.dequantizes) {
            artifacts.weights = Some(dequantize_weights(weights).await?);
        }
        let mut meter = ProgressMeter::new(options.progress.as_ref(), artifacts.weights.as_ref());
        let (pending, notes) = match self.format {
            #[cfg(feature = "safetensors")]
            Format::Safetensors => {
                let (bytes, notes) = crate::to_safetensors(&artifacts).await?;
                let pending = Pending::begin(&self.path).await?;
                (crate::safetensors::write(&bytes, pending, |bytes| meter.advance(bytes)).await?, notes)
            }
            #[cfg(feature = "npz")]
            Format::Npz => {
                let plan = crate::npz::planned(&artifacts).await?;
                let pending = Pending::begin(&self.path).await?;
                (crate::npz::write(&plan, pending, |bytes| meter.advance(bytes)).await?, plan.notes)
            }
        };
        pending.commit(options.durability).await?;
        meter.done();
        Ok(Exported { result: SaveResult::now(&artifacts), notes })
    }
}

#[deny(clippy::missing_trait_methods)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl LoadHandler for TensorFile {
    async fn load(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        Ok(self.import(options).await?.artifacts)
    }
}

#[deny(clippy::missing_trait_methods)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl SaveHandler for TensorFile {
    async fn save(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<SaveResult, Error> {
        Ok(self.export(artifacts, options).await?.result)
    }
}
