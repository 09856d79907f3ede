//! URLs and paths: what is taken goes round, and no path of a manifest leaves its folder.

use std::path::{Component, Path};

use tfjs_artifacts::{RelPath, file_name_problem};
use tfjs_fs::FsHandler;
use tfjs_router::ModelUrl;
use tfjs_server::ModelName;

use crate::memory;

/// Takes a text for everything that it may be.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    memory::bounded(data.len(), || {
        url(&text);
        path(&text);
        name(&text);
    });
}

fn url(text: &str) {
    let Ok(url) = ModelUrl::parse(text) else { return };
    let again = ModelUrl::parse(&url.to_string()).expect("what is printed parses");
    assert_eq!(again, url);
    assert!(text.ends_with(url.rest()));
    if let Some(scheme) = url.scheme() {
        assert_eq!(ModelUrl::from_parts(scheme, url.rest()).expect("parts make a URL"), url);
    }
    // Whether it means a path is another question; that it has an answer is this one.
    drop(FsHandler::from_url(&url));
}

fn path(text: &str) {
    let Ok(path) = RelPath::parse(text) else { return };
    assert_eq!(RelPath::parse(path.as_str()).as_ref(), Ok(&path));
    let folder = Path::new("/models/m");
    let joined = folder.join(path.as_str());
    assert!(joined.starts_with(folder) && joined != folder, "{joined:?}");
    assert!(joined.components().skip(1).all(|part| matches!(part, Component::Normal(_))), "{joined:?}");
    assert_eq!(path.segments().count(), joined.components().count() - 3);
    assert!(path.segments().all(|segment| !segment.contains(['\\', ':', '\0'])));
    if let Ok(portable) = path.clone().portable() {
        assert!(portable.segments().all(|segment| file_name_problem(segment).is_none()));
        assert_eq!(portable, path);
    }
}

fn name(text: &str) {
    let Ok(name) = ModelName::parse(text) else { return };
    assert_eq!(name.as_str(), text);
    RelPath::parse(name.as_str()).and_then(RelPath::portable).expect("a name of a model is a name of a file");
}
