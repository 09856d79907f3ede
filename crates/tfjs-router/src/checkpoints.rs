//! Checkpoints: one model saved again and again, of which the last ones are kept.
//!
//! Here, and not beside the models of tfjs-model: a checkpoint is artifacts at a place, whatever is in them, and every place that a
//! router reaches can have some.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use futures::StreamExt as _;
use tfjs_artifacts::{Error, ErrorKind, ModelArtifacts, Operation, RawJson, SaveResult};

use crate::{Durability, LoadOptions, ModelUrl, RemoveOptions, Router, SaveOptions};

/// The checkpoints below one place, of any backend that can save: `{place}/checkpoint-000001` and so on, each a model that anybody can
/// load, and `{place}/latest`, which says which ones there are. On the web each is a folder with a `model.json`.
///
/// `latest` is a model without weights, since backends save models and nothing else: all at once, as every save. It is saved
/// when the checkpoint is durable, and only then older ones are removed. So whatever fails, and whenever the process dies, the last
/// checkpoint that [`save`](Self::save) has returned is there and found. One writer at a time; readers need not ask it. Where `latest` is
/// lost, or was removed because it was damaged, the checkpoints that are whole are found by their names, if the place can list: what is
/// looked for before the first one is saved lists the place, too.
///
/// ```
/// use tfjs_artifacts::{ModelArtifacts, RawJson};
/// use tfjs_router::{Checkpoints, LoadOptions, MemoryStore, Router, SaveOptions};
///
/// # futures::executor::block_on(async {
/// let router = Router::builder().route(MemoryStore::new().route()).build()?;
/// let checkpoints = Checkpoints::new(router, "memory://run", 3.try_into()?);
/// for epoch in 1..=5 {
///     let topology = RawJson::parse(&format!(r#"{{"node": [], "epoch": {epoch}}}"#))?;
///     checkpoints.save(&ModelArtifacts::new().with_topology(topology), &SaveOptions::new()).await?;
/// }
/// let (number, artifacts) = checkpoints.load_latest(&LoadOptions::new()).await?;
/// assert_eq!(number, 5);
/// assert_eq!(checkpoints.numbers(&LoadOptions::new()).await?, [3, 4, 5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Checkpoints {
    router: Router,
    place: String,
    keep: NonZeroUsize,
}

/// A checkpoint that was saved.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checkpoint {
    /// Its number, from 1.
    pub number: u64,
    /// Where it is.
    pub url: String,
    /// What its save reported.
    pub result: SaveResult,
    /// Older ones that were removed.
    pub removed: Vec<u64>,
    /// Why others were not, which does no harm: the next save tries again.
    pub left: Vec<(u64, String)>,
}

/// What `latest` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Pointer {
    /// The checkpoints that are there, ascending.
    kept: Vec<u64>,
    /// Those that are to be removed, and may have been.
    dropped: Vec<u64>,
}

/// How often a reader asks anew when checkpoints go faster than it reads them.
const PATIENCE: usize = 8;

impl Checkpoints {
    /// The checkpoints below a URL or path, of which so many are kept.
    ///
    /// A reader that loads lazily needs its checkpoint for as long as it reads: with `keep` of 2 or more it has it for that many
    /// saves less one.
    pub fn new(router: Router, place: &str, keep: NonZeroUsize) -> Self {
        let place = place.strip_suffix('/').unwrap_or(place).to_owned();
        Self { router, place, keep }
    }

    /// Where the checkpoint of this number is, or would be.
    pub fn url(&self, number: u64) -> String {
        self.below(&format!("checkpoint-{number:06}"))
    }

    fn pointer_url(&self) -> String {
        self.below("latest")
    }

    fn below(&self, name: &str) -> String {
        match self.router.parse(&self.place).and_then(|place| self.router.below(&place, name)) {
            Ok(url) => url.to_string(),
            // Whoever uses it says what is wrong with the place.
            Err(_) => format!("{}/{name}", self.place),
        }
    }

