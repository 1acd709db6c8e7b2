//! What a commit lets go is noted in that commit and removed right after it.
//!
//! | note | what goes |
//! |---|---|
//! | `s3/RUN/RANDOM` | the blob of that name |
//! | `upload/ID` | the parts of an upload, or of the object that it became, and their bodies |
//! | `bucket/ID` | the uploads that were going on in a bucket that is deleted |
//!
//! A note that is done goes with a later commit. Where removing fails, or the process ends before it, the note stays and a sweep
//! takes it up: everything here may be done twice. An object of several parts that somebody reads is removed after the last
//! reader has gone: its blobs are opened one after the other, and the reader gets all of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures::{StreamExt as _, TryStreamExt as _};
use opentrail_blobs::BlobKey;
use opentrail_catalog::{From, Key, Txn, decode};
use opentrail_wire::Fault;

use super::Store;
use super::rows::{self, Body};
use super::uploads::PartRow;
use crate::faults;

/// Notes about what is gone that one commit takes along.
const BURIED_PER_COMMIT: usize = 64;
/// Notes that are remembered at most, of either kind; a sweep finds the others.
const BURIED_MAX: usize = 4_096;
/// Rows of parts or uploads that are removed in one step.
const ROWS_PER_STEP: usize = 500;
/// Blobs that are removed at once.
const REMOVALS_AT_ONCE: usize = 16;
/// Leases that are kept before the dead among them are dropped.
const LEASES_SOFT_MAX: usize = 1_024;

/// What is remembered between commits. All of it can be lost.
#[derive(Default)]
pub(super) struct Garbage {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Notes that are done: the next commit deletes them.
    buried: Vec<Key>,
    /// Notes that wait for readers.
    waiting: Vec<String>,
    /// Who reads the parts of an upload.
    leases: HashMap<String, Weak<()>>,
}

/// While it lives, the parts are not removed.
pub(super) type Lease = Arc<()>;

impl Garbage {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the parts of an upload from being removed. Whoever takes a lease must then see that the object is still there.
    pub(super) fn lease(&self, upload_id: &str) -> Lease {
        let mut state = self.state();
        if let Some(lease) = state.leases.get(upload_id).and_then(Weak::upgrade) {
            return lease;
        }
        if state.leases.len() >= LEASES_SOFT_MAX {
            state.leases.retain(|_, lease| lease.strong_count() > 0);
        }
        let lease = Lease::default();
        state.leases.insert(upload_id.to_owned(), Arc::downgrade(&lease));
        lease
    }

    fn is_read(&self, upload_id: &str) -> bool {
        self.state().leases.get(upload_id).is_some_and(|lease| lease.strong_count() > 0)
    }
}

/// The note about a body; `None` for one that goes with its row.
pub(super) fn note_of(body: &Body) -> Option<String> {
    match body {
        Body::Empty | Body::Row(_) => None,
        Body::Blob(name) => Some(name.clone()),
        Body::Parts(upload_id) => Some(note_of_upload(upload_id)),
    }
}

/// The note about an upload's parts.
pub(super) fn note_of_upload(upload_id: &str) -> String {
    format!("upload/{upload_id}")
}

/// The note about a bucket's uploads.
pub(super) fn note_of_bucket(bucket_id: &str) -> String {
    format!("bucket/{bucket_id}")
}

impl Store {
    /// Removes a body whose note is committed.
    pub(super) async fn bury_body(&self, body: &Body) {
        if let Some(note) = note_of(body) {
            self.bury(note).await;
        }
    }

    /// Removes what a committed note names. If that fails the note stays, and a sweep does it.
    pub(super) async fn bury(&self, note: String) {
        let mut notes = vec![note];
        // Those whose readers have gone meanwhile; at most as many as wait now.
        notes.append(&mut self.garbage.state().waiting);
        for note in notes {
            match self.clear(&note).await {
                Ok(Some(_)) => {
                    let mut state = self.garbage.state();
                    if state.buried.len() < BURIED_MAX {
                        state.buried.push(rows::garbage_keys().part(&note));
                    }
                }
                Ok(None) => {
                    let mut state = self.garbage.state();
                    if state.waiting.len() < BURIED_MAX {
                        state.waiting.push(note);
                    }
                }
                Err(_) => tracing::warn!(note, "what is no longer used stays until the next start"),
            }
        }
    }

