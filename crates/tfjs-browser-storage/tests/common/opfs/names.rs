//! Names of models.

use futures::TryStreamExt as _;
use tfjs_artifacts::ErrorKind;
use tfjs_browser_storage::opfs::OpfsHandler;
use tfjs_router::{
    LoadHandler as _, LoadOptions, ModelSource, ModelStore as _, ModelUrl, RemoveOptions, SaveHandler as _, SaveOptions,
};
use tfjs_testkit::{Harness as _, assert_same_model, samples};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{Opfs, handler};

/// Names that file systems take for others, or refuse.
#[wasm_bindgen_test]
async fn every_name_is_a_model_of_its_own() {
    let harness = Opfs::new();
    let names = [
        ".",
        "..",
        "/",
        "a/../b",
        "a",
        "A",
        "%61",
        "%41",
        "\u{e9}",
        "e\u{301}",
        " a",
        "a ",
        "a.",
        "con",
        "a\0b",
        "\n",
        "?#",
        "://",
        "a\\b",
        "-_",
        "weights-1.bin",
        "model",
        "model.crswap",
        "🦀",
    ];
    for (name, value) in names.iter().zip(1u8..) {
        handler(&harness.url(name)).save(&samples::filled(f32::from(value)), &SaveOptions::new()).await.unwrap();
    }
    for (name, value) in names.iter().zip(1u8..) {
        let loaded = handler(&harness.url(name)).load(&LoadOptions::new()).await.unwrap();
        assert_same_model(&loaded, &samples::filled(f32::from(value)));
    }
    let listed: Vec<_> = handler(&harness.root()).list().try_collect().await.unwrap();
    let listed: Vec<_> = listed.iter().map(|model| model.url.to_string()).collect();
    let mut expected: Vec<_> = names.iter().map(|name| harness.url(name)).collect();
    expected.sort();
    assert_eq!(listed, expected);
}

#[wasm_bindgen_test]
async fn a_prefix_lists_what_begins_with_it() {
    let harness = Opfs::new();
    for name in ["a/1", "a/2", "ab", "b"] {
        handler(&harness.url(name)).save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
    }
    for (prefix, count) in [("", 4), ("a", 3), ("a/", 2), ("a/1", 1), ("c", 0)] {
        let listed: Vec<_> = handler(&harness.url(prefix)).list().try_collect().await.unwrap();
        assert_eq!(listed.len(), count, "{prefix}");
    }
}

#[wasm_bindgen_test]
async fn names_that_no_folder_can_have_are_invalid() {
    let model = samples::filled(1.0);
    let longest = OpfsHandler::new("l".repeat(255));
    longest.save(&model, &SaveOptions::new()).await.unwrap();
    assert_same_model(&longest.load(&LoadOptions::new()).await.unwrap(), &model);
    longest.remove(&RemoveOptions::new()).await.unwrap();
    for name in [String::new(), "l".repeat(256), "L".repeat(86), "ü".repeat(43)] {
        let handler = OpfsHandler::new(name);
        let errors = [
            handler.save(&model, &SaveOptions::new()).await.unwrap_err(),
            handler.load(&LoadOptions::new()).await.unwrap_err(),
            handler.remove(&RemoveOptions::new()).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{error:?}");
            assert!(error.location().is_some() && error.operation().is_some(), "{error:?}");
        }
    }
    assert!(OpfsHandler::from_url(&ModelUrl::parse("indexeddb://a").unwrap()).is_err());
    let url = |url: &str| ModelUrl::parse(url).unwrap();
    let pair = ModelSource::Pair { topology: url("opfs://a"), weights: url("opfs://b") };
    let error = Opfs::new().router().load_handler(&pair).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{error:?}");
}
