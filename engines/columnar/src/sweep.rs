//! Sweep: blobs that no committed part names are deleted.

use std::collections::BTreeSet;
use std::sync::Arc;

use opentrail_blobs::{BlobKey, Blobs};
use opentrail_table::Error;

use crate::failure::of_blob;
use crate::part::{Part, Store};
use crate::stage::prefix;

/// Blob names that are listed at once.
const LIST_PAGE: usize = 1000;

/// Deletes the table's blobs that no part names, and makes sure that the named ones are there.
pub(crate) async fn sweep_unnamed(store: &Store, parts: &[Arc<Part>]) -> Result<(), Error> {
    let mut named: BTreeSet<BlobKey> = parts.iter().flat_map(|part| [part.data.clone(), part.index.clone()]).collect();
    sweep_all(&*store.blobs, &store.schema.table, |key| named.remove(key)).await?;
    match named.first() {
        Some(missing) => Err(Error::Damaged(format!("blob {missing}, which a part names, is missing"))),
        None => Ok(()),
    }
}

/// Deletes the blobs of a table, save those that `keep` wants.
pub(crate) async fn sweep_all(
    blobs: &dyn Blobs,
    table: &str,
    mut keep: impl FnMut(&BlobKey) -> bool,
) -> Result<(), Error> {
    let prefix = prefix(table);
    let mut after: Option<BlobKey> = None;
    loop {
        let page = blobs.list(&prefix, after.as_ref(), LIST_PAGE).await.map_err(of_blob)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.clone());
        for key in page {
            if !keep(&key) {
                tracing::info!(blob = %key, "sweeping a blob that no part names");
                blobs.delete(&key).await.map_err(of_blob)?;
            }
        }
    }
}

/// Deletes blobs that no commit names. What cannot be deleted now is swept with the next opening.
pub(crate) async fn discard(store: &Store, blobs: &[BlobKey]) {
    for key in blobs {
        if let Err(error) = store.blobs.delete(key).await {
            tracing::warn!(blob = %key, %error, "leaving an unused blob to the next start");
        }
    }
}
