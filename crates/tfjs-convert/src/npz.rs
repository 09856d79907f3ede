//! NumPy's `.npz`: a ZIP archive of `.npy` files, one for each array.

mod archive;
mod member;
mod npy;
mod writer;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt as _;
use tfjs_artifacts::{Error, ErrorKind, Limit, Limits, ModelArtifacts, Segment, WeightData};
use tfjs_router::{LoadOptions, finish_load};

use crate::element_type::ElementType;
use crate::envelope::Envelope;
use crate::note::Note;
use crate::pending::Pending;
use crate::plan::{Abilities, Plan, plan};
use crate::restore::{Found, listed, restore};
use crate::{ImportOptions, WINDOW};
use member::MemberSource;
use writer::Writer;

/// The member that is no array: what the arrays cannot say of the model.
const ENVELOPE: &str = "__tfjs__.json";
/// The extension of the others.
const NPY: &str = ".npy";
/// The longest name of a member, much less than the 65535 bytes of ZIP.
const LONGEST_NAME: usize = 4096;

const ABILITIES: Abilities = Abilities { complex: true, can_be_called };

/// Whether unpacking a member of this name makes a file below the folder on every system, and `numpy.load` finds the array under it.
fn can_be_called(name: &str) -> bool {
    let is_segment = |segment: &str| !matches!(segment, "" | "." | "..");
    let is_drive = name.as_bytes().get(1) == Some(&b':');
    // Of `w` and `w.npy` NumPy would give the first for both.
    let is_ambiguous = name.ends_with(NPY) || name == ENVELOPE;
    name.len() <= LONGEST_NAME
        && name.split('/').all(is_segment)
        && !name.contains('\\')
        && !name.chars().any(char::is_control)
        && !is_drive
        && !is_ambiguous
}

/// What goes into an archive.
pub(crate) async fn planned(artifacts: &ModelArtifacts) -> Result<Plan, Error> {
    plan(artifacts, ABILITIES).await
}

/// Writes the archive of a plan, uncompressed, in windows. `on_bytes` hears how many bytes of weights are written.
pub(crate) async fn write(plan: &Plan, file: Pending, mut on_bytes: impl FnMut(u64)) -> Result<Pending, Error> {
    let mut archive = Writer::new(file);
    for entry in &plan.entries {
        let header = npy::encode(entry.form.dtype, &entry.form.shape);
        let size = header.len() as u64 + (entry.range.end - entry.range.start);
        archive = archive.member(format!("{}{NPY}", entry.name), size).await?.write(header.into()).await?;
        let mut windows = plan.data.slice(entry.range.clone())?.stream(WINDOW);
        while let Some(window) = windows.next().await {
            let window = window?;
            let length = window.len() as u64;
            archive = archive.write(window).await?;
            on_bytes(length);
        }
    }
    let envelope = serde_json::to_vec(&plan.envelope)
        .map_err(|error| Error::new(ErrorKind::Unexpected, "the metadata cannot be written").with_source(error))?;
    archive = archive.member(ENVELOPE.to_owned(), envelope.len() as u64).await?.write(envelope.into()).await?;
    archive.finish().await
}

/// The model that the bytes of a `.npz` file hold: all of it if this library wrote them, the weights alone otherwise.
/// With [`WeightLoading::Lazy`](tfjs_router::WeightLoading::Lazy) arrays are read when they are used, compressed ones from their
/// beginnings on; arrays in Fortran order are turned round at once, in memory.
///
/// # Errors
/// [`ErrorKind::InvalidData`] when the bytes are no archive of arrays or the arrays not those of the metadata,
/// [`ErrorKind::Unsupported`] when there are types that TensorFlow.js has not, all of which are listed, and
/// [`ErrorKind::LimitExceeded`] when there is more than the options accept.
pub async fn from_npz(
    data: &WeightData,
    import: ImportOptions,
    options: &LoadOptions,
) -> Result<(ModelArtifacts, Vec<Note>), Error> {
    let limits = &options.limits;
    let members = archive::read(data, limits).await?;
    check_total(&members, limits)?;
    let (mut found, mut envelope) = (Vec::new(), Envelope::new());
    let mut others = Vec::new();
    for member in members {
        if member.name == ENVELOPE {
            envelope = read_envelope(data, &member, limits).await?;
        } else if let Some(name) = member.name.strip_suffix(NPY) {
            let name = name.to_owned();
            limits.check(Limit::NameBytes, name.len() as u64)?;
            found.push(array(data, name, member, limits).await?);
        } else {
            others.push(format!("`{}`", member.name.escape_debug()));
        }
    }
    if !others.is_empty() {
        let message = format!("the archive has members that are no arrays: {}", listed(&others));
        return Err(Error::new(ErrorKind::InvalidData, message));
    }
    let (artifacts, notes) = restore(found, &envelope, import, limits)?;
    Ok((finish_load(artifacts, options).await?, notes))
}

/// Before anything is unpacked: all of it has to be within the limits.
fn check_total(members: &[archive::Member], limits: &Limits) -> Result<(), Error> {
    limits.check(Limit::Tensors, members.len() as u64)?;
    let total = members.iter().filter(|member| member.name != ENVELOPE).map(|member| member.size);
    Ok(limits.check(Limit::WeightBytes, total.fold(0, u64::saturating_add))?)
}