    /// Adds the deletion of notes that are done.
    pub(super) fn with_buried(&self, txn: Txn) -> Txn {
        let mut state = self.garbage.state();
        let keep = state.buried.len().saturating_sub(BURIED_PER_COMMIT);
        state.buried.split_off(keep).into_iter().fold(txn, Txn::delete)
    }

    /// Removes what a note names; how many blobs went. `None` if somebody still reads it.
    pub(super) async fn clear(&self, note: &str) -> Result<Option<u64>, Fault> {
        if let Some(upload_id) = note.strip_prefix("upload/") {
            return self.clear_parts(upload_id).await;
        }
        if let Some(bucket_id) = note.strip_prefix("bucket/") {
            return self.clear_uploads(bucket_id).await.map(Some);
        }
        let Ok(blob) = BlobKey::new(note) else { return Ok(Some(0)) };
        // Most are gone already when a sweep finds their notes.
        if matches!(self.blobs.head(&blob).await, Err(opentrail_blobs::Error::NotFound(_))) {
            return Ok(Some(0));
        }
        self.blobs.delete(&blob).await.map_err(|e| faults::internal("delete blob", e))?;
        Ok(Some(1))
    }

    async fn clear_parts(&self, upload_id: &str) -> Result<Option<u64>, Fault> {
        if self.garbage.is_read(upload_id) {
            return Ok(None);
        }
        let mut cleared = 0;
        loop {
            let found = self.catalog.list(&rows::part_keys(upload_id), From::Start, ROWS_PER_STEP).await;
            let found = found.map_err(|e| faults::internal("list parts", e))?;
            if found.is_empty() {
                return Ok(Some(cleared));
            }
            let mut txn = Txn::new();
            let mut blobs = Vec::new();
            for (key, row) in found {
                txn = txn.delete(key);
                let row: PartRow = decode(&row.value).map_err(|e| faults::internal("read part row", e))?;
                match row.body {
                    Body::Empty | Body::Parts(_) => {}
                    Body::Row(name) => txn = txn.delete(rows::body_key(&name)),
                    Body::Blob(name) => {
                        txn = txn.delete(rows::body_key(&name));
                        blobs.extend(BlobKey::new(name));
                    }
                }
            }
            cleared += blobs.len() as u64;
            let removals: Vec<_> = blobs.iter().map(|blob| self.blobs.delete(blob)).collect();
            let removals = futures::stream::iter(removals).buffer_unordered(REMOVALS_AT_ONCE);
            let removed = removals.try_collect::<()>().await;
            removed.map_err(|e| faults::internal("delete blob", e))?;
            self.catalog.txn(txn).await.map_err(|e| faults::internal("commit removal of parts", e))?;
        }
    }

    async fn clear_uploads(&self, bucket_id: &str) -> Result<u64, Fault> {
        let mut cleared = 0;
        loop {
            let found = self.catalog.list(&rows::upload_keys(bucket_id), From::Start, ROWS_PER_STEP).await;
            let found = found.map_err(|e| faults::internal("list uploads", e))?;
            if found.is_empty() {
                return Ok(cleared);
            }
            for (key, _) in found {
                if let Some(upload_id) = rows::last_part(&key) {
                    // Nobody reads an upload before it is an object.
                    cleared += self.clear_parts(&upload_id).await?.unwrap_or(0);
                }
                let gone = self.catalog.txn(Txn::new().delete(key)).await;
                gone.map_err(|e| faults::internal("commit removal of upload", e))?;
            }
        }
    }

    /// Removes a blob that nothing names; whether that succeeded. If not, a sweep does it.
    pub(super) async fn remove_blob(&self, name: &str) -> bool {
        let Ok(blob) = BlobKey::new(name) else { return false };
        match self.blobs.delete(&blob).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, blob = name, "a blob that is no longer used stays until the next start");
                false
            }
        }
    }
}
