//! Which request does what.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{OriginalUri, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::StreamExt as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Serialize;
use tfjs_artifacts::{ErrorKind, ModelArtifactsInfo, SaveResult};
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

use crate::cache::Cache;
use crate::refusal::{self, Refusal, json};
use crate::served::{self, MODEL_VERSION};
use crate::{ModelName, Models, ServerOptions, access, access_log, cors, download, page, upload};

/// What all requests share.
#[derive(Debug)]
struct Server {
    cache: Cache,
    options: Arc<ServerOptions>,
    uploads: Semaphore,
    /// For the JSON of all uploads that are under way, in KiB.
    json_room: Arc<Semaphore>,
    /// The models that are being uploaded.
    busy: Mutex<BTreeSet<ModelName>>,
    /// Tells those who wait when one of them is not any more.
    ended: Notify,
}

/// How long an upload waits for others to end when there are too many.
const PATIENCE: Duration = Duration::from_secs(5);

/// Uploads to one name take turns, so that the last one wins whole.
struct Turn<'a> {
    server: &'a Server,
    name: &'a ModelName,
}

impl<'a> Turn<'a> {
    /// Waits until no other upload to this name is under way, at most as long as an upload may pause.
    async fn wait_for(server: &'a Server, name: &'a ModelName) -> Option<Self> {
        let turn = async {
            loop {
                // Listens before it looks, so that no end in between is missed.
                let ended = server.ended.notified();
                if server.busy().insert(name.clone()) {
                    return Self { server, name };
                }
                ended.await;
            }
        };
        timeout(server.options.idle_timeout, turn).await.ok()
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.server.busy().remove(self.name);
        self.server.ended.notify_waiters();
    }
}

/// The routes of a model server. See the crate's documentation for what each does.
///
/// It can be served by anything that serves a router; [`serve`](crate::serve()) also guards the connections.
///
/// Put it into another router with [`nest_service`](Router::nest_service): below `/models`, the models are then listed at `/models` and at
/// `/models/`. With [`nest`](Router::nest) they are listed at one of the two, that which is written, and the other never gets here: it is
/// the outer router's 404. A page needs both, since it asks for the list at the path with the slash.
///
/// ```
/// use tfjs_router::{MemoryStore, Router};
/// use tfjs_server::{Models, ServerOptions, router};
///
/// let store = Router::builder().route(MemoryStore::new().route()).build()?;
/// let models = router(Models::new(store, "memory://")?, ServerOptions::new());
/// let app: axum::Router = axum::Router::new().nest_service("/models", models);
/// # Ok::<(), tfjs_artifacts::Error>(())
/// ```
pub fn router(models: Models, options: ServerOptions) -> Router {
    let options = Arc::new(options);
    let json_room = Arc::new(Semaphore::new(upload::json_room(&options)));
    let uploads = Semaphore::new(options.max_uploads.min(Semaphore::MAX_PERMITS));
    let server = Arc::new(Server {
        cache: Cache::new(models.trusting(options.limits, options.links)),
        options: Arc::clone(&options),
        uploads,
        busy: Mutex::default(),
        ended: Notify::new(),
        json_room,
    });
    Router::new()
        .route("/", get(list_or_page))
        .route("/.page", get(page_folder))
        .route("/.page/", get(page_start))
        .route("/.page/{*path}", get(page_file))
        .route("/healthz", get(healthz))
        .route("/upload", post(receive_anywhere).put(receive_anywhere))
        .route("/{name}", post(receive).put(receive).delete(remove).get(where_it_is))
        .route("/{name}/{*path}", get(file).post(receive_at_json).put(receive_at_json))
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_that_way)
        .with_state(server)
        .layer(middleware::from_fn_with_state(Arc::clone(&options), check_access))
        .layer(middleware::from_fn_with_state(options, cors::layer))
        .layer(middleware::from_fn(access_log::layer))
}

