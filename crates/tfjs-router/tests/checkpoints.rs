//! Checkpoints, with saves that fail, writers that die, and readers that come in between.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use futures::executor::block_on;
use tfjs_artifacts::{BoxStream, Error, ErrorKind, ModelArtifacts, ModelArtifactsInfo, SaveResult, async_trait};
use tfjs_router::{
    Checkpoints, Durability, ListedModel, LoadHandler, LoadOptions, MemoryStore, ModelSource, ModelStore, ModelUrl,
    RemoveOptions, Route, Router, SaveHandler, SaveOptions,
};
use tfjs_testkit::{assert_same_model, samples::filled};

/// A store in memory that tells what was done, and in which something can go wrong.
#[derive(Clone, Debug, Default)]
struct Told {
    store: MemoryStore,
    done: Arc<Mutex<Vec<String>>>,
    /// What fails: the beginning of what would have been told.
    fails: Arc<Mutex<Option<String>>>,
    /// A model is saved as the next checkpoint when this is loaded.
    overtaken: Arc<Mutex<Option<String>>>,
}

/// A place in it.
#[derive(Clone, Debug)]
struct At {
    told: Told,
    name: String,
}

impl Told {
    fn router(&self) -> Router {
        let (load, save, store) = (self.clone(), self.clone(), self.clone());
        let at = |told: &Self, url: &ModelUrl| Arc::new(At { told: told.clone(), name: url.rest().to_owned() });
        let route = Route::new("told")
            .with_load(move |source| match source {
                ModelSource::Single(url) => Ok(at(&load, url)),
                ModelSource::Pair { .. } => Err(Error::new(ErrorKind::InvalidUrl, "one place")),
            })
            .with_save(move |url| Ok(at(&save, url)))
            .with_store(move |url| Ok(at(&store, url)));
        Router::builder().route(route).build().unwrap()
    }

    fn inner(&self) -> Router {
        Router::builder().route(self.store.route()).build().unwrap()
    }

    fn checkpoints(&self, keep: usize) -> Checkpoints {
        Checkpoints::new(self.router(), "told://run/", NonZeroUsize::new(keep).unwrap())
    }

    fn tell(&self, what: &str) -> Result<(), Error> {
        let fails = self.fails.lock().unwrap().as_ref().is_some_and(|fails| what.starts_with(fails.as_str()));
        if fails {
            return Err(Error::new(ErrorKind::StorageFull, "no"));
        }
        self.done.lock().unwrap().push(what.to_owned());
        Ok(())
    }

    fn fail(&self, what: Option<&str>) {
        *self.fails.lock().unwrap() = what.map(str::to_owned);
    }

    fn done(&self) -> Vec<String> {
        std::mem::take(&mut self.done.lock().unwrap())
    }
}

impl At {
    fn url(&self) -> String {
        format!("memory://{}", self.name)
    }
}

#[async_trait]
impl LoadHandler for At {
    async fn load(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        let is_overtaken = self.told.overtaken.lock().unwrap().take_if(|name| *name == self.name).is_some();
        if is_overtaken {
            self.told.checkpoints(1).save(&filled(9.0), &SaveOptions::new()).await?;
        }
        self.told.inner().load(&self.url(), options).await
    }
}

#[async_trait]
impl SaveHandler for At {
    async fn save(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<SaveResult, Error> {
        assert_eq!(options.durability, Durability::Strict);
        self.told.tell(&format!("save {}", self.name))?;
        self.told.inner().save(artifacts, &self.url(), options).await
    }
}

#[async_trait]
impl ModelStore for At {
    fn list(&self) -> BoxStream<'static, Result<ListedModel, Error>> {
        let listed = self.told.inner().list_models(&self.url());
        Box::pin(listed.map(|model| {
            let ListedModel { url, info, .. } = model?;
            Ok(ListedModel::new(ModelUrl::from_parts("told", url.rest())?, info))
        }))
    }

    async fn remove(&self, options: &RemoveOptions) -> Result<ModelArtifactsInfo, Error> {
        self.told.tell(&format!("remove {}", self.name))?;
        self.told.inner().remove_model(&self.url(), options).await
    }
}

fn names(told: &Told) -> Vec<String> {
    let listed = told.inner().list_models("memory://run/").map(|model| model.unwrap().url.rest().to_owned());
    block_on(listed.collect())
}

fn save(checkpoints: &Checkpoints, value: f32) -> Result<tfjs_router::Checkpoint, Error> {
    block_on(checkpoints.save(&filled(value), &SaveOptions::new().with_durability(Durability::Relaxed)))
}

fn latest(told: &Told) -> (u64, ModelArtifacts) {
    block_on(told.checkpoints(1).load_latest(&LoadOptions::new())).unwrap()
}

