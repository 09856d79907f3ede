//! What a save has put into the store before anybody can see it.

use object_store::path::Path;
use object_store::{Error as StoreError, MultipartUpload};
use tokio::runtime::Handle;

use crate::bucket::Bucket;
use crate::remembered::Begun;

/// Objects that go away again when this is dropped, unless they are kept, or somebody may continue.
///
/// Dropping waits for nothing, so the store is told by a task of the runtime in which the save ran. Where there is none, or where
/// it ends before the task does, the objects stay, and a later save of the same model removes them
/// ([`GRACE_PERIOD`](crate::GRACE_PERIOD)), and ends an upload in parts whose id it finds.
#[derive(Debug)]
pub(crate) struct Staged {
    bucket: Bucket,
    written: Vec<Path>,
    upload: Option<Box<dyn MultipartUpload>>,
    /// The ids of uploads: the last one of that which is at work, the others of those that are complete.
    notes: Vec<Path>,
    is_kept: bool,
    /// Whether what is finished stays, for a save that continues.
    is_resumable: bool,
}

impl Staged {
    pub(crate) fn new(bucket: Bucket) -> Self {
        Self { bucket, written: Vec::new(), upload: None, notes: Vec::new(), is_kept: false, is_resumable: false }
    }

    /// From now on objects stay, whatever becomes of the save; only an upload in parts that is not complete goes.
    pub(crate) fn set_resumable(&mut self) {
        self.is_resumable = true;
    }

    pub(crate) fn is_resumable(&self) -> bool {
        self.is_resumable
    }

    /// This object is about to be written.
    pub(crate) fn begin(&mut self, key: &Path) {
        self.written.push(key.clone());
    }

    /// An upload in parts has begun. Its id is written where a later save finds it, before the first part is sent.
    pub(crate) async fn begin_upload(&mut self, begun: Begun) -> Result<(), StoreError> {
        self.upload = Some(begun.upload);
        if let Some(note) = begun.note {
            self.notes.push(note.key.clone());
            note.write(&self.bucket).await?;
        }
        Ok(())
    }

    pub(crate) fn upload(&mut self) -> Option<&mut Box<dyn MultipartUpload>> {
        self.upload.as_mut()
    }

    /// The upload in parts is complete.
    pub(crate) fn end_upload(&mut self) {
        self.upload = None;
    }

    /// Removes the ids of uploads that are complete. One that stays does no harm: a later save removes it.
    pub(crate) async fn forget_uploads(&mut self) {
        let _deleted = self.bucket.delete(std::mem::take(&mut self.notes)).await;
    }

    /// The objects so far.
    pub(crate) fn keys(&self) -> &[Path] {
        &self.written
    }

    /// From now on they stay: somebody may already see them.
    pub(crate) fn keep(&mut self) {
        self.is_kept = true;
    }

    /// Nobody can see them after all.
    pub(crate) fn let_go(&mut self) {
        self.is_kept = false;
    }

    /// Removes them now.
    pub(crate) async fn discard(mut self) {
        self.take().run().await;
    }

    fn take(&mut self) -> Discard {
        let mut discard = Discard { bucket: self.bucket.clone(), written: Vec::new(), upload: None, notes: Vec::new() };
        if !self.is_kept {
            discard.upload = self.upload.take();
            discard.notes = std::mem::take(&mut self.notes);
        }
        if !self.is_kept && !self.is_resumable {
            discard.written = std::mem::take(&mut self.written);
        }
        discard
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let discard = self.take();
        if !discard.is_nothing()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(discard.run());
        }
    }
}

struct Discard {
    bucket: Bucket,
    written: Vec<Path>,
    upload: Option<Box<dyn MultipartUpload>>,
    notes: Vec<Path>,
}

impl Discard {
    fn is_nothing(&self) -> bool {
        self.written.is_empty() && self.upload.is_none()
    }

    /// What cannot be removed is invisible, and the save has its own error to tell: a later save tries again.
    async fn run(mut self) {
        if let Some(mut upload) = self.upload
            && upload.abort().await.is_err()
        {
            // Who knows the id can still end it.
            self.notes.pop();
        }
        self.written.append(&mut self.notes);
        let _deleted = self.bucket.delete(self.written).await;
    }
}
