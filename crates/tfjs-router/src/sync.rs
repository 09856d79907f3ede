//! Many models from one place to another: only what changed.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use futures::{StreamExt as _, stream};
use tfjs_artifacts::{BoxFuture, DateSaved, Error, ErrorKind, Location, ModelArtifacts, Operation, Sha256, Weights};

use crate::{
    LoadOptions, ModelSource, ModelUrl, Phase, Progress, ProgressSink, RemoveOptions, Router, SaveOptions,
    WeightLoading,
};

/// How much of two models is in memory while their bytes are compared.
const WINDOW: u64 = 4 << 20;
/// How many models a listing of one place is asked for, until it names the place itself.
const LISTED: usize = 16;

/// How to bring models from one place to another.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SyncOptions {
    /// How models are loaded.
    pub load: LoadOptions,
    /// How models are saved.
    pub save: SaveOptions,
    /// How a model is found to be the same.
    pub compare: Compare,
    /// Whether models go that the source does not have.
    pub delete: bool,
    /// Whether they also go if the source has no models at all.
    pub allow_empty: bool,
    /// How many models are looked at and copied at a time; 4 if nothing is said.
    pub models_at_once: Option<NonZeroUsize>,
    /// Who hears about progress: one total over the bytes of all models that are copied, counting models in place of files.
    pub progress: Option<ProgressSink>,
}

/// How a model is found to be the same at both places.
///
/// In any case it is another one if a value of its `model.json` differs, a tensor, or the length of a group. Names and cuts of weight
/// files count for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "what is told, or what is read")]
pub enum Compare {
    /// By the checksums of the weight files, if both have them for the same cuts; otherwise it is the same if the destination was
    /// saved after the source, by the dates that the two media tell. A destination without a list, such as a web server, tells none:
    /// there all bytes are compared.
    #[default]
    Quick,
    /// By all bytes, which are read from both.
    Bytes,
}

/// What is done about one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyncAction {
    /// The destination does not have it.
    New,
    /// The destination has another one.
    Changed,
    /// The destination has it.
    Unchanged,
    /// The source does not have it, and it goes.
    Delete,
}

/// What is to be done about one model.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SyncItem {
    /// Its name below both places; empty for a model at the place itself.
    pub name: String,
    /// Where it is, unless it goes.
    pub source: Option<ModelUrl>,
    /// Where it will be, or is.
    pub destination: ModelUrl,
    /// What is done.
    pub action: SyncAction,
    /// How many bytes its weights have.
    pub bytes: u64,
}

/// What is to be done, and which models could not be looked at.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct SyncPlan {
    /// In the order of the source's listing; what goes stands last.
    pub items: Vec<SyncItem>,
    /// What went wrong. Nothing goes if anything did: a model that cannot be listed is not gone.
    pub errors: Vec<Error>,
}

impl SyncOptions {
    /// Quick, and nothing goes.
    pub fn new() -> Self {
        Self::default()
    }

    fn models_at_once(&self) -> usize {
        self.models_at_once.map_or(4, NonZeroUsize::get)
    }
}

impl fmt::Display for SyncAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Delete => "delete",
        })
    }
}

