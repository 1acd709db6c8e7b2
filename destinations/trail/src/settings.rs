//! What an operator sets, and what a house brings.

use std::sync::Arc;
use std::time::Duration;

use opentrail_blobs::Blobs;
use opentrail_catalog::Catalog;
use opentrail_delivery::Buckets;
use opentrail_event::Region;
use opentrail_journal::Positions;
use opentrail_policy::Seal;
use opentrail_world::World;

use crate::Trails;

/// What an operator sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Open files are cut and committed on a grid of this width.
    pub delivery_interval: Duration,
    /// What one digest covers.
    pub digest_interval: Duration,
    /// Bytes of undelivered files of one account; beyond them its events are refused.
    pub spool_account_bytes: u64,
    /// The same for all accounts together.
    pub spool_bytes: u64,
    /// Regions of the house: a trail of all regions has a chain of digests in each.
    pub regions: Vec<Region>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            delivery_interval: Duration::from_secs(300),
            digest_interval: Duration::from_secs(3_600),
            spool_account_bytes: 512 * 1024 * 1024,
            spool_bytes: 4 * 1024 * 1024 * 1024,
            regions: vec![Region::us_east_1()],
        }
    }
}

/// What a delivery stands on.
#[derive(Clone)]
pub struct Parts {
    pub world: World,
    pub catalog: Arc<dyn Catalog>,
    pub blobs: Arc<dyn Blobs>,
    pub buckets: Arc<dyn Buckets>,
    /// Seals the private halves of signing keys.
    pub seal: Arc<dyn Seal>,
    pub trails: Arc<Trails>,
    /// The oldest entries that the journal has: where a follower begins that has never committed. Nothing that it needs is
    /// older, for a journal lets nothing go before each of its holders has spoken.
    pub journal_start: Positions,
}
