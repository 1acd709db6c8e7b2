//! A change of several records that stands or falls as one: what it read is checked again when it is committed.

use std::collections::BTreeMap;

use bytes::Bytes;
use opentrail_catalog::{Check, Error, From as ListFrom, Key, Stored, Txn, Version, decode, encode};
use opentrail_event::AccountId;
use opentrail_world::World;

use super::cache::Touched;
use super::rows::last_part;
use super::{ATTEMPTS_MAX, Directory, ids};
use crate::DirectoryError;

/// Rows read at a time by a listing.
const PAGE: usize = 500;

/// How a commit went.
#[derive(Debug)]
pub enum Committed<R> {
    /// It is durable.
    Done,
    /// What it had read was changed meanwhile: read again and try anew, [`Draft::ATTEMPTS_MAX`] times at most.
    Again,
    /// A guard did not hold; nothing was changed.
    Refused(R),
}

/// A change under way, in one account. Reads see what it wrote. Dropped without a commit, it was only a reader.
///
/// `R` is what a guard that does not hold is answered with.
pub struct Draft<'d, R> {
    directory: &'d Directory,
    pub account: AccountId,
    guards: Vec<(Check, R)>,
    /// The version of every record read; `None` where there was none.
    read: BTreeMap<Key, Option<Version>>,
    written: BTreeMap<Key, Option<Bytes>>,
    keys: Vec<String>,
}

impl<'d, R> Draft<'d, R> {
    /// How often a change whose ground moves is tried.
    pub const ATTEMPTS_MAX: usize = ATTEMPTS_MAX;

    pub(super) fn new(directory: &'d Directory, account: AccountId) -> Self {
        Self {
            directory,
            account,
            guards: Vec::new(),
            read: BTreeMap::new(),
            written: BTreeMap::new(),
            keys: Vec::new(),
        }
    }

    /// The directory that it changes.
    pub fn directory(&self) -> &'d Directory {
        self.directory
    }

    /// The clock and the dice.
    pub fn world(&self) -> &World {
        &self.directory.world
    }

    /// Whole seconds since 1970.
    pub fn now_s(&self) -> i64 {
        self.directory.now_s()
    }

    /// A fresh id of the form `AROA` and 17 digits, which carries the account.
    pub fn unique_id(&self, prefix: &str) -> String {
        ids::unique_id(&self.directory.world, prefix, self.account)
    }

    /// A record. The change goes through only if the record is still the same then.
    pub async fn get<T: Stored>(&mut self, key: &Key) -> Result<Option<T>, DirectoryError> {
        match self.bytes(key).await? {
            Some(bytes) => Ok(Some(decode(&bytes)?)),
            None => Ok(None),
        }
    }

    /// A record's bytes, for those that are no more than a name.
    pub async fn bytes(&mut self, key: &Key) -> Result<Option<Bytes>, DirectoryError> {
        if let Some(written) = self.written.get(key) {
            return Ok(written.clone());
        }
        let row = self.directory.catalog.get(key).await?;
        self.read.insert(key.clone(), row.as_ref().map(|row| row.version));
        Ok(row.map(|row| row.value))
    }

    /// All records under a prefix, ascending, behind `after`; at most `limit`. They are not checked again, and what this draft
    /// wrote is not among them.
    pub async fn list<T: Stored>(
        &self,
        prefix: &Key,
        after: Option<Key>,
        limit: usize,
    ) -> Result<Vec<(Key, T)>, DirectoryError> {
        let rows = self.rows(prefix, after, limit).await?;
        rows.into_iter().map(|(key, value)| Ok((key, decode(&value)?))).collect()
    }

    /// The last parts of the keys under a prefix, ascending; at most `limit`.
    pub async fn names(&self, prefix: &Key, limit: usize) -> Result<Vec<String>, DirectoryError> {
        let rows = self.rows(prefix, None, limit).await?;
        rows.iter()
            .map(|(key, _)| last_part(key).ok_or_else(|| DirectoryError::Unavailable(format!("damaged key {key:?}"))))
            .collect()
    }

    /// How many records there are under a prefix.
    pub async fn count(&self, prefix: &Key) -> Result<usize, DirectoryError> {
        Ok(self.rows(prefix, None, usize::MAX).await?.len())
    }

    /// Keys and bytes under a prefix.
    pub async fn rows(
        &self,
        prefix: &Key,
        after: Option<Key>,
        limit: usize,
    ) -> Result<Vec<(Key, Bytes)>, DirectoryError> {
        let mut from = after.map_or(ListFrom::Start, ListFrom::After);
        let mut found = Vec::new();
        while found.len() < limit {
            let page = PAGE.min(limit - found.len());
            let rows = self.directory.catalog.list(prefix, from, page).await?;
            let (read, last) = (rows.len(), rows.last().map(|(key, _)| key.clone()));
            found.extend(rows.into_iter().map(|(key, row)| (key, row.value)));
            match last {
                Some(last) if read == page => from = ListFrom::After(last),
                _ => break,
            }
        }
        Ok(found)
    }

    /// Makes or replaces a record.
    pub fn put<T: Stored>(&mut self, key: Key, record: &T) {
        self.written.insert(key, Some(encode(record)));
    }

    /// Makes or replaces a row that is no record.
    pub fn put_bytes(&mut self, key: Key, bytes: impl Into<Bytes>) {
        self.written.insert(key, Some(bytes.into()));
    }

    /// Deletes; a record that is not there is no error.
    pub fn delete(&mut self, key: Key) {
        self.written.insert(key, None);
    }

    /// Goes through only if there are fewer than `max` records under `prefix` before it.
    pub fn room(&mut self, prefix: Key, max: u64, refusal: R) {
        self.guards.push((Check::AtMost { prefix, max: max.saturating_sub(1) }, refusal));
    }

    /// Goes through only if there is nothing under `prefix` before it.
    pub fn empty(&mut self, prefix: Key, refusal: R) {
        self.guards.push((Check::Empty { prefix }, refusal));
    }

    /// What an access key proves is read anew after this.
    pub fn touch_key(&mut self, access_key_id: String) {
        self.keys.push(access_key_id);
    }

    /// Writes it, if all it read is as it was and all guards hold.
    pub async fn commit(self) -> Result<Committed<R>, DirectoryError> {
        if self.written.is_empty() {
            return Ok(Committed::Done);
        }
        let mut txn = Txn::new();
        let (guards, mut refusals): (Vec<Check>, Vec<R>) = self.guards.into_iter().unzip();
        for guard in guards {
            txn = txn.check(guard);
        }
        for (key, version) in self.read {
            txn = txn.check(match version {
                Some(version) => Check::Is(key, version),
                None => Check::Absent(key),
            });
        }
        for (key, value) in self.written {
            txn = match value {
                Some(value) => txn.put(key, value),
                None => txn.delete(key),
            };
        }
        let touched = Touched { keys: self.keys, account: Some(self.account) };
        match self.directory.commit(txn, touched).await {
            Ok(()) => Ok(Committed::Done),
            Err(Error::Conflict { check }) if check < refusals.len() => {
                Ok(Committed::Refused(refusals.swap_remove(check)))
            }
            Err(Error::Conflict { .. }) => Ok(Committed::Again),
            Err(error) => Err(error.into()),
        }
    }
}