impl Router {
    /// Finds out what there is to do so that the models below one URL or path are also below another. Changes nothing.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// use tfjs_artifacts::ModelArtifacts;
    /// use tfjs_router::{MemoryStore, Router, SaveOptions, SyncAction, SyncOptions};
    ///
    /// let router = Router::builder().routes([MemoryStore::new().route()]).build()?;
    /// router.save(&ModelArtifacts::new(), "memory://a/m", &SaveOptions::new()).await?;
    ///
    /// let options = SyncOptions::new();
    /// let plan = router.plan_sync("memory://a/", "memory://b/", &options).await?;
    /// assert_eq!(plan.items[0].action, SyncAction::New);
    /// let failed = router.run_sync(&plan, &options).await;
    /// assert!(failed.is_empty());
    /// assert_eq!(router.plan_sync("memory://a/", "memory://b/", &options).await?.items[0].action, SyncAction::Unchanged);
    /// # Ok::<(), tfjs_artifacts::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when one place is inside the other, [`ErrorKind::NotFound`] when the source does not exist or,
    /// with [`delete`](SyncOptions::delete), has no models, and what listing reports. What is wrong with one model is in the plan.
    pub fn plan_sync<'a>(
        &'a self,
        source: &'a str,
        destination: &'a str,
        options: &'a SyncOptions,
    ) -> BoxFuture<'a, Result<SyncPlan, Error>> {
        Box::pin(self.plan(source, destination, options))
    }

    /// Does what a plan says: copies several models at a time, then removes what goes. Each model is all or nothing, and one that fails
    /// keeps none of the others. Gives the items that failed, by their place in the plan.
    ///
    /// Nothing goes if anything failed, in the plan or since.
    pub fn run_sync<'a>(&'a self, plan: &'a SyncPlan, options: &'a SyncOptions) -> BoxFuture<'a, Vec<(usize, Error)>> {
        Box::pin(self.run(plan, options))
    }

    async fn plan(&self, source: &str, destination: &str, options: &SyncOptions) -> Result<SyncPlan, Error> {
        let (source, destination) = (self.parse(source)?, self.parse(destination)?);
        self.check_apart(&source, &destination)?;
        let mut plan = SyncPlan::default();
        let mut models = Vec::new();
        let mut listed = self.store(&source)?.list();
        while let Some(model) = listed.next().await {
            let found = model.and_then(|model| Ok((self.name_below(&source, &model.url)?, model)));
            match found {
                Ok((Some(name), model)) => models.push((name, model)),
                Ok((None, _)) => {}
                Err(error) => plan.errors.push(error),
            }
        }
        if options.delete && models.is_empty() && !options.allow_empty {
            let message = "the source has no models, so everything at the destination would be removed; say that it may be empty if that is meant";
            let error = Error::new(ErrorKind::NotFound, message).with_operation(Operation::Copy);
            // What could not be listed is the better reason.
            return Err(plan.errors.pop().unwrap_or_else(|| error.with_location(&source.to_string())));
        }
        let looks = stream::iter(models).map(async |(name, model)| {
            let to = self.below(&destination, &name)?;
            let date = model.info.date_saved;
            let action = self.action(&model.url, date, &to, options).await?;
            let bytes = model.info.weight_data_bytes;
            Ok(SyncItem { name, source: Some(model.url), destination: to, action, bytes })
        });
        let mut looks = looks.buffered(options.models_at_once());
        while let Some(looked) = looks.next().await {
            match looked {
                Ok(item) => plan.items.push(item),
                Err(error) => plan.errors.push(error),
            }
        }
        if options.delete {
            self.plan_deletions(&source, &destination, options, &mut plan).await?;
        }
        Ok(plan)
    }

    /// Models would be copied into what is listed, or removed from it.
    fn check_apart(&self, source: &ModelUrl, destination: &ModelUrl) -> Result<(), Error> {
        let [from, to] = [self.place(source)?, self.place(destination)?].map(|place| {
            let folder = place.rsplit_once(['/', '\\']).filter(|(_, name)| name.contains('.'));
            folder.map_or_else(|| place.clone(), |(folder, _)| folder.to_owned())
        });
        let is_inside = |inner: &str, outer: &str| {
            inner
                .strip_prefix(outer.trim_end_matches(['/', '\\']))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '\\']))
        };
        if !is_inside(&from, &to) && !is_inside(&to, &from) {
            return Ok(());
        }
        let (source, destination) = (source.to_string(), destination.to_string());
        let message = format!(
            "one of the two places is inside the other (`{}` and `{}`)",
            Location::new(&source),
            Location::new(&destination)
        );
        Err(Error::new(ErrorKind::InvalidUrl, message).with_operation(Operation::Copy))
    }

    async fn plan_deletions(
        &self,
        source: &ModelUrl,
        destination: &ModelUrl,
        options: &SyncOptions,
        plan: &mut SyncPlan,
    ) -> Result<(), Error> {
        let there: BTreeSet<_> = plan.items.iter().map(|item| item.name.clone()).collect();
        let mut listed = self.store(destination)?.list();
        while let Some(model) = listed.next().await {
            let model = match model {
                Ok(model) => model,
                // Nothing has been copied there yet, or what is there is no model; that one is not removed.
                Err(error) if error.is_about_the_model() => continue,
                Err(error) => return Err(error),
            };
            if let Some(name) = self.name_below(destination, &model.url)?
                && !there.contains(&name)
            {
                match self.is_gone(&self.below(source, &name)?, options).await {
                    Ok(true) => {
                        let (bytes, action) = (model.info.weight_data_bytes, SyncAction::Delete);
                        plan.items.push(SyncItem { name, source: None, destination: model.url, action, bytes });
                    }
                    Ok(false) => {}
                    Err(error) => plan.errors.push(error),
                }
            }
        }
        Ok(())
    }

    /// Whether the source has nothing at all where a model of the destination would be. A listing leaves out what is deeper than it looks,
    /// a `.json` file that is broken, and a folder that nobody may read; and a model that has lost its weights is there, too.
    async fn is_gone(&self, source: &ModelUrl, options: &SyncOptions) -> Result<bool, Error> {
        let load = options.load.clone().with_weight_loading(WeightLoading::Lazy);
        match self.load_handler(&ModelSource::Single(source.clone()))?.load(&load).await {
            Ok(_) => Ok(false),
            Err(error) if is_gone(&error) => Ok(true),
            Err(error) => Err(error),
        }
    }

    async fn action(
        &self,
        source: &ModelUrl,
        saved: DateSaved,
        destination: &ModelUrl,
        options: &SyncOptions,
    ) -> Result<SyncAction, Error> {
        let load = options.load.clone().with_weight_loading(WeightLoading::Lazy);
        let open = async |url: &ModelUrl| self.load_handler(&ModelSource::Single(url.clone()))?.load(&load).await;
        let there = match open(destination).await {
            Ok(there) => there,
            Err(error) if is_gone(&error) => return Ok(SyncAction::New),
            // It is replaced by one that is whole.
            Err(error) if error.is_about_the_model() => return Ok(SyncAction::Changed),
            Err(error) => return Err(error),
        };
        let here = open(source).await?;
        let is_same = match (may_be_same(&here, &there), options.compare) {
            (false, _) => false,
            (true, Compare::Bytes) => has_same_bytes(&here, &there).await?,
            (true, Compare::Quick) => match has_same_checksums(&here, &there) {
                Some(is_same) => is_same,
                None => match self.date_of(destination).await {
                    Ok(date) => date.is_some_and(|date| date >= saved),
                    // A web server has no list to tell it.
                    Err(error) if error.kind() == ErrorKind::Unsupported => has_same_bytes(&here, &there).await?,
                    Err(error) => return Err(error),
                },
            },
        };
        Ok(if is_same { SyncAction::Unchanged } else { SyncAction::Changed })
    }

    /// When the model at a place was saved, if its medium tells.
    async fn date_of(&self, url: &ModelUrl) -> Result<Option<DateSaved>, Error> {
        let mut listed = self.store(url)?.list().take(LISTED);
        while let Some(model) = listed.next().await {
            match model {
                Ok(model) if model.url == *url => return Ok(Some(model.info.date_saved)),
                Err(error) if !error.is_about_the_model() => return Err(error),
                _ => {}
            }
        }
        Ok(None)
    }

    async fn run(&self, plan: &SyncPlan, options: &SyncOptions) -> Vec<(usize, Error)> {
        let wanted: Vec<_> = plan.items.iter().cloned().enumerate().filter(|(_, item)| item.is_copied()).collect();
        let meter = Total::new(options.progress.as_ref(), &wanted);
        let copies = stream::iter(wanted).map(|(index, item)| {
            let save = options.save.clone().with_progress(meter.of_one());
            async move {
                let source = item.source.as_ref().map(ToString::to_string).unwrap_or_default();
                let copied = self.copy_model(&source, &item.destination.to_string(), &options.load, &save).await;
                copied.err().map(|error| (index, error))
            }
        });
        let copied = copies.buffer_unordered(options.models_at_once());
        let mut failed: Vec<_> = copied.filter_map(std::future::ready).collect().await;
        if failed.is_empty() && plan.errors.is_empty() {
            failed = self.delete(plan, options).await;
        }
        failed.sort_by_key(|(index, _)| *index);
        if failed.is_empty() {
            meter.done();
        }
        failed
    }

    async fn delete(&self, plan: &SyncPlan, options: &SyncOptions) -> Vec<(usize, Error)> {
        let remove = RemoveOptions::of_loaded(&options.load);
        let mut failed = Vec::new();
        for (index, item) in plan.items.iter().enumerate() {
            if item.action == SyncAction::Delete
                && let Err(error) = self.remove_model(&item.destination.to_string(), &remove).await
            {
                failed.push((index, error));
            }
        }
        failed
    }
}

