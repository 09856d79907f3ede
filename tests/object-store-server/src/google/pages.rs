//! Lists, a thousand objects to a page.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Bound;

use super::words::{Words, escaped, xml};
use super::{Answer, Object};

/// How many a page has at most, whatever is asked for.
const MOST: usize = 1000;

/// One page: objects, and what several objects have in common up to the delimiter.
pub(super) fn list(objects: &BTreeMap<String, Object>, words: &Words) -> Answer {
    let (prefix, delimiter) = (words.get("prefix").unwrap_or_default(), words.get("delimiter"));
    let most = words.get("max-keys").and_then(|most| most.parse().ok()).unwrap_or(MOST).min(MOST);
    let after = words.get("start-after").max(words.get("continuation-token"));
    let begin = match after {
        Some(after) if after >= prefix => Bound::Excluded(after),
        _ => Bound::Included(prefix),
    };
    let (mut page, mut count, mut last, mut common) = (String::new(), 0, None, None::<String>);
    let mut next = None;
    for (key, object) in objects.range::<str, _>((begin, Bound::Unbounded)) {
        let Some(rest) = key.strip_prefix(prefix) else { break };
        let shared = delimiter.and_then(|delimiter| rest.split_once(delimiter).map(|(begin, _)| (begin, delimiter)));
        let shared = shared.map(|(begin, delimiter)| format!("{prefix}{begin}{delimiter}"));
        if shared.is_some() && (shared == common || shared.as_deref().is_some_and(|shared| is_told(shared, after))) {
            last = Some(key);
            continue;
        }
        if count == most {
            next = last;
            break;
        }
        (count, last) = (count + 1, Some(key));
        match shared {
            Some(shared) => {
                let _written = write!(page, "<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", escaped(&shared));
                common = Some(shared);
            }
            None => entry(&mut page, key, object),
        }
    }
    if let Some(next) = next {
        let _written = write!(page, "<NextContinuationToken>{}</NextContinuationToken>", escaped(next));
    }
    xml(&format!("<ListBucketResult><IsTruncated>{}</IsTruncated>{page}</ListBucketResult>", next.is_some()))
}

/// Whether an earlier page has told of these.
fn is_told(shared: &str, after: Option<&str>) -> bool {
    after.is_some_and(|after| after.starts_with(shared))
}

fn entry(page: &mut String, key: &str, object: &Object) {
    let (key, tag) = (escaped(key), object.tag());
    let (modified, length) = (humantime::format_rfc3339_millis(object.modified), object.bytes.len());
    let _written = write!(
        page,
        "<Contents><Key>{key}</Key><LastModified>{modified}</LastModified><ETag>{tag}</ETag><Size>{length}</Size></Contents>"
    );
}
