//! A store between a test and another store: it counts, fails, waits and lies about dates.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

type Hook = Arc<dyn Fn(Path) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// The store between.
#[derive(Clone)]
pub(crate) struct Meddling {
    inner: Arc<dyn ObjectStore>,
    pub(crate) counts: Arc<Counts>,
    before_put: Option<Hook>,
    after_put: Option<Hook>,
    before_get: Option<Hook>,
    before_delete: Option<Hook>,
    /// How much older the objects are that have this in their keys.
    ages: Arc<Mutex<BTreeMap<String, Duration>>>,
}

/// What passed by.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) gets: AtomicUsize,
    pub(crate) aborts: AtomicUsize,
    pub(crate) parts: AtomicUsize,
    pub(crate) listed: AtomicUsize,
    pub(crate) largest_read: AtomicU64,
    under_way: AtomicU64,
    pub(crate) most_under_way: AtomicU64,
}

impl Counts {
    fn begin(&self, bytes: usize) {
        let now = self.under_way.fetch_add(bytes as u64, Ordering::SeqCst) + bytes as u64;
        self.most_under_way.fetch_max(now, Ordering::SeqCst);
    }

    fn end(&self, bytes: usize) {
        self.under_way.fetch_sub(bytes as u64, Ordering::SeqCst);
    }
}

impl Meddling {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self {
            inner,
            counts: Arc::default(),
            before_put: None,
            after_put: None,
            before_get: None,
            before_delete: None,
            ages: Arc::default(),
        }
    }

    pub(crate) fn before_put(
        mut self,
        hook: impl Fn(Path) -> BoxFuture<'static, Result<()>> + Send + Sync + 'static,
    ) -> Self {
        self.before_put = Some(Arc::new(hook));
        self
    }

    pub(crate) fn after_put(
        mut self,
        hook: impl Fn(Path) -> BoxFuture<'static, Result<()>> + Send + Sync + 'static,
    ) -> Self {
        self.after_put = Some(Arc::new(hook));
        self
    }

    pub(crate) fn before_get(
        mut self,
        hook: impl Fn(Path) -> BoxFuture<'static, Result<()>> + Send + Sync + 'static,
    ) -> Self {
        self.before_get = Some(Arc::new(hook));
        self
    }

    pub(crate) fn before_delete(
        mut self,
        hook: impl Fn(Path) -> BoxFuture<'static, Result<()>> + Send + Sync + 'static,
    ) -> Self {
        self.before_delete = Some(Arc::new(hook));
        self
    }

    pub(crate) fn age(&self, part_of_key: &str, age: Duration) {
        self.ages.lock().unwrap().insert(part_of_key.to_owned(), age);
    }

    pub(crate) fn store(self) -> Arc<dyn ObjectStore> {
        Arc::new(self)
    }

    fn aged(&self, mut object: ObjectMeta) -> ObjectMeta {
        let ages = self.ages.lock().unwrap();
        if let Some((_, age)) = ages.iter().find(|(part, _)| object.location.as_ref().contains(*part)) {
            object.last_modified -= *age;
        }
        object
    }
}

async fn run(hook: Option<&Hook>, key: &Path) -> Result<()> {
    match hook {
        Some(hook) => hook(key.clone()).await,
        None => Ok(()),
    }
}

/// A failure whose outcome nobody knows.
pub(crate) fn broken() -> Error {
    let source = "Server returned non-2xx status code: 500 Internal Server Error: injected".into();
    Error::Generic { store: "Meddling", source }
}

/// A hook that does something with keys that end so, and nothing with others.
pub(crate) fn at(
    end: &'static str,
    hook: impl Fn() -> BoxFuture<'static, Result<()>> + Send + Sync + 'static,
) -> impl Fn(Path) -> BoxFuture<'static, Result<()>> + Send + Sync + 'static {
    move |key| if key.as_ref().ends_with(end) { hook() } else { async { Ok(()) }.boxed() }
}

impl fmt::Display for Meddling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meddling")
    }
}

impl fmt::Debug for Meddling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meddling")
    }
}

#[async_trait]
impl ObjectStore for Meddling {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let bytes = payload.content_length();
        self.counts.begin(bytes);
        run(self.before_put.as_ref(), location).await?;
        let put = self.inner.put_opts(location, payload, opts).await;
        self.counts.end(bytes);
        let put = put?;
        run(self.after_put.as_ref(), location).await?;
        Ok(put)
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        run(self.before_put.as_ref(), location).await?;
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        Ok(Box::new(Upload { inner, counts: Arc::clone(&self.counts) }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if !options.head {
            self.counts.gets.fetch_add(1, Ordering::SeqCst);
            run(self.before_get.as_ref(), location).await?;
        }
        if let Some(GetRange::Bounded(Range { start, end })) = options.range {
            self.counts.largest_read.fetch_max(end - start, Ordering::SeqCst);
        }
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let (hook, inner) = (self.before_delete.clone(), Arc::clone(&self.inner));
        let allowed = locations.then(move |location| {
            let hook = hook.clone();
            async move {
                let location = location?;
                run(hook.as_ref(), &location).await.map(|()| location)
            }
        });
        inner.delete_stream(allowed.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let counts = Arc::clone(&self.counts);
        let count = move |object: &Result<ObjectMeta>| {
            let _listed = object.is_ok().then(|| counts.listed.fetch_add(1, Ordering::SeqCst));
        };
        self.inner.list(prefix).inspect(count).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut listed = self.inner.list_with_delimiter(prefix).await?;
        listed.objects = listed.objects.into_iter().map(|object| self.aged(object)).collect();
        Ok(listed)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct Upload {
    inner: Box<dyn MultipartUpload>,
    counts: Arc<Counts>,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (bytes, counts) = (data.content_length(), Arc::clone(&self.counts));
        counts.parts.fetch_add(1, Ordering::SeqCst);
        counts.begin(bytes);
        let part = self.inner.put_part(data);
        Box::pin(async move {
            let put = part.await;
            counts.end(bytes);
            put
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.inner.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        self.counts.aborts.fetch_add(1, Ordering::SeqCst);
        self.inner.abort().await
    }
}
