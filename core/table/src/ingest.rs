//! Rows that no journal brings.

use futures::stream::BoxStream;

use crate::Row;

/// What fails while a caller's rows are made.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// Rows to ingest, some at a time and in any order. What one chunk holds is the caller's to bound: it is in memory whole.
pub type Chunks<'a> = BoxStream<'a, Result<Vec<Row>, SourceError>>;

/// What an ingestion made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ingested {
    pub rows: u64,
    /// Parts that hold them.
    pub parts: u64,
    /// Bytes of these parts and their indexes.
    pub bytes: u64,
}
