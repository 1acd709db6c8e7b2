//! Multipart uploads: begun, given parts, ended or completed.
//!
//! A part is staged and committed like an object, under its upload. Completing writes no bytes: the parts stay where they are,
//! and one transaction turns the upload into the object, whose body they then are. That transaction checks that the upload is
//! still going on and that no part of it came, went or changed since they were looked at; parts that were not named go with it.

mod complete;
mod list;
pub(crate) mod rows;

use bytes::Bytes;
use opentrail_catalog::{Check, Error, Key, Txn, decode, encode};
use opentrail_wire::Fault;

use super::garbage::note_of_upload;
use super::objects::{Uncommitted, with_body_gone};
use super::rows::{self as all, Body, StoredSum};
use super::{Bucket, COMMIT_ATTEMPTS, Store};
use crate::bodies::Intake;
use crate::faults;

pub(crate) use complete::{Completion, NamedPart};
pub(crate) use list::{UploadEntry, UploadQuestion};
pub(crate) use rows::{PartRow, UploadRow};

/// The most uploads that are going on in one bucket.
const UPLOADS_PER_BUCKET_MAX: u64 = 10_000;
/// Upload ids are so many hexadecimal digits: 16 of the time in milliseconds, so that they sort by it, and 32 of chance.
const UPLOAD_ID_CHARS: usize = 48;
const TIME_CHARS: usize = 16;

/// When an upload of that id was begun, in milliseconds since 1970; `None` for what is no id of ours.
fn begun_ms(upload_id: &str) -> Option<u64> {
    let is_ours =
        upload_id.len() == UPLOAD_ID_CHARS && upload_id.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
    u64::from_str_radix(upload_id.get(..TIME_CHARS).filter(|_| is_ours)?, 16).ok()
}

/// When an upload was begun, in seconds since 1970.
fn begun_s(upload_id: &str) -> i64 {
    begun_ms(upload_id).and_then(|ms| i64::try_from(ms / 1000).ok()).unwrap_or(0)
}

impl Store {
    /// Begins an upload; its id. Durable on return.
    pub(crate) async fn begin_upload(&self, bucket: &Bucket, key: &str, new: UploadRow) -> Result<String, Fault> {
        let upload_id = format!("{:016x}{}", self.now_ms(), self.random_name());
        let there = self.find(bucket, key).await?;
        let row = UploadRow { replaces: there.map(|row| row.identity()), ..new };
        let uploads = all::upload_keys(&bucket.id);
        let txn = Txn::new()
            .check(Check::Is(all::live_key(&bucket.id), 1))
            .check(Check::AtMost { prefix: uploads.clone(), max: UPLOADS_PER_BUCKET_MAX - 1 })
            .put(uploads.part(key).part(&upload_id), encode(&row));
        match self.catalog.txn(self.with_buried(txn)).await {
            Ok(()) => Ok(upload_id),
            Err(Error::Conflict { check: 0 }) => Err(faults::no_such_bucket(&bucket.name)),
            Err(Error::Conflict { .. }) => Err(faults::too_many_uploads(UPLOADS_PER_BUCKET_MAX)),
            Err(error) => Err(faults::internal("commit upload", error)),
        }
    }

    /// The upload under that key and id.
    pub(crate) async fn upload(&self, bucket: &Bucket, key: &str, upload_id: &str) -> Result<UploadRow, Fault> {
        let row = self.find_upload(&upload_key(bucket, key, upload_id)?).await?;
        row.ok_or_else(|| faults::no_such_upload(upload_id))
    }

    async fn find_upload(&self, upload: &Key) -> Result<Option<UploadRow>, Fault> {
        let found = self.catalog.get(upload).await.map_err(|e| faults::internal("find upload", e))?;
        let Some(found) = found else { return Ok(None) };
        decode(&found.value).map(Some).map_err(|e| faults::internal("read upload row", e))
    }

