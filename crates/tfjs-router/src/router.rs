//! From a scheme to a handler.

use std::sync::Arc;

use tfjs_artifacts::{Error, ErrorKind, Location, Operation};

use crate::{LoadHandler, ModelSource, ModelStore, ModelUrl, Route, SaveHandler};

/// Finds the handler of a URL by its scheme.
///
/// A router never changes; cloning is cheap. [`load`](Self::load), [`save`](Self::save) and model management are
/// methods of it.
#[derive(Clone, Debug)]
pub struct Router(Arc<Routes>);

#[derive(Debug, Default)]
struct Routes {
    routes: Vec<Route>,
    hints: Vec<(String, String)>,
}

/// Collects the routes of a [`Router`].
#[derive(Debug, Default)]
pub struct RouterBuilder(Routes);

impl RouterBuilder {
    /// Adds a route.
    #[must_use]
    pub fn route(mut self, route: Route) -> Self {
        self.0.routes.push(route);
        self
    }

    /// Adds routes, such as all that a backend exports.
    #[must_use]
    pub fn routes(mut self, routes: impl IntoIterator<Item = Route>) -> Self {
        self.0.routes.extend(routes);
        self
    }

    /// Says what would bring a scheme that is not there: the end of a sentence, such as "the feature `http` of
    /// tfjs-io".
    #[must_use]
    pub fn hint(mut self, scheme: &str, needs: &str) -> Self {
        self.0.hints.push((scheme.to_owned(), needs.to_owned()));
        self
    }

    /// Checks and seals the routes.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when two routes have one scheme, or two take plain paths, and
    /// [`ErrorKind::InvalidUrl`] when a scheme is none.
    pub fn build(self) -> Result<Router, Error> {
        let routes = &self.0.routes;
        for (index, route) in routes.iter().enumerate() {
            ModelUrl::from_parts(&route.scheme, "").map_err(|error| error.with_operation(Operation::Route))?;
            let earlier = routes.get(..index).unwrap_or_default();
            if earlier.iter().any(|other| other.scheme == route.scheme) {
                let message = format!("two routes have the scheme `{}`", route.scheme);
                return Err(Error::new(ErrorKind::Conflict, message));
            }
            if let Some(other) = earlier.iter().find(|other| other.takes_plain_paths && route.takes_plain_paths) {
                let message = format!("the routes `{}` and `{}` both take plain paths", other.scheme, route.scheme);
                return Err(Error::new(ErrorKind::Conflict, message));
            }
        }
        Ok(Router(Arc::new(self.0)))
    }
}

impl Router {
    /// A builder without routes.
    pub fn builder() -> RouterBuilder {
        RouterBuilder::default()
    }

    /// The schemes that have a route, in the order they were added.
    pub fn schemes(&self) -> impl Iterator<Item = &str> {
        self.0.routes.iter().map(Route::scheme)
    }

    /// Takes a URL or a plain path, but for a path that was meant as a URL: one that begins with a scheme of this router and
    /// `:/` or `//`. [`ModelUrl::plain_path`] takes those too, and so does `./` before them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] for such a path, and what [`ModelUrl::parse`] reports.
    pub fn parse(&self, text: &str) -> Result<ModelUrl, Error> {
        let url = ModelUrl::parse(text)?;
        let Some(meant) = self.meant(&url) else { return Ok(url) };
        // It may hold a password.
        let meant = Location::new(&meant);
        let message = format!(
            "what begins with a scheme is no path: did you mean `{meant}`? If it is a path, write `./` before it"
        );
        Err(Error::new(ErrorKind::InvalidUrl, message))
    }

    /// The URL that a path was meant as.
    fn meant(&self, url: &ModelUrl) -> Option<String> {
        let path = url.scheme().is_none().then(|| url.rest())?;
        let end = path.find([':', '/'])?;
        let (scheme, rest) = path.split_at(end);
        if !rest.starts_with(':') && !rest.starts_with("//") {
            return None;
        }
        let hinted = self.0.hints.iter().map(|(scheme, _)| scheme.as_str());
        let scheme = self.schemes().chain(hinted).find(|known| known.eq_ignore_ascii_case(scheme))?;
        let place = rest.trim_start_matches([':', '/']);
        // A file may be named from where one is, and from the root.
        let root = if scheme == "file" && rest.contains('/') { "/" } else { "" };
        Some(format!("{scheme}://{root}{place}"))
    }

