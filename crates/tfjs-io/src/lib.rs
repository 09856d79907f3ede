#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[doc(no_inline)]
pub use tfjs_artifacts::{
    BoxStream, ByteSource, Bytes, ChecksumMismatch, Completion, DType, DateSaved, Error, ErrorKind, Limit, LimitError,
    Limits, Location, ManifestError, ModelArtifacts, ModelArtifactsInfo, ModelFormat, ModelJson, ModelTopology,
    Operation, PlannedShard, Quantization, QuantizationDType, RawJson, RelPath, SaveResult, Segment, Sha256, Shape,
    Shard, ShardLayout, ShardNames, Sharding, StoredSize, SurplusBytes, TensorPlace, TopologyType, WeightData,
    WeightGroup, WeightSpec, Weights, WeightsError, async_trait, encode_manifest, encode_model_json, printable,
};
#[cfg(all(feature = "downloads", target_arch = "wasm32", target_os = "unknown"))]
#[doc(no_inline)]
pub use tfjs_browser_storage::DownloadsHandler;
#[cfg(all(feature = "indexeddb", target_arch = "wasm32", target_os = "unknown"))]
#[doc(no_inline)]
pub use tfjs_browser_storage::IndexedDbHandler;
#[cfg(all(feature = "localstorage", target_arch = "wasm32", target_os = "unknown"))]
#[doc(no_inline)]
pub use tfjs_browser_storage::LocalStorageHandler;
#[cfg(all(feature = "opfs", target_arch = "wasm32", target_os = "unknown"))]
#[doc(no_inline)]
pub use tfjs_browser_storage::OpfsHandler;
#[cfg(all(feature = "picked-files", target_arch = "wasm32", target_os = "unknown"))]
#[doc(no_inline)]
pub use tfjs_browser_storage::{BrowserFiles, PickedFiles, browser_files};
#[cfg(all(feature = "any-browser-storage", target_arch = "wasm32", target_os = "unknown"))]
#[doc(no_inline)]
pub use tfjs_browser_storage::{StorageStatus, request_persistence, storage_status};
#[cfg(all(feature = "fs", not(target_arch = "wasm32")))]
#[doc(no_inline)]
pub use tfjs_fs::FsHandler;
#[cfg(feature = "http")]
#[doc(no_inline)]
pub use tfjs_http::{
    CachePolicy, Cached, FileRef, FileUse, HttpClient, HttpHandler, RequestInfo, RetryPolicy, ShardQuery, cached,
};
#[cfg(feature = "model")]
#[doc(no_inline)]
pub use tfjs_model::{
    Attr, Connection, DTypeMismatch, DataType, Dim, Function, Graph, GraphEnd, GraphModel, GraphModelOptions,
    GraphWeightReport, InputOutput, JsonDifference, Layer, LayersModel, LayersModelOptions, MatchReport, Model,
    ModelDifferences, ModelError, ModelKind, Node, NodeInput, OptimizerState, ParamCounts, Picture, Rename, SaveConfig,
    ShapeMismatch, Signature, Slot, SpecDifference, SummaryOptions, SymbolicShape, TensorDifferences, TensorInfo,
    TopologyDifferences, TrainingConfig, ValueDifference, Weight, WeightMatching, load_graph_model_from,
    load_layers_model_from, load_model_from,
};
#[cfg(all(feature = "any-object-store", not(target_arch = "wasm32")))]
#[doc(no_inline)]
pub use tfjs_object_store::{ObjectStoreHandler, ObjectStoreRoutes};
#[doc(no_inline)]
pub use tfjs_router::{
    Checkpoint, Checkpoints, Checksums, Compare, Digests, Durability, IoHandler, Links, ListedModel, LoadHandler,
    LoadOptions, MemoryStore, ModelSource, ModelStore, ModelUrl, Phase, Progress, ProgressMeter, ProgressSink,
    RemoveOptions, Resume, Route, Router, RouterBuilder, SaveHandler, SaveOptions, SyncAction, SyncItem, SyncOptions,
    SyncPlan, WeightLoading, finish_load, from_memory, with_save_handler,
};
#[doc(no_inline)]
pub use tfjs_weights::{
    Codes, DecodeError, QuantizationReport, QuantizationRule, QuantizationRuleError, QuantizationRules, QuantizeError,
    QuantizeTo, ReadAhead, StoredTensor, StreamDecoder, Tensor, TensorError, TensorReader, Values, ValuesMut,
    WeightsWriter, decode, decode_codes, decode_into, decode_stream, decode_stream_with, decode_weights, encode_into,
    encode_weights, quantize, quantize_into, quantize_weights,
};

