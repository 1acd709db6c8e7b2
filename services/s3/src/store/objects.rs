//! Putting, finding, reading and deleting objects.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use opentrail_blobs::BlobKey;
use opentrail_catalog::{Check, Error, Key, Txn, Versioned, decode, encode};
use opentrail_wire::Fault;

use super::rows::{self, Body, ContentHeaders, ObjectRow};
use super::sweep::run_prefix;
use super::{Bucket, COMMIT_ATTEMPTS, Store};
use crate::bodies::{Beginning, Intake, Outgoing};
use crate::checksum::Digests;
use crate::faults;

/// Bodies up to so many bytes live in the catalog, beside their row: one sync instead of two.
const BODY_IN_CATALOG_BYTES_MAX: usize = 4 * 1024;
/// How often a read starts over because the object was replaced under it.
const READ_ATTEMPTS: usize = 8;
/// Notes about removed blobs that one commit takes along.
const BURIED_PER_COMMIT: usize = 64;
/// Notes that are remembered at most; a sweep finds the others.
const BURIED_MAX: usize = 4_096;

/// An object to be, without its body.
pub(crate) struct NewObject {
    pub(crate) headers: ContentHeaders,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// A body that is staged: nobody sees it before the commit.
struct Staged {
    body: Body,
    /// What the commit writes under the body's name.
    row: Option<(Key, Bytes)>,
    digests: Digests,
}

impl Store {
    /// Stores an object, in place of one that was there. Durable on return.
    pub(crate) async fn put(
        &self,
        bucket: &Bucket,
        key: &str,
        new: NewObject,
        intake: Intake,
    ) -> Result<ObjectRow, Fault> {
        let staged = self.stage(intake).await?;
        let row = ObjectRow {
            bytes: staged.digests.bytes,
            etag: staged.digests.etag,
            modified_s: self.world.now().as_second(),
            body: staged.body,
            headers: new.headers,
            metadata: new.metadata,
            sum: staged.digests.sum,
        };
        let object = rows::object_keys(&bucket.id).part(key);
        match self.replace(bucket, &object, Some((&row, staged.row))).await {
            Ok(_) => Ok(row),
            Err(Uncommitted::No(fault)) => {
                if let Body::Blob(name) = &row.body {
                    self.remove_blob(name).await;
                }
                Err(fault)
            }
            // Whether it landed is not known, so its blob must stay; if it did not land, a sweep removes it.
            Err(Uncommitted::Unknown(fault)) => Err(fault),
        }
    }

    /// Deletes an object; one that is not there is no error. Durable on return.
    pub(crate) async fn delete(&self, bucket: &Bucket, key: &str) -> Result<(), Fault> {
        let object = rows::object_keys(&bucket.id).part(key);
        match self.replace(bucket, &object, None).await {
            Ok(()) => Ok(()),
            Err(Uncommitted::No(fault) | Uncommitted::Unknown(fault)) => Err(fault),
        }
    }

    /// Step 1, stage: the body is checked to its last byte and lies in a blob that nothing names, or in memory.
    async fn stage(&self, mut intake: Intake) -> Result<Staged, Fault> {
        match intake.begin(BODY_IN_CATALOG_BYTES_MAX).await? {
            Beginning::Whole(bytes, digests) if bytes.is_empty() => {
                Ok(Staged { body: Body::Empty, row: None, digests })
            }
            Beginning::Whole(bytes, digests) => {
                // Small bodies lie in the catalog, and that on the same disk.
                self.blobs.room(bytes.len() as u64).map_err(|error| faults::staging(&error))?;
                let name = self.random_name();
                Ok(Staged { row: Some((rows::body_key(&name), bytes)), body: Body::Row(name), digests })
            }
            Beginning::Part(first) => {
                let name = format!("{}{}", run_prefix(self.run().await?), self.random_name());
                let blob = BlobKey::new(name.as_str()).map_err(|e| faults::internal("name blob", e))?;
                let put = self.blobs.put(&blob, intake.rest(first), true).await;
                match (put, intake.end()) {
                    (Ok(_), Ok(digests)) => {
                        Ok(Staged { row: Some((rows::body_key(&name), Bytes::new())), body: Body::Blob(name), digests })
                    }
                    // The body's own fault is the caller's to hear, whatever the engine made of it.
                    (put, Err(Some(fault))) => {
                        if put.is_ok() {
                            self.remove_blob(&name).await;
                        }
                        Err(fault)
                    }
                    (Err(error), _) => Err(faults::staging(&error)),
                    (Ok(_), Err(None)) => {
                        self.remove_blob(&name).await;
                        Err(faults::internal("stage blob", "the engine did not read the body to its end"))
                    }
                }
            }
        }
    }

