//! Sets of names.

use std::collections::BTreeSet;

/// Names, each once. All sets of names are made here: each way to sort is code that a page has to download.
pub(crate) fn in_order(names: &mut dyn Iterator<Item = String>) -> BTreeSet<String> {
    let mut set = BTreeSet::new();
    for name in names {
        set.insert(name);
    }
    set
}