async fn check_access(State(options): State<Arc<ServerOptions>>, request: Request, next: Next) -> Response {
    match access::check(&options, request.method(), request.uri().path(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// One model of the list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    url: String,
    model_artifacts_info: ModelArtifactsInfo,
}

/// Whoever opens the address in a browser wants the page; everybody else, the list.
async fn list_or_page(
    State(server): State<Arc<Server>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    if server.options.page.is_some() && page::is_wanted(&headers) {
        // Relative, since a proxy may have cut off what stands before; and seen from where the client is: nested into another router
        // the list has a path of its own, which may end without a slash.
        let here = uri.path().rsplit_once('/').map_or("", |(_, here)| here);
        let page = if here.is_empty() { "./.page/".to_owned() } else { format!("./{here}/.page/") };
        return Ok((StatusCode::SEE_OTHER, [(header::VARY, "accept"), (header::LOCATION, &page)]).into_response());
    }
    list(State(server), OriginalUri(uri)).await
}

/// The page's own paths begin at its folder.
async fn page_folder(State(server): State<Arc<Server>>, original: OriginalUri, uri: Uri) -> Result<Response, Refusal> {
    match server.options.page {
        Some(_) => Ok((StatusCode::SEE_OTHER, [(header::LOCATION, "./.page/")]).into_response()),
        None => Err(nothing_here(original, uri).await),
    }
}

async fn page_start(
    server: State<Arc<Server>>,
    original: OriginalUri,
    uri: Uri,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    page_file(server, original, uri, Ok(Path(page::START.to_owned())), method, headers).await
}

async fn page_file(
    State(server): State<Arc<Server>>,
    original: OriginalUri,
    uri: Uri,
    path: Result<Path<String>, PathRejection>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Path(path) = path.map_err(|_| bad_path())?;
    let Some(page) = &server.options.page else { return Err(nothing_here(original, uri).await) };
    page.answer(&path, &server.options, &method, &headers).await
}

/// A model that is there and cannot be served.
#[derive(Serialize)]
struct Broken {
    name: String,
    error: String,
}

/// The list for those who ask for `/?broken`.
#[derive(Serialize)]
struct WithBroken {
    models: Vec<Row>,
    broken: Vec<Broken>,
}

async fn list(State(server): State<Arc<Server>>, OriginalUri(uri): OriginalUri) -> Result<Response, Refusal> {
    let mut found = WithBroken { models: Vec::new(), broken: Vec::new() };
    let models = server.cache.models();
    let _slot = server.cache.slot().await;
    let mut listed = models.list().map_err(|error| Refusal::of_backend(&error))?;
    while let Some(model) = listed.next().await {
        match model {
            Ok(model) => match models.name_of(&model.url) {
                Some(Ok(name)) => {
                    let url = url_below(uri.path(), &name);
                    found.models.push(Row { name: name.to_string(), url, model_artifacts_info: model.info });
                }
                // Whoever looks for it shall not look in vain.
                Some(Err((name, error))) => {
                    tracing::warn!(name, error, "a model cannot be served");
                    found.broken.push(Broken { name, error });
                }
                None => {}
            },
            // A broken model must not hide the others.
            Err(error) => {
                tracing::warn!(error = %error.chain(), "a model cannot be listed");
                // Only its last segment: the client is told no place on the server.
                let place = error.location().map(ToString::to_string).unwrap_or_default();
                let segments = place.trim_end_matches("/model.json").rsplit(['/', '\\']);
                let name = segments.into_iter().next().unwrap_or_default().to_owned();
                found.broken.push(Broken { name, error: refusal::chain(&error) });
            }
        }
    }
    let wants_all = uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "broken"));
    Ok(if wants_all { json(StatusCode::OK, &found) } else { json(StatusCode::OK, &found.models) })
}

/// Where a model is served, seen from where the list is.
fn url_below(prefix: &str, name: &ModelName) -> String {
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    format!("{}/{}/model.json", prefix.trim_end_matches('/'), utf8_percent_encode(name.as_str(), ESCAPED))
}

async fn healthz() -> &'static str {
    "ok\n"
}

