//! The records as TensorFlow.js lays them out, and what can go wrong with its database.

use std::time::Duration;

use futures::StreamExt as _;
use tfjs_artifacts::{ByteSource, Bytes, Error, ErrorKind, ModelArtifacts};
use tfjs_browser_storage::{IndexedDbHandler, indexed_db};
use tfjs_router::{LoadHandler as _, LoadOptions, RemoveOptions, Router, SaveHandler as _, SaveOptions};
use tfjs_testkit::{FailingSource, assert_same_model, samples};
use wasm_bindgen_test::wasm_bindgen_test;

use super::raw::{js, text};

fn router() -> Router {
    Router::builder().route(indexed_db::route()).build().unwrap()
}

fn named(name: &str) -> IndexedDbHandler {
    IndexedDbHandler::new(name).unwrap().with_open_timeout(Duration::from_millis(300))
}

async fn save(name: &str, artifacts: &ModelArtifacts) {
    named(name).save(artifacts, &SaveOptions::new()).await.unwrap();
}

async fn load(name: &str) -> ModelArtifacts {
    named(name).load(&LoadOptions::new()).await.unwrap()
}

async fn listed() -> Vec<String> {
    router().list_models("indexeddb://").map(|model| model.unwrap().url.to_string()).collect().await
}

async fn delete_database() {
    js("await result(indexedDB.deleteDatabase('tensorflowjs'))").await.unwrap();
}

#[wasm_bindgen_test]
async fn records_are_those_of_tensorflow_js() {
    delete_database().await;
    save("layout", &samples::filled(1.5)).await;
    let records = text(
        "const database = await open(1);
         const stores = [...database.objectStoreNames];
         const transaction = both(database);
         const [model, info] = await Promise.all(
             ['models_store', 'model_info_store'].map(store => result(transaction.objectStore(store).get('layout'))));
         const keyPaths = stores.map(store => transaction.objectStore(store).keyPath);
         database.close();
         const artifacts = model.modelArtifacts;
         return JSON.stringify([stores, keyPaths, Object.keys(model), Object.keys(info), Object.keys(artifacts),
             artifacts.weightData instanceof ArrayBuffer, [...new Float32Array(artifacts.weightData)].slice(0, 2),
             model.modelArtifactsInfo.dateSaved instanceof Date, Object.keys(info.modelArtifactsInfo)]);",
    )
    .await;
    let keys = ["modelTopology", "format", "generatedBy", "convertedBy", "weightSpecs", "weightData"];
    let expected = serde_json::json!([
        ["model_info_store", "models_store"],
        ["modelPath", "modelPath"],
        ["modelPath", "modelArtifacts", "modelArtifactsInfo"],
        ["modelPath", "modelArtifactsInfo"],
        keys,
        true,
        [1.5, 1.5],
        true,
        ["dateSaved", "modelTopologyType", "modelTopologyBytes", "weightSpecsBytes", "weightDataBytes"],
    ]);
    let records: serde_json::Value = serde_json::from_str(&records).unwrap();
    assert_eq!(records, expected);
}

