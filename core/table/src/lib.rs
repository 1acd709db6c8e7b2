//! The table port: rows of events, visible at once, sealed into parts, found by what they say.
//!
//! - **From** destinations that keep events: they describe columns in a [`Schema`] and fill [`Row`]s.
//! - **To** an engine (`engines/columnar`: Parquet parts in blobs, hot rows in memory).
//! - **Promises** that a row is visible when `append` returns, that sealed rows and the positions they came from are
//!   committed together, and that a record comes back byte for byte.
//! - **Does not promise** that an appended row is durable before it is sealed: the journal holds it until then.
//! - **On crash** unsealed rows are gone and come again from the journal, from [`Table::positions`] on.
//! - **Absent on purpose**: any knowledge of CloudTrail; a schema is data.

pub mod kit;
mod query;
mod schema;

use std::sync::Arc;

use futures::future::BoxFuture;
use opentrail_journal::Positions;

pub use query::{Cursor, Find, Order, Page, Term};
pub use schema::{Cell, Column, ColumnKind, Row, Schema};

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
    /// Merges parts of like size where enough have gathered. True if it did something.
    fn merge(&self) -> BoxFuture<'_, Result<bool, Error>>;
    /// Drops parts whose newest row is older than `before_s` (seconds since 1970). Returns how many.
    fn expire(&self, before_s: i64) -> BoxFuture<'_, Result<u64, Error>>;
    /// One page of rows.
    fn find(&self, find: Find) -> BoxFuture<'_, Result<Page, Error>>;
    /// Counts, for people and metrics.
    fn contents(&self) -> Contents;
}
