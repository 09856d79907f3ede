//! Names that come twice.

use std::collections::BTreeMap;

/// The place of the first of these that has come before. All are compared here: each kind of tree is code that a page has to download.
pub(crate) fn first_repeated(names: &mut dyn Iterator<Item = &str>) -> Option<usize> {
    let mut places = BTreeMap::new();
    names.enumerate().find(|&(place, name)| places.insert(name, place).is_some()).map(|(place, _)| place)
}
