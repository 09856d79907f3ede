//! Sets of names.

use std::collections::BTreeMap;

/// Names, each once, in their order. All sets of names are made here: each way to sort is code that a page has to download, and this
/// one is what tfjs-artifacts sorts with.
pub(crate) fn in_order(names: &mut dyn Iterator<Item = String>) -> Vec<String> {
    let names: Vec<_> = names.collect();
    let mut places = BTreeMap::new();
    for (place, name) in names.iter().enumerate() {
        places.insert(name.as_str(), place);
    }
    places.keys().map(|name| (*name).to_owned()).collect()
}
