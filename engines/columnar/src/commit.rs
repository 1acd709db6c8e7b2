//! Commit and publish: one catalog transaction, then the same change in memory.
//!
//! A transaction whose result is unknown is settled by reading the head back: its version and bytes tell whether it
//! landed. Until they do, nothing is published and nothing that it names is deleted.

use std::sync::Arc;

use opentrail_blobs::BlobKey;
use opentrail_catalog::{Catalog, Check, Error as CatalogError, Txn, Version, encode};
use opentrail_journal::Positions;
use opentrail_table::Error;

use crate::failure::of_catalog;
use crate::manifest::{Head, Keys};
use crate::memory::Memory;
use crate::part::Part;
use crate::stage::Staged;

/// What one commit changes.
#[derive(Default)]
pub(crate) struct Change {
    pub(crate) add: Vec<Staged>,
    /// Parts that go.
    pub(crate) remove: Vec<Arc<Part>>,
    pub(crate) positions: Option<Positions>,
    /// Frozen rows that the added part holds.
    pub(crate) sealed: Vec<Arc<Memory>>,
    /// What an importer commits in the same transaction.
    pub(crate) with: Txn,
}

/// A change that is committed.
pub(crate) struct Committed {
    pub(crate) change: Change,
    pub(crate) parts: Vec<Arc<Part>>,
    pub(crate) positions: Positions,
}

/// The committed head as this process knows it, and what is unsettled. Used by one commit at a time.
pub(crate) struct Ledger {
    head: Head,
    version: Option<Version>,
    pending: Option<Pending>,
    /// Staged blobs of changes that did not land; deleted behind the next commit, which makes sure that they cannot
    /// land any more.
    orphans: Vec<BlobKey>,
}

struct Pending {
    change: Change,
    head: Head,
    parts: Vec<Arc<Part>>,
}

impl Ledger {
    pub(crate) fn new(head: Head, version: Option<Version>) -> Self {
        Self { head, version, pending: None, orphans: Vec::new() }
    }

    /// Commits the change. `Err` means that it did not happen, or that nobody knows yet: then [`Ledger::settle`] tells.
    pub(crate) async fn commit(
        &mut self,
        catalog: &dyn Catalog,
        keys: &Keys,
        mut change: Change,
    ) -> Result<Committed, Error> {
        let mut head = self.head.clone();
        head.commits += 1;
        if let Some(positions) = &change.positions {
            head.stand_at(positions);
        }
        let guard = match self.version {
            Some(version) => Check::Is(keys.head(), version),
            None => Check::Absent(keys.head()),
        };
        // The guard is the first check, so that a caller's check is told apart by its place.
        let Txn { checks, writes } = std::mem::take(&mut change.with);
        let mut txn = Txn { checks: [guard].into_iter().chain(checks).collect(), writes };
        let mut parts = Vec::with_capacity(change.add.len());
        for staged in &change.add {
            let mut row = staged.row.clone();
            row.id = head.next_part;
            head.next_part += 1;
            txn = txn.put(keys.part(row.id), encode(&row));
            parts.push(Arc::new(Part::new(row)?));
        }
        txn = change.remove.iter().fold(txn, |txn, part| txn.delete(keys.part(part.row.id)));
        // Kept here while the transaction runs, so that a caller who gives up leaves no commit unaccounted for.
        self.pending = Some(Pending { change, head, parts });
        let result = catalog.txn(txn.put(keys.head(), encode(&self.pending().head))).await;
        match result {
            Ok(()) => Ok(self.landed()),
            Err(CatalogError::Conflict { check }) => {
                // It cannot land any more, so what was staged is nobody's from here on.
                self.pending = None;
                Err(check.checked_sub(1).map_or_else(foreign, |check| Error::Conflict { check }))
            }
            Err(unknown) => self.settle(catalog, keys).await?.ok_or_else(|| of_catalog(unknown)),
        }
    }

    /// Finds out about a change whose transaction had no clear result. `None`: there was none, or it did not land.
    pub(crate) async fn settle(&mut self, catalog: &dyn Catalog, keys: &Keys) -> Result<Option<Committed>, Error> {
        let Some(pending) = &self.pending else { return Ok(None) };
        let there = catalog.get(&keys.head()).await.map_err(of_catalog)?;
        let next = self.version.unwrap_or(0) + 1;
        match there {
            Some(row) if row.version == next && row.value == encode(&pending.head) => Ok(Some(self.landed())),
            there if there.as_ref().map(|row| row.version) == self.version => {
                self.lost();
                Ok(None)
            }
            _ => Err(foreign()),
        }
    }

    /// Blobs that can be deleted now that a commit went through.
    pub(crate) fn take_orphans(&mut self) -> Vec<BlobKey> {
        std::mem::take(&mut self.orphans)
    }

    fn landed(&mut self) -> Committed {
        let Pending { mut change, head, parts } = self.pending.take().expect("it lands once");
        for staged in change.add.drain(..) {
            staged.claim.release();
        }
        self.version = Some(self.version.unwrap_or(0) + 1);
        let positions = head.positions();
        self.head = head;
        Committed { change, parts, positions }
    }

    fn lost(&mut self) {
        let staged = self.pending.take().map(|pending| pending.change.add).unwrap_or_default();
        self.orphans.extend(staged.into_iter().flat_map(|staged| staged.claim.release()));
    }

    fn pending(&self) -> &Pending {
        self.pending.as_ref().expect("it was put there before")
    }
}

fn foreign() -> Error {
    Error::Damaged("the table's catalog rows were changed by someone else; start again".into())
}