/// A member that is to be read whole.
async fn read_envelope(data: &WeightData, member: &archive::Member, limits: &Limits) -> Result<Envelope, Error> {
    // The topology may be binary, and is a third longer as text.
    let most = limits.get(Limit::JsonBytes).saturating_add(limits.get(Limit::GraphDefBytes).saturating_mul(2));
    if member.size > most {
        limits.check(Limit::JsonBytes, member.size).map_err(|error| error.of(format!("`{ENVELOPE}`")))?;
    }
    let source = MemberSource::new(data, member)?;
    let text = source.read_from_start(member.size).await?;
    let parsed: BTreeMap<String, String> = serde_json::from_slice(&text).map_err(|error| {
        Error::new(ErrorKind::InvalidData, format!("`{ENVELOPE}` is no JSON object of strings")).with_source(error)
    })?;
    Ok(parsed)
}

/// One array, none of whose numbers is read unless they have to be turned round.
async fn array(data: &WeightData, name: String, member: archive::Member, limits: &Limits) -> Result<Found, Error> {
    let of = |error: Error| {
        let message = format!("array `{}`: {}", name.escape_debug(), error.message());
        match std::error::Error::source(&error) {
            // The message has all that the cause says.
            Some(_) => Error::new(error.kind(), message).with_source(error),
            None => Error::new(error.kind(), message),
        }
    };
    let source = MemberSource::new(data, &member).map_err(of)?;
    let head = source.read_from_start(member.size.min(npy::LONGEST)).await.map_err(of)?;
    let header = npy::parse(&head).map_err(|error| of(error.into()))?;
    limits
        .check(Limit::Rank, header.shape.len() as u64)
        .map_err(|error| error.of(format!("array `{}`", name.escape_debug())))?;
    let values = member.size - header.length;
    let Some(dtype) = header.dtype else {
        let (spelled, shape) = (header.spelled, header.shape);
        return Ok(Found { name, spelled, dtype: None, shape, data: WeightData::empty() });
    };
    let needed = npy::bytes_of(dtype, &header.shape);
    if needed != Some(values) {
        let needed = needed.map_or_else(|| "more than 2^64".to_owned(), |needed| needed.to_string());
        let message = format!("{} {:?} takes {needed} bytes, but there are {values}", header.spelled, header.shape);
        return Err(of(Error::new(ErrorKind::InvalidData, message)));
    }
    let is_turned = header.is_fortran && header.shape.iter().filter(|dim| **dim != 1).count() > 1 && values > 0;
    let source = Arc::new(source.without_head(header.length, header.is_big_endian.then(|| swapped_unit(dtype))));
    let lazy = WeightData::from_segments([Segment::lazy(source)]);
    let data = if is_turned { turned(&lazy, dtype, &header.shape).await.map_err(of)? } else { lazy };
    Ok(Found { name, spelled: header.spelled, dtype: Some(dtype), shape: header.shape, data })
}

/// The bytes that change places in a number of the other byte order: of a complex one each half by itself.
fn swapped_unit(dtype: ElementType) -> u64 {
    if dtype == ElementType::C64 { 4 } else { dtype.size() }
}

/// An array whose first dimension runs fastest, with the last one so.
async fn turned(data: &WeightData, dtype: ElementType, shape: &[u64]) -> Result<WeightData, Error> {
    let bytes = data.read(0..data.byte_length()).await?;
    let too_large = |error| {
        Error::new(
            ErrorKind::LimitExceeded,
            "an array in Fortran order must fit into memory; save it with `np.ascontiguousarray`",
        )
        .with_source(error)
    };
    let mut turned = Vec::new();
    turned.try_reserve_exact(bytes.len()).map_err(too_large)?;
    let size = usize::try_from(dtype.size()).unwrap_or(8);
    // The distance between neighbours of each dimension, in elements.
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1usize;
    let dims: Vec<_> = shape.iter().map(|dim| usize::try_from(*dim).unwrap_or(usize::MAX)).collect();
    for dim in &dims {
        strides.push(stride);
        stride = stride.saturating_mul(*dim);
    }
    let mut index = vec![0usize; dims.len()];
    let mut at = 0usize;
    for _ in 0..bytes.len() / size {
        turned.extend_from_slice(bytes.get(at * size..(at + 1) * size).unwrap_or_default());
        for ((place, dim), stride) in index.iter_mut().zip(&dims).zip(&strides).rev() {
            *place += 1;
            at += stride;
            if *place < *dim {
                break;
            }
            at -= *place * stride;
            *place = 0;
        }
    }
    Ok(WeightData::from(turned))
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn names_that_lead_somewhere_else_are_no_names_of_members() {
        for good in ["w", "dense/kernel:0", "é", "a b"] {
            assert!(can_be_called(good), "{good}");
        }
        for bad in ["", "/w", "../w", "a//b", "a/./b", "a\\b", "c:/w", "w.npy", "__tfjs__.json", "a\0b"] {
            assert!(!can_be_called(bad), "{bad}");
        }
    }

    #[test]
    fn fortran_order_is_turned_round() {
        // [[1, 2, 3], [4, 5, 6]], columns first.
        let columns = WeightData::from(vec![1u8, 4, 2, 5, 3, 6]);
        let rows = block_on(turned(&columns, ElementType::U8, &[2, 3])).unwrap();
        assert_eq!(block_on(rows.read(0..6)).unwrap()[..], [1, 2, 3, 4, 5, 6]);
        let cube: Vec<u8> = (0..24).collect();
        let turned = block_on(turned(&WeightData::from(cube), ElementType::U8, &[2, 3, 4])).unwrap();
        // Element [1, 2, 3] lies at 1 + 2 * 2 + 3 * 6.
        assert_eq!(block_on(turned.read(23..24)).unwrap()[..], [23]);
        // Element [0, 1, 2] lies at 2 + 2 * 6, and is number 6 row by row.
        assert_eq!(block_on(turned.read(6..7)).unwrap()[..], [14]);
    }
}
