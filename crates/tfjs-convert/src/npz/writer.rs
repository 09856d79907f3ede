//! Writing a ZIP archive of members that are stored as they are.
//!
//! The crate `zip` would do, but brings another version of a crate that our object stores have. This is what `numpy.savez` writes, with
//! sizes and checksums before the arrays too, where readers that know no central directory look.

use std::io::{self, Seek as _, SeekFrom, Write as _};

use bytes::Bytes;
use tfjs_artifacts::Error;

use crate::pending::Pending;

/// Where the bytes of members begin: at multiples of this, as arrays do in `.npy` files by themselves.
const ALIGNMENT: u64 = 64;
/// What fits into the fields of a small archive.
const SMALL: u64 = 0xffff_ffff;
const FEW: u64 = 0xffff;
/// 1980-01-01, so that the same model makes the same file.
const DATE: u32 = 0x0021_0000;
/// Names are UTF-8.
const FLAGS: u16 = 0x0800;
/// The extra field by which zipalign moves what follows.
const PADDING: u16 = 0xd935;
const LARGE: u16 = 1;

/// An archive that is being written.
pub(super) struct Writer {
    file: Pending,
    /// How many bytes were written.
    at: u64,
    directory: Vec<u8>,
    entries: u64,
    member: Option<Member>,
}

/// The member that is being written.
struct Member {
    name: String,
    header_at: u64,
    size: u64,
    hasher: crc32fast::Hasher,
}

impl Writer {
    pub(super) fn new(file: Pending) -> Self {
        Self { file, at: 0, directory: Vec::new(), entries: 0, member: None }
    }

    /// Begins a member of so many bytes.
    pub(super) async fn member(self, name: String, size: u64) -> Result<Self, Error> {
        let mut writer = self.end_member().await?;
        let header = local_header(&name, size, writer.at);
        writer.member = Some(Member { name, header_at: writer.at, size, hasher: crc32fast::Hasher::new() });
        writer.put(header.into()).await
    }

    /// Writes bytes of the member.
    pub(super) async fn write(mut self, bytes: Bytes) -> Result<Self, Error> {
        if let Some(member) = &mut self.member {
            member.hasher.update(&bytes);
        }
        self.put(bytes).await
    }

    /// Ends the archive.
    pub(super) async fn finish(self) -> Result<Pending, Error> {
        let mut writer = self.end_member().await?;
        let (start, length, entries) = (writer.at, writer.directory.len() as u64, writer.entries);
        let mut directory = std::mem::take(&mut writer.directory);
        directory.extend(end(start, length, entries));
        Ok(writer.put(directory.into()).await?.file)
    }

    /// Fills in the checksum of the member, and tells of it in the directory.
    async fn end_member(mut self) -> Result<Self, Error> {
        let Some(Member { name, header_at, size, hasher }) = self.member.take() else { return Ok(self) };
        let crc32 = hasher.finalize();
        self.directory.extend(entry(&name, header_at, size, crc32));
        self.entries += 1;
        let end = self.at;
        let fill_in = move |file: &mut std::fs::File| -> io::Result<()> {
            file.seek(SeekFrom::Start(header_at + 14))?;
            file.write_all(&crc32.to_le_bytes())?;
            file.seek(SeekFrom::Start(end)).map(drop)
        };
        self.file = self.file.with(fill_in).await?.0;
        Ok(self)
    }

    async fn put(mut self, bytes: Bytes) -> Result<Self, Error> {
        self.at += bytes.len() as u64;
        self.file = self.file.with(move |file| file.write_all(&bytes)).await?.0;
        Ok(self)
    }
}

/// A number in a field of four bytes; all ones, if it is told in an extra field.
fn small(number: u64) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes()
}

fn few(number: u64) -> [u8; 2] {
    u16::try_from(number).unwrap_or(u16::MAX).to_le_bytes()
}

/// The version of the format that a reader has to know: 4.5 has large members.
fn version(is_large: bool) -> [u8; 2] {
    if is_large { 45u16 } else { 20 }.to_le_bytes()
}

/// What stands before the bytes of a member, long enough that these are aligned. The checksum is filled in later.
fn local_header(name: &str, size: u64, at: u64) -> Vec<u8> {
    let is_large = size >= SMALL;
    let mut extra = Vec::new();
    if is_large {
        extra.extend([LARGE.to_le_bytes(), 16u16.to_le_bytes()].concat());
        extra.extend([size.to_le_bytes(), size.to_le_bytes()].concat());
    }
    // A field of padding has six bytes and more.
    let unpadded = at + 30 + name.len() as u64 + extra.len() as u64 + 6;
    let padding = unpadded.next_multiple_of(ALIGNMENT) - unpadded + 2;
    extra.extend([PADDING.to_le_bytes(), few(padding), few(ALIGNMENT)].concat());
    extra.resize(extra.len() + usize::try_from(padding - 2).unwrap_or(0), 0);
    let mut header = b"PK\x03\x04".to_vec();
    header.extend([version(is_large), FLAGS.to_le_bytes(), [0, 0]].concat());
    header.extend([DATE.to_le_bytes(), [0; 4], small(size), small(size)].concat());
    header.extend([few(name.len() as u64), few(extra.len() as u64)].concat());
    header.extend_from_slice(name.as_bytes());
    header.extend(extra);
    header
}

