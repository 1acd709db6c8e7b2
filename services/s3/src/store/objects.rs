//! Putting, finding, tagging and deleting objects.

use std::collections::BTreeMap;

use bytes::Bytes;
use opentrail_blobs::BlobKey;
use opentrail_catalog::{Check, Error, Key, Txn, Versioned, decode, encode};
use opentrail_wire::Fault;

use super::garbage::note_of;
use super::rows::{self, Body, ContentHeaders, ObjectRow};
use super::sweep::run_prefix;
use super::{Bucket, COMMIT_ATTEMPTS, Store};
use crate::bodies::{Beginning, Intake};
use crate::checksum::Digests;
use crate::condition::WriteCondition;
use crate::faults;
use crate::tags::Tags;

/// Bodies up to so many bytes live in the catalog, beside their row: one sync instead of two.
const BODY_IN_CATALOG_BYTES_MAX: usize = 4 * 1024;

/// An object to be, without its body.
#[derive(Default)]
pub(crate) struct NewObject {
    pub(crate) headers: ContentHeaders,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) tags: Tags,
    /// What must hold of the object that is there, when the new one takes its place.
    pub(crate) condition: WriteCondition,
}

/// A body that is staged: nobody sees it before the commit.
pub(super) struct Staged {
    pub(super) body: Body,
    /// What the commit writes under the body's name.
    pub(super) row: Option<(Key, Bytes)>,
    pub(super) digests: Digests,
}

/// What takes the place of an object.
struct Change<'a> {
    key: &'a str,
    /// With what the commit writes under the body's name; `None` deletes.
    new: Option<(&'a ObjectRow, &'a Option<(Key, Bytes)>)>,
    condition: &'a WriteCondition,
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
            tags: new.tags,
        };
        let change = Change { key, new: Some((&row, &staged.row)), condition: &new.condition };
        match self.replace(bucket, change).await {
            Ok(()) => Ok(row),
            Err(uncommitted) => Err(self.unstage(&row.body, uncommitted).await),
        }
    }

    /// Removes a staged body whose commit failed, where that is safe.
    pub(super) async fn unstage(&self, body: &Body, uncommitted: Uncommitted) -> Fault {
        match (uncommitted, body) {
            (Uncommitted::No(fault), Body::Blob(name)) => {
                self.remove_blob(name).await;
                fault
            }
            // Whether it landed is not known, so its blob must stay; if it did not land, a sweep removes it.
            (Uncommitted::No(fault) | Uncommitted::Unknown(fault), _) => fault,
        }
    }

    /// Deletes an object; one that is not there is no error, unless the condition wants it. Durable on return.
    pub(crate) async fn delete(&self, bucket: &Bucket, key: &str, condition: &WriteCondition) -> Result<(), Fault> {
        match self.replace(bucket, Change { key, new: None, condition }).await {
            Ok(()) => Ok(()),
            Err(Uncommitted::No(fault) | Uncommitted::Unknown(fault)) => Err(fault),
        }
    }

    /// Gives an object other tags. Durable on return.
    pub(crate) async fn tag(&self, bucket: &Bucket, key: &str, tags: &Tags) -> Result<(), Fault> {
        let object = rows::object_keys(&bucket.id).part(key);
        let _turn = self.key_lock(&object).lock().await;
        for _ in 0..COMMIT_ATTEMPTS {
            let (version, row) = self.row(&object).await?.ok_or_else(|| faults::no_such_key(key))?;
            let row = ObjectRow { tags: tags.clone(), ..row };
            let txn = Txn::new()
                .check(Check::Is(rows::live_key(&bucket.id), 1))
                .check(Check::Is(object.clone(), version))
                .put(object.clone(), encode(&row));
            match self.catalog.txn(still_with_its_body(txn, &row.body)).await {
                Ok(()) => return Ok(()),
                Err(Error::Conflict { check: 0 }) => return Err(faults::no_such_bucket(&bucket.name)),
                Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(faults::internal("commit tags", error)),
            }
        }
        Err(faults::operation_aborted())
    }

    /// Step 1, stage: the body is checked to its last byte and lies in a blob that nothing names, or in memory.
    pub(super) async fn stage(&self, mut intake: Intake) -> Result<Staged, Fault> {
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

    /// Steps 2 and 3, commit and sweep: the row becomes the new one (or nothing), and the body it had goes.
    async fn replace(&self, bucket: &Bucket, change: Change<'_>) -> Result<(), Uncommitted> {
        let object = rows::object_keys(&bucket.id).part(change.key);
        let _turn = self.key_lock(&object).lock().await;
        for _ in 0..COMMIT_ATTEMPTS {
            let old = self.row(&object).await.map_err(Uncommitted::No)?;
            change.condition.check(change.key, old.as_ref().map(|(_, row)| row)).map_err(Uncommitted::No)?;
            if old.is_none() && change.new.is_none() {
                return Ok(());
            }
            let txn = Txn::new().check(Check::Is(rows::live_key(&bucket.id), 1));
            let mut txn = in_place_of(txn, &object, old.as_ref());
            txn = match change.new {
                None => txn.delete(object.clone()),
                Some((row, None)) => txn.put(object.clone(), encode(row)),
                Some((row, Some((name, bytes)))) => {
                    txn.put(object.clone(), encode(row)).put(name.clone(), bytes.clone())
                }
            };
            match self.catalog.txn(self.with_buried(txn)).await {
                Ok(()) => {
                    if let Some((_, row)) = &old {
                        self.bury_body(&row.body).await;
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

    /// The object under `key`.
    pub(crate) async fn find(&self, bucket: &Bucket, key: &str) -> Result<Option<ObjectRow>, Fault> {
        let object = rows::object_keys(&bucket.id).part(key);
        Ok(self.row(&object).await?.map(|(_, row)| row))
    }

    pub(super) async fn row(&self, object: &Key) -> Result<Option<(u64, ObjectRow)>, Fault> {
        let found = self.catalog.get(object).await.map_err(|e| faults::internal("find object", e))?;
        let Some(Versioned { version, value }) = found else { return Ok(None) };
        let row = decode(&value).map_err(|e| faults::internal("read object row", e))?;
        Ok(Some((version, row)))
    }
}

/// A commit that did not succeed.
pub(super) enum Uncommitted {
    /// And surely did not land.
    No(Fault),
    /// And may have landed.
    Unknown(Fault),
}

/// Checks that the very same object is there, or none, and lets its body go.
///
/// By its version, and because versions start over after a deletion, by its body's name, which is used once.
pub(super) fn in_place_of(txn: Txn, object: &Key, old: Option<&(u64, ObjectRow)>) -> Txn {
    match old {
        None => txn.check(Check::Absent(object.clone())),
        Some((version, row)) => with_body_gone(txn.check(Check::Is(object.clone(), *version)), &row.body),
    }
}

/// A body goes: a small one with the commit, others right after it (there is a note until then).
pub(super) fn with_body_gone(txn: Txn, body: &Body) -> Txn {
    let txn = still_with_its_body(txn, body);
    match body {
        Body::Empty => txn,
        Body::Row(name) => txn.delete(rows::body_key(name)),
        Body::Blob(name) | Body::Parts(name) => {
            let note = note_of(body).unwrap_or_default();
            txn.delete(rows::body_key(name)).put(rows::garbage_keys().part(note), Bytes::new())
        }
    }
}

fn still_with_its_body(txn: Txn, body: &Body) -> Txn {
    match body {
        Body::Empty => txn,
        Body::Row(name) | Body::Blob(name) | Body::Parts(name) => txn.check(Check::Is(rows::body_key(name), 1)),
    }
}
