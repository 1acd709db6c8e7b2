//! The spool: files that are committed and wait to be put, and all that is kept about them.
//!
//! *stage* ([`stage`]) → *commit* (the follower, and the makers of digests) → *publish* ([`publish`]) → *sweep*.

mod ledger;
pub(crate) mod publish;
pub(crate) mod put;
pub(crate) mod row;
pub(crate) mod stage;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentrail_blobs::{BlobKey, Blobs};
use opentrail_catalog::{Catalog, Damaged, From, Key, Stored, Versioned, decode};
use opentrail_event::AccountId;
use opentrail_world::World;
use tokio::sync::Notify;

pub(crate) use ledger::{Ledger, Limits};
use put::Leaving;
use row::{Delivered, Lane, Spooled};
use stage::Packer;

/// Rows that are read at once.
pub(crate) const PAGE: usize = 256;
/// Where staged blobs lie.
const FOLDER: &str = "spool/";

/// Why a step of the spool did not succeed. All of them may, the next time.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("catalog: {0}")]
    Catalog(#[from] opentrail_catalog::Error),
    #[error("blobs: {0}")]
    Blobs(#[from] opentrail_blobs::Error),
    #[error(transparent)]
    Damaged(#[from] Damaged),
    #[error(transparent)]
    BadBlobKey(#[from] opentrail_blobs::BadBlobKey),
    #[error("pack a file: {0}")]
    Worker(String),
    #[error("make a signing key: {0}")]
    Key(String),
    #[error("somebody else moves the trail follower")]
    NotAlone,
}

/// The spool. One per house.
pub(crate) struct Spool {
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) world: World,
    pub(crate) packer: Packer,
    /// Tells the blobs of this life of the process from those that an earlier one left.
    life: String,
    ledger: Mutex<Ledger>,
    /// For each lane a file of which it is unknown whether its leaving was committed.
    unsettled: Mutex<HashMap<Lane, Leaving>>,
    limits: Limits,
    /// A file was committed.
    pub(crate) came: Notify,
}

impl Spool {
    /// Reads what is stored.
    pub(crate) async fn open(
        catalog: Arc<dyn Catalog>,
        blobs: Arc<dyn Blobs>,
        world: World,
        limits: Limits,
    ) -> Result<Self, SpoolError> {
        let mut ledger = Ledger::default();
        each::<Spooled>(&*catalog, &Spooled::family(), |file| ledger.add(&file)).await?;
        each::<Delivered>(&*catalog, &Delivered::family(), |file| ledger.seen_seq(file.seq)).await?;
        let life = opentrail_digest::hex(&world.bytes::<8>());
        let (packer, came, ledger) = (Packer::default(), Notify::new(), Mutex::new(ledger));
        let unsettled = Mutex::default();
        Ok(Self { catalog, blobs, world, packer, life, ledger, unsettled, limits, came })
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unsettled(&self) -> MutexGuard<'_, HashMap<Lane, Leaving>> {
        self.unsettled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A name for a blob that is to be staged.
    pub(crate) fn name(&self) -> BlobKey {
        let random = opentrail_digest::hex(&self.world.bytes::<16>());
        BlobKey::new(format!("{FOLDER}{}-{random}", self.life)).expect("digits, a dash and a slash name a blob")
    }

    /// Rows were committed: from now on they are put.
    pub(crate) fn add(&self, files: &[Spooled]) {
        let mut ledger = self.ledger();
        files.iter().for_each(|file| ledger.add(file));
        let (bytes, files) = ledger.held();
        drop(ledger);
        metrics::gauge!("opentrail_trail_spool_bytes").set(bytes as f64);
        metrics::gauge!("opentrail_trail_spool_files").set(files as f64);
        self.came.notify_one();
    }

    /// A row is gone: its blob goes with the last of its rows. One that cannot be deleted now is swept at the next start.
    pub(crate) async fn release(&self, file: &Spooled) {
        let (last, (bytes, files)) = {
            let mut ledger = self.ledger();
            (ledger.remove(file), ledger.held())
        };
        metrics::gauge!("opentrail_trail_spool_bytes").set(bytes as f64);
        metrics::gauge!("opentrail_trail_spool_files").set(files as f64);
        if !last {
            return;
        }
        match BlobKey::new(&*file.blob) {
            Ok(key) => {
                if let Err(error) = self.blobs.delete(&key).await {
                    tracing::warn!(%error, blob = %key, "delete a delivered file from the spool; the next start sweeps it");
                }
            }
            Err(error) => tracing::error!(%error, "the blob of a delivered file"),
        }
    }

    /// Why no more events of the account should be taken in.
    pub(crate) fn over(&self, account: AccountId) -> Option<String> {
        self.ledger().over(account, self.limits)
    }

    /// Deletes blobs of earlier lives that no row names; returns how many.
    pub(crate) async fn sweep(&self) -> Result<u64, SpoolError> {
        let own = format!("{FOLDER}{}-", self.life);
        let (mut swept, mut after): (u64, Option<BlobKey>) = (0, None);
        loop {
            let names = self.blobs.list(FOLDER, after.as_ref(), PAGE).await?;
            let Some(last) = names.last().cloned() else { return Ok(swept) };
            let orphans: HashSet<&BlobKey> = {
                let ledger = self.ledger();
                let orphan = |key: &&BlobKey| !key.as_str().starts_with(&own) && !ledger.names(key.as_str());
                names.iter().filter(orphan).collect()
            };
            for key in orphans {
                self.blobs.delete(key).await?;
                swept += 1;
            }
            after = Some(last);
        }
    }
}

/// Reads every record of a family, in pages.
pub(crate) async fn each<T: Stored>(
    catalog: &dyn Catalog,
    family: &Key,
    mut take: impl FnMut(T),
) -> Result<(), SpoolError> {
    let mut from = From::Start;
    loop {
        let page: Vec<(Key, Versioned)> = catalog.list(family, from, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        from = From::After(last.clone());
        for (_, stored) in &page {
            take(decode(&stored.value)?);
        }
    }
}
