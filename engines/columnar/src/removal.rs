//! Removal: a mark takes the head's place in one transaction, then rows and blobs go in bounded steps, the mark last.
//!
//! Wherever this stops, the mark tells the next opening or removal of the name to go on. No step asks what is there before:
//! each may be made twice.

use opentrail_blobs::Blobs;
use opentrail_catalog::{Catalog, From, Txn, encode};
use opentrail_table::Error;

use crate::failure::of_catalog;
use crate::manifest::{Keys, Removal};
use crate::sweep::sweep_all;

/// Part rows that one transaction deletes at most.
const ROWS_AT_ONCE: usize = 256;

/// Whether a removal of the table was begun and not ended.
pub(crate) async fn begun(catalog: &dyn Catalog, table: &str) -> Result<bool, Error> {
    Ok(catalog.get(&Keys::new(table).removal()).await.map_err(of_catalog)?.is_some())
}

/// Removes what there is of a table that nobody has open.
pub(crate) async fn remove(catalog: &dyn Catalog, blobs: &dyn Blobs, table: &str) -> Result<(), Error> {
    let keys = Keys::new(table);
    let there = catalog.get(&keys.head()).await.map_err(of_catalog)?.is_some();
    if !there && !begun(catalog, table).await? {
        // It has committed nothing, and may have staged something.
        return sweep_all(blobs, table, |_| false).await;
    }
    let mark = Txn::new().put(keys.removal(), encode(&Removal {})).delete(keys.head());
    catalog.txn(mark).await.map_err(of_catalog)?;
    loop {
        let page = catalog.list(&keys.parts(), From::Start, ROWS_AT_ONCE).await.map_err(of_catalog)?;
        if page.is_empty() {
            break;
        }
        let delete = page.into_iter().fold(Txn::new(), |txn, (key, _)| txn.delete(key));
        catalog.txn(delete).await.map_err(of_catalog)?;
    }
    sweep_all(blobs, table, |_| false).await?;
    catalog.txn(Txn::new().delete(keys.removal())).await.map_err(of_catalog)?;
    tracing::info!(table, "removed table");
    Ok(())
}
