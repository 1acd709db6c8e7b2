//! Listing keys in order, with common prefixes.
//!
//! Keys and common prefixes share one order and one page. A prefix that was listed is skipped by seeking behind it: a page costs about as
//! many rows as it has entries, whatever lies under the prefixes.

use opentrail_catalog::{From, Key, decode};
use opentrail_wire::Fault;

use super::Store;
use super::rows::{self, ObjectRow};
use crate::faults;

/// Rows read at once at most.
const ROWS_PER_READ_MAX: usize = 1_001;
/// Rows read at once while every read may end in a seek.
const ROWS_PER_SEEK: usize = 32;

/// What to list.
pub(crate) struct Question<'a> {
    pub(crate) bucket_id: &'a str,
    pub(crate) prefix: &'a str,
    /// Not empty.
    pub(crate) delimiter: Option<&'a str>,
    /// Only what sorts behind it. A common prefix in which it lies is skipped whole.
    pub(crate) after: Option<&'a str>,
    pub(crate) limit: usize,
}

/// One line of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    Object(String, Box<ObjectRow>),
    Prefix(String),
}

impl Entry {
    /// The key or the prefix.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Object(name, _) | Self::Prefix(name) => name,
        }
    }
}

/// One page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) entries: Vec<Entry>,
    /// Whether more follow.
    pub(crate) more: bool,
}

impl Question<'_> {
    /// The common prefix that `key` belongs to, where there is one: up to and including the first delimiter behind the
    /// asked-for prefix.
    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter?;
        let at = key.get(self.prefix.len()..)?.find(delimiter)?;
        key.get(..self.prefix.len() + at + delimiter.len())
    }

    /// Where reading begins; `None` if nothing can follow.
    fn start(&self, objects: &Key) -> Option<From> {
        let Some(after) = self.after else { return Some(From::Start) };
        if !after.starts_with(self.prefix) {
            return (after < self.prefix).then_some(From::Start);
        }
        match self.common_prefix(after) {
            Some(prefix) => objects.open_part(prefix).end().map(From::At),
            None => Some(From::After(objects.part(after))),
        }
    }
}

impl Store {
    /// One page of a listing.
    pub(crate) async fn list(&self, question: &Question<'_>) -> Result<Listing, Fault> {
        let mut listing = Listing { entries: Vec::new(), more: false };
        let objects = rows::object_keys(question.bucket_id);
        let scope = objects.open_part(question.prefix);
        let Some(mut from) = question.start(&objects) else { return Ok(listing) };
        if question.limit == 0 {
            return Ok(listing);
        }
        let rows_wanted = (question.limit + 1).min(ROWS_PER_READ_MAX);
        let mut batch = if question.delimiter.is_some() { rows_wanted.min(ROWS_PER_SEEK) } else { rows_wanted };
        loop {
            let read = self.catalog.list(&scope, from, batch).await;
            let page = read.map_err(|e| faults::internal("list objects", e))?;
            let end_is_reached = page.len() < batch;
            let Some((last, _)) = page.last() else { return Ok(listing) };
            let last = last.clone();
            let mut skipping: Option<String> = None;
            for (key, row) in page {
                let name = rows::last_part(&key).ok_or_else(|| faults::internal("read object key", "not UTF-8"))?;
                if skipping.as_ref().is_some_and(|prefix| name.starts_with(prefix.as_str())) {
                    continue;
                }
                skipping = None;
                if listing.entries.len() == question.limit {
                    listing.more = true;
                    return Ok(listing);
                }
                if let Some(prefix) = question.common_prefix(&name) {
                    let prefix = prefix.to_owned();
                    skipping = Some(prefix.clone());
                    listing.entries.push(Entry::Prefix(prefix));
                } else {
                    let row: ObjectRow = decode(&row.value).map_err(|e| faults::internal("read object row", e))?;
                    listing.entries.push(Entry::Object(name, Box::new(row)));
                }
            }
            if end_is_reached {
                return Ok(listing);
            }
            from = match skipping {
                Some(prefix) => {
                    batch = rows_wanted.min(ROWS_PER_SEEK);
                    let Some(behind) = objects.open_part(&prefix).end() else { return Ok(listing) };
                    From::At(behind)
                }
                None => {
                    batch = (batch * 2).min(rows_wanted);
                    From::After(last)
                }
            };
        }
    }
}
