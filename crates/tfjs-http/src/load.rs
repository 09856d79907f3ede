//! Reading a model: `model.json` first, then its weight files, or what it takes to read them later.

use std::fmt;
use std::sync::Arc;

use crate::message::Method;
use tfjs_artifacts::{
    BoxFuture, Error, ErrorKind, Limit, Limits, Location, ModelArtifacts, ModelJson, ModelTopology, Operation, RelPath,
    Segment, StoredSize, SurplusBytes, WeightsManifestGroup, sniff,
};
use tfjs_router::{LoadOptions, ProgressMeter, ProgressSink, WeightLoading};

use crate::address::{Url, after_prefix, beside, resolve};
use crate::concurrent::all;
use crate::download::{Budget, Download, Downloaded};
use crate::error::status_error;
use crate::exchange::{Ask, Session, at};
use crate::meter::SharedMeter;
use crate::response::Response;
use crate::retry::Retries;
use crate::source::HttpSource;
use crate::{FileRef, FileUse};

/// The URLs that a model begins with.
#[derive(Clone)]
pub(crate) struct Entry {
    /// The `model.json` or bare manifest.
    pub(crate) json: Url,
    /// The binary topology, if there is one.
    pub(crate) graph_def: Option<Url>,
    /// What weight files are relative to.
    pub(crate) base: Url,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |url: &Url| Location::new(url.as_str());
        f.debug_struct("Entry")
            .field("json", &shown(&self.json))
            .field("graph_def", &self.graph_def.as_ref().map(shown))
            .field("base", &shown(&self.base))
            .finish()
    }
}

/// A load at work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loader<'a> {
    pub(crate) session: &'a Session,
    pub(crate) entry: &'a Entry,
    pub(crate) progress: Option<&'a ProgressSink>,
}

/// A weight file to be read.
#[derive(Debug)]
struct Job {
    path: RelPath,
    url: Url,
    budget: Budget,
    /// Whether the specs say how many bytes its group has.
    is_exact: bool,
}

/// How often a load begins anew that has found files of two versions of the model.
const MOST_RESTARTS: u32 = 3;

/// Counts them.
#[derive(Debug, Default)]
pub(crate) struct Restarts(u32);

impl Restarts {
    /// Whether to begin anew after this error.
    pub(crate) fn after(&mut self, error: &Error) -> bool {
        self.0 += 1;
        error.kind() == ErrorKind::Conflict && self.0 <= MOST_RESTARTS
    }
}

