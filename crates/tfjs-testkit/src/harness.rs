//! What a backend tells the suite about itself.

use async_trait::async_trait;
use tfjs_artifacts::{MaybeSend, MaybeSync};
use tfjs_router::Router;

/// A fresh, empty place of a backend. Each behaviour gets one of its own.
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
pub trait Harness: MaybeSend + MaybeSync {
    /// A router with the backend's routes.
    fn router(&self) -> Router;

    /// The URL of a model of this name; nothing is there yet. Names may have any letters, and slashes.
    fn url(&self, name: &str) -> String;

    /// The URL below which the models of this place are listed.
    fn root(&self) -> String;

    /// What the medium can do.
    fn capabilities(&self) -> Capabilities;

    /// Damages a model that was saved at this URL, behind the backend's back.
    async fn damage(&self, url: &str, damage: Damage) -> Damaged;

    /// How many things the medium holds of this place, whoever they belong to: files, objects, keys. It looks behind the backend's back;
    /// `None` if nobody can.
    async fn count(&self) -> Option<usize> {
        None
    }
}

/// What a medium can do. What it cannot is checked to be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own, with yes or no for an answer")]
pub struct Capabilities {
    /// Models can be listed and removed.
    pub manages: bool,
    /// Weights can be read lazily.
    pub lazy: bool,
    /// The stored form is bytes that somebody else could damage.
    pub raw_medium: bool,
    /// A model of ten megabytes fits.
    pub large: bool,
}

/// A way to damage a stored model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// The last byte of the weights is gone.
    ShortenWeights,
    /// There is a byte more behind the weights.
    LengthenWeights,
    /// One bit of the last byte of the weights is another.
    ChangeWeights,
    /// The weights are gone.
    RemoveWeights,
    /// An HTML page of the right length is in place of the weights.
    WeightsAreHtml,
    /// The JSON is replaced by this text.
    ReplaceJson(&'static str),
    /// The JSON ends in its middle.
    TruncateJson,
}

/// Whether a model could be damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it could or it could not")]
pub enum Damaged {
    /// It is damaged now.
    Done,
    /// The medium holds no bytes that could be damaged.
    Impossible,
}

impl Capabilities {
    /// Everything.
    pub fn all() -> Self {
        Self { manages: true, lazy: true, raw_medium: true, large: true }
    }

    /// Nothing is stored as bytes.
    #[must_use]
    pub fn without_raw_medium(mut self) -> Self {
        self.raw_medium = false;
        self
    }

    /// Models can be neither listed nor removed.
    #[must_use]
    pub fn without_management(mut self) -> Self {
        self.manages = false;
        self
    }

    /// Only a few megabytes fit.
    #[must_use]
    pub fn without_large_models(mut self) -> Self {
        self.large = false;
        self
    }

    /// Weights are always read at once.
    #[must_use]
    pub fn without_lazy_loading(mut self) -> Self {
        self.lazy = false;
        self
    }
}