#[test]
fn the_new_one_is_there_before_the_old_one_goes() {
    let told = Told::default();
    let checkpoints = told.checkpoints(2);
    let error = block_on(checkpoints.load_latest(&LoadOptions::new())).unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, "there is no checkpoint yet"));
    for value in [1.0, 2.0] {
        assert!(save(&checkpoints, value).unwrap().removed.is_empty());
    }
    told.done();
    let third = save(&checkpoints, 3.0).unwrap();
    assert_eq!(
        (third.number, third.url.as_str(), third.removed.as_slice()),
        (3, "told://run/checkpoint-000003", &[1][..])
    );
    assert_eq!(told.done(), ["save run/checkpoint-000003", "save run/latest", "remove run/checkpoint-000001"]);
    assert_eq!(names(&told), ["run/checkpoint-000002", "run/checkpoint-000003", "run/latest"]);
    let (number, artifacts) = latest(&told);
    assert_eq!(number, 3);
    assert_same_model(&artifacts, &filled(3.0));
}

#[test]
fn a_failed_save_leaves_the_latest() {
    let told = Told::default();
    let checkpoints = told.checkpoints(1);
    save(&checkpoints, 1.0).unwrap();
    // The checkpoint, then the list of them: what is there already is replaced by the next save.
    for fails in ["save run/checkpoint", "save run/latest"] {
        told.fail(Some(fails));
        assert_eq!(save(&checkpoints, 2.0).unwrap_err().kind(), ErrorKind::StorageFull);
        let (number, artifacts) = latest(&told);
        assert_eq!(number, 1);
        assert_same_model(&artifacts, &filled(1.0));
    }
    told.fail(None);
    assert_eq!(save(&checkpoints, 3.0).unwrap().number, 2);
    assert_same_model(&latest(&told).1, &filled(3.0));
    assert_eq!(names(&told), ["run/checkpoint-000002", "run/latest"]);
}

#[test]
fn what_could_not_be_removed_is_removed_later() {
    let told = Told::default();
    let checkpoints = told.checkpoints(1);
    save(&checkpoints, 1.0).unwrap();
    told.fail(Some("remove"));
    let second = save(&checkpoints, 2.0).unwrap();
    assert_eq!((second.removed.len(), second.left.len()), (0, 1));
    assert_eq!(save(&checkpoints, 3.0).unwrap().left.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2]);
    told.fail(None);
    let fourth = save(&checkpoints, 4.0).unwrap();
    assert_eq!((fourth.removed, fourth.left.len()), (vec![1, 2, 3], 0));
    assert_eq!(names(&told), ["run/checkpoint-000004", "run/latest"]);
}

#[test]
fn a_reader_that_was_overtaken_reads_the_newer_one() {
    let told = Told::default();
    save(&told.checkpoints(1), 1.0).unwrap();
    *told.overtaken.lock().unwrap() = Some("run/checkpoint-000001".to_owned());
    let (number, artifacts) = latest(&told);
    assert_eq!(number, 2);
    assert_same_model(&artifacts, &filled(9.0));
}

#[test]
fn fewer_are_kept_when_that_is_said() {
    let told = Told::default();
    (0..4).for_each(|_| drop(save(&told.checkpoints(4), 1.0).unwrap()));
    assert_eq!(save(&told.checkpoints(2), 5.0).unwrap().removed, [1, 2, 3]);
    assert_eq!(block_on(told.checkpoints(2).numbers(&LoadOptions::new())).unwrap(), [4, 5]);
}

#[test]
fn a_model_called_latest_is_not_taken_for_a_list() {
    let told = Told::default();
    block_on(told.inner().save(&filled(1.0), "memory://run/latest", &SaveOptions::new())).unwrap();
    assert_eq!(save(&told.checkpoints(1), 1.0).unwrap_err().kind(), ErrorKind::InvalidData);
    assert_eq!(names(&told), ["run/latest"]);
}

#[test]
fn without_latest_the_checkpoints_are_found_by_their_names() {
    let told = Told::default();
    for value in 1..=4u8 {
        save(&told.checkpoints(2), value.into()).unwrap();
    }
    for stranger in
        ["run/checkpoint-7", "run/checkpoint-000009x", "run/deep/checkpoint-000008", "runs/checkpoint-000006"]
    {
        block_on(told.inner().save(&filled(0.0), &format!("memory://{stranger}"), &SaveOptions::new())).unwrap();
    }
    block_on(told.inner().remove_model("memory://run/latest", &RemoveOptions::new())).unwrap();
    assert_eq!(block_on(told.checkpoints(2).numbers(&LoadOptions::new())).unwrap(), [3, 4]);
    let (number, model) = latest(&told);
    assert_eq!(number, 4);
    assert_same_model(&model, &filled(4.0));
    let next = save(&told.checkpoints(2), 5.0).unwrap();
    assert_eq!((next.number, next.removed), (5, vec![3]));
}
