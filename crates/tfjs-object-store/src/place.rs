//! Where a model is in its store: the key of its JSON, and what weight files are relative to.

use object_store::path::Path;
use tfjs_artifacts::{Error, ErrorKind, RelPath};

use crate::bucket::Bucket;

/// The JSON of a model that is named by its folder.
pub(crate) const MODEL_JSON: &str = "model.json";

/// Whether an object is called as JSON is.
pub(crate) fn is_json(key: &Path) -> bool {
    key.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

/// A model's place.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) bucket: Bucket,
    /// What was named: a prefix, or a `.json` object.
    pub(crate) named: Path,
    /// The JSON object.
    pub(crate) json: Path,
    /// Its prefix.
    pub(crate) folder: Path,
}

impl Place {
    /// What a key means: a `.json` object, or else a prefix with a `model.json`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when it is no key.
    pub(crate) fn new(bucket: Bucket, key: &str) -> Result<Self, Error> {
        let named = Path::parse(key).map_err(|error| {
            let message = "the key has an empty part, `.`, `..` or a control character, which not every store can have";
            Error::new(ErrorKind::InvalidUrl, message).with_source(error)
        })?;
        let (folder, json) = match named.parent() {
            Some(parent) if is_json(&named) => (parent, named.clone()),
            _ => (named.clone(), named.clone().join(MODEL_JSON)),
        };
        Ok(Self { bucket, named, json, folder })
    }

    /// The URL of the JSON object.
    pub(crate) fn url(&self) -> String {
        self.bucket.url(&self.json)
    }

    /// The name of the JSON object without `.json`.
    pub(crate) fn stem(&self) -> &str {
        let name = self.json.filename().unwrap_or(MODEL_JSON);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    }

    /// The key of a weight file.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] when it cannot be part of a key.
    pub(crate) fn shard(&self, path: &RelPath) -> Result<Path, Error> {
        let folder = self.folder.as_ref();
        let separator = if folder.is_empty() { "" } else { "/" };
        Path::parse(format!("{folder}{separator}{path}")).map_err(|error| {
            let message = format!("the weight file `{path}` has a name that no object can have");
            Error::new(ErrorKind::InvalidData, message).with_source(error)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::memory::InMemory;

    use super::*;

    fn place(key: &str) -> Result<Place, Error> {
        Place::new(Bucket::new(Arc::new(InMemory::new()), "s3://bucket"), key)
    }

    #[test]
    fn what_a_key_means() {
        for (key, json, folder, stem) in [
            ("", "model.json", "", "model"),
            ("m", "m/model.json", "m", "model"),
            ("a b/ü%20/", "a b/ü%20/model.json", "a b/ü%20", "model"),
            ("a/name.json", "a/name.json", "a", "name"),
            ("name.JSON", "name.JSON", "", "name"),
        ] {
            let place = place(key).unwrap();
            assert_eq!((place.json.as_ref(), place.folder.as_ref(), place.stem()), (json, folder, stem));
            let shard = place.shard(&RelPath::parse("./w/a.bin").unwrap()).unwrap();
            assert_eq!(shard.as_ref(), format!("{folder}/w/a.bin").trim_start_matches('/'));
        }
        for key in ["a//b", "..", "a/./b", "\u{7}"] {
            assert_eq!(place(key).unwrap_err().kind(), ErrorKind::InvalidUrl, "{key}");
        }
    }
}
