//! What a `model.json` is made of, down to the members of each weight, found in one pass over the text.

use serde::de::MapAccess;

use crate::json::{MemberValue, Members, Shallow};

/// The members of the whole object.
pub(super) type Outline<'a> = Members<'a, Member<'a>>;

/// The members of a group of the manifest.
pub(super) type Group<'a> = Members<'a, GroupMember<'a>>;

/// A member of the whole object.
pub(super) enum Member<'a> {
    /// `weightsManifest`; `None` for a null.
    Manifest(Option<Vec<Group<'a>>>),
    /// Any other.
    Raw(Shallow<'a>),
}

/// A member of a group.
pub(super) enum GroupMember<'a> {
    /// `weights`: the members of each.
    Weights(Vec<Members<'a, Shallow<'a>>>),
    /// Any other.
    Raw(Shallow<'a>),
}

impl<'de> MemberValue<'de> for Member<'de> {
    fn next<A: MapAccess<'de>>(key: &str, map: &mut A) -> Result<Self, A::Error> {
        match key {
            "weightsManifest" => map.next_value().map(Self::Manifest),
            _ => Shallow::next(key, map).map(Self::Raw),
        }
    }
}

impl<'de> MemberValue<'de> for GroupMember<'de> {
    fn next<A: MapAccess<'de>>(key: &str, map: &mut A) -> Result<Self, A::Error> {
        match key {
            "weights" => map.next_value().map(Self::Weights),
            _ => Shallow::next(key, map).map(Self::Raw),
        }
    }
}
