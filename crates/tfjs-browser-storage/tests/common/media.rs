//! Which schemes there are in a page, which in a worker, and what is said of the others.

use tfjs_artifacts::ErrorKind;
use tfjs_browser_storage::{missing, routes};
use tfjs_router::{LoadOptions, Router};
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn what_is_missing_is_not_routed_and_is_explained() {
    let is_page = web_sys::window().is_some();
    let schemes: Vec<_> = routes().iter().map(|route| route.scheme().to_owned()).collect();
    let everywhere = ["indexeddb", "opfs"];
    let only_in_pages = ["localstorage", "downloads"];
    assert!(everywhere.iter().all(|scheme| schemes.iter().any(|routed| routed == scheme)), "{schemes:?}");
    assert_eq!(schemes.len(), if is_page { 4 } else { 2 });
    assert_eq!(missing().len(), if is_page { 0 } else { 2 });

    let builder = Router::builder().routes(routes());
    let router = missing().into_iter().fold(builder, |builder, (scheme, needs)| builder.hint(scheme, needs)).build();
    for scheme in only_in_pages {
        let loaded = router.as_ref().unwrap().load(&format!("{scheme}://m"), &LoadOptions::new()).await;
        let error = loaded.unwrap_err();
        if is_page {
            // There is none of this name, or it is not for loading.
            assert!(matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Unsupported), "{error}");
        } else {
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains(&format!("`{scheme}` needs a page")), "{error}");
        }
    }
}
