//! Names that come twice.

use std::collections::BTreeMap;

/// Where names stand. All that sorts names is of this kind: each kind of tree is code that a page has to download.
pub(crate) type Places<'a> = BTreeMap<&'a str, usize>;

/// The place of the first of these that has come before.
pub(crate) fn first_repeated(names: &mut dyn Iterator<Item = &str>) -> Option<usize> {
    let mut places = Places::new();
    names.enumerate().find(|&(place, name)| places.insert(name, place).is_some()).map(|(place, _)| place)
}