impl Loader<'_> {
    /// A model of which all files are of one version, if the server tells that.
    pub(crate) async fn load(self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        let progress = self.progress.map(ProgressSink::monotone);
        let mut restarts = Restarts::default();
        loop {
            let session = self.session.of_one_version(&self.entry.json);
            let loader = Loader { session: &session, progress: progress.as_ref(), ..self };
            // As one type for all that is awaited, it is less to download.
            let loading: BoxFuture<'_, _> = Box::pin(loader.load_once(options));
            match loading.await {
                Err(error) if restarts.after(&error) => {}
                done => return done,
            }
        }
    }

    async fn load_once(self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        let bytes = self.fetch(&self.entry.json, &options.limits, Limit::JsonBytes).await?;
        self.load_weights(&bytes, options).await
    }

    /// All that comes after the JSON.
    pub(crate) async fn load_weights(self, json: &[u8], options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        let here = at(&self.entry.json, Operation::Load);
        let model_json = ModelJson::parse_with(json, &options.limits).map_err(|error| here(error.into()))?;
        let topology = match &self.entry.graph_def {
            Some(url) => {
                let bytes = self.fetch(url, &options.limits, Limit::GraphDefBytes).await?;
                Some(ModelTopology::graph_def(bytes).map_err(|error| at(url, Operation::Load)(error.into()))?)
            }
            None => None,
        };
        let jobs = self.jobs(&model_json, options).await?;
        let groups = model_json.groups().unwrap_or_default();
        let segments = match options.weight_loading {
            WeightLoading::Eager => self.read(jobs, groups, options).await?,
            WeightLoading::Lazy => self.look_at(jobs, groups).await?,
        };
        let here = at(&self.entry.json, Operation::Load);
        let mut artifacts = model_json.assemble(segments, options.surplus_bytes).await.map_err(here)?;
        if topology.is_some() {
            artifacts.model_topology = topology;
        }
        ProgressMeter::new(self.progress, artifacts.weights.as_ref()).done();
        Ok(artifacts)
    }

    /// A file that a model begins with.
    async fn fetch(self, url: &Url, limits: &Limits, limit: Limit) -> Result<Vec<u8>, Error> {
        let mut retries = Retries::new(self.session.client.config().retry);
        loop {
            let fetched = async {
                let response = self.session.send(Ask::new(Method::GET, url, &retries)).await;
                read_json(response.map_err(|failure| failure.error)?, limits, limit).await
            };
            match fetched.await {
                Ok(bytes) => return Ok(bytes),
                Err(error) => retries.after(at(url, Operation::Load)(error)).await?,
            }
        }
    }

    /// The weight files, each with its URL and with what its group may have.
    async fn jobs(self, model_json: &ModelJson, options: &LoadOptions) -> Result<Vec<Job>, Error> {
        let mut jobs = Vec::new();
        for (group, manifest) in model_json.groups().unwrap_or_default().iter().enumerate() {
            if manifest.weights.is_none() {
                continue;
            }
            let (bytes, is_exact) = needed(manifest);
            let is_exact = is_exact && options.surplus_bytes == SurplusBytes::Reject;
            let budget = if is_exact { Budget::new(bytes) } else { Budget::within(&options.limits, bytes) };
            for path in &manifest.paths {
                let url = self.url(path, jobs.len(), group).await?;
                jobs.push(Job { path: path.clone(), url, budget: budget.clone(), is_exact });
            }
        }
        Ok(jobs)
    }

    async fn url(self, path: &RelPath, index: usize, group: usize) -> Result<Url, Error> {
        let config = self.session.client.config();
        let base = &self.entry.base;
        if let Some(converter) = &config.converter {
            let file =
                FileRef { path: path.to_string(), index: Some(index), group: Some(group), file_use: FileUse::Load };
            return resolve(base, &converter.convert(file).await?);
        }
        match &config.weight_path_prefix {
            Some(prefix) => after_prefix(prefix, base, path, config.shard_query),
            None => Ok(beside(base, path, config.shard_query)),
        }
    }

    /// Reads all weight files into memory, several at once, and hands them out in order.
    async fn read(
        self,
        jobs: Vec<Job>,
        groups: &[WeightsManifestGroup],
        options: &LoadOptions,
    ) -> Result<Vec<Segment>, Error> {
        let exact =
            groups.iter().map(needed).filter(|(_, exact)| *exact && options.surplus_bytes == SurplusBytes::Reject);
        let known = exact.fold(0u64, |sum, (bytes, _)| sum.saturating_add(bytes));
        let untold = jobs.iter().filter(|job| !job.is_exact).count();
        let meter = SharedMeter::of_load(self.progress, jobs.len(), known, untold);
        let paths: Vec<_> = jobs.iter().map(|job| (job.path.clone(), job.url.clone())).collect();
        let reads = jobs.into_iter().map(|job| {
            let (session, meter) = (self.session.clone(), meter.clone());
            async move {
                let name = format!("shard `{}`", job.path);
                let download = Download::new(&session, &job.url, name, job.budget, Some(meter));
                download.with_untold_length(!job.is_exact).run().await
            }
        });
        let read: Vec<Downloaded> = all(reads.collect(), self.session.client.config().concurrency).await?;
        if options.surplus_bytes == SurplusBytes::Reject {
            check_lengths(groups, &paths, &read)?;
        }
        Ok(read.into_iter().map(|file| Segment::Memory(file.bytes)).collect())
    }

    /// Learns the lengths of all weight files.
    async fn look_at(self, jobs: Vec<Job>, groups: &[WeightsManifestGroup]) -> Result<Vec<Segment>, Error> {
        // A file that has its group for itself has the length that the specs say, should nobody else tell it.
        let told = groups.iter().filter(|group| group.weights.is_some()).flat_map(|group| {
            let (bytes, is_exact) = needed(group);
            let told = (is_exact && group.paths.len() == 1).then_some(bytes);
            group.paths.iter().map(move |_| told)
        });
        let looks: Vec<_> = jobs.into_iter().zip(told).collect();
        let looks = looks.into_iter().map(|(job, told)| {
            let session = self.session.clone();
            async move {
                let name = format!("shard `{}`", job.path);
                if let Some(source) = HttpSource::open(session.clone(), job.url.clone(), name.clone(), told).await? {
                    return Ok(Segment::lazy(Arc::new(source)));
                }
                // Whose length nobody knows is read now.
                let file = Download::new(&session, &job.url, name, job.budget, None).run().await?;
                Ok(Segment::Memory(file.bytes))
            }
        });
        all(looks.collect(), self.session.client.config().concurrency).await
    }
}

/// A JSON file's body, if it is one.
pub(crate) async fn read_json(mut response: Response, limits: &Limits, limit: Limit) -> Result<Vec<u8>, Error> {
    if !response.status.is_success() {
        return Err(status_error(response, None).await);
    }
    response.check_encoding()?;
    response.read(limits, limit).await
}

/// How many bytes the tensors of a group take, and whether that is exact.
fn needed(group: &WeightsManifestGroup) -> (u64, bool) {
    let specs = group.weights.iter().flatten();
    specs.fold((0, true), |(sum, is_exact), spec| {
        let size = spec.stored_size();
        (sum.saturating_add(size.at_least()), is_exact && matches!(size, StoredSize::Exact(_)))
    })
}

/// Names the file to look at when a group is short.
fn check_lengths(groups: &[WeightsManifestGroup], files: &[(RelPath, Url)], read: &[Downloaded]) -> Result<(), Error> {
    let mut rest = files.iter().zip(read);
    for group in groups.iter().filter(|group| group.weights.is_some()) {
        let of_group: Vec<_> = rest.by_ref().take(group.paths.len()).collect();
        let (expected, _) = needed(group);
        let received: u64 = of_group.iter().map(|(_, file)| file.bytes.len() as u64).sum();
        let suspect = of_group.iter().find(|(_, file)| sniff(&file.bytes).is_some()).or_else(|| of_group.last());
        let Some(((path, url), file)) = suspect.filter(|_| received < expected) else { continue };
        let looks = sniff(&file.bytes).map_or_else(String::new, |sniffed| format!("; it {sniffed}"));
        let (bytes, answer) = (file.bytes.len(), &file.described);
        let whole = match of_group.len() {
            1 => format!("shard `{path}` has {bytes} bytes, but its tensors need {expected}"),
            count => format!(
                "{count} shards have {received} bytes, but their tensors need {expected}; `{path}` has {bytes} of them"
            ),
        };
        let error = Error::new(ErrorKind::InvalidData, format!("{whole}, and was answered with {answer}{looks}"));
        return Err(at(url, Operation::Load)(error));
    }
    Ok(())
}