impl SyncItem {
    fn is_copied(&self) -> bool {
        matches!(self.action, SyncAction::New | SyncAction::Changed)
    }
}

/// Whether there is nothing at all, not even a model that has lost its weights.
fn is_gone(error: &Error) -> bool {
    error.kind() == ErrorKind::NotFound && !error.misses_shards()
}

/// Whether two models agree in all that their `model.json` says, but for names and cuts of weight files.
fn may_be_same(one: &ModelArtifacts, other: &ModelArtifacts) -> bool {
    let without_weights = |artifacts: &ModelArtifacts| {
        let mut artifacts = artifacts.clone();
        artifacts.weights = None;
        artifacts
    };
    let groups = |artifacts: &ModelArtifacts| -> Option<Vec<_>> {
        let groups = artifacts.weights.as_ref()?.groups();
        Some(groups.iter().map(|group| (group.weights.clone(), group.unknown.clone(), group.byte_length())).collect())
    };
    without_weights(one).has_the_keys_of(&without_weights(other)) && groups(one) == groups(other)
}

/// What the checksums say; nothing if they do not decide.
fn has_same_checksums(one: &ModelArtifacts, other: &ModelArtifacts) -> Option<bool> {
    let sums = |artifacts: &ModelArtifacts| -> Option<Vec<(u64, Sha256)>> {
        artifacts.weights.iter().flat_map(Weights::shards).map(|shard| Some((shard.bytes, shard.sha256?))).collect()
    };
    let (one, other) = (sums(one)?, sums(other)?);
    let lengths = |sums: &[(u64, Sha256)]| sums.iter().map(|(bytes, _)| *bytes).collect::<Vec<_>>();
    (lengths(&one) == lengths(&other)).then(|| one == other)
}

