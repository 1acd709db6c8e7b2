//! A part in use, and where parts are read from.

use std::sync::{Arc, Mutex};

use opentrail_blobs::{BlobKey, Blobs};
use opentrail_table::{Error, Schema};
use tokio::sync::Semaphore;

use crate::cache::Shelves;
use crate::failure::damaged;
use crate::manifest::PartRow;

/// What is needed to read and stage the parts of a table.
pub(crate) struct Store {
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) cache: Shelves,
    pub(crate) schema: Schema,
    /// Searches of records that may run, and hold records in memory, at once.
    pub(crate) searches: Arc<Semaphore>,
    /// Staged blobs that nobody will commit; deleted by the next sweep.
    pub(crate) abandoned: Mutex<Vec<BlobKey>>,
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
