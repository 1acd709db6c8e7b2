//! Completing an upload: its named parts become an object.

use opentrail_catalog::{Check, Error, From, Key, Txn, decode, encode};
use opentrail_wire::Fault;
use s3s::crypto::Checksum as _;

use super::{PartRow, UploadRow, begun_s, is_body_of, upload_key};
use crate::checksum::{self, Algorithm};
use crate::condition::WriteCondition;
use crate::faults;
use crate::spell;
use crate::store::objects::{in_place_of, with_body_gone};
use crate::store::rows::{self, Body, ObjectRow, StoredSum};
use crate::store::{Bucket, COMMIT_ATTEMPTS, Store};

/// Rows of parts read at once.
const PARTS_PER_READ: usize = 1_000;

/// A part as the caller names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedPart {
    pub(crate) number: u32,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) sum: Option<(Algorithm, String)>,
}

/// What the caller wants to have completed.
#[derive(Debug, Default)]
pub(crate) struct Completion {
    pub(crate) parts: Vec<NamedPart>,
    pub(crate) condition: WriteCondition,
    /// `x-amz-mp-object-size`
    pub(crate) object_bytes: Option<u64>,
    /// Of the whole object.
    pub(crate) sum: Option<(Algorithm, String)>,
    /// `x-amz-checksum-type` is COMPOSITE, or it is not.
    pub(crate) composite: Option<bool>,
}

/// A part as it is stored.
struct StoredPart {
    key: Key,
    version: u64,
    number: u32,
    row: PartRow,
}

impl Store {
    /// Makes the named parts an object. Durable on return. Completing once more what was completed so answers the same.
    pub(crate) async fn complete_upload(
        &self,
        bucket: &Bucket,
        key: &str,
        upload_id: &str,
        completion: &Completion,
    ) -> Result<ObjectRow, Fault> {
        let upload = upload_key(bucket, key, upload_id)?;
        let object = rows::object_keys(&bucket.id).part(key);
        let _turn = self.key_lock(&object).lock().await;
        for _ in 0..COMMIT_ATTEMPTS {
            let old = self.row(&object).await?;
            let Some(row) = self.find_upload(&upload).await? else {
                return completed_before(upload_id, completion, old.map(|(_, row)| row));
            };
            let parts = self.stored_parts(upload_id).await?;
            let new = make_object(upload_id, &row, &parts, completion)?;
            check_condition(key, &row, completion, old.as_ref().map(|(_, row)| row))?;

            let mut txn = Txn::new()
                .check(Check::Is(rows::live_key(&bucket.id), 1))
                .check(Check::Is(upload.clone(), 1))
                .check(Check::AtMost { prefix: rows::part_keys(upload_id), max: parts.len() as u64 });
            for part in &parts {
                txn = txn.check(Check::Is(part.key.clone(), part.version));
            }
            txn = in_place_of(txn, &object, old.as_ref())
                .put(object.clone(), encode(&new))
                .put(rows::body_key(upload_id), Vec::new())
                .delete(upload.clone());
            let is_named =
                |part: &&StoredPart| completion.parts.binary_search_by_key(&part.number, |p| p.number).is_ok();
            let (_, unnamed): (Vec<&StoredPart>, Vec<&StoredPart>) = parts.iter().partition(is_named);
            for part in &unnamed {
                txn = with_body_gone(txn.delete(part.key.clone()), &part.row.body);
            }
            match self.catalog.txn(self.with_buried(txn)).await {
                Ok(()) => {
                    for part in unnamed {
                        self.bury_body(&part.row.body).await;
                    }
                    if let Some((_, row)) = &old {
                        self.bury_body(&row.body).await;
                    }
                    return Ok(new);
                }
                Err(Error::Conflict { check: 0 }) => return Err(faults::no_such_bucket(&bucket.name)),
                // A part or the object changed meanwhile: look again.
                Err(Error::Conflict { .. }) => {}
                // Whether it landed is not known: the caller asks again, and is told.
                Err(error) => return Err(faults::internal("commit completion", error)),
            }
        }
        Err(faults::operation_aborted())
    }

    async fn stored_parts(&self, upload_id: &str) -> Result<Vec<StoredPart>, Fault> {
        let mut parts = Vec::new();
        let mut from = From::Start;
        loop {
            let found = self.catalog.list(&rows::part_keys(upload_id), from, PARTS_PER_READ).await;
            let found = found.map_err(|e| faults::internal("list parts", e))?;
            let end_is_reached = found.len() < PARTS_PER_READ;
            let Some((last, _)) = found.last() else { return Ok(parts) };
            from = From::After(last.clone());
            for (key, stored) in found {
                let number = PartRow::number(&key).ok_or_else(|| faults::internal("read part key", "no number"))?;
                let row = decode(&stored.value).map_err(|e| faults::internal("read part row", e))?;
                parts.push(StoredPart { key, version: stored.version, number, row });
            }
            if end_is_reached {
                return Ok(parts);
            }
        }
    }
}

/// An upload that is not there may have become the object that is.
fn completed_before(upload_id: &str, completion: &Completion, there: Option<ObjectRow>) -> Result<ObjectRow, Fault> {
    let etag = etag_of(completion.parts.iter().map(|part| part.etag.as_str()), completion.parts.len());
    there
        .filter(|row| is_body_of(&row.body, upload_id) && Some(&row.etag) == etag.as_ref())
        .ok_or_else(|| faults::no_such_upload(upload_id))
}