    /// Steps 2 and 3, commit and sweep: the row under `object` becomes `new` (or nothing), and the body it had goes.
    ///
    /// The transaction checks that the very same bucket is there, and the very same object: by its version, and because versions
    /// start over after a deletion, by its body's name, which is used once.
    async fn replace(
        &self,
        bucket: &Bucket,
        object: &Key,
        new: Option<(&ObjectRow, Option<(Key, Bytes)>)>,
    ) -> Result<(), Uncommitted> {
        let _turn = self.key_lock(object).lock().await;
        for _ in 0..COMMIT_ATTEMPTS {
            let old = self.row(object).await.map_err(Uncommitted::No)?;
            if old.is_none() && new.is_none() {
                return Ok(());
            }
            let mut txn = Txn::new().check(Check::Is(rows::live_key(&bucket.id), 1));
            txn = match &old {
                None => txn.check(Check::Absent(object.clone())),
                Some((version, row)) => with_body_gone(txn.check(Check::Is(object.clone(), *version)), &row.body),
            };
            txn = match &new {
                None => txn.delete(object.clone()),
                Some((row, None)) => txn.put(object.clone(), encode(*row)),
                Some((row, Some((name, bytes)))) => {
                    txn.put(object.clone(), encode(*row)).put(name.clone(), bytes.clone())
                }
            };
            for note in self.take_buried() {
                txn = txn.delete(note);
            }
            match self.catalog.txn(txn).await {
                Ok(()) => {
                    if let Some((_, ObjectRow { body: Body::Blob(name), .. })) = &old {
                        self.bury(name).await;
                    }
                    return Ok(());
                }
                Err(Error::Conflict { check: 0 }) => return Err(Uncommitted::No(faults::no_such_bucket(&bucket.name))),
                // Another process was faster.
                Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(Uncommitted::Unknown(faults::internal("commit object", error))),
            }
        }
        Err(Uncommitted::No(faults::operation_aborted()))
    }

    /// Removes a blob whose note is committed. If that fails the note stays, and a sweep does it.
    async fn bury(&self, name: &str) {
        if !self.remove_blob(name).await {
            return;
        }
        let mut buried = self.buried.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if buried.len() < BURIED_MAX {
            buried.push(rows::garbage_keys().part(name));
        }
    }

    fn take_buried(&self) -> Vec<Key> {
        let mut buried = self.buried.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let keep = buried.len().saturating_sub(BURIED_PER_COMMIT);
        buried.split_off(keep)
    }

    async fn remove_blob(&self, name: &str) -> bool {
        let Ok(blob) = BlobKey::new(name) else { return false };
        match self.blobs.delete(&blob).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, blob = name, "a blob that is no longer used stays until the next start");
                false
            }
        }
    }

    /// The object under `key`.
    pub(crate) async fn find(&self, bucket: &Bucket, key: &str) -> Result<Option<ObjectRow>, Fault> {
        let object = rows::object_keys(&bucket.id).part(key);
        Ok(self.row(&object).await?.map(|(_, row)| row))
    }

    async fn row(&self, object: &Key) -> Result<Option<(u64, ObjectRow)>, Fault> {
        let found = self.catalog.get(object).await.map_err(|e| faults::internal("find object", e))?;
        let Some(Versioned { version, value }) = found else { return Ok(None) };
        let row = decode(&value).map_err(|e| faults::internal("read object row", e))?;
        Ok(Some((version, row)))
    }

    /// The bytes of an object in `range`, whatever happens to its key from now on. `None` if the object was replaced or
    /// deleted before its body could be opened: look again.
    async fn open(&self, row: &ObjectRow, range: Range<u64>) -> Result<Option<Outgoing>, Fault> {
        let length = range.end - range.start;
        match &row.body {
            _ if length == 0 => Ok(Some(Outgoing::Whole(Bytes::new()))),
            Body::Empty => Ok(Some(Outgoing::Whole(Bytes::new()))),
            Body::Row(name) => {
                let found = self.catalog.get(&rows::body_key(name)).await;
                let Some(found) = found.map_err(|e| faults::internal("read body row", e))? else { return Ok(None) };
                let (Ok(start), Ok(end)) = (usize::try_from(range.start), usize::try_from(range.end)) else {
                    return Err(faults::internal("read body row", "a range beyond memory"));
                };
                if end > found.value.len() {
                    return Err(faults::internal("read body row", "shorter than its object"));
                }
                Ok(Some(Outgoing::Whole(found.value.slice(start..end))))
            }
            Body::Blob(name) => {
                let blob = BlobKey::new(name.as_str()).map_err(|e| faults::internal("name blob", e))?;
                match self.blobs.get(&blob, Some(range)).await {
                    Ok(bytes) => Ok(Some(Outgoing::Stream { bytes, length })),
                    Err(opentrail_blobs::Error::NotFound(_)) => Ok(None),
                    Err(error) => Err(faults::internal("open blob", error)),
                }
            }
        }
    }

    /// Finds an object, lets `choose` decide about it, and opens the bytes it chose.
    ///
    /// Row and body are read one after the other: where a put came between, both are read again.
    pub(crate) async fn read<T>(
        &self,
        bucket: &Bucket,
        key: &str,
        choose: impl Fn(&ObjectRow) -> Result<(Range<u64>, T), Fault>,
    ) -> Result<(ObjectRow, T, Outgoing), Fault> {
        for _ in 0..READ_ATTEMPTS {
            let row = self.find(bucket, key).await?.ok_or_else(|| faults::no_such_key(key))?;
            let (range, chosen) = choose(&row)?;
            if let Some(bytes) = self.open(&row, range).await? {
                return Ok((row, chosen, bytes));
            }
        }
        Err(faults::internal("open body", "an object's body is missing"))
    }
}

/// A commit that did not succeed.
enum Uncommitted {
    /// And surely did not land.
    No(Fault),
    /// And may have landed.
    Unknown(Fault),
}

/// The object's old body goes: a small one with the commit, a blob right after it (there is a note until then).
fn with_body_gone(txn: Txn, body: &Body) -> Txn {
    match body {
        Body::Empty => txn,
        Body::Row(name) => txn.check(Check::Is(rows::body_key(name), 1)).delete(rows::body_key(name)),
        Body::Blob(name) => txn
            .check(Check::Is(rows::body_key(name), 1))
            .delete(rows::body_key(name))
            .put(rows::garbage_keys().part(name), Bytes::new()),
    }
}