/// Reads both, a window at a time.
async fn has_same_bytes(one: &ModelArtifacts, other: &ModelArtifacts) -> Result<bool, Error> {
    let (Some(one), Some(other)) = (&one.weights, &other.weights) else {
        return Ok(one.weights.is_none() == other.weights.is_none());
    };
    let length = one.data().byte_length();
    let mut at = 0;
    while at < length {
        let end = length.min(at + WINDOW);
        let (one, other) = futures::join!(one.data().read(at..end), other.data().read(at..end));
        if one? != other? {
            return Ok(false);
        }
        at = end;
    }
    Ok(true)
}

/// Progress of all models together.
#[derive(Clone)]
struct Total {
    sink: Option<ProgressSink>,
    models: u64,
    total_bytes: u64,
    sums: Arc<Mutex<Sums>>,
}

#[derive(Default)]
struct Sums {
    done: u64,
    bytes: u64,
    resumed: u64,
}

impl Total {
    fn new(sink: Option<&ProgressSink>, items: &[(usize, SyncItem)]) -> Self {
        let total_bytes = items.iter().fold(0u64, |bytes, (_, item)| bytes.saturating_add(item.bytes));
        let models = items.len() as u64;
        Self { sink: sink.cloned(), models, total_bytes, sums: Arc::default() }
    }

    /// A sink for one of the models.
    fn of_one(&self) -> ProgressSink {
        let (total, before) = (self.clone(), Mutex::new((0, 0)));
        ProgressSink::new(move |progress: Progress| {
            let mut before = before.lock().unwrap_or_else(PoisonError::into_inner);
            let mut sums = total.sums.lock().unwrap_or_else(PoisonError::into_inner);
            sums.bytes += progress.bytes.saturating_sub(before.0);
            sums.resumed += progress.resumed_bytes.saturating_sub(before.1);
            *before = (progress.bytes, progress.resumed_bytes);
            sums.done += u64::from(progress.phase == Phase::Done);
            total.tell(Phase::Weights, &sums);
        })
    }

    fn done(&self) {
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        sums.bytes = self.total_bytes;
        self.tell(Phase::Done, &sums);
    }

    fn tell(&self, phase: Phase, sums: &Sums) {
        if let Some(sink) = &self.sink {
            sink.tell(Progress {
                phase,
                shard: (sums.done + 1).min(self.models),
                shards: self.models,
                bytes: sums.bytes.min(self.total_bytes),
                total_bytes: self.total_bytes,
                resumed_bytes: sums.resumed,
            });
        }
    }
}
