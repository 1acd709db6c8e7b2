//! The table port: rows of events, visible at once, sealed into parts, found by what they say.
//!
//! - **From** destinations that keep events: they open tables with a [`Schema`] by [`Tables`], and fill [`Row`]s.
//! - **To** an engine (`engines/columnar`: Parquet parts in blobs, hot rows in memory).
//! - **Promises** that a row is visible when `append` returns, that sealed rows and the positions they came from are
//!   committed together, that rows from elsewhere are committed together with what their importer commits, and that a
//!   record comes back byte for byte.
//! - **Does not promise** that an appended row is durable before it is sealed: the journal holds it until then.
//! - **On crash** unsealed rows are gone and come again from the journal, from [`Table::positions`] on.
//! - **Absent on purpose**: any knowledge of CloudTrail; a schema is data.

mod ingest;
pub mod kit;
mod query;
mod schema;
pub mod sql;
mod tables;

use std::sync::Arc;

use futures::future::BoxFuture;
use opentrail_catalog::Txn;
use opentrail_journal::Positions;

pub use ingest::{Chunks, Ingested, SourceError};
pub use query::{Cursor, Find, Order, Page, Term};
pub use schema::{Cell, Column, ColumnKind, Row, Schema};
pub use tables::Tables;

/// Why a table could not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The question names a column that the schema does not have or does not index.
    #[error("{0}")]
    BadQuestion(String),
    /// A row does not fit the schema, or takes the place of another row; nothing of its batch was appended.
    #[error("row refused: {0}")]
    BadRow(String),
    /// A part, its index or its catalog row cannot be read as what it should be.
    #[error("damaged: {0}")]
    Damaged(String),
    /// A check of the transaction that an importer handed in does not hold; nothing was ingested. `check` is its place in
    /// [`Txn::checks`].
    #[error("check {check} of the transaction that goes with the rows does not hold")]
    Conflict { check: usize },
    /// The stream of rows failed; nothing was ingested. The producer's own words.
    #[error("the source of the rows failed: {0}")]
    Source(Arc<str>),
    /// The table was removed.
    #[error("table {0} was removed")]
    Removed(String),
    /// Catalog or blobs failed; trying again may help.
    #[error("table unavailable: {0}")]
    Unavailable(Arc<str>),
}

/// What is not sealed yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unsealed {
    pub rows: u64,
    /// Bytes of their records.
    pub bytes: u64,
    /// When the oldest of them was appended, on the world's monotonic clock.
    pub since: Option<std::time::Duration>,
}

/// What a table holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contents {
    pub parts: u64,
    /// Rows in parts.
    pub sealed_rows: u64,
    /// Bytes of parts and their indexes.
    pub sealed_bytes: u64,
    pub unsealed: Unsealed,
}

/// The port.
///
/// # Contract
/// Rows are ordered by (time, seq); seq is unique within a table. `append` moves the applied positions to `through` in
/// the same step that makes the rows visible. `seal` freezes what was appended before it was called, writes it as a part, and
/// commits part and positions in one catalog transaction; appends and finds go on meanwhile, and no row is ever seen
/// twice or missing. `find` sees every row appended before it began. Opening a table sweeps blobs that no committed
/// part names.
///
/// `ingest` is for rows that no journal brings. It leaves positions alone and commits all of its rows with all checks
/// and writes of `with`, or nothing of either; the rows are seen when it returns, and durable. That their `seq` is unique is
/// the caller's duty: importers take the upper half, bit 63 set, which no journal reaches. A caller who hears
/// [`Error::Unavailable`] does not know whether it happened: what `with` would have written tells.
///
/// Behind its removal a table answers [`Error::Removed`] to everything that could fail.
pub trait Table: Send + Sync {
    /// The schema it was opened with.
    fn schema(&self) -> &Schema;
    /// Positions as of the last seal that committed.
    fn positions(&self) -> Positions;
    /// Makes rows visible. `through` are the positions behind the last frame they were made of.
    fn append(&self, rows: Vec<Row>, through: &Positions) -> Result<(), Error>;
    /// What `seal` would write now.
    fn unsealed(&self) -> Unsealed;
    /// Writes what is not sealed, commits, and returns the committed positions.
    fn seal(&self) -> BoxFuture<'_, Result<Positions, Error>>;
    /// Makes parts of rows from elsewhere and commits them together with `with`, whose keys are none of the table's own. The
    /// rows come in any order; what is more than an engine holds in memory at once becomes several parts. Without any
    /// rows only `with` is committed.
    ///
    /// # Errors
    /// [`Error::Conflict`] when a check of `with` does not hold, [`Error::Source`] when the stream fails,
    /// [`Error::BadRow`] when a row does not fit or two of one part have one place, [`Error::BadQuestion`] when there are more rows
    /// than one transaction may bring. In each case nothing was committed.
    fn ingest<'a>(&'a self, rows: Chunks<'a>, with: Txn) -> BoxFuture<'a, Result<Ingested, Error>>;
    /// Merges parts of like size where enough have gathered. True if it did something.
    fn merge(&self) -> BoxFuture<'_, Result<bool, Error>>;
    /// Drops parts whose newest row is older than `before_s` (seconds since 1970). Returns how many.
    fn expire(&self, before_s: i64) -> BoxFuture<'_, Result<u64, Error>>;
    /// One page of rows.
    fn find(&self, find: Find) -> BoxFuture<'_, Result<Page, Error>>;
    /// Counts, for people and metrics.
    fn contents(&self) -> Contents;
}