async fn receive_anywhere(
    State(server): State<Arc<Server>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let name = model_name(&name_of_query(uri.query().unwrap_or_default())?)?;
    let prefix = uri.path().strip_suffix("/upload").unwrap_or_default();
    server.receive(&name, prefix, &headers, body).await
}

async fn receive(
    State(server): State<Arc<Server>>,
    name: Result<Path<String>, PathRejection>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let name = path_name(name)?;
    let prefix = uri.path().rsplit_once('/').map_or("", |(prefix, _)| prefix);
    server.receive(&name, prefix, &headers, body).await
}

/// A model is uploaded to where it is loaded from, so that one URL serves both.
async fn receive_at_json(
    State(server): State<Arc<Server>>,
    path: Result<Path<(String, String)>, PathRejection>,
    OriginalUri(original): OriginalUri,
    uri: Uri,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let Path((name, path)) = path.map_err(|_| bad_path())?;
    let name = model_name(&name)?;
    if path != "model.json" {
        return Err(not_that_way(method, OriginalUri(original), uri).await);
    }
    let (folder, _) = original.path().rsplit_once('/').unwrap_or_default();
    let prefix = folder.rsplit_once('/').map_or("", |(prefix, _)| prefix);
    server.receive(&name, prefix, &headers, body).await
}

impl Server {
    fn busy(&self) -> MutexGuard<'_, BTreeSet<ModelName>> {
        // Nobody panics while holding it.
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn receive(
        &self,
        name: &ModelName,
        prefix: &str,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Response, Refusal> {
        let Some(_turn) = Turn::wait_for(self, name).await else { return Err(under_way(name)) };
        // Only now: who waits for his turn keeps nobody else from uploading.
        let Ok(Ok(_permit)) = timeout(PATIENCE.min(self.options.idle_timeout), self.uploads.acquire()).await else {
            let message = "too many uploads at a time; try again later";
            let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message);
            return Err(refusal.with_retry_after(Duration::from_secs(2)));
        };
        self.check_preconditions(name, headers).await?;
        // Boxed: it is much larger than what the other routes need.
        let saved =
            Box::pin(upload::receive(self.cache.models(), name, &self.options, &self.json_room, headers, body)).await;
        self.cache.forget(name);
        let saved: SaveResult = saved?;
        let mut response = json(StatusCode::OK, &saved);
        if let Ok(url) = HeaderValue::try_from(url_below(prefix, name)) {
            response.headers_mut().insert(header::LOCATION, url);
        }
        Ok(response)
    }