/// A builder that already has the routes of every backend that is compiled in, for adding one's own.
///
/// Object stores have the credentials that a cloud gives its own machines. Nothing is read from the environment;
/// `default_routes_with_stores` can be told to.
///
/// ```
/// use tfjs_io::MemoryStore;
///
/// let router = tfjs_io::default_routes().route(MemoryStore::new().route()).build()?;
/// assert!(router.schemes().any(|scheme| scheme == "memory"));
/// # Ok::<(), tfjs_io::Error>(())
/// ```
pub fn default_routes() -> RouterBuilder {
    let builder = routes_but_http();
    #[cfg(feature = "http")]
    let builder = builder.routes(tfjs_http::routes());
    #[cfg(not(feature = "http"))]
    let builder = ["http", "https"]
        .into_iter()
        .fold(builder, |builder, scheme| builder.hint(scheme, "the feature `http` of tfjs-io"));
    builder
}

/// As [`default_routes`], with an HTTP client of one's own: for credentials, retries, signed URLs.
///
/// ```
/// use tfjs_io::HttpClient;
///
/// let client = HttpClient::new().with_bearer_token("secret")?;
/// let router = tfjs_io::default_routes_with(&client).build()?;
/// # Ok::<(), tfjs_io::Error>(())
/// ```
#[cfg(feature = "http")]
pub fn default_routes_with(client: &HttpClient) -> RouterBuilder {
    routes_but_http().routes(tfjs_http::routes_with(client))
}

/// As [`default_routes_with`], with object stores of one's own settings: of the environment, or of a builder.
///
/// ```
/// # #[cfg(all(feature = "http", feature = "any-object-store"))] {
/// use tfjs_io::{HttpClient, ObjectStoreRoutes};
///
/// let router = tfjs_io::default_routes_with_stores(&HttpClient::new(), &ObjectStoreRoutes::from_env()).build()?;
/// # }
/// # Ok::<(), tfjs_io::Error>(())
/// ```
#[cfg(all(feature = "http", feature = "any-object-store", not(target_arch = "wasm32")))]
pub fn default_routes_with_stores(client: &HttpClient, stores: &ObjectStoreRoutes) -> RouterBuilder {
    local_routes().routes(tfjs_http::routes_with(client)).routes(stores.routes())
}

fn routes_but_http() -> RouterBuilder {
    with_object_stores(local_routes())
}

/// What needs no network, and what this build does not have.
fn local_routes() -> RouterBuilder {
    let builder = with_browser_storage(with_files(Router::builder()));
    let missing = [
        ("s3", "s3", cfg!(feature = "s3")),
        ("gs", "gcs", cfg!(feature = "gcs")),
        ("az", "azure", cfg!(feature = "azure")),
    ];
    missing
        .into_iter()
        .filter(|(.., is_there)| cfg!(target_arch = "wasm32") || !is_there)
        .fold(builder, |builder, (scheme, feature, _)| builder.hint(scheme, &needs_object_store(feature)))
        .hint("memory", "a router of your own with `MemoryStore::route`")
}

fn needs_object_store(feature: &str) -> String {
    if cfg!(target_arch = "wasm32") {
        "what a browser does not have: use `https://`, with a signed URL if it must be".to_owned()
    } else {
        format!("the feature `{feature}` of tfjs-io")
    }
}

#[cfg(all(feature = "any-object-store", not(target_arch = "wasm32")))]
fn with_object_stores(builder: RouterBuilder) -> RouterBuilder {
    builder.routes(ObjectStoreRoutes::new().routes())
}

#[cfg(not(all(feature = "any-object-store", not(target_arch = "wasm32"))))]
fn with_object_stores(builder: RouterBuilder) -> RouterBuilder {
    builder
}

#[cfg(all(feature = "fs", not(target_arch = "wasm32")))]
fn with_files(builder: RouterBuilder) -> RouterBuilder {
    builder.routes(tfjs_fs::routes())
}

#[cfg(not(all(feature = "fs", not(target_arch = "wasm32"))))]
fn with_files(builder: RouterBuilder) -> RouterBuilder {
    let needs = if cfg!(target_arch = "wasm32") {
        "files, which a browser does not have: use `opfs://`, or let the user pick them (`browser_files`)"
    } else {
        "the feature `fs` of tfjs-io"
    };
    builder.hint("file", needs)
}

/// What a browser has, as far as it is there.
#[cfg(all(feature = "any-browser-storage", target_arch = "wasm32", target_os = "unknown"))]
fn with_browser_storage(builder: RouterBuilder) -> RouterBuilder {
    let missing = tfjs_browser_storage::missing().into_iter();
    missing.fold(builder.routes(tfjs_browser_storage::routes()), |builder, (scheme, needs)| builder.hint(scheme, needs))
}

#[cfg(not(all(feature = "any-browser-storage", target_arch = "wasm32", target_os = "unknown")))]
fn with_browser_storage(builder: RouterBuilder) -> RouterBuilder {
    let needs = if cfg!(target_arch = "wasm32") {
        "the feature `browser-storage` of tfjs-io"
    } else {
        "a browser: it is there on wasm32, with the feature `browser-storage` of tfjs-io"
    };
    let schemes = ["localstorage", "indexeddb", "opfs", "downloads"];
    schemes.into_iter().fold(builder, |builder, scheme| builder.hint(scheme, needs))
}

