//! A part in use, and where parts are read from.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use opentrail_blobs::{BlobKey, Blobs};
use opentrail_table::{Error, Schema};
use tokio::sync::Semaphore;

use crate::cache::Shelves;
use crate::derived::Derived;
use crate::failure::damaged;
use crate::manifest::PartRow;

/// What is needed to read and stage the parts of a table.
pub(crate) struct Store {
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) cache: Shelves,
    pub(crate) schema: Schema,
    /// Searches of records that may run, and hold records in memory, at once.
    pub(crate) searches: Arc<Semaphore>,
    /// What is made of records beside the schema's own columns.
    pub(crate) derived: Option<Arc<Derived>>,
    /// The table is no more, or about to be.
    pub(crate) removed: AtomicBool,
    /// Staged blobs that nobody will commit; deleted by the next sweep.
    pub(crate) abandoned: Mutex<Vec<BlobKey>>,
}

impl Store {
    /// Whether the table is no more, or about to be.
    pub(crate) fn is_removed(&self) -> bool {
        self.removed.load(Ordering::Acquire)
    }
}

/// As many searches as leave one core to everybody else.
pub(crate) fn searches_max() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1))
}

/// A committed part. Finds hold it while they read it; its blobs are deleted when none does.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) row: PartRow,
    pub(crate) data: BlobKey,
    pub(crate) index: BlobKey,
}

impl Part {
    pub(crate) fn new(row: PartRow) -> Result<Self, Error> {
        let key = |name: &str| BlobKey::new(name).map_err(|e| damaged("part row", e));
        Ok(Self { data: key(&row.data)?, index: key(&row.index)?, row })
    }
}