/// What the directory says of a member.
fn entry(name: &str, header_at: u64, size: u64, crc32: u32) -> Vec<u8> {
    let mut large = Vec::new();
    if size >= SMALL {
        large.extend([size.to_le_bytes(), size.to_le_bytes()].concat());
    }
    if header_at >= SMALL {
        large.extend(header_at.to_le_bytes());
    }
    let is_large = !large.is_empty();
    let extra =
        if is_large { [LARGE.to_le_bytes().as_slice(), &few(large.len() as u64), &large].concat() } else { Vec::new() };
    let mut entry = b"PK\x01\x02".to_vec();
    entry.extend([version(is_large), version(is_large), FLAGS.to_le_bytes(), [0, 0]].concat());
    entry.extend([DATE.to_le_bytes(), crc32.to_le_bytes(), small(size), small(size)].concat());
    entry.extend([few(name.len() as u64), few(extra.len() as u64), [0; 2], [0; 2], [0; 2]].concat());
    entry.extend([[0; 4], small(header_at)].concat());
    entry.extend_from_slice(name.as_bytes());
    entry.extend(extra);
    entry
}

/// Where the directory is: twice, if the archive is large.
fn end(start: u64, length: u64, entries: u64) -> Vec<u8> {
    let mut end = Vec::new();
    if start >= SMALL || length >= SMALL || entries >= FEW {
        end.extend_from_slice(b"PK\x06\x06");
        end.extend(44u64.to_le_bytes());
        end.extend([version(true), version(true)].concat());
        end.extend([[0; 4], [0; 4]].concat());
        end.extend([entries, entries, length, start].map(u64::to_le_bytes).concat());
        end.extend_from_slice(b"PK\x06\x07");
        end.extend([0; 4]);
        end.extend((start + length).to_le_bytes());
        end.extend(1u32.to_le_bytes());
    }
    end.extend_from_slice(b"PK\x05\x06");
    end.extend([[0; 2], [0; 2], few(entries), few(entries)].concat());
    end.extend([small(length), small(start)].concat());
    end.extend([0; 2]);
    end
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use tfjs_artifacts::{Limits, WeightData};

    use super::*;
    use crate::npz::archive;

    #[test]
    fn bytes_of_members_are_aligned() {
        for (name, size) in [("a", 0), ("dense/kernel:0.npy", 7), ("x", SMALL), ("\u{e9}", SMALL - 1)] {
            for at in [0, 1, 63, 64, SMALL, SMALL + 5] {
                assert!((at + local_header(name, size, at).len() as u64).is_multiple_of(ALIGNMENT), "{name} {at}");
            }
        }
    }

    /// More than 65535 members, whose number is told in the fields of large archives.
    #[test]
    fn a_large_archive_is_read() {
        let (mut file, mut directory) = (Vec::new(), Vec::new());
        for number in 0..70_000u32 {
            let name = number.to_string();
            let at = file.len() as u64;
            file.extend(local_header(&name, 0, at));
            directory.extend(entry(&name, at, 0, 0));
        }
        let (start, length) = (file.len() as u64, directory.len() as u64);
        file.extend(directory);
        file.extend(end(start, length, 70_000));
        let members = block_on(archive::read(&WeightData::from(file), &Limits::new())).unwrap();
        assert_eq!((members.len(), members[69_999].name.as_str()), (70_000, "69999"));
    }

    /// A member beyond four gibibytes, in an archive of which nothing but its ends is there.
    #[test]
    fn a_large_member_is_read() {
        let size = 5u64 << 30;
        let first = local_header("a", size, 0);
        let second_at = first.len() as u64 + size;
        let second = local_header("b", 3, second_at);
        let directory = [entry("a", 0, size, 1), entry("b", second_at, 3, 2)].concat();
        let start = second_at + second.len() as u64 + 3;
        let end = end(start, directory.len() as u64, 2);
        let hole = tfjs_artifacts::Segment::lazy(std::sync::Arc::new(Hole(size)));
        let memory = |bytes: Vec<u8>| tfjs_artifacts::Segment::Memory(bytes.into());
        let rest = [second, vec![0; 3], directory, end].concat();
        let data = WeightData::from_segments([memory(first.clone()), hole, memory(rest)]);
        let members = block_on(archive::read(&data, &Limits::new())).unwrap();
        assert_eq!((members[0].size, members[0].start, members[0].crc32), (size, first.len() as u64, 1));
        assert_eq!((members[1].size, members[1].start), (3, start - 3));
    }

    /// Bytes of which nobody reads many.
    #[derive(Debug)]
    struct Hole(u64);

    #[async_trait::async_trait]
    impl tfjs_artifacts::ByteSource for Hole {
        fn byte_length(&self) -> u64 {
            self.0
        }

        fn version(&self) -> Option<String> {
            None
        }

        async fn read(&self, range: std::ops::Range<u64>) -> Result<Bytes, Error> {
            // The end of an archive is looked for in as many bytes as a comment may have.
            assert!(range.end - range.start <= 70_000, "{range:?} is read");
            Ok(vec![0; usize::try_from(range.end - range.start).unwrap_or(0)].into())
        }
    }
}
