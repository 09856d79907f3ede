//! Models of converters before TensorFlow.js 1.0: a binary GraphDef and a bare manifest.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::Path;

use tfjs_io::{
    ErrorKind, LoadOptions, ModelFormat, ModelSource, ModelTopology, ModelUrl, SaveOptions, default_router, load, save,
};

const MANIFEST: &str =
    r#"[{"paths": ["group1-shard1of1"], "weights": [{"name": "w", "shape": [3], "dtype": "int32"}]}]"#;

fn write_model(folder: &Path) {
    std::fs::write(folder.join("tensorflowjs_model.pb"), b"\x0a\x03\x00\xff\x01").unwrap();
    std::fs::write(folder.join("weights_manifest.json"), MANIFEST).unwrap();
    std::fs::write(folder.join("group1-shard1of1"), [1; 12]).unwrap();
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

#[tokio::test]
async fn loads_by_folder_by_pb_and_as_a_pair() {
    let folder = tempfile::tempdir().unwrap();
    write_model(folder.path());
    let pair = ModelSource::Pair {
        topology: ModelUrl::parse(&path(folder.path(), "tensorflowjs_model.pb")).unwrap(),
        weights: ModelUrl::parse(&path(folder.path(), "weights_manifest.json")).unwrap(),
    };
    let router = default_router().unwrap();
    for artifacts in [
        load(&path(folder.path(), "")).await.unwrap(),
        load(&path(folder.path(), "tensorflowjs_model.pb")).await.unwrap(),
        router.load_handler(&pair).unwrap().load(&LoadOptions::new()).await.unwrap(),
    ] {
        let topology = artifacts.model_topology.as_ref().unwrap();
        assert_eq!(topology, &ModelTopology::GraphDef(tfjs_io::Bytes::from_static(b"\x0a\x03\x00\xff\x01")));
        assert_eq!(artifacts.model_format(), ModelFormat::GraphModel);
        assert_eq!(artifacts.weights.unwrap().data().byte_length(), 12);
    }
}

#[tokio::test]
async fn is_saved_as_the_same_pair_and_replaces_the_other_kind() {
    let folder = tempfile::tempdir().unwrap();
    write_model(folder.path());
    let binary = load(&path(folder.path(), "")).await.unwrap();
    let json = load(concat!(env!("CARGO_MANIFEST_DIR"), "/models/tiny")).await.unwrap();
    let copy = path(folder.path(), "copy");
    for (artifacts, files) in [
        (&binary, ["model.weights.bin", "tensorflowjs_model.pb", "weights_manifest.json"].as_slice()),
        (&json, &["model.json", "model.weights.bin"]),
        (&binary, &["model.weights.bin", "tensorflowjs_model.pb", "weights_manifest.json"]),
    ] {
        let saved = save(artifacts, &copy).await.unwrap().model_artifacts_info;
        assert_eq!(saved.model_topology_type.as_str(), if files.len() == 3 { "GraphDef" } else { "JSON" });
        tfjs_testkit::assert_same_model(&load(&copy).await.unwrap(), artifacts);
        let mut names: Vec<_> =
            std::fs::read_dir(&copy).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, files);
    }
    let error = save(&binary, &path(folder.path(), "name.json")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    tfjs_io::remove_model(&copy).await.unwrap();
    assert!(!Path::new(&copy).exists());
}

/// Nobody is known to write such a pair, but what is there is kept.
#[tokio::test]
async fn keys_beside_the_weights_survive() {
    let folder = tempfile::tempdir().unwrap();
    write_model(folder.path());
    let manifest = format!(r#"{{"format":"graph-model","weightsManifest":{MANIFEST},"labels":[1.0]}}"#);
    std::fs::write(folder.path().join("weights_manifest.json"), manifest).unwrap();
    let artifacts = load(&path(folder.path(), "")).await.unwrap();
    assert_eq!(artifacts.unknown.len(), 1);
    let copy = path(folder.path(), "copy");
    save(&artifacts, &copy).await.unwrap();
    tfjs_testkit::assert_same_model(&load(&copy).await.unwrap(), &artifacts);
}

#[tokio::test]
async fn a_topology_alone_survives() {
    let folder = tempfile::tempdir().unwrap();
    let mut artifacts = tfjs_io::ModelArtifacts::new();
    artifacts.model_topology = Some(ModelTopology::GraphDef(tfjs_io::Bytes::from_static(b"pb")));
    let copy = path(folder.path(), "copy");
    save(&artifacts, &copy).await.unwrap();
    assert_eq!(load(&copy).await.unwrap().model_topology, artifacts.model_topology);
}

#[tokio::test]
async fn two_places_must_be_of_one_backend_and_cannot_be_saved_to() {
    let router = default_router().unwrap();
    let url = |text: &str| ModelUrl::parse(text).unwrap();
    let spelled = ModelSource::Pair { topology: url("a.pb"), weights: url("file://b.json") };
    assert!(router.load_handler(&spelled).is_ok());
    let mixed = ModelSource::Pair { topology: url("a.pb"), weights: url("http://b.json") };
    let error = router.load_handler(&mixed).unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::InvalidUrl, "topology and weights must have one scheme"));
    let handler = tfjs_io::FsHandler::from_pair("a.pb", "b.json");
    let artifacts = tfjs_io::ModelArtifacts::new();
    let saved = tfjs_io::SaveHandler::save(&handler, &artifacts, &SaveOptions::new()).await;
    assert_eq!(saved.unwrap_err().kind(), ErrorKind::InvalidUrl);
}
