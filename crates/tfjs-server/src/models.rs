//! Where the models of a server are.

use std::fmt;
use std::sync::Arc;

use tfjs_artifacts::{BoxStream, Error, Limits, ModelArtifacts, ModelArtifactsInfo, SaveResult};
use tfjs_router::{Links, ListedModel, LoadOptions, ModelSource, ModelUrl, RemoveOptions, Router, SaveOptions};

use crate::ModelName;

/// The models below one place of a router: the model `name` is at base + `/` + `name`.
#[derive(Clone)]
pub struct Models {
    router: Router,
    base: ModelUrl,
    version_of: Option<Arc<dyn VersionOf>>,
    limits: Limits,
    links: Links,
}

/// A cheap look at a model.
trait VersionOf: Fn(&ModelUrl) -> Option<String> + Send + Sync {}
impl<F: Fn(&ModelUrl) -> Option<String> + Send + Sync> VersionOf for F {}

impl Models {
    /// The models below a URL or plain path, such as `file:///srv/models` or `memory://`.
    ///
    /// # Errors
    /// What [`ModelUrl::parse`] reports, and [`Unsupported`](tfjs_artifacts::ErrorKind::Unsupported) when the router cannot
    /// list what is there.
    pub fn new(router: Router, base: &str) -> Result<Self, Error> {
        Self::at(router, ModelUrl::parse(base)?)
    }

    /// The models below a place.
    ///
    /// # Errors
    /// [`Unsupported`](tfjs_artifacts::ErrorKind::Unsupported) when the router cannot list what is there.
    pub fn at(router: Router, base: ModelUrl) -> Result<Self, Error> {
        router.store(&base)?;
        Ok(Self { router, base, version_of: None, limits: Limits::new(), links: Links::StayInside })
    }

    /// Says how to tell, without loading a model, whether it is still the one that was loaded before: a text that is another
    /// one whenever the model may be. `None` means that there is no model. Without this, a model is loaded for each request.
    ///
    /// It may block: it is called where that harms nobody.
    #[must_use]
    pub fn with_version_of(mut self, version_of: impl Fn(&ModelUrl) -> Option<String> + Send + Sync + 'static) -> Self {
        self.version_of = Some(Arc::new(version_of));
        self
    }

    pub(crate) fn trusting(mut self, limits: Limits, links: Links) -> Self {
        (self.limits, self.links) = (limits, links);
        self
    }

    /// A model whose weights are read when they are asked for. What is there is served: surplus bytes are the reader's
    /// business.
    pub(crate) async fn load(&self, name: &ModelName) -> Result<ModelArtifacts, Error> {
        let options = LoadOptions::lazy()
            .with_surplus_bytes(tfjs_artifacts::SurplusBytes::Allow)
            .with_limits(self.limits)
            .with_links(self.links);
        self.router.load_handler(&ModelSource::Single(self.url(name)?))?.load(&options).await
    }

    pub(crate) async fn save(
        &self,
        name: &ModelName,
        artifacts: &ModelArtifacts,
        options: &SaveOptions,
    ) -> Result<SaveResult, Error> {
        self.router.save_handler(&self.url(name)?)?.save(artifacts, options).await
    }

    pub(crate) async fn remove(&self, name: &ModelName) -> Result<ModelArtifactsInfo, Error> {
        self.router
            .store(&self.url(name)?)?
            .remove(&RemoveOptions::new().with_limits(self.limits).with_links(self.links))
            .await
    }

    pub(crate) fn list(&self) -> Result<BoxStream<'static, Result<ListedModel, Error>>, Error> {
        Ok(self.router.store(&self.base)?.list())
    }

    /// The name of a model that was listed, or what it is called below the place of the models and why it cannot be reached under
    /// that; `None` of one that is not below that place, and only begins like it, as `memory://ab` does like `memory://a`.
    pub(crate) fn name_of(&self, url: &ModelUrl) -> Option<Result<ModelName, (String, String)>> {
        let base = self.base.rest();
        let rest = url.rest().strip_prefix(base)?;
        let is_at_border = rest.is_empty() || base.is_empty() || base.ends_with(['/', '\\']);
        let name = if is_at_border { rest } else { rest.strip_prefix(['/', '\\'])? };
        if name.is_empty() {
            let reason =
                "it lies beside the folders of the others, and not in one of its own, whose name would be its name";
            return Some(Err(("model.json".to_owned(), reason.to_owned())));
        }
        Some(ModelName::parse(name).map_err(|error| (name.to_owned(), error.to_string())))
    }

    /// Whether a model is still what it was; `None` if nobody can tell cheaply.
    pub(crate) async fn version(&self, name: &ModelName) -> Option<Option<String>> {
        let version_of = Arc::clone(self.version_of.as_ref()?);
        let url = self.url(name).ok()?;
        tokio::task::spawn_blocking(move || version_of(&url)).await.ok()
    }

    /// A name has nothing in it that any scheme would escape.
    fn url(&self, name: &ModelName) -> Result<ModelUrl, Error> {
        let base = self.base.rest();
        let separator = if base.is_empty() || base.ends_with(['/', '\\']) { "" } else { "/" };
        let rest = format!("{base}{separator}{name}");
        match self.base.scheme() {
            Some(scheme) => ModelUrl::from_parts(scheme, &rest),
            None => Ok(ModelUrl::plain_path(&rest)),
        }
    }
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Models").field("router", &self.router).field("base", &self.base).finish_non_exhaustive()
    }
}