/// The router behind the functions of this crate: every backend that is compiled in.
///
/// It never changes; a scheme of one's own goes into a router of one's own, built from [`default_routes`].
///
/// # Errors
/// None that a release of this crate should show: [`ErrorKind::Conflict`] if two backends had one scheme.
#[cfg(not(target_arch = "wasm32"))]
pub fn default_router() -> Result<Router, Error> {
    static ROUTER: std::sync::OnceLock<Router> = std::sync::OnceLock::new();
    if let Some(router) = ROUTER.get() {
        return Ok(router.clone());
    }
    let router = default_routes().build()?;
    Ok(ROUTER.get_or_init(|| router).clone())
}

/// The router behind the functions of this crate: every backend that is compiled in.
///
/// It never changes; a scheme of one's own goes into a router of one's own, built from [`default_routes`]. On wasm32, where
/// handlers need not be shareable between threads, it is built for each call, which is cheap.
///
/// # Errors
/// None that a release of this crate should show: [`ErrorKind::Conflict`] if two backends had one scheme.
#[cfg(target_arch = "wasm32")]
pub fn default_router() -> Result<Router, Error> {
    default_routes().build()
}

/// Loads a model from a URL or plain path, with its weights in memory.
///
/// # Errors
/// See [`Router::load`].
pub async fn load(url: &str) -> Result<ModelArtifacts, Error> {
    load_with(url, &LoadOptions::new()).await
}

/// Loads a model from a URL or plain path.
///
/// # Errors
/// See [`Router::load`].
pub async fn load_with(url: &str, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
    default_router()?.load(url, options).await
}

/// Saves a model to a URL or plain path, replacing one that is there.
///
/// # Errors
/// See [`Router::save`].
pub async fn save(artifacts: &ModelArtifacts, url: &str) -> Result<SaveResult, Error> {
    save_with(artifacts, url, &SaveOptions::new()).await
}

/// Saves a model to a URL or plain path, replacing one that is there.
///
/// # Errors
/// See [`Router::save`].
pub async fn save_with(artifacts: &ModelArtifacts, url: &str, options: &SaveOptions) -> Result<SaveResult, Error> {
    default_router()?.save(artifacts, url, options).await
}

/// Copies a model, streamed and lossless. The source is never changed.
///
/// # Errors
/// See [`Router::copy_model`].
pub async fn copy_model(source: &str, destination: &str) -> Result<SaveResult, Error> {
    default_router()?.copy_model(source, destination, &LoadOptions::new(), &SaveOptions::new()).await
}

/// Moves a model: copies it, and removes the source when the copy can be loaded.
///
/// # Errors
/// See [`Router::move_model`].
pub async fn move_model(source: &str, destination: &str) -> Result<SaveResult, Error> {
    default_router()?.move_model(source, destination, &LoadOptions::new(), &SaveOptions::new()).await
}

/// Removes a model and returns what it was.
///
/// # Errors
/// See [`Router::remove_model`].
pub async fn remove_model(url: &str) -> Result<ModelArtifactsInfo, Error> {
    default_router()?.remove_model(url, &RemoveOptions::new()).await
}

/// The models below a URL or plain path, in the order of their URLs.
///
/// # Errors
/// See [`default_router`]; what goes wrong later is in the stream.
pub fn list_models(url: &str) -> Result<BoxStream<'static, Result<ListedModel, Error>>, Error> {
    Ok(default_router()?.list_models(url))
}

/// Loads a model of layers from a URL or plain path: `tf.loadLayersModel`.
///
/// # Errors
/// See [`Router::load`] and [`LayersModel::from_artifacts`].
#[cfg(feature = "model")]
pub async fn load_layers_model(url: &str, options: &LayersModelOptions) -> Result<LayersModel, Error> {
    tfjs_model::load_layers_model(&default_router()?, url, options).await
}

/// Loads a model that is a graph from a URL or plain path: `tf.loadGraphModel`.
///
/// # Errors
/// See [`Router::load`] and [`GraphModel::from_artifacts`].
#[cfg(feature = "model")]
pub async fn load_graph_model(url: &str, options: &GraphModelOptions) -> Result<GraphModel, Error> {
    tfjs_model::load_graph_model(&default_router()?, url, options).await
}

/// Loads a model of layers or a graph from a URL or plain path: `format`, or else the topology, tells which.
///
/// # Errors
/// See [`load_layers_model`].
#[cfg(feature = "model")]
pub async fn load_model(url: &str, options: &LayersModelOptions) -> Result<Model, Error> {
    tfjs_model::load_model(&default_router()?, url, options).await
}

/// Saves a model of layers to a URL or plain path: `model.save(url, config)`.
///
/// # Errors
/// See [`Router::save`] and [`LayersModel::to_artifacts`].
#[cfg(feature = "model")]
pub async fn save_layers_model(model: &LayersModel, url: &str, config: SaveConfig) -> Result<SaveResult, Error> {
    tfjs_model::save_layers_model(&default_router()?, model, url, config, &SaveOptions::new()).await
}