    /// The handler that loads from this source.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when no route does, and what opening the place reports.
    pub fn load_handler(&self, source: &ModelSource) -> Result<Arc<dyn LoadHandler>, Error> {
        if let ModelSource::Pair { topology, weights } = source
            && self.route(topology)?.scheme != self.route(weights)?.scheme
        {
            let message = "topology and weights must have one scheme";
            return Err(route_error(ErrorKind::InvalidUrl, message, topology));
        }
        let url = source.url();
        let route = self.route(url)?;
        let open = route.load.as_ref().ok_or_else(|| cannot(route, "loaded from", url))?;
        open(source).map_err(|error| error.with_operation(Operation::Load).with_location(&url.to_string()))
    }

    /// The handler that saves to this URL.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when no route does, and what opening the place reports.
    pub fn save_handler(&self, url: &ModelUrl) -> Result<Arc<dyn SaveHandler>, Error> {
        let route = self.route(url)?;
        let open = route.save.as_ref().ok_or_else(|| cannot(route, "saved to", url))?;
        open(url).map_err(|error| error.with_operation(Operation::Save).with_location(&url.to_string()))
    }

    /// The store at this URL.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when there is none, and what opening the place reports.
    pub fn store(&self, url: &ModelUrl) -> Result<Arc<dyn ModelStore>, Error> {
        let route = self.route(url)?;
        let open = route.store.as_ref().ok_or_else(|| cannot(route, "listed or removed", url))?;
        open(url).map_err(|error| error.with_location(&url.to_string()))
    }

    /// Whether two URLs mean the same model.
    pub(crate) fn is_same_place(&self, one: &ModelUrl, other: &ModelUrl) -> Result<bool, Error> {
        let (route, other_route) = (self.route(one)?, self.route(other)?);
        match &route.place {
            Some(place) if route.scheme == other_route.scheme => Ok(place(one)? == place(other)?),
            _ => Ok(one == other),
        }
    }

    /// The place of a URL, spelled in one way only where its medium knows how, and its scheme.
    pub(crate) fn place(&self, url: &ModelUrl) -> Result<String, Error> {
        let route = self.route(url)?;
        let place = route.place.as_ref().map_or_else(|| Ok(url.to_string()), |place| place(url))?;
        Ok(format!("{} {place}", route.scheme))
    }

    pub(crate) fn route(&self, url: &ModelUrl) -> Result<&Route, Error> {
        let found = match url.scheme() {
            Some(scheme) => self.0.routes.iter().find(|route| route.scheme == scheme),
            None => self.0.routes.iter().find(|route| route.takes_plain_paths),
        };
        found.ok_or_else(|| route_error(ErrorKind::Unsupported, self.why_not(url.scheme()), url))
    }

    /// Why there is no route, which there are, and what would help.
    fn why_not(&self, scheme: Option<&str>) -> String {
        let available: Vec<_> = self.schemes().map(|scheme| format!("`{scheme}`")).collect();
        let available = match available.as_slice() {
            [] => "this router has none".to_owned(),
            schemes => format!("this router has {}", schemes.join(", ")),
        };
        let Some(scheme) = scheme else {
            return format!("no scheme takes plain paths; {available}{NO_BASE}");
        };
        let help = if let Some((_, needs)) = self.0.hints.iter().find(|(hinted, _)| hinted == scheme) {
            format!("; `{scheme}` needs {needs}")
        } else {
            match self.nearest(scheme) {
                Some((nearest, None)) => format!("; did you mean `{nearest}`?"),
                Some((nearest, Some(needs))) => format!("; did you mean `{nearest}`? (it needs {needs})"),
                None => String::new(),
            }
        };
        format!("there is no scheme `{scheme}`; {available}{help}")
    }

    /// The known scheme that is most like this one, if it is much like it.
    fn nearest(&self, scheme: &str) -> Option<(&str, Option<&str>)> {
        let present = self.schemes().map(|known| (known, None));
        let absent = self.0.hints.iter().map(|(known, needs)| (known.as_str(), Some(needs.as_str())));
        present
            .chain(absent)
            .map(|(known, needs)| (strsim::jaro_winkler(known, scheme), known, needs))
            .filter(|(likeness, ..)| *likeness > 0.8)
            .max_by(|one, other| one.0.total_cmp(&other.0))
            .map(|(_, known, needs)| (known, needs))
    }
}

/// In a page what looks like a path is a URL without its base.
const NO_BASE: &str = if cfg!(all(target_arch = "wasm32", target_os = "unknown")) {
    "; make an absolute URL of it: `new URL(path, location.href).href`"
} else {
    ""
};

fn cannot(route: &Route, what: &str, url: &ModelUrl) -> Error {
    let message = format!("models at `{}://` cannot be {what}", route.scheme);
    route_error(ErrorKind::Unsupported, message, url)
}

fn route_error(kind: ErrorKind, message: impl Into<std::borrow::Cow<'static, str>>, url: &ModelUrl) -> Error {
    Error::new(kind, message).with_operation(Operation::Route).with_location(&url.to_string())
}