    /// `If-Match` and `If-None-Match` of a request that changes a model are about its `model.json`: RFC 9110, 13.1.
    async fn check_preconditions(&self, name: &ModelName, headers: &HeaderMap) -> Result<(), Refusal> {
        if !headers.contains_key(header::IF_MATCH) && !headers.contains_key(header::IF_NONE_MATCH) {
            return Ok(());
        }
        let etags = match self.cache.current(name).await {
            Ok(served) => Some(served.etags()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(Refusal::of_backend(&error)),
        };
        if download::may_change(headers, etags.as_deref()) {
            return Ok(());
        }
        let message = if etags.is_none() {
            format!("there is no model `{name}`")
        } else {
            format!("the model `{name}` is there, and not the one that the request is about")
        };
        Err(Refusal::new(StatusCode::PRECONDITION_FAILED, message))
    }
}

async fn remove(
    State(server): State<Arc<Server>>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let name = path_name(name)?;
    // An upload that ends in between would be another model than the one that was looked at.
    let Some(_turn) = Turn::wait_for(&server, &name).await else { return Err(under_way(&name)) };
    server.check_preconditions(&name, &headers).await?;
    let removed = server.cache.models().remove(&name).await;
    server.cache.forget(&name);
    let info = removed.map_err(|error| Refusal::of_backend(&error))?;
    Ok(json(StatusCode::OK, &info))
}

async fn where_it_is(
    name: Result<Path<String>, PathRejection>,
    OriginalUri(original): OriginalUri,
    uri: Uri,
) -> Result<Response, Refusal> {
    let url = url_below(prefix(&original, &uri), &path_name(name)?);
    Err(Refusal::not_found(format!("a model is loaded from its model.json: `{url}`")))
}

async fn file(
    State(server): State<Arc<Server>>,
    path: Result<Path<(String, String)>, PathRejection>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Path((name, path)) = path.map_err(|_| bad_path())?;
    let name = model_name(&name)?;
    let mut is_retry = false;
    loop {
        // The tag of the JSON is about all files, that of another file about that one alone.
        let found =
            if served::is_json(&path) { server.cache.current(&name).await } else { server.cache.get(&name).await };
        let served = found.map_err(|error| Refusal::of_backend(&error))?;
        let Some(file) = served.file(&path) else {
            let refusal = Refusal::not_found(format!("the model `{name}` has no such file"));
            return Err(match served.version() {
                Some(version) => refusal.with_header(MODEL_VERSION, version.clone()),
                None => refusal,
            });
        };
        match download::answer(file, &method, &headers).await {
            Ok(mut response) => {
                response.headers_mut().extend(served.version().map(|version| (MODEL_VERSION, version.clone())));
                return Ok(response);
            }
            // The files changed after they were looked at.
            Err(error) if !is_retry && matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => {
                server.cache.forget(&name);
                is_retry = true;
            }
            Err(error) => return Err(Refusal::of_backend(&error)),
        }
    }
}

fn under_way(name: &ModelName) -> Refusal {
    let message = format!("another upload to `{name}` has been under way for long; try again when it has ended");
    Refusal::new(StatusCode::CONFLICT, message).with_retry_after(Duration::from_secs(2))
}

/// What stands before the server's own paths if it is nested into another router: nothing, or a path without a slash at its end.
fn prefix<'a>(original: &'a Uri, uri: &Uri) -> &'a str {
    // The list is at the prefix itself, with a slash or without.
    let path = original.path();
    path.strip_suffix(uri.path()).unwrap_or(path).trim_end_matches('/')
}

async fn nothing_here(OriginalUri(original): OriginalUri, uri: Uri) -> Refusal {
    Refusal::not_found(match prefix(&original, &uri) {
        "" => "there is nothing here; models are listed at `/`".to_owned(),
        prefix => format!("there is nothing here; models are listed at `{prefix}`"),
    })
}

async fn not_that_way(method: Method, OriginalUri(original): OriginalUri, uri: Uri) -> Refusal {
    let what_it_is = match uri.path().trim_matches('/') {
        _ if access::is_read(&method) => None,
        "" => Some("this is the list of the models"),
        path if path.contains('/') => Some("files cannot be written one by one"),
        _ => None,
    };
    let message = match what_it_is {
        Some(what) => {
            format!("{what}; upload a model as multipart/form-data to `{}/{{name}}`", prefix(&original, &uri))
        }
        None => format!("{method} makes no sense here"),
    };
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, message)
}

fn path_name(name: Result<Path<String>, PathRejection>) -> Result<ModelName, Refusal> {
    let Path(name) = name.map_err(|_| bad_path())?;
    model_name(&name)
}

fn bad_path() -> Refusal {
    Refusal::invalid_name("the path is not UTF-8 after percent-decoding")
}

fn model_name(name: &str) -> Result<ModelName, Refusal> {
    ModelName::parse(name).map_err(|error| Refusal::invalid_name(error.to_string()))
}

/// The name in a query, decoded as forms are; the default without one.
fn name_of_query(query: &str) -> Result<String, Refusal> {
    let mut names = query.split('&').filter_map(|pair| pair.strip_prefix("name="));
    let Some(name) = names.next() else { return Ok(ModelName::DEFAULT.to_owned()) };
    if names.next().is_some() {
        return Err(Refusal::invalid_name("the query has two names"));
    }
    let spaced = name.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| Refusal::invalid_name("the name is not UTF-8"))
}
