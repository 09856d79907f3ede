//! How to load and how to save.

use tfjs_artifacts::{Error, LayoutError, Limits, RelPath, ShardLayout, ShardNames, Sharding, SurplusBytes, Weights};

use crate::{ProgressSink, Resume};

/// How to load a model.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LoadOptions {
    /// Whether to read the weights now or when they are used.
    pub weight_loading: WeightLoading,
    /// What to do with bytes that belong to no tensor.
    pub surplus_bytes: SurplusBytes,
    /// How much of what the model claims is believed.
    pub limits: Limits,
    /// Whether links may lead out of the model's folder.
    pub links: Links,
    /// Who hears about progress.
    pub progress: Option<ProgressSink>,
}

/// What to do with links inside of a model's folder that lead out of it. Only file systems have any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "they are followed or they are not")]
pub enum Links {
    /// They are an error: what they lead to came from somewhere else than the model. The folder itself may be reached through
    /// links.
    #[default]
    StayInside,
    /// They are followed to read and to write. What they lead to is never removed.
    Follow,
}

/// How to remove a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoveOptions {
    /// Whether a weight file that holds more than the tensors take is a file of the model all the same, and removed with it.
    pub surplus_bytes: SurplusBytes,
    /// How much of what the model claims is believed: one that is beyond is not removed.
    pub limits: Limits,
    /// Whether links may lead out of the model's folder; a model with such links is not removed otherwise.
    pub links: Links,
}

impl RemoveOptions {
    /// Strict: a model that is not whole is not removed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes what is loaded like this.
    pub(crate) fn of_loaded(load: &LoadOptions) -> Self {
        Self { surplus_bytes: load.surplus_bytes, limits: load.limits, links: load.links }
    }

    /// Says what to think of bytes that belong to no tensor.
    #[must_use]
    pub fn with_surplus_bytes(mut self, surplus_bytes: SurplusBytes) -> Self {
        self.surplus_bytes = surplus_bytes;
        self
    }

    /// Says how much of what the model claims is believed.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Says whether links may lead out of the model's folder.
    #[must_use]
    pub fn with_links(mut self, links: Links) -> Self {
        self.links = links;
        self
    }
}

/// When weights are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "now or later")]
pub enum WeightLoading {
    /// Now, into memory.
    #[default]
    Eager,
    /// When they are used: the artifacts hold readable ranges, and the files must stay until then. A medium that
    /// cannot read ranges loads eagerly.
    Lazy,
}

/// How to save a model.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SaveOptions {
    /// The name of the weights file, in place of the backend's; if there are several files, its stem begins their
    /// names. Relative to the JSON file.
    pub weights_file_name: Option<RelPath>,
    /// How the weights are cut into files.
    pub sharding: Sharding,
    /// Whether to write checksums of the weight files into `model.json`, under a key that TensorFlow.js ignores.
    pub checksums: Checksums,
    /// What a saved model survives.
    pub durability: Durability,
    /// Whether links may lead out of the model's folder.
    pub links: Links,
    /// Whether weight files that are finished stay when the save is interrupted, for a later one that continues.
    pub resume: Option<Resume>,
    /// Who hears about progress.
    pub progress: Option<ProgressSink>,
}

/// What a model survives from the moment at which its save has returned. Until then, either way, the model that it replaces is
/// what survives the end of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the three that IndexedDB knows")]
pub enum Durability {
    /// What is usual where the model is stored. Files are as with `Strict`. IndexedDB does what the browser does for every page that
    /// asks for nothing else, as TensorFlow.js does: as with `Relaxed` in Firefox, Safari and, since version 121, Chrome
    /// (<https://developer.chrome.com/blog/indexeddb-durability-mode-now-defaults-to-relaxed>).
    #[default]
    Default,
    /// The end of the machine: the disk has everything. A move is always like this, and so are checkpoints.
    Strict,
    /// The end of the process only: faster where many small models are written, but when the machine loses its power within the
    /// next seconds, both the new model and the one that it replaced may be lost. For models that can be had again.
    Relaxed,
}

/// Whether a save writes checksums of its weight files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "as they were, or all of them")]
pub enum Checksums {
    /// If the model has any: those of files that are cut anew are computed.
    #[default]
    Keep,
    /// In any case.
    Write,
}

impl LoadOptions {
    /// Eager, strict, silent.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lazy, strict, silent.
    pub fn lazy() -> Self {
        Self::new().with_weight_loading(WeightLoading::Lazy)
    }

    /// Says when to read the weights.
    #[must_use]
    pub fn with_weight_loading(mut self, weight_loading: WeightLoading) -> Self {
        self.weight_loading = weight_loading;
        self
    }

    /// Says what to do with bytes that belong to no tensor.
    #[must_use]
    pub fn with_surplus_bytes(mut self, surplus_bytes: SurplusBytes) -> Self {
        self.surplus_bytes = surplus_bytes;
        self
    }

    /// Says how much of what the model claims is believed.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Says whether links may lead out of the model's folder.
    #[must_use]
    pub fn with_links(mut self, links: Links) -> Self {
        self.links = links;
        self
    }

    /// Says who hears about progress.
    #[must_use]
    pub fn with_progress(mut self, progress: ProgressSink) -> Self {
        self.progress = Some(progress);
        self
    }
}

impl SaveOptions {
    /// The backend's file names, silent.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the weights file.
    #[must_use]
    pub fn with_weights_file_name(mut self, name: RelPath) -> Self {
        self.weights_file_name = Some(name);
        self
    }

    /// The files of these weights, cut as the options say; where they name none, by the name of the model.
    ///
    /// # Errors
    /// [`InvalidUrl`](tfjs_artifacts::ErrorKind::InvalidUrl) when a name makes no path, and when there would be too many files.
    pub fn shard_layout(&self, weights: &Weights, model_name: &str) -> Result<ShardLayout, Error> {
        let names = match &self.weights_file_name {
            Some(name) => ShardNames::for_weights_file(name.clone()),
            None => ShardNames::for_model(model_name).map_err(LayoutError::from)?,
        };
        Ok(ShardLayout::new(weights, &names, self.sharding)?)
    }

    /// Says how to cut the weights into files.
    #[must_use]
    pub fn with_sharding(mut self, sharding: Sharding) -> Self {
        self.sharding = sharding;
        self
    }

    /// Says what a saved model survives.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Says whether to write checksums.
    #[must_use]
    pub fn with_checksums(mut self, checksums: Checksums) -> Self {
        self.checksums = checksums;
        self
    }

    /// Says whether links may lead out of the model's folder.
    #[must_use]
    pub fn with_links(mut self, links: Links) -> Self {
        self.links = links;
        self
    }

    /// Leaves finished weight files when the save is interrupted, and continues an interrupted one.
    #[must_use]
    pub fn with_resume(mut self, resume: Resume) -> Self {
        self.resume = Some(resume);
        self
    }

    /// Says who hears about progress.
    #[must_use]
    pub fn with_progress(mut self, progress: ProgressSink) -> Self {
        self.progress = Some(progress);
        self
    }
}