    /// Saves one more, then makes it the latest, then removes those that are too old. Each step waits until the one before is durable,
    /// whatever the options say.
    ///
    /// # Errors
    /// What [`Router::save`] reports. Then the latest is the one that was. That an old one could not be removed is no error.
    /// [`ErrorKind::Unsupported`] at the first one, if the place takes models and does not give them back.
    pub async fn save(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<Checkpoint, Error> {
        let before = self.read_pointer(&LoadOptions::new()).await?;
        let is_first = before.is_none();
        // What a writer that died has left under the next number is replaced.
        let (before, last) = match before {
            Some(pointer) => {
                let last = pointer.kept.last().copied();
                (pointer, last)
            }
            None => self.found().await?,
        };
        let number = last.map_or(1, |last| last.saturating_add(1));
        let url = self.url(number);
        let options = options.clone().with_durability(Durability::Strict);
        let result = self.router.save(artifacts, &url, &options).await?;

        let (mut removed, mut left) = (Vec::new(), Vec::new());
        self.remove(&before.dropped, &mut removed, &mut left).await;
        let mut kept = before.kept;
        kept.push(number);
        let surplus = kept.len().saturating_sub(self.keep.get());
        let old: Vec<_> = kept.drain(..surplus).collect();
        let dropped = left.iter().map(|(number, _)| *number).chain(old.iter().copied()).collect();
        let pointer = Pointer { kept, dropped };
        let save = SaveOptions { durability: Durability::Strict, links: options.links, ..SaveOptions::new() };
        self.router.save(&pointer.artifacts()?, &self.pointer_url(), &save).await?;
        if is_first && self.read_pointer(&LoadOptions::new()).await?.is_none() {
            // The next one would be the first again, and replace this one.
            let message = "what is saved here cannot be loaded from here, so no checkpoint would be found again";
            return Err(self.explain(Error::new(ErrorKind::Unsupported, message), Operation::Save));
        }
        self.remove(&old, &mut removed, &mut left).await;
        Ok(Checkpoint { number, url, result, removed, left })
    }

    /// Removes what no reader looks for any more.
    async fn remove(&self, numbers: &[u64], removed: &mut Vec<u64>, left: &mut Vec<(u64, String)>) {
        for number in numbers {
            match self.router.remove_model(&self.url(*number), &RemoveOptions::new()).await {
                Ok(_) => removed.push(*number),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => left.push((*number, error.to_string())),
            }
        }
    }

    /// The numbers of the checkpoints that are kept, ascending; none if nothing was saved yet.
    ///
    /// # Errors
    /// What [`Router::load`] reports, and [`ErrorKind::InvalidData`] when `latest` is something else.
    pub async fn numbers(&self, options: &LoadOptions) -> Result<Vec<u64>, Error> {
        Ok(self.pointer(options).await?.kept)
    }

    /// Loads the latest, and says its number. If a writer removes it meanwhile, the one that is the latest then.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when nothing was saved yet, and what [`Router::load`] reports.
    pub async fn load_latest(&self, options: &LoadOptions) -> Result<(u64, ModelArtifacts), Error> {
        let mut latest = self.latest(options).await?;
        for _ in 0..PATIENCE {
            let error = match self.router.load(&self.url(latest), options).await {
                Ok(artifacts) => return Ok((latest, artifacts)),
                Err(error) => error,
            };
            let now = self.latest(options).await?;
            if now == latest {
                return Err(error);
            }
            latest = now;
        }
        let message = format!("checkpoints were replaced {PATIENCE} times while one was loaded: keep more of them");
        Err(self.explain(Error::new(ErrorKind::Conflict, message), Operation::Load))
    }

    async fn latest(&self, options: &LoadOptions) -> Result<u64, Error> {
        let last = self.pointer(options).await?.kept.last().copied();
        last.ok_or_else(|| self.explain(Error::new(ErrorKind::NotFound, "there is no checkpoint yet"), Operation::Load))
    }

    async fn pointer(&self, options: &LoadOptions) -> Result<Pointer, Error> {
        match self.read_pointer(options).await? {
            Some(pointer) => Ok(pointer),
            None => Ok(self.found().await?.0),
        }
    }

    /// The checkpoints that are whole, by their names, and the last number that one has, whole or not. None where nothing can be listed,
    /// or nothing is.
    async fn found(&self) -> Result<(Pointer, Option<u64>), Error> {
        let mut listed = self.router.list_models(&self.place);
        let (mut kept, mut last) = (BTreeSet::new(), None);
        while let Some(model) = listed.next().await {
            match model {
                Ok(model) => kept.extend(self.number_of(&model.url)),
                // It may be there the next time.
                Err(error) if error.is_transient() => return Err(error),
                // One that cannot be loaded is not gone on from, nor replaced. What is wrong with others, or with the list, is not asked here.
                Err(error) => last = last.max(error.location().and_then(|location| number_in(location.as_str()))),
            }
        }
        last = last.max(kept.last().copied());
        Ok((Pointer { kept: kept.into_iter().collect(), dropped: Vec::new() }, last))
    }

    /// The number of a checkpoint, if a URL is that of one.
    fn number_of(&self, url: &ModelUrl) -> Option<u64> {
        let number = number_in(&url.to_string())?;
        self.router.parse(&self.url(number)).is_ok_and(|own| own == *url).then_some(number)
    }

    /// What `latest` says; nothing if it is not there.
    async fn read_pointer(&self, options: &LoadOptions) -> Result<Option<Pointer>, Error> {
        // Nobody waits for a bar of it.
        let options = LoadOptions { progress: None, ..options.clone() };
        match self.router.load(&self.pointer_url(), &options).await {
            Ok(artifacts) => {
                let message = "`latest` is no list of checkpoints: it was not saved by `Checkpoints`; if it was damaged, remove it, and the checkpoints are found by their names";
                let foreign = || self.explain(Error::new(ErrorKind::InvalidData, message), Operation::Load);
                Pointer::of(&artifacts).map(Some).ok_or_else(foreign)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn explain(&self, error: Error, operation: Operation) -> Error {
        error.with_operation(operation).with_location(&self.pointer_url())
    }
}

/// The number behind the last `checkpoint-` of a URL or path, of which there may be a next one.
fn number_in(text: &str) -> Option<u64> {
    let name = text.rsplit_once("checkpoint-")?.1.split(['/', '\\']).next()?;
    name.parse().ok().filter(|number| *number < u64::MAX)
}

impl Pointer {
    /// A model that is nothing but this.
    fn artifacts(&self) -> Result<ModelArtifacts, Error> {
        let list = |numbers: &[u64]| numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        let text =
            format!(r#"{{"tfjsCheckpoints":{{"kept":[{}],"dropped":[{}]}}}}"#, list(&self.kept), list(&self.dropped));
        let topology = RawJson::parse(&text)
            .map_err(|error| Error::new(ErrorKind::Unexpected, "`latest` cannot be written").with_source(error))?;
        Ok(ModelArtifacts::new().with_topology(topology))
    }

    /// `None` if it is something else.
    fn of(artifacts: &ModelArtifacts) -> Option<Self> {
        let object = artifacts.topology_json()?.member("tfjsCheckpoints")?;
        let list = |key: &str| -> Option<Vec<u64>> {
            let elements = object.member(key)?.elements()?;
            elements.iter().map(|number| number.get().parse().ok()).collect()
        };
        let (kept, dropped) = (list("kept")?, list("dropped")?);
        // What is to be removed is older than what is there, and there is a next number.
        let is_older = |number: &u64| kept.first().is_none_or(|first| number < first);
        let is_ours = kept.is_sorted_by(|one, other| one < other) && dropped.iter().all(is_older);
        (is_ours && !kept.contains(&u64::MAX)).then_some(Self { kept, dropped })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(text: &str) -> Option<Pointer> {
        Pointer::of(&ModelArtifacts::new().with_topology(RawJson::parse(text).ok()?))
    }

    #[test]
    fn what_cannot_have_been_written_is_no_pointer() {
        assert!(pointer(r#"{"tfjsCheckpoints":{"kept":[3,4],"dropped":[1,2]}}"#).is_some());
        assert!(pointer(r#"{"tfjsCheckpoints":{"kept":[],"dropped":[1,2]}}"#).is_some());
        for damaged in ["[3,4],\"dropped\":[5]", "[3,4],\"dropped\":[3]", "[4,3],\"dropped\":[]"] {
            assert_eq!(pointer(&format!("{{\"tfjsCheckpoints\":{{\"kept\":{damaged}}}}}")), None, "{damaged}");
        }
        let last = format!(r#"{{"tfjsCheckpoints":{{"kept":[{}],"dropped":[]}}}}"#, u64::MAX);
        assert_eq!(pointer(&last), None);
    }
}
