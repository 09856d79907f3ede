//! Which media there are: by what is compiled in, and by what the browser offers.

use tfjs_router::Route;

/// The routes of the media that exist here: a worker has fewer than a page. Each needs its feature.
pub fn routes() -> Vec<Route> {
    let media = media().into_iter();
    media.filter_map(|medium| Some(medium.offer.ok()?())).collect()
}

/// The schemes of the media that do not exist here, each with what it needs: for
/// [`RouterBuilder::hint`](tfjs_router::RouterBuilder::hint).
pub fn missing() -> Vec<(&'static str, &'static str)> {
    media().into_iter().filter_map(|medium| Some((medium.scheme, medium.offer.err()?))).collect()
}

/// A scheme, and its route or what it needs to have one.
struct Medium {
    scheme: &'static str,
    offer: Result<fn() -> Route, &'static str>,
}

fn media() -> [Medium; 4] {
    [local_storage(), indexed_db(), opfs(), downloads()]
}

#[cfg(any(feature = "downloads", feature = "indexeddb", feature = "localstorage", feature = "opfs"))]
fn medium(scheme: &'static str, why_missing: Option<&'static str>, route: fn() -> Route) -> Medium {
    Medium { scheme, offer: why_missing.map_or(Ok(route), Err) }
}

#[cfg(feature = "downloads")]
fn downloads() -> Medium {
    use super::downloads::{SCHEME, route, why_missing};
    medium(SCHEME, why_missing(), route)
}

#[cfg(not(feature = "downloads"))]
fn downloads() -> Medium {
    Medium { scheme: "downloads", offer: Err("the feature `downloads` of tfjs-io or tfjs-browser-storage") }
}

#[cfg(feature = "indexeddb")]
fn indexed_db() -> Medium {
    use super::indexed_db::{SCHEME, route, why_missing};
    medium(SCHEME, why_missing(), route)
}

#[cfg(not(feature = "indexeddb"))]
fn indexed_db() -> Medium {
    Medium { scheme: "indexeddb", offer: Err("the feature `indexeddb` of tfjs-io or tfjs-browser-storage") }
}

#[cfg(feature = "localstorage")]
fn local_storage() -> Medium {
    use super::local_storage::{SCHEME, route, why_missing};
    medium(SCHEME, why_missing(), route)
}

#[cfg(not(feature = "localstorage"))]
fn local_storage() -> Medium {
    Medium { scheme: "localstorage", offer: Err("the feature `localstorage` of tfjs-io or tfjs-browser-storage") }
}

#[cfg(feature = "opfs")]
fn opfs() -> Medium {
    use super::opfs::{SCHEME, route, why_missing};
    medium(SCHEME, why_missing(), route)
}

#[cfg(not(feature = "opfs"))]
fn opfs() -> Medium {
    Medium { scheme: "opfs", offer: Err("the feature `opfs` of tfjs-io or tfjs-browser-storage") }
}