#[wasm_bindgen_test]
async fn what_tensorflow_js_leaves_behind_is_no_model() {
    delete_database().await;
    save("whole", &samples::filled(1.0)).await;
    js("const database = await open(1);
        const transaction = both(database);
        const modelArtifactsInfo = {dateSaved: new Date(), modelTopologyType: 'JSON', modelTopologyBytes: 1, weightSpecsBytes: 1, weightDataBytes: 1};
        transaction.objectStore('model_info_store').put({modelPath: 'orphan', modelArtifactsInfo});
        await done(transaction); database.close();").await.unwrap();
    assert_eq!(listed().await, ["indexeddb://whole"]);
    let remove = async || router().remove_model("indexeddb://orphan", &RemoveOptions::new()).await;
    assert_eq!(remove().await.unwrap().weight_data_bytes, 1);
    assert_eq!(remove().await.unwrap_err().kind(), ErrorKind::NotFound);
}

/// TensorFlow.js loads it as well, and cannot remove it.
#[wasm_bindgen_test]
async fn a_model_without_an_info_is_loaded_and_removed() {
    delete_database().await;
    save("bare", &samples::filled(6.0)).await;
    js("const database = await open(1);
        const transaction = both(database);
        transaction.objectStore('model_info_store').delete('bare');
        await done(transaction); database.close();")
    .await
    .unwrap();
    assert_eq!(listed().await, [""; 0]);
    assert_same_model(&load("bare").await, &samples::filled(6.0));
    router().remove_model("indexeddb://bare", &RemoveOptions::new()).await.unwrap();
    assert_eq!(named("bare").load(&LoadOptions::new()).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[wasm_bindgen_test]
async fn keys_that_are_no_names_are_told_by_a_list() {
    delete_database().await;
    save("named", &samples::filled(1.0)).await;
    js("const database = await open(1);
        const transaction = both(database);
        for (const modelPath of [5, '\\ud800x']) transaction.objectStore('model_info_store').put({modelPath});
        await done(transaction); database.close();")
    .await
    .unwrap();
    let listed: Vec<_> = router().list_models("indexeddb://").collect().await;
    let (models, errors): (Vec<_>, Vec<_>) = listed.into_iter().partition(Result::is_ok);
    assert_eq!(models.len(), 1);
    let errors: Vec<_> = errors.into_iter().map(|error| error.unwrap_err().to_string()).collect();
    let tells = |key: &str| errors.iter().any(|error| error.contains(key));
    assert!(errors.len() == 2 && tells("the key 5,") && tells(r#"the key "\ud800x","#), "{errors:?}");
    delete_database().await;
}

#[wasm_bindgen_test]
async fn an_array_of_buffers_is_read() {
    save("array", &samples::filled(2.0)).await;
    super::indexed_db::change(
        "indexeddb://array",
        "const data = record.modelArtifacts.weightData;
         record.modelArtifacts.weightData = [data.slice(0, 3), data.slice(3, 6), data.slice(6)]",
    )
    .await;
    let lazy = named("array").load(&LoadOptions::lazy()).await.unwrap();
    let weights = lazy.weights.as_ref().unwrap().data();
    let filled = samples::filled(2.0);
    assert_eq!(weights.read(1..7).await.unwrap(), filled.weights.as_ref().unwrap().data().read(1..7).await.unwrap());
    assert_same_model(&load("array").await, &filled);
}

/// Whoever knows nothing of the extra may change the parts beside it.
#[wasm_bindgen_test]
async fn an_extra_that_is_out_of_date_counts_for_nothing() {
    save("stale", &samples::everything()).await;
    super::indexed_db::change("indexeddb://stale", "record.modelArtifacts.userDefinedMetadata = {changed: true}").await;
    let loaded = load("stale").await;
    assert_eq!(loaded.user_defined_metadata.unwrap().get(), r#"{"changed":true}"#);
    assert_eq!(loaded.weights.unwrap().groups().len(), 1);
}

#[wasm_bindgen_test]
async fn a_database_that_somebody_keeps_from_opening_is_an_error() {
    save("kept", &samples::filled(3.0)).await;
    js("globalThis.held = await open(1); globalThis.deletion = indexedDB.deleteDatabase('tensorflowjs');")
        .await
        .unwrap();
    let error = named("kept").load(&LoadOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("close the other pages"), "{error}");
    let saved = named("kept").save(&samples::filled(4.0), &SaveOptions::new()).await;
    assert_eq!(saved.unwrap_err().kind(), ErrorKind::Timeout);
    js("globalThis.held.close(); await result(globalThis.deletion)").await.unwrap();
    save("kept", &samples::filled(5.0)).await;
    assert_same_model(&load("kept").await, &samples::filled(5.0));
}

#[wasm_bindgen_test]
async fn our_connections_keep_nobody_waiting() {
    save("polite", &samples::filled(1.0)).await;
    let lazy = named("polite").load(&LoadOptions::lazy()).await.unwrap();
    let blocked = text(
        "const request = indexedDB.deleteDatabase('tensorflowjs');
         return await Promise.race([result(request).then(() => 'deleted'), new Promise(resolve => { request.onblocked = () => resolve('blocked'); })]);",
    )
    .await;
    assert_eq!(blocked, "deleted");
    let weights = lazy.weights.unwrap().load(|_| ()).await.unwrap();
    assert_eq!(weights.data().byte_length(), samples::filled(1.0).weights.unwrap().data().byte_length());
}

#[wasm_bindgen_test]
async fn a_database_of_another_version_or_layout_is_an_error() {
    delete_database().await;
    js("(await open(2, database => database.createObjectStore('mine'))).close()").await.unwrap();
    let error = named("x").load(&LoadOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    delete_database().await;
    js("(await open(1, database => database.createObjectStore('mine'))).close()").await.unwrap();
    let error = named("x").save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(error.to_string().contains("`models_store`"), "{error}");
    delete_database().await;
    save("x", &samples::filled(1.0)).await;
}

async fn chunk_keys() -> String {
    text(
        "const database = await open(1);
         const keys = await result(both(database).objectStore('models_store').getAllKeys());
         database.close();
         return String(keys.filter(key => Array.isArray(key)).length);",
    )
    .await
}

#[wasm_bindgen_test]
async fn chunks_that_belong_to_no_model_are_removed() {
    delete_database().await;
    let chunked = named("large").with_largest_record(0);
    chunked.save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
    assert_eq!(chunk_keys().await, "1");
    let lazy = chunked.load(&LoadOptions::lazy()).await.unwrap();

    // Replaced, while somebody reads.
    chunked.save(&samples::filled(2.0), &SaveOptions::new()).await.unwrap();
    assert_eq!(chunk_keys().await, "2");
    let weights = lazy.weights.as_ref().unwrap().load(|_| ()).await.unwrap();
    let mut eager = lazy.clone();
    eager.weights = Some(weights);
    assert_same_model(&eager, &samples::filled(1.0));
    drop(lazy);

    // A save that fails leaves nothing, and takes along what nobody reads any more.
    let broken = samples::from_source(FailingSource::new(vec![0; 20 << 20], 17 << 20));
    let failed = chunked.save(&broken, &SaveOptions::new()).await;
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Transport);
    for _ in 0..100 {
        if chunk_keys().await == "1" {
            break;
        }
        gloo_timers::future::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(chunk_keys().await, "1");
    assert_same_model(&load("large").await, &samples::filled(2.0));

    // TensorFlow.js removes the two records that it knows.
    js("const database = await open(1);
        const transaction = both(database);
        for (const store of ['models_store', 'model_info_store']) transaction.objectStore(store).delete('large');
        await done(transaction); database.close();")
    .await
    .unwrap();
    save("small", &samples::filled(3.0)).await;
    assert_eq!(chunk_keys().await, "0");
}

/// A number in the place of the bytes would become so many zeros.
#[wasm_bindgen_test]
async fn a_chunk_of_something_else_than_bytes_is_an_error() {
    let chunked = named("odd chunk").with_largest_record(0);
    for bytes in ["chunk.bytes.byteLength", "String(chunk.bytes.byteLength)", "[1, 2]", "1e12", "10n", "null"] {
        chunked.save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
        super::indexed_db::change(
            "indexeddb://odd chunk",
            &format!(
                "const get = store.get(['tfjs-io', record.tfjsIo.chunks, 0]);
                 get.onsuccess = () => {{ const chunk = get.result; chunk.bytes = {bytes}; store.put(chunk); }}"
            ),
        )
        .await;
        let error = chunked.load(&LoadOptions::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{bytes}: {error}");
    }
}

#[wasm_bindgen_test]
async fn weight_data_that_claims_billions_of_buffers_is_an_error() {
    save("claims", &samples::filled(1.0)).await;
    super::indexed_db::change("indexeddb://claims", "record.modelArtifacts.weightData = new Array(4294967295)").await;
    let error = named("claims").load(&LoadOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
}

/// Its writer holds the lock of the chunks for a moment after the model names them.
#[wasm_bindgen_test]
async fn chunks_stay_for_whoever_began_to_read_before_their_writer_let_go() {
    delete_database().await;
    let chunked = named("just saved").with_largest_record(0);
    chunked.save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
    js("const database = await open(1);
        const record = await result(both(database).objectStore('models_store').get('just saved'));
        database.close();
        const lock = 'tfjs-io indexeddb ' + record.tfjsIo.chunks;
        await new Promise(granted => {
            globalThis.released = navigator.locks.request(lock, () => {
                granted();
                return new Promise(resolve => setTimeout(resolve, 100));
            });
        });")
    .await
    .unwrap();
    let lazy = chunked.load(&LoadOptions::lazy()).await.unwrap();
    js("await globalThis.released").await.unwrap();
    chunked.save(&samples::filled(2.0), &SaveOptions::new()).await.unwrap();
    let mut eager = lazy.clone();
    eager.weights = Some(lazy.weights.as_ref().unwrap().load(|_| ()).await.unwrap());
    assert_same_model(&eager, &samples::filled(1.0));
}

#[wasm_bindgen_test]
async fn patience_may_be_endless() {
    let patient = named("patient").with_open_timeout(Duration::MAX);
    patient.save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
    assert_same_model(&patient.load(&LoadOptions::new()).await.unwrap(), &samples::filled(1.0));
}

/// The browser says that it is full as long as there are chunks.
#[wasm_bindgen_test]
async fn what_a_save_that_died_left_over_takes_no_room_from_the_next() {
    delete_database().await;
    save("any", &samples::filled(1.0)).await;
    js("const database = await open(1);
        const transaction = both(database);
        transaction.objectStore('models_store').put({modelPath: ['tfjs-io', 'died', 0], bytes: new ArrayBuffer(8)});
        await done(transaction);
        database.close();
        navigator.storage.estimate = async () => {
            const database = await open(1);
            const keys = await result(both(database).objectStore('models_store').getAllKeys());
            database.close();
            return {quota: 1e6, usage: keys.some(Array.isArray) ? 1e6 : 0};
        };")
    .await
    .unwrap();
    let saved = named("next").save(&samples::filled(2.0), &SaveOptions::new()).await;
    js("delete navigator.storage.estimate").await.unwrap();
    saved.unwrap();
    assert_eq!(chunk_keys().await, "0");
}

/// Zeros, after the first 16 MiB of which somebody deletes the database.
#[derive(Debug)]
struct Deleting;

#[async_trait::async_trait(?Send)]
impl ByteSource for Deleting {
    fn byte_length(&self) -> u64 {
        20 << 20
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, range: std::ops::Range<u64>) -> Result<Bytes, Error> {
        if range.contains(&(17 << 20)) {
            delete_database().await;
        }
        Ok(vec![0; usize::try_from(range.end - range.start).unwrap()].into())
    }
}

#[wasm_bindgen_test]
async fn a_save_whose_chunks_somebody_deletes_is_an_error() {
    let chunked = named("deleted").with_largest_record(0);
    let saved = chunked.save(&samples::from_source(Deleting), &SaveOptions::new()).await;
    assert_eq!(saved.unwrap_err().kind(), ErrorKind::Transport);
    assert_eq!(chunked.load(&LoadOptions::new()).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[wasm_bindgen_test]
async fn what_is_damaged_can_be_removed() {
    save("damaged", &samples::filled(1.0)).await;
    js("const database = await open(1);
        const transaction = both(database);
        transaction.objectStore('model_info_store').put({modelPath: 'damaged', modelArtifactsInfo: 1});
        await done(transaction); database.close();")
    .await
    .unwrap();
    let listed: Vec<_> = router().list_models("indexeddb://").collect().await;
    let told: Vec<_> = listed.into_iter().filter_map(Result::err).map(|error| error.to_string()).collect();
    assert!(told.iter().any(|error| error.starts_with("cannot list `indexeddb://damaged`: ")), "{told:?}");
    let removed = router().remove_model("indexeddb://damaged", &RemoveOptions::new()).await.unwrap();
    assert_eq!(removed.weight_data_bytes, 0);
    assert_eq!(named("damaged").load(&LoadOptions::new()).await.unwrap_err().kind(), ErrorKind::NotFound);
}

/// A stand-in for a browser that takes less in one record: that it really does takes half a gibibyte, see the page of interop.
#[wasm_bindgen_test]
async fn a_record_that_is_too_large_for_the_browser_says_what_to_do() {
    save("wide", &samples::filled(1.0)).await;
    js("globalThis.put = IDBObjectStore.prototype.put;
        IDBObjectStore.prototype.put = () => { throw new DOMException('Data cannot be cloned, out of memory', 'DataCloneError'); };")
    .await
    .unwrap();
    let saved = named("wide").save(&samples::filled(2.0), &SaveOptions::new()).await;
    js("IDBObjectStore.prototype.put = globalThis.put").await.unwrap();
    let error = saved.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert!(error.to_string().contains("`with_largest_record`"), "{error}");
    assert_same_model(&load("wide").await, &samples::filled(1.0));
}
