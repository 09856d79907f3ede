//! The central directory of a ZIP archive.
//!
//! The crate `zip` reads from files that lie here, takes the last of two members of one name, and does not tell where members
//! overlap; so reading is ours, of what NumPy writes: no encryption, no parts, stored or deflated.

use std::collections::BTreeSet;

use tfjs_artifacts::{Error, ErrorKind, Limit, Limits, WeightData, sniff_strictly};

/// A member of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) is_deflated: bool,
    pub(super) crc32: u32,
    /// Where its stored bytes begin in the file, and how many there are.
    pub(super) start: u64,
    pub(super) stored: u64,
    /// How many bytes it has when it is unpacked.
    pub(super) size: u64,
}

/// What deflating can make of a byte, at most: a little less than 1032.
const MOST_PER_BYTE: u64 = 1032;

const END: [u8; 4] = *b"PK\x05\x06";
const END_LENGTH: u64 = 22;
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
const LOCATOR_64_LENGTH: u64 = 20;
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
const LOCAL_LENGTH: u64 = 30;

/// Where the central directory is.
struct Directory {
    start: u64,
    length: u64,
    entries: u64,
}

/// All members, in the order of the central directory.
pub(super) async fn read(data: &WeightData, limits: &Limits) -> Result<Vec<Member>, Error> {
    let directory = directory(data).await?;
    // One entry is longer than this, so a number that is a lie is found out before it is believed.
    if directory.entries.saturating_mul(46) > directory.length {
        return Err(bad(format!(
            "the archive says that it has {} members, more than its directory of {} bytes can tell of",
            directory.entries, directory.length
        )));
    }
    // One more than there are tensors: the metadata.
    limits.check(Limit::Tensors, directory.entries.saturating_sub(1))?;
    limits.check(Limit::JsonBytes, directory.length).map_err(|error| error.of("the directory of the archive"))?;
    let bytes = data.read(directory.start..directory.start + directory.length).await?;
    let mut rest = Fields(&bytes);
    let mut members = Vec::new();
    for _ in 0..directory.entries {
        let member =
            entry(&mut rest).ok_or_else(|| bad("the directory of the archive ends in an entry".to_owned()))??;
        members.push(member);
    }
    if !rest.0.is_empty() {
        return Err(bad("something follows the last entry of the archive's directory".to_owned()));
    }
    for member in &mut members {
        find_bytes(data, member, directory.start).await?;
    }
    check(&members)?;
    Ok(members)
}

fn bad(message: String) -> Error {
    Error::new(ErrorKind::InvalidData, message)
}

/// The end of the archive says where its directory is.
async fn directory(data: &WeightData) -> Result<Directory, Error> {
    let total = data.byte_length();
    let tail_start = total.saturating_sub(END_LENGTH + u64::from(u16::MAX));
    let tail = data.read(tail_start..total).await?;
    let is_end = |at: &usize| {
        let rest = tail.get(*at..).unwrap_or_default();
        let comment = rest.get(20..).and_then(|rest| rest.first_chunk()).map(|length| u16::from_le_bytes(*length));
        // The comment has to end with the file, or a comment could look like an end.
        rest.starts_with(&END) && comment.is_some_and(|length| 22 + usize::from(length) == rest.len())
    };
    let last = tail.len().saturating_sub(22);
    let Some(at) = (0..=last).rev().find(is_end) else {
        let head = data.read(0..total.min(64)).await?;
        let reason = sniff_strictly(&head)
            .map_or_else(|| "is no ZIP archive, or is cut short".to_owned(), |sniffed| sniffed.to_string());
        return Err(bad(format!("the file {reason}")));
    };
    let mut end = Fields(tail.get(at + 4..).unwrap_or_default());
    let short = || bad("the archive ends in its end".to_owned());
    let [disk, directory_disk, entries_here, entries] =
        [end.u16(), end.u16(), end.u16(), end.u16()].map(|field| field.map(u64::from));
    let (length, start) = (end.u32().map(u64::from), end.u32().map(u64::from));
    let (Some(disk), Some(directory_disk), Some(entries_here), Some(entries), Some(length), Some(start)) =
        (disk, directory_disk, entries_here, entries, length, start)
    else {
        return Err(short());
    };
    let position = tail_start + at as u64;
    let is_64 = entries == 0xffff || length == 0xffff_ffff || start == 0xffff_ffff;
    let (directory, end_of_directory) = match if is_64 { directory_64(data, position).await? } else { None } {
        Some(found) => found,
        None if disk != 0 || directory_disk != 0 || entries_here != entries => {
            return Err(Error::new(ErrorKind::Unsupported, "the archive is one of several parts"));
        }
        None => (Directory { start, length, entries }, position),
    };
    if directory.start.checked_add(directory.length) != Some(end_of_directory) {
        return Err(bad("the directory of the archive does not lie where its end says".to_owned()));
    }
    Ok(directory)
}

/// The same of a large archive, and where its directory ends; `None` if it is none.
async fn directory_64(data: &WeightData, end: u64) -> Result<Option<(Directory, u64)>, Error> {
    let Some(locator) = end.checked_sub(LOCATOR_64_LENGTH) else { return Ok(None) };
    let bytes = data.read(locator..end).await?;
    let mut fields = Fields(&bytes);
    if fields.take(4) != Some(&LOCATOR_64) {
        return Ok(None);
    }
    let wrong = || bad("the end of the large archive makes no sense".to_owned());
    let (_, at, disks) = (fields.u32(), fields.u64().ok_or_else(wrong)?, fields.u32());
    if at.checked_add(56).is_none_or(|end| end > locator) || disks.is_none_or(|disks| disks > 1) {
        return Err(wrong());
    }
    let bytes = data.read(at..at + 56).await?;
    let mut fields = Fields(&bytes);
    if fields.take(4) != Some(&END_64) {
        return Err(wrong());
    }
    let (_, _, _) = (fields.u64(), fields.u32(), fields.u64());
    let (here, entries) = (fields.u64().ok_or_else(wrong)?, fields.u64().ok_or_else(wrong)?);
    let (length, start) = (fields.u64().ok_or_else(wrong)?, fields.u64().ok_or_else(wrong)?);
    if here != entries {
        return Err(wrong());
    }
    Ok(Some((Directory { start, length, entries }, at)))
}

