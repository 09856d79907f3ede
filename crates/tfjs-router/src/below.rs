//! Models below a place, as a scheme spells their URLs: by the names that they have at every other place.

use percent_encoding::percent_decode_str;
use tfjs_artifacts::{Error, ErrorKind, Operation, RelPath};

use crate::{ModelUrl, Route, Router};

/// How the URLs of a scheme name the models below a place.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Naming {
    /// What is percent-encoded beside `%`; `None` if names stand as they are.
    pub(crate) escaped: Option<&'static str>,
    /// The file below its own folder from which a model is loaded.
    pub(crate) model_file: Option<&'static str>,
}

impl Router {
    /// The URL of the model of a name below a place.
    pub(crate) fn below(&self, place: &ModelUrl, name: &str) -> Result<ModelUrl, Error> {
        self.route(place)?.naming_of(place).below(place, name)
    }

    /// The name of a model below a place; none of one that only begins like it, as `memory://ab` does like `memory://a`. It comes from
    /// a listing, and becomes part of a URL: it cannot climb.
    pub(crate) fn name_below(&self, place: &ModelUrl, model: &ModelUrl) -> Result<Option<String>, Error> {
        self.route(place)?.naming_of(place).name_below(place, model)
    }
}

impl Route {
    /// Plain paths stand as they are.
    fn naming_of(&self, url: &ModelUrl) -> Naming {
        if url.scheme().is_some() { self.naming } else { Naming::default() }
    }
}

impl Naming {
    fn below(self, place: &ModelUrl, name: &str) -> Result<ModelUrl, Error> {
        let name = self.encode(name);
        let Some(scheme) = place.scheme() else {
            return Ok(ModelUrl::plain_path(&join(&place.to_string(), &name)));
        };
        let Some(file) = self.model_file else {
            let place = if place.rest().is_empty() { name } else { join(place.rest(), &name) };
            return ModelUrl::from_parts(scheme, &place);
        };
        // A name comes before a query, which is for every request.
        let path = place.rest().split(['?', '#']).next().unwrap_or_default();
        let query = place.rest().strip_prefix(path).unwrap_or_default();
        ModelUrl::from_parts(scheme, &format!("{}{query}", join(&join(path, &name), file)))
    }

    fn name_below(self, place: &ModelUrl, model: &ModelUrl) -> Result<Option<String>, Error> {
        let outside = || {
            let message = "the model is listed with a name that is none below the place";
            Error::new(ErrorKind::InvalidUrl, message).with_operation(Operation::List).with_location(&model.to_string())
        };
        let folder = place.rest().trim_end_matches(['/', '\\']);
        let rest = model.rest().strip_prefix(folder).ok_or_else(outside)?;
        if !folder.is_empty() && !rest.is_empty() && !rest.starts_with(['/', '\\']) {
            return Ok(None);
        }
        let name = self.decode(rest.trim_start_matches(['/', '\\'])).ok_or_else(outside)?;
        if !name.is_empty() {
            RelPath::parse(&name).map_err(|error| outside().with_source(error))?;
        }
        Ok(Some(name))
    }

    fn encode(self, name: &str) -> String {
        let Some(escaped) = self.escaped else { return name.to_owned() };
        let mut encoded = name.replace('%', "%25");
        for c in escaped.chars() {
            encoded = encoded.replace(c, &format!("%{:02X}", u32::from(c)));
        }
        encoded
    }

    fn decode(self, name: &str) -> Option<String> {
        if self.escaped.is_none() {
            return Some(name.to_owned());
        }
        percent_decode_str(name).decode_utf8().ok().map(std::borrow::Cow::into_owned)
    }
}

fn join(folder: &str, name: &str) -> String {
    let separator = if name.is_empty() || folder.ends_with('/') { "" } else { "/" };
    format!("{folder}{separator}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: Naming = Naming { escaped: None, model_file: None };
    const FILE: Naming = Naming { escaped: Some(""), model_file: None };
    const WEB: Naming = Naming { escaped: Some("?#"), model_file: Some("model.json") };

    fn url(text: &str) -> ModelUrl {
        ModelUrl::parse(text).unwrap()
    }

    #[test]
    fn names_below_places() {
        for (naming, place, model, expected) in [
            (RAW, "s3://b/p", "s3://b/p/m", Some("m")),
            (RAW, "s3://b/p/", "s3://b/p/a/m.json", Some("a/m.json")),
            (RAW, "s3://b/p", "s3://b/p", Some("")),
            (RAW, "s3://b/p", "s3://b/pm", None),
            (RAW, "memory://", "memory://My Model", Some("My Model")),
            (RAW, "/models", "/models/m", Some("m")),
            (RAW, "/models", "/models/c%20d", Some("c%20d")),
            (RAW, ".", "./m", Some("m")),
            (FILE, "file:///models", "file:///models/c%2520d", Some("c%20d")),
            (FILE, "file:///models", "file:///models/c d", Some("c d")),
        ] {
            assert_eq!(naming.name_below(&url(place), &url(model)).unwrap().as_deref(), expected, "{place} {model}");
        }
        for (naming, place, model) in [
            (RAW, "s3://b/p", "s3://b/q/m"),
            (RAW, "s3://b/p", "s3://b/p/../m"),
            (RAW, "/a", "/a/./../b"),
            (FILE, "file:///a", "file:///a/%2e%2e/b"),
            (FILE, "file:///a", "file:///a/%ff"),
        ] {
            assert!(naming.name_below(&url(place), &url(model)).is_err(), "{place} {model}");
        }
    }

    #[test]
    fn urls_below_places() {
        for (naming, place, name, expected) in [
            (RAW, "s3://b/p", "m", "s3://b/p/m"),
            (RAW, "s3://b/p/", "a/m", "s3://b/p/a/m"),
            (RAW, "s3://b/p", "", "s3://b/p"),
            (RAW, "memory://", "m", "memory://m"),
            (RAW, "models", "m", "models/m"),
            (RAW, "models", "c%20d", "models/c%20d"),
            (FILE, "file:///models", "c%20d", "file:///models/c%2520d"),
            (WEB, "https://host", "m", "https://host/m/model.json"),
            (WEB, "https://host/a/?key=1", "50% #1", "https://host/a/50%25 %231/model.json?key=1"),
        ] {
            assert_eq!(naming.below(&url(place), name).unwrap().to_string(), expected);
        }
    }
}
