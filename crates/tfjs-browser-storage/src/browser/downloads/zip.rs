//! A zip file of Blobs, none of them compressed.
//!
//! Lengths and checksums are known before the first byte is written, so that each entry has a plain header of its own, which every
//! program reads; and all that is made here is headers, so that the contents pass through no memory. A library for all kinds of zip
//! files would be a tenth of a megabyte of WebAssembly for that.

mod format;

use js_sys::Date;
use tfjs_artifacts::Error;
use web_sys::Blob;

use format::{DosTime, Entry, end};

use super::blobs::BlobWriter;
use super::handler::Ready;
use crate::blob_source::byte_length;

/// A zip of these files.
pub(super) fn archive(files: &[Ready]) -> Result<Blob, Error> {
    let modified = now();
    let mut archive = BlobWriter::new();
    let mut offset = 0;
    let mut directory = Vec::new();
    for file in files {
        let entry = Entry { name: &file.name, bytes: byte_length(&file.content), crc32: file.crc32, modified, offset };
        let header = entry.local_header()?;
        archive.write(&header)?;
        archive.append(&file.content)?;
        offset += header.len() as u64 + entry.bytes;
        directory.extend_from_slice(&entry.directory_header()?);
    }
    archive.write(&directory)?;
    archive.write(&end(files.len() as u64, directory.len() as u64, offset))?;
    archive.finish("application/zip")
}

/// The user's time of day.
fn now() -> DosTime {
    let now = Date::new_0();
    let date = [now.get_full_year(), now.get_month() + 1, now.get_date()];
    DosTime::new(date, [now.get_hours(), now.get_minutes(), now.get_seconds()])
}
