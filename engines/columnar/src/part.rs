//! A part in use, and where parts are read from.

use std::sync::Arc;

use opentrail_blobs::{BlobKey, Blobs};
use opentrail_table::{Error, Schema};

use crate::cache::Cache;
use crate::failure::damaged;
use crate::manifest::PartRow;

/// What is needed to read parts.
pub(crate) struct Store {
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) cache: Cache,
    pub(crate) schema: Schema,
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
