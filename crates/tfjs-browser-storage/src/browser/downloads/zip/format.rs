//! What stands in a zip beside the contents of its files. Fields are those of PKWARE's APPNOTE.TXT 6.3.10.

use tfjs_artifacts::{Error, ErrorKind};

/// The largest value of a field of 4 bytes means "see the extra field".
const SEE_EXTRA: u32 = u32::MAX;

/// The version of the format: 2.0, or the first that has lengths of 8 bytes.
const PLAIN: u16 = 20;
const LONG: u16 = 45;

/// Made on Unix, so that the attributes are a mode.
const MADE_BY: u16 = (3 << 8) | LONG;
const MODE: u32 = 0o100_644 << 16;

/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;

/// A file of the archive.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a str,
    pub(crate) bytes: u64,
    pub(crate) crc32: u32,
    pub(crate) modified: DosTime,
    /// Where its header begins.
    pub(crate) offset: u64,
}

impl Entry<'_> {
    /// What stands before its bytes.
    pub(crate) fn local_header(&self) -> Result<Vec<u8>, Error> {
        let lengths = if fits(self.bytes) { Vec::new() } else { vec![self.bytes, self.bytes] };
        let mut header = Fields::new();
        header.four(0x0403_4b50);
        self.common(&mut header, &lengths)?;
        header.bytes(self.name.as_bytes()).extra(&lengths);
        Ok(header.0)
    }

    /// What stands in the directory at the end.
    pub(crate) fn directory_header(&self) -> Result<Vec<u8>, Error> {
        let mut long = if fits(self.bytes) { Vec::new() } else { vec![self.bytes, self.bytes] };
        if !fits(self.offset) {
            long.push(self.offset);
        }
        let mut header = Fields::new();
        header.four(0x0201_4b50).two(MADE_BY);
        self.common(&mut header, &long)?;
        // No comment, the first disk, no text, and the mode.
        header.two(0).two(0).two(0).four(MODE).four(short(self.offset));
        header.bytes(self.name.as_bytes()).extra(&long);
        Ok(header.0)
    }

    /// What both have.
    fn common(&self, header: &mut Fields, long: &[u64]) -> Result<(), Error> {
        let name = u16::try_from(self.name.len()).map_err(|error| {
            Error::new(ErrorKind::LimitExceeded, "a file in a zip has a name of at most 65535 bytes").with_source(error)
        })?;
        let extra = if long.is_empty() { 0 } else { 4 + extra_length(long) };
        header.two(if long.is_empty() { PLAIN } else { LONG });
        // Stored, not compressed.
        header.two(FLAGS).two(0).two(self.modified.time).two(self.modified.date).four(self.crc32);
        header.four(short(self.bytes)).four(short(self.bytes)).two(name).two(extra);
        Ok(())
    }
}

/// What stands behind the directory.
pub(crate) fn end(entries: u64, directory: u64, offset: u64) -> Vec<u8> {
    let few = u16::try_from(entries).unwrap_or(u16::MAX);
    let mut end = Fields::new();
    if few == u16::MAX || !fits(directory) || !fits(offset) {
        // The long form, the length of what follows in it, and then where it begins.
        end.four(0x0606_4b50).eight(44).two(MADE_BY).two(LONG).four(0).four(0);
        end.eight(entries).eight(entries).eight(directory).eight(offset);
        end.four(0x0706_4b50).four(0).eight(offset + directory).four(1);
    }
    end.four(0x0605_4b50).two(0).two(0).two(few).two(few).four(short(directory)).four(short(offset)).two(0);
    end.0
}

fn fits(value: u64) -> bool {
    value < u64::from(SEE_EXTRA)
}

fn short(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(SEE_EXTRA)
}

/// Bytes of so many long values, of which there are three at most.
fn extra_length(long: &[u64]) -> u16 {
    u16::try_from(long.len()).unwrap_or(u16::MAX).saturating_mul(8)
}

/// Numbers, lowest byte first.
struct Fields(Vec<u8>);

impl Fields {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn two(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    fn four(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    fn eight(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Values that are too large for their fields.
    fn extra(&mut self, long: &[u64]) -> &mut Self {
        if !long.is_empty() {
            self.two(1).two(extra_length(long));
        }
        for value in long {
            self.eight(*value);
        }
        self
    }
}

/// A local date and time of day in steps of two seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DosTime {
    date: u16,
    time: u16,
}

impl DosTime {
    /// Year, month from 1, and day; hour, minute and second.
    pub(crate) fn new([year, month, day]: [u32; 3], [hour, minute, second]: [u32; 3]) -> Self {
        let two_bytes = |value: u32| u16::try_from(value).unwrap_or(u16::MAX);
        let years = year.clamp(1980, 2107) - 1980;
        Self {
            date: two_bytes((years << 9) | (month << 5) | day),
            time: two_bytes((hour << 11) | (minute << 5) | (second / 2)),
        }
    }
}
