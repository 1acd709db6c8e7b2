//! Buckets and objects over catalog and blobs. Knows no HTTP beyond the faults it answers with.
//!
//! Cast: [`rows`] says what is stored under which key; `buckets`, `objects`, `uploads` and `tags` change it; `listing` and
//! `reading` read it; `garbage` removes what a commit let go, and `sweep` what a crash left behind.
//!
//! The write order of a put is *stage → commit → sweep*: the body's blob is staged under a random name; one transaction
//! brings the object's row, the mark that the blob is in use, and the note that the replaced blob is not; then the replaced blob is removed.
//! A crash before the commit leaves a blob without a mark, a crash after it a note: [`Store::sweep`] removes both.

mod buckets;
mod garbage;
mod listing;
mod objects;
pub(crate) mod policies;
mod reading;
pub(crate) mod rows;
mod sweep;
pub(crate) mod tags;
pub(crate) mod uploads;

use std::sync::Arc;

use opentrail_blobs::Blobs;
use opentrail_catalog::{Catalog, Key};
use opentrail_event::{AccountId, Region};
use opentrail_world::World;
use tokio::sync::OnceCell;

pub(crate) use buckets::{BucketPage, Created, NewBucket};
pub(crate) use listing::{Entry, Listing, Question};
pub(crate) use objects::NewObject;
pub(crate) use policies::BucketPolicy;
pub(crate) use reading::{Layout, Place};

/// How many keys can be written at once without waiting for one another, at most.
const KEY_LOCKS: usize = 256;
/// How often a commit is tried again after another writer was faster.
const COMMIT_ATTEMPTS: usize = 16;

/// Everything that is stored.
pub(crate) struct Store {
    catalog: Arc<dyn Catalog>,
    blobs: Arc<dyn Blobs>,
    world: World,
    /// One writer at a time for each key of this process: commits of one key wait instead of conflicting.
    key_locks: Vec<tokio::sync::Mutex<()>>,
    /// This run's number, taken at the first use.
    run: OnceCell<u64>,
    garbage: garbage::Garbage,
    compiled: policies::Compiled,
}

impl Store {
    /// Over the given engines.
    pub(crate) fn new(catalog: Arc<dyn Catalog>, blobs: Arc<dyn Blobs>, world: World) -> Self {
        let key_locks = (0..KEY_LOCKS).map(|_| tokio::sync::Mutex::new(())).collect();
        let (run, garbage, compiled) = (OnceCell::new(), garbage::Garbage::default(), policies::Compiled::default());
        Self { catalog, blobs, world, key_locks, run, garbage, compiled }
    }

    /// Milliseconds since 1970.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.world.now().as_millisecond()).unwrap_or(0)
    }

    /// A name that nobody else has: 32 hexadecimal digits.
    fn random_name(&self) -> String {
        crate::spell::hex(&self.world.bytes::<16>())
    }

    /// The lock of a key.
    fn key_lock(&self, key: &Key) -> &tokio::sync::Mutex<()> {
        // FNV-1a: only spreads, and is the same in every run.
        let hash = key
            .as_bytes()
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        &self.key_locks[(hash % KEY_LOCKS as u64) as usize]
    }
}

/// Whose bucket, and where: what `HeadBucket` and the door need of a bucket's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// Names this bucket and no later one of the same name.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    /// What `GetBucketLocation` answers; `None` for us-east-1.
    pub(crate) location: Option<String>,
}
