//! What a backend exports: a scheme and how to open places of it.

use std::fmt;
use std::sync::Arc;

use tfjs_artifacts::{Error, MaybeSend, MaybeSync};

use crate::below::Naming;
use crate::{LoadHandler, ModelSource, ModelStore, ModelUrl, SaveHandler};

/// Opens a place for loading; fails when the URL makes no sense for its scheme.
pub trait OpenLoad: Fn(&ModelSource) -> Result<Arc<dyn LoadHandler>, Error> + MaybeSend + MaybeSync {}
impl<F: Fn(&ModelSource) -> Result<Arc<dyn LoadHandler>, Error> + MaybeSend + MaybeSync> OpenLoad for F {}

/// Opens a place for saving; fails when the URL makes no sense for its scheme.
pub trait OpenSave: Fn(&ModelUrl) -> Result<Arc<dyn SaveHandler>, Error> + MaybeSend + MaybeSync {}
impl<F: Fn(&ModelUrl) -> Result<Arc<dyn SaveHandler>, Error> + MaybeSend + MaybeSync> OpenSave for F {}

/// Opens a place for listing and removing; fails when the URL makes no sense for its scheme.
pub trait OpenStore: Fn(&ModelUrl) -> Result<Arc<dyn ModelStore>, Error> + MaybeSend + MaybeSync {}
impl<F: Fn(&ModelUrl) -> Result<Arc<dyn ModelStore>, Error> + MaybeSend + MaybeSync> OpenStore for F {}

/// A text that is equal for two URLs of a scheme exactly if they mean the same model.
pub trait PlaceOf: Fn(&ModelUrl) -> Result<String, Error> + MaybeSend + MaybeSync {}
impl<F: Fn(&ModelUrl) -> Result<String, Error> + MaybeSend + MaybeSync> PlaceOf for F {}

/// A scheme and what can be done with its places.
#[derive(Clone)]
pub struct Route {
    pub(crate) scheme: String,
    pub(crate) takes_plain_paths: bool,
    pub(crate) load: Option<Arc<dyn OpenLoad>>,
    pub(crate) save: Option<Arc<dyn OpenSave>>,
    pub(crate) store: Option<Arc<dyn OpenStore>>,
    pub(crate) place: Option<Arc<dyn PlaceOf>>,
    pub(crate) naming: Naming,
}

impl Route {
    /// A scheme with which nothing can be done yet.
    pub fn new(scheme: &str) -> Self {
        Self {
            scheme: scheme.to_ascii_lowercase(),
            takes_plain_paths: false,
            load: None,
            save: None,
            store: None,
            place: None,
            naming: Naming::default(),
        }
    }

    /// Also takes what has no scheme. At most one route of a router does.
    #[must_use]
    pub fn with_plain_paths(mut self) -> Self {
        self.takes_plain_paths = true;
        self
    }

    /// Its places can be loaded from.
    #[must_use]
    pub fn with_load<H: LoadHandler + 'static>(
        mut self,
        open: impl Fn(&ModelSource) -> Result<Arc<H>, Error> + MaybeSend + MaybeSync + 'static,
    ) -> Self {
        self.load = Some(Arc::new(move |source: &ModelSource| Ok(open(source)? as Arc<dyn LoadHandler>)));
        self
    }

    /// Its places can be saved to.
    #[must_use]
    pub fn with_save<H: SaveHandler + 'static>(
        mut self,
        open: impl Fn(&ModelUrl) -> Result<Arc<H>, Error> + MaybeSend + MaybeSync + 'static,
    ) -> Self {
        self.save = Some(Arc::new(move |url: &ModelUrl| Ok(open(url)? as Arc<dyn SaveHandler>)));
        self
    }

    /// Its places can be listed and removed.
    #[must_use]
    pub fn with_store<S: ModelStore + 'static>(
        mut self,
        open: impl Fn(&ModelUrl) -> Result<Arc<S>, Error> + MaybeSend + MaybeSync + 'static,
    ) -> Self {
        self.store = Some(Arc::new(move |url: &ModelUrl| Ok(open(url)? as Arc<dyn ModelStore>)));
        self
    }

    /// How to tell that two URLs mean one model, so that it is never copied onto itself. Without this, equal
    /// URLs do.
    #[must_use]
    pub fn with_place(mut self, place: impl PlaceOf + 'static) -> Self {
        self.place = Some(Arc::new(place));
        self
    }

    /// In its URLs names are percent-encoded: `%`, and each of these. Without this, and in plain paths, names stand as they are. It is asked by
    /// who makes the URL of a model below a place: [`Checkpoints`](crate::Checkpoints) and [`Router::plan_sync`](crate::Router::plan_sync).
    #[must_use]
    pub fn with_escaped_names(mut self, also: &'static str) -> Self {
        self.naming.escaped = Some(also);
        self
    }

    /// A model is loaded from this file in its folder, not from the URL of the folder, which the web has no other way to find. It is
    /// asked by those who ask for [`with_escaped_names`](Self::with_escaped_names).
    #[must_use]
    pub fn with_model_file(mut self, name: &'static str) -> Self {
        self.naming.model_file = Some(name);
        self
    }

    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("scheme", &self.scheme)
            .field("takes_plain_paths", &self.takes_plain_paths)
            .field("load", &self.load.is_some())
            .field("save", &self.save.is_some())
            .field("store", &self.store.is_some())
            .finish_non_exhaustive()
    }
}
