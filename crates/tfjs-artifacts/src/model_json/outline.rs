//! What a `model.json` is made of, down to the members of each weight, found in one pass over the text.

use crate::json::scan::{self, Members, Scanner};

/// The members of the whole object.
pub(super) type Outline<'a> = Members<'a, Member<'a>>;

/// The members of a group of the manifest.
pub(super) type Group<'a> = Members<'a, GroupMember<'a>>;

/// A member of the whole object.
pub(super) enum Member<'a> {
    /// `weightsManifest`; `None` for a null.
    Manifest(Option<Vec<Group<'a>>>),
    /// Any other.
    Raw(&'a str),
}

/// A member of a group.
pub(super) enum GroupMember<'a> {
    /// `weights`: the members of each.
    Weights(Vec<Members<'a, &'a str>>),
    /// Any other.
    Raw(&'a str),
}

/// The outline of a text; `None` where something is wrong, which other passes find.
pub(super) fn outline(text: &str) -> Option<Outline<'_>> {
    scan::whole(text, |scanner| scanner.members(member))
}

fn member<'a>(scanner: &mut Scanner<'a>, key: &str) -> Option<Member<'a>> {
    if key == "weightsManifest" && scanner.peek()? != b'n' {
        let groups = scanner.elements(|scanner| scanner.members(group_member))?;
        return Some(Member::Manifest(Some(groups)));
    }
    let value = scanner.value().ok()?;
    Some(if key == "weightsManifest" { Member::Manifest(None) } else { Member::Raw(value) })
}

fn group_member<'a>(scanner: &mut Scanner<'a>, key: &str) -> Option<GroupMember<'a>> {
    if key == "weights" {
        let weight = |scanner: &mut Scanner<'a>| scanner.members(|scanner, _| scanner.value().ok());
        return scanner.elements(weight).map(GroupMember::Weights);
    }
    scanner.value().ok().map(GroupMember::Raw)
}
