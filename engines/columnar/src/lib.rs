//! The table engine: Parquet parts in blobs, an index beside each part, and the hot rows in memory.
//!
//! - **From** destinations that keep events, through [`opentrail_table::Tables`] and [`opentrail_table::Table`].
//! - **To** a catalog (which parts there are, and the positions they came from) and blobs (the parts themselves).
//! - **Promises** that a row is visible when `append` returns, that a sealed part and its positions are committed in
//!   one transaction, that no find sees a row twice or misses one, and that records come back byte for byte.
//! - **Does not promise** that an appended row survives a crash before it is sealed, nor an order in which replaced
//!   blobs are deleted.
//! - **On crash** the committed parts and positions are the table; blobs that no committed part names are swept when
//!   it is opened again. A removal that was begun is ended.
//! - **Absent on purpose**: a schedule (its owner calls `seal`, `merge` and `expire`), retention, and SQL: an engine of its
//!   own reads tables through [`ColumnarTable::scan`], and says by [`Shred`] which columns it wants beside the schema's.
//!
//! Every change of the parts takes the same steps: **stage** (blobs put, durable) → **commit** (one catalog
//! transaction) → **publish** (swap in memory) → **sweep** (delete what was replaced, once no find holds it).

mod arrange;
mod batch;
mod cache;
mod commit;
mod derived;
mod failure;
mod find;
mod index;
mod ingest;
mod manifest;
mod memory;
mod order;
mod part;
mod question;
mod read;
mod removal;
mod scan;
mod schema;
mod settings;
mod source;
mod stage;
mod sweep;
mod table;
mod tables;
mod write;

pub use derived::{Shred, ShredError};
pub use scan::{BATCH_ROWS_MAX, Counts, Scan, ScanPartition, Scanned};
pub use settings::Settings;
pub use table::ColumnarTable;
pub use tables::ColumnarTables;

pub use opentrail_table::Error;

#[cfg(test)]
mod tests;