/// The next entry; `None` if it is not all there. Where its bytes begin is not known yet: `start` is the local header's.
fn entry(fields: &mut Fields<'_>) -> Option<Result<Member, Error>> {
    if fields.take(4)? != ENTRY {
        return Some(Err(bad("an entry of the archive's directory does not begin as one".to_owned())));
    }
    let _versions = fields.u32()?;
    let (flags, method, _time, crc32) = (fields.u16()?, fields.u16()?, fields.u32()?, fields.u32()?);
    let (mut stored, mut size) = (u64::from(fields.u32()?), u64::from(fields.u32()?));
    let (name, extra, comment) = (fields.u16()?, fields.u16()?, fields.u16()?);
    let _attributes = fields.take(8)?;
    let mut start = u64::from(fields.u32()?);
    let name = fields.take(usize::from(name))?;
    let extra = fields.take(usize::from(extra))?;
    fields.take(usize::from(comment))?;
    let Ok(name) = String::from_utf8(name.to_vec()) else {
        return Some(Err(bad("the name of a member is not UTF-8".to_owned())));
    };
    let shown = name.escape_debug().to_string();
    if large_fields(extra, &mut size, &mut stored, &mut start).is_none() {
        return Some(Err(bad(format!("the sizes of member `{shown}` are not all there"))));
    }
    if flags & 1 != 0 {
        return Some(Err(Error::new(ErrorKind::Unsupported, format!("member `{shown}` is encrypted"))));
    }
    let is_deflated = match method {
        0 => false,
        8 => true,
        _ => {
            let message =
                format!("member `{shown}` is compressed by method {method}; NumPy stores (0) or deflates (8)");
            return Some(Err(Error::new(ErrorKind::Unsupported, message)));
        }
    };
    Some(Ok(Member { name, is_deflated, crc32, start, stored, size }))
}

/// Takes what does not fit into 32 bits from the extra field; `None` if it is not there.
fn large_fields(extra: &[u8], size: &mut u64, stored: &mut u64, start: &mut u64) -> Option<()> {
    let mut large = [size, stored, start].into_iter().filter(|value| **value == 0xffff_ffff).peekable();
    if large.peek().is_none() {
        return Some(());
    }
    let mut fields = Fields(extra);
    loop {
        let (tag, length) = (fields.u16()?, fields.u16()?);
        let mut body = Fields(fields.take(usize::from(length))?);
        if tag == 1 {
            for value in large {
                *value = body.u64()?;
            }
            return Some(());
        }
    }
}

/// The local header says how long itself is; the bytes follow it.
async fn find_bytes(data: &WeightData, member: &mut Member, directory: u64) -> Result<(), Error> {
    let shown = member.name.escape_debug().to_string();
    let outside = || bad(format!("member `{shown}` lies outside of the archive"));
    let fixed = member.start.checked_add(LOCAL_LENGTH).filter(|end| *end <= directory).ok_or_else(outside)?;
    let bytes = data.read(member.start..fixed).await?;
    let mut fields = Fields(&bytes);
    if fields.take(4) != Some(&LOCAL) {
        return Err(bad(format!("member `{shown}` does not begin as one")));
    }
    let _ = fields.take(22);
    let (name, extra) = (fields.u16().unwrap_or(0), fields.u16().unwrap_or(0));
    let start = fixed + u64::from(name) + u64::from(extra);
    if start > directory || member.stored > directory - start {
        return Err(outside());
    }
    let local = data.read(fixed..(fixed + u64::from(name)).min(directory)).await?;
    if *local != *member.name.as_bytes() {
        return Err(bad(format!("member `{shown}` has another name where it lies than in the directory")));
    }
    member.start = start;
    Ok(())
}

/// Names of their own, sizes that deflating can make, and no byte that is two members'.
fn check(members: &[Member]) -> Result<(), Error> {
    let mut names = BTreeSet::new();
    for member in members {
        let shown = member.name.escape_debug();
        if !names.insert(&member.name) {
            return Err(bad(format!("there are two members `{shown}`")));
        }
        let most = if member.is_deflated { member.stored.saturating_mul(MOST_PER_BYTE) } else { member.stored };
        let is_possible = if member.is_deflated { member.size <= most } else { member.size == most };
        if !is_possible {
            let (stored, size) = (member.stored, member.size);
            return Err(bad(format!("member `{shown}` cannot have {size} bytes, of {stored} that are stored")));
        }
    }
    let mut ranges: Vec<_> =
        members.iter().map(|member| (member.start, member.start + member.stored, member)).collect();
    ranges.sort_by_key(|(start, end, _)| (*start, *end));
    match ranges.windows(2).find(|pair| matches!(pair, [(_, end, _), (start, ..)] if start < end)) {
        Some([(.., one), (.., other)]) => {
            let names = [one, other].map(|member| member.name.escape_debug().to_string());
            Err(bad(format!("members `{}` and `{}` overlap", names[0], names[1])))
        }
        _ => Ok(()),
    }
}

/// Little-endian numbers, one after the other.
struct Fields<'b>(&'b [u8]);

impl<'b> Fields<'b> {
    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(*self.take(2)?.first_chunk()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(*self.take(4)?.first_chunk()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(*self.take(8)?.first_chunk()?))
    }
}