/// The entity tag of a whole: the MD5 of its parts' MD5s, and how many they are.
fn etag_of<'a>(etags: impl Iterator<Item = &'a str>, parts: usize) -> Option<String> {
    let mut raw = Vec::with_capacity(parts * 16);
    for etag in etags {
        raw.extend_from_slice(&spell::from_hex(etag)?);
    }
    Some(format!("{}-{parts}", spell::hex(s3s::crypto::Md5::checksum(&raw).as_ref())))
}

/// What the upload becomes, if the parts are as they are named.
fn make_object(
    upload_id: &str,
    upload: &UploadRow,
    stored: &[StoredPart],
    completion: &Completion,
) -> Result<ObjectRow, Fault> {
    let named = &completion.parts;
    if !named.is_sorted_by(|a, b| a.number < b.number) {
        return Err(faults::invalid_part_order(upload_id));
    }
    let algorithm = upload.algorithm.as_deref().and_then(Algorithm::of_name);
    check_mode(upload, algorithm, completion)?;
    let mut parts = Vec::with_capacity(named.len());
    for (at, name) in named.iter().enumerate() {
        let invalid = || faults::invalid_part(upload_id, name.number, &name.etag);
        let place = stored.binary_search_by_key(&name.number, |part| part.number).map_err(|_| invalid())?;
        let row = &stored[place].row;
        if row.etag != name.etag {
            return Err(invalid());
        }
        match (&name.sum, algorithm) {
            // Nobody asked for a checksum, so none can be named.
            (Some(_), None) => return Err(invalid()),
            (Some((kind, value)), Some(algorithm)) if *kind != algorithm || *value != row.sum.value => {
                return Err(invalid());
            }
            (None, Some(algorithm)) if upload.composite => {
                return Err(faults::invalid_request(format!(
                    "The upload was created using a {} checksum. The complete request must include the checksum for each \
                     part. It was missing for part {} in the request.",
                    algorithm.name().to_ascii_lowercase(),
                    name.number
                )));
            }
            _ => {}
        }
        if at + 1 < named.len() && row.bytes < faults::PART_BYTES_MIN {
            return Err(faults::part_too_small(name.number, &row.etag, row.bytes));
        }
        parts.push(row);
    }
    let bytes = parts.iter().map(|part| part.bytes).sum();
    if let Some(expected) = completion.object_bytes
        && expected != bytes
    {
        return Err(faults::invalid_request(format!(
            "The provided 'x-amz-mp-object-size' header value {expected} does not match what was computed: {bytes}"
        )));
    }
    let damaged = || faults::internal("complete upload", "a part's sums cannot be read");
    let sum = sum_of(upload, algorithm, &parts).ok_or_else(damaged)?;
    check_sum(completion, &sum)?;
    Ok(ObjectRow {
        bytes,
        etag: etag_of(parts.iter().map(|part| part.etag.as_str()), parts.len()).ok_or_else(damaged)?,
        modified_s: begun_s(upload_id),
        body: Body::Parts(upload_id.to_owned()),
        headers: upload.headers.clone(),
        metadata: upload.metadata.clone(),
        sum,
        tags: upload.tags.clone(),
    })
}

/// The kind of checksum must be the one that the upload was begun with.
fn check_mode(upload: &UploadRow, algorithm: Option<Algorithm>, completion: &Completion) -> Result<(), Fault> {
    let mode = match algorithm {
        None => "null",
        Some(_) if upload.composite => "COMPOSITE",
        Some(_) => "FULL_OBJECT",
    };
    let other_type = completion.composite.is_some_and(|asked| algorithm.is_none() || asked != upload.composite);
    let kept = algorithm.unwrap_or(Algorithm::Crc64Nvme);
    if other_type || completion.sum.as_ref().is_some_and(|(asked, _)| *asked != kept) {
        return Err(faults::invalid_request(format!(
            "The upload was created using the {mode} checksum mode. The complete request must use the same checksum mode."
        )));
    }
    Ok(())
}

fn sum_of(upload: &UploadRow, algorithm: Option<Algorithm>, parts: &[&PartRow]) -> Option<StoredSum> {
    let algorithm = algorithm.unwrap_or(Algorithm::Crc64Nvme);
    if upload.composite {
        checksum::composite(algorithm, parts.iter().map(|part| part.sum.value.as_str()))
    } else {
        checksum::combined(algorithm, parts.iter().map(|part| (part.sum.value.as_str(), part.bytes)))
    }
}

fn check_sum(completion: &Completion, sum: &StoredSum) -> Result<(), Fault> {
    let Some((algorithm, expected)) = &completion.sum else { return Ok(()) };
    let without_count = sum.value.split('-').next().unwrap_or_default();
    if *expected == sum.value || expected == without_count {
        return Ok(());
    }
    let name = algorithm.name().to_ascii_lowercase();
    Err(Fault::client("BadDigest", format!("The {name} you specified did not match the calculated checksum.")))
}

/// The condition, and that nothing else was written or deleted under the key since the upload was begun.
fn check_condition(
    key: &str,
    upload: &UploadRow,
    completion: &Completion,
    there: Option<&ObjectRow>,
) -> Result<(), Fault> {
    let conflict = match (&completion.condition, there) {
        (WriteCondition::None, _) => return Ok(()),
        (WriteCondition::Matches(_) | WriteCondition::Present, None) => return Err(faults::no_such_key(key)),
        (WriteCondition::Absent, _) => "If-None-Match",
        (_, Some(_)) => "If-Match",
    };
    if there.map(ObjectRow::identity) != upload.replaces {
        return Err(faults::conditional_conflict(conflict, key));
    }
    completion.condition.check(key, there)
}
