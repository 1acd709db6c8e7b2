//! The catalog port: small records under ordered keys, changed in transactions over several of them.
//!
//! - **From** whoever keeps state that must agree with other state: accounts, buckets, parts, follower positions.
//! - **To** an engine (`engines/local`: SQLite).
//! - **Promises** that a transaction is all or nothing and durable when `txn` returns `Ok`; reads see every
//!   transaction that returned before they began.
//! - **Does not promise** that a transaction whose result is [`Error::Unavailable`] did not happen.
//! - **On crash** committed transactions are there, others are not.
//! - **Absent on purpose**: any knowledge of what the records mean.

mod key;
pub mod kit;
pub mod memory;
mod stored;

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;

pub use key::Key;
pub use stored::{Damaged, Stored, decode, encode};

/// Counts the changes of one record, from 1. A record that was deleted and made again starts over.
pub type Version = u64;

/// A record's bytes and how often it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned {
    pub version: Version,
    pub value: Bytes,
}

/// What must hold for a transaction to go through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// The record exists with exactly this version.
    Is(Key, Version),
    /// There is no such record.
    Absent(Key),
    /// There are at most `max` records under `prefix` (counted before the writes).
    AtMost { prefix: Key, max: u64 },
    /// There is no record under `prefix`.
    Empty { prefix: Key },
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Makes or replaces.
    Put(Key, Bytes),
    /// Deletes; a record that is not there is no error.
    Delete(Key),
}

/// Checks and writes that stand or fall together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Txn {
    pub checks: Vec<Check>,
    pub writes: Vec<Write>,
}

impl Txn {
    /// An empty transaction.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check.
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Adds a put.
    pub fn put(mut self, key: Key, value: impl Into<Bytes>) -> Self {
        self.writes.push(Write::Put(key, value.into()));
        self
    }

    /// Adds a delete.
    pub fn delete(mut self, key: Key) -> Self {
        self.writes.push(Write::Delete(key));
        self
    }
}

/// Where a listing begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// At the first record under the prefix.
    Start,
    /// At this key, if it is there.
    At(Key),
    /// Behind this key.
    After(Key),
}

/// Why the catalog did not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A check did not hold; nothing was changed. `check` is its place in [`Txn::checks`].
    #[error("check {check} of the transaction does not hold")]
    Conflict { check: usize },
    /// The engine failed. Whether a transaction happened is unknown; reading tells.
    #[error("catalog unavailable: {0}")]
    Unavailable(Arc<str>),
}

/// The port.
///
/// # Contract
/// Keys order by their bytes. `list` returns at most `limit` records, ascending. Transactions are serialisable:
/// checks are evaluated against the state the writes are applied to. Implementations commit many callers' transactions
/// with one sync; one caller's failed check never fails another's transaction.
pub trait Catalog: Send + Sync {
    /// The record under `key`.
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Versioned>, Error>>;
    /// Up to `limit` records whose key begins with `prefix`, ascending, from `from` on.
    fn list<'a>(
        &'a self,
        prefix: &'a Key,
        from: From,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(Key, Versioned)>, Error>>;
    /// Applies all writes if all checks hold. Durable on return.
    fn txn(&self, txn: Txn) -> BoxFuture<'_, Result<(), Error>>;
}
