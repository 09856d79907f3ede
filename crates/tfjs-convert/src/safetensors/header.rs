//! The header of a `.safetensors` file.
//!
//! The crate `safetensors` wants the whole file in memory or mapped, takes the last of two tensors of one name, and has limits of
//! its own; so this is ours, with the same rules and all of them checked.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tfjs_artifacts::{Error, ErrorKind, Limit, LimitError, Limits, WeightData, sniff_strictly};

use super::METADATA;
use crate::element_type::ElementType;
use crate::plan::Entry;
use crate::restore::listed;

/// A tensor of the header.
#[derive(Debug)]
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) spelled: String,
    pub(super) dtype: Option<ElementType>,
    pub(super) shape: Vec<u64>,
    /// Its bytes, counted from behind the header.
    pub(super) range: Range<u64>,
}

/// Bytes of the length before the header.
const PREFIX: u64 = 8;

/// The tensors in the order of their bytes, the metadata, and where the bytes begin.
pub(super) async fn read(
    data: &WeightData,
    limits: &Limits,
) -> Result<(Vec<Tensor>, BTreeMap<String, String>, u64), Error> {
    let total = data.byte_length();
    let head = data.read(0..total.min(64)).await?;
    let Some(prefix) = head.first_chunk::<8>() else {
        return Err(bad(format!("the file has {total} bytes, too few for a safetensors file")));
    };
    let length = u64::from_le_bytes(*prefix);
    let Some(start) = length.checked_add(PREFIX).filter(|start| *start <= total) else {
        // What is something else has a length that makes no sense.
        let reason = sniff_strictly(&head).map_or_else(
            || format!("says that its header has {length} bytes, but the file has {total}; it is cut short or no safetensors file"),
            |sniffed| sniffed.to_string(),
        );
        return Err(bad(format!("the file {reason}")));
    };
    limits.check(Limit::JsonBytes, length).map_err(|error| error.of("the header"))?;
    let text = data.read(PREFIX..start).await?;
    if text.first() != Some(&b'{') {
        return Err(bad("the header is no JSON object, so this is no safetensors file".to_owned()));
    }
    let header: Header<'_> = serde_json::from_slice(&text)
        .map_err(|error| bad("the header is not what safetensors have".to_owned()).with_source(error))?;
    let metadata = checked_metadata(header.metadata)?;
    let tensors = checked(header.tensors, total - start, limits)?;
    Ok((tensors, metadata, start))
}

fn bad(message: String) -> Error {
    Error::new(ErrorKind::InvalidData, message)
}

/// The members of a JSON object in their order, repeated ones too.
#[derive(Default)]
struct Header<'a> {
    tensors: Vec<(Cow<'a, str>, Claim<'a>)>,
    metadata: Vec<(String, String)>,
}

/// What the header says of a tensor.
#[derive(Deserialize)]
struct Claim<'a> {
    #[serde(borrow)]
    dtype: Cow<'a, str>,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

/// Texts of a JSON object in their order, repeated keys too.
struct Texts(Vec<(String, String)>);

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Header<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Header<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header<'de>, A::Error> {
                let mut header = Header::default();
                while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
                    if key == METADATA {
                        // `null` is what some writers make of no metadata.
                        let texts = map.next_value::<Option<Texts>>()?;
                        header.metadata.extend(texts.map(|texts| texts.0).unwrap_or_default());
                    } else {
                        header.tensors.push((key, map.next_value()?));
                    }
                }
                Ok(header)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while let Some(member) = map.next_entry()? {
                    texts.push(member);
                }
                Ok(Texts(texts))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// No key twice: readers would differ about which one counts.
fn checked_metadata(members: Vec<(String, String)>) -> Result<BTreeMap<String, String>, Error> {
    let mut metadata = BTreeMap::new();
    for (key, value) in members {
        if metadata.contains_key(&key) {
            return Err(bad(format!("the metadata has `{}` twice", key.escape_debug())));
        }
        metadata.insert(key, value);
    }
    Ok(metadata)
}

