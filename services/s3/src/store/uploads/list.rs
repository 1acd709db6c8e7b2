//! Listing the uploads that are going on, and the parts of one.

use opentrail_catalog::{From, Key, decode};
use opentrail_wire::Fault;

use super::{PartRow, UploadRow, begun_s, upload_key};
use crate::faults;
use crate::store::rows;
use crate::store::{Bucket, Store};

/// Rows read at once.
const ROWS_PER_READ: usize = 1_001;

/// Which uploads to list.
pub(crate) struct UploadQuestion<'a> {
    pub(crate) prefix: &'a str,
    /// Not empty.
    pub(crate) delimiter: Option<&'a str>,
    /// Only what sorts behind this key; with an upload id, also later uploads of the key itself.
    pub(crate) after: Option<(&'a str, Option<&'a str>)>,
    pub(crate) limit: usize,
}

/// An upload in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedUpload {
    pub(crate) key: String,
    pub(crate) upload_id: String,
    pub(crate) begun_s: i64,
    pub(crate) row: UploadRow,
}

/// One line of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UploadEntry {
    Upload(Box<ListedUpload>),
    Prefix(String),
}

impl UploadQuestion<'_> {
    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter?;
        let at = key.get(self.prefix.len()..)?.find(delimiter)?;
        key.get(..self.prefix.len() + at + delimiter.len())
    }

    /// Where reading begins; `None` if nothing can follow.
    fn start(&self, uploads: &Key) -> Option<From> {
        let Some((key, upload_id)) = self.after else { return Some(From::Start) };
        if !key.starts_with(self.prefix) {
            return (key < self.prefix).then_some(From::Start);
        }
        match (self.common_prefix(key), upload_id) {
            (Some(prefix), _) => uploads.open_part(prefix).end().map(From::At),
            (None, Some(upload_id)) => Some(From::After(uploads.part(key).part(upload_id))),
            (None, None) => uploads.part(key).end().map(From::At),
        }
    }
}

impl Store {
    /// One page of the uploads of a bucket, by key and then by the time they were begun; and whether more follow.
    pub(crate) async fn uploads(
        &self,
        bucket: &Bucket,
        question: &UploadQuestion<'_>,
    ) -> Result<(Vec<UploadEntry>, bool), Fault> {
        let mut entries = Vec::new();
        let uploads = rows::upload_keys(&bucket.id);
        let scope = uploads.open_part(question.prefix);
        let Some(mut from) = question.start(&uploads) else { return Ok((entries, false)) };
        if question.limit == 0 {
            return Ok((entries, false));
        }
        loop {
            let found = self.catalog.list(&scope, from, ROWS_PER_READ).await;
            let found = found.map_err(|e| faults::internal("list uploads", e))?;
            let end_is_reached = found.len() < ROWS_PER_READ;
            let Some((last, _)) = found.last() else { return Ok((entries, false)) };
            from = From::After(last.clone());
            for (stored_key, stored) in found {
                let (key, upload_id) =
                    names(&stored_key).ok_or_else(|| faults::internal("read upload key", "not UTF-8"))?;
                let prefix = question.common_prefix(&key);
                if let (Some(prefix), Some(UploadEntry::Prefix(listed))) = (prefix, entries.last())
                    && prefix == listed
                {
                    continue;
                }
                if entries.len() == question.limit {
                    return Ok((entries, true));
                }
                entries.push(match prefix {
                    Some(prefix) => UploadEntry::Prefix(prefix.to_owned()),
                    None => {
                        let row = decode(&stored.value).map_err(|e| faults::internal("read upload row", e))?;
                        let begun_s = begun_s(&upload_id);
                        UploadEntry::Upload(Box::new(ListedUpload { key, upload_id, begun_s, row }))
                    }
                });
            }
            if end_is_reached {
                return Ok((entries, false));
            }
        }
    }

    /// Up to `limit` parts of an upload behind the number `after`, and whether more follow.
    pub(crate) async fn parts(
        &self,
        bucket: &Bucket,
        key: &str,
        upload_id: &str,
        after: u32,
        limit: usize,
    ) -> Result<(Vec<(u32, PartRow)>, bool), Fault> {
        upload_key(bucket, key, upload_id)?;
        if limit == 0 {
            return Ok((Vec::new(), false));
        }
        let from = From::After(PartRow::key(upload_id, after));
        let found = self.catalog.list(&rows::part_keys(upload_id), from, limit + 1).await;
        let mut found = found.map_err(|e| faults::internal("list parts", e))?;
        let more = found.len() > limit;
        found.truncate(limit);
        let mut parts = Vec::with_capacity(found.len());
        for (key, stored) in found {
            let number = PartRow::number(&key).ok_or_else(|| faults::internal("read part key", "no number"))?;
            let row = decode(&stored.value).map_err(|e| faults::internal("read part row", e))?;
            parts.push((number, row));
        }
        Ok((parts, more))
    }
}

/// Key and upload id of a stored key.
fn names(stored: &Key) -> Option<(String, String)> {
    let mut parts = stored.parts()?;
    let upload_id = String::from_utf8(parts.pop()?).ok()?;
    Some((String::from_utf8(parts.pop()?).ok()?, upload_id))
}
