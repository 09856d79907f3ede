//! Uploads in parts that a later save can end. A store shows the parts of an upload that was not completed only to who knows its id,
//! so the id lies beside the object until the upload is complete.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    Error as StoreError, GetOptions, MultipartId, MultipartUpload, ObjectStore as _, PutMode, PutMultipartOptions,
    PutPayload, PutResult, UploadPart,
};

use crate::bucket::Bucket;

/// What the key of a note has behind the key of its object.
const EXTENSION: &str = ".upload";
/// What a note is, to a store.
const TEXT: &str = "text/plain";
/// The longest id that is believed.
const LONGEST_ID: u64 = 16 << 10;

/// An upload in parts, and the note with its id.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) upload: Box<dyn MultipartUpload>,
    pub(crate) note: Option<Note>,
}

/// The id of an upload, and where it is to lie.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) key: Path,
    id: MultipartId,
}

/// Begins an upload. Where the store tells ids, the note is still to be written.
pub(crate) async fn begin(bucket: &Bucket, key: &Path, options: PutMultipartOptions) -> Result<Begun, StoreError> {
    let Some(uploads) = &bucket.uploads else {
        let upload = bucket.store.put_multipart_opts(key, options).await?;
        return Ok(Begun { upload, note: None });
    };
    let id = uploads.create_multipart_opts(key, options).await?;
    let note = Note { key: note_of(key), id: id.clone() };
    let state = State { uploads: Arc::clone(uploads), key: key.clone(), id, parts: Mutex::default() };
    Ok(Begun { upload: Box::new(Upload { next: 0, state: Arc::new(state) }), note: Some(note) })
}

impl Note {
    pub(crate) async fn write(&self, bucket: &Bucket) -> Result<(), StoreError> {
        let options = bucket.put_options(PutMode::Overwrite, TEXT);
        bucket.store.put_opts(&self.key, Bytes::from(self.id.clone()).into(), options).await.map(drop)
    }
}

fn note_of(key: &Path) -> Path {
    Path::from(format!("{key}{EXTENSION}"))
}

/// The object to whose upload a note belongs.
fn object_of(note: &Path) -> Option<Path> {
    Some(Path::from(note.as_ref().strip_suffix(EXTENSION)?))
}

/// Ends the upload of a note; `None` if the object is no note. The note itself stays.
///
/// # Errors
/// What the store says. An upload that has ended already is no error, and neither is one that is not ours to end: that will not be
/// otherwise next time. s3s-fs says so of uploads that have ended.
pub(crate) async fn abort(bucket: &Bucket, note: &Path) -> Option<Result<(), StoreError>> {
    let (object, uploads) = (object_of(note)?, bucket.uploads.as_ref()?);
    let aborted = async {
        let got = bucket.store.get_opts(note, GetOptions::new()).await?;
        if got.meta.size > LONGEST_ID {
            return Ok(());
        }
        // What is no text is no id.
        let Ok(id) = String::from_utf8(got.bytes().await?.into()) else { return Ok(()) };
        uploads.abort_multipart(&object, &id).await
    };
    Some(match aborted.await {
        Err(StoreError::NotFound { .. } | StoreError::PermissionDenied { .. }) => Ok(()),
        // An id of an upload that is through, to a store that says so in another way.
        Err(error) if is_unknown_upload(&error) => Ok(()),
        aborted => aborted,
    })
}

fn is_unknown_upload(error: &StoreError) -> bool {
    error.to_string().contains("NoSuchUpload")
}

#[derive(Debug)]
struct Upload {
    next: usize,
    state: Arc<State>,
}

struct State {
    uploads: Arc<dyn MultipartStore>,
    key: Path,
    id: MultipartId,
    parts: Mutex<BTreeMap<usize, PartId>>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("key", &self.key).field("id", &self.id).finish_non_exhaustive()
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (index, state) = (self.next, Arc::clone(&self.state));
        self.next += 1;
        Box::pin(async move {
            let part = state.uploads.put_part(&state.key, &state.id, index, data).await?;
            state.parts.lock().unwrap_or_else(PoisonError::into_inner).insert(index, part);
            Ok(())
        })
    }

    async fn complete(&mut self) -> Result<PutResult, StoreError> {
        let parts = std::mem::take(&mut *self.state.parts.lock().unwrap_or_else(PoisonError::into_inner));
        if parts.len() != self.next {
            let source = format!("{} of {} parts were sent", parts.len(), self.next).into();
            return Err(StoreError::Generic { store: "multipart upload", source });
        }
        let parts = parts.into_values().collect();
        self.state.uploads.complete_multipart(&self.state.key, &self.state.id, parts).await
    }

    async fn abort(&mut self) -> Result<(), StoreError> {
        self.state.uploads.abort_multipart(&self.state.key, &self.state.id).await
    }
}