    /// Stores a part, in place of an earlier one of its number; what was kept of it, and the checksum that its caller declared.
    /// Durable on return.
    pub(crate) async fn put_part(
        &self,
        bucket: &Bucket,
        key: &str,
        upload_id: &str,
        number: u32,
        intake: Intake,
    ) -> Result<(PartRow, Option<StoredSum>), Fault> {
        let upload = upload_key(bucket, key, upload_id)?;
        let staged = self.stage(intake).await?;
        let row = PartRow {
            bytes: staged.digests.bytes,
            etag: staged.digests.etag,
            modified_s: self.world.now().as_second(),
            body: staged.body,
            sum: staged.digests.sum,
        };
        let part = PartRow::key(upload_id, number);
        match self.commit_part(bucket, &upload, upload_id, &part, &row, staged.row.as_ref()).await {
            Ok(()) => Ok((row, staged.digests.declared)),
            Err(uncommitted) => Err(self.unstage(&row.body, uncommitted).await),
        }
    }

    async fn commit_part(
        &self,
        bucket: &Bucket,
        upload: &Key,
        upload_id: &str,
        part: &Key,
        row: &PartRow,
        body: Option<&(Key, Bytes)>,
    ) -> Result<(), Uncommitted> {
        let _turn = self.key_lock(part).lock().await;
        for _ in 0..COMMIT_ATTEMPTS {
            let old = self.part(part).await.map_err(Uncommitted::No)?;
            let txn = Txn::new().check(Check::Is(all::live_key(&bucket.id), 1)).check(Check::Is(upload.clone(), 1));
            let mut txn = match &old {
                None => txn.check(Check::Absent(part.clone())),
                Some((version, old)) => with_body_gone(txn.check(Check::Is(part.clone(), *version)), &old.body),
            };
            txn = txn.put(part.clone(), encode(row));
            if let Some((name, bytes)) = body {
                txn = txn.put(name.clone(), bytes.clone());
            }
            match self.catalog.txn(self.with_buried(txn)).await {
                Ok(()) => {
                    if let Some((_, old)) = &old {
                        self.bury_body(&old.body).await;
                    }
                    return Ok(());
                }
                Err(Error::Conflict { check: 0 }) => return Err(Uncommitted::No(faults::no_such_bucket(&bucket.name))),
                Err(Error::Conflict { check: 1 }) => return Err(Uncommitted::No(faults::no_such_upload(upload_id))),
                Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(Uncommitted::Unknown(faults::internal("commit part", error))),
            }
        }
        Err(Uncommitted::No(faults::operation_aborted()))
    }

    async fn part(&self, part: &Key) -> Result<Option<(u64, PartRow)>, Fault> {
        let found = self.catalog.get(part).await.map_err(|e| faults::internal("find part", e))?;
        let Some(found) = found else { return Ok(None) };
        let row = decode(&found.value).map_err(|e| faults::internal("read part row", e))?;
        Ok(Some((found.version, row)))
    }

    /// Ends an upload; its parts go. Durable on return.
    pub(crate) async fn abort_upload(&self, bucket: &Bucket, key: &str, upload_id: &str) -> Result<(), Fault> {
        let upload = upload_key(bucket, key, upload_id)?;
        let note = note_of_upload(upload_id);
        let txn = Txn::new()
            .check(Check::Is(upload.clone(), 1))
            .delete(upload)
            .put(all::garbage_keys().part(&note), Bytes::new());
        match self.catalog.txn(self.with_buried(txn)).await {
            Ok(()) => {
                self.bury(note).await;
                Ok(())
            }
            Err(Error::Conflict { .. }) => Err(faults::no_such_upload(upload_id)),
            Err(error) => Err(faults::internal("commit end of upload", error)),
        }
    }
}

/// Where an upload lies. An id that was never given names no upload.
fn upload_key(bucket: &Bucket, key: &str, upload_id: &str) -> Result<Key, Fault> {
    match begun_ms(upload_id) {
        Some(_) => Ok(all::upload_keys(&bucket.id).part(key).part(upload_id)),
        None => Err(faults::no_such_upload(upload_id)),
    }
}

/// Whether a body is made of the parts of this upload.
fn is_body_of(body: &Body, upload_id: &str) -> bool {
    matches!(body, Body::Parts(id) if id == upload_id)
}