/// Every rule of the format, and our limits: names of their own, sizes that fit, and no byte that is nobody's or two tensors'.
fn checked(claims: Vec<(Cow<'_, str>, Claim<'_>)>, length: u64, limits: &Limits) -> Result<Vec<Tensor>, Error> {
    limits.check(Limit::Tensors, claims.len() as u64)?;
    let mut names = BTreeSet::new();
    let mut problems = Vec::new();
    for (name, claim) in &claims {
        limits.check(Limit::NameBytes, name.len() as u64)?;
        let of = |error: LimitError| error.of(format!("tensor `{name}`"));
        limits.check(Limit::Rank, claim.shape.len() as u64).map_err(of)?;
        if !names.insert(name.as_ref()) {
            problems.push(format!("there are two tensors `{}`", name.escape_debug()));
        }
        problems.extend(problem_of(name, claim));
    }
    if !problems.is_empty() {
        return Err(bad(format!("the header makes no sense: {}", listed(&problems))));
    }
    let mut tensors: Vec<_> = claims.into_iter().map(tensor).collect();
    // Tensors without bytes lie between others; where exactly is of no use to anybody.
    tensors.sort_by_key(|tensor| (tensor.range.start, tensor.range.end));
    let mut at = 0;
    for tensor in &tensors {
        let (name, start) = (&tensor.name, tensor.range.start);
        if start != at {
            let what = if start < at { "overlaps the one before it" } else { "leaves a hole before it" };
            return Err(bad(format!("tensor `{name}` {what}: it begins at byte {start}, not {at}")));
        }
        at = tensor.range.end;
    }
    if at != length {
        return Err(bad(format!("the tensors have {at} bytes, but the file has {length} for them")));
    }
    Ok(tensors)
}

/// What is wrong with one tensor, whatever the others are.
fn problem_of(name: &str, claim: &Claim<'_>) -> Option<String> {
    let (begin, end) = claim.data_offsets;
    let Some(bytes) = end.checked_sub(begin) else {
        return Some(format!("tensor `{}` ends at byte {end}, before its beginning at {begin}", name.escape_debug()));
    };
    let size = ElementType::from_name(&claim.dtype)?.size();
    let needed = if claim.shape.contains(&0) {
        Some(0)
    } else {
        claim.shape.iter().try_fold(size, |product, dim| product.checked_mul(*dim))
    };
    (needed != Some(bytes)).then(|| {
        let needed = needed.map_or_else(|| "more than 2^64".to_owned(), |needed| needed.to_string());
        let (name, dtype, shape) = (name.escape_debug(), claim.dtype.escape_debug(), &claim.shape);
        format!("tensor `{name}` is {dtype} {shape:?}, which takes {needed} bytes, but has {bytes}")
    })
}

fn tensor((name, claim): (Cow<'_, str>, Claim<'_>)) -> Tensor {
    let (begin, end) = claim.data_offsets;
    let dtype = ElementType::from_name(&claim.dtype);
    let (name, spelled) = (name.into_owned(), claim.dtype.escape_debug().to_string());
    Tensor { name, spelled, dtype, shape: claim.shape, range: begin..end }
}

/// The header of these tensors, which follow one another in this order, padded so that they begin aligned.
pub(super) fn encode(metadata: &BTreeMap<String, String>, entries: &[&Entry]) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    text.extend_from_slice(b"{");
    push(&mut text, METADATA)?;
    text.push(b':');
    push(&mut text, metadata)?;
    let mut at = 0;
    for entry in entries {
        let end = at + (entry.range.end - entry.range.start);
        text.push(b',');
        push(&mut text, &entry.name)?;
        let (dtype, shape) = (entry.form.dtype, &entry.form.shape);
        text.extend_from_slice(format!(r#":{{"dtype":"{dtype}","shape":"#).as_bytes());
        push(&mut text, shape)?;
        text.extend_from_slice(format!(r#","data_offsets":[{at},{end}]}}"#).as_bytes());
        at = end;
    }
    text.push(b'}');
    text.resize(text.len().next_multiple_of(8), b' ');
    Ok(text)
}

fn push<T: serde::Serialize + ?Sized>(text: &mut Vec<u8>, value: &T) -> Result<(), Error> {
    serde_json::to_writer(text, value)
        .map_err(|error| Error::new(ErrorKind::Unexpected, "the header cannot be written").with_source(error))
}
