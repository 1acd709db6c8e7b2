//! How delivery stands, per trail and region: what GetTrailStatus answers from.
//!
//! ```text
//! trail/status · trail id · region · kind      [`Attempts`] of log files, or of digests
//! ```

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use opentrail_catalog::{Catalog, From, Key, Stored, Txn, decode, encode};
use opentrail_event::Region;
use serde::{Deserialize, Serialize};

use crate::spool::SpoolError;
use crate::spool::row::{Kind, Spooled};

/// How putting files of one kind went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// Milliseconds since 1970 of the newest try, and of the newest one that succeeded.
    pub attempted_ms: Option<i64>,
    pub succeeded_ms: Option<i64>,
    /// The error code of S3, from a failure until the next success.
    pub error: Option<String>,
}

impl Stored for Attempts {
    const NAME: &'static str = "trail status";
    const VERSION: u16 = 1;
}

/// How delivery of a trail stands in one region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    pub log: Attempts,
    pub digest: Attempts,
}

type Place = (String, Region, Kind);

/// The statuses that this process has changed; what it has not is in the catalog as it was.
pub(crate) struct Statuses {
    catalog: Arc<dyn Catalog>,
    changed: Mutex<HashMap<Place, Attempts>>,
}

/// Places that are remembered; more make room by forgetting all of them.
const CHANGED_MAX: usize = 65_536;

fn place(file: &Spooled) -> Place {
    (file.trail.clone(), file.region.clone(), file.kind)
}

fn stored_under(place: &Place) -> Key {
    of_trail(&place.0).part(place.1.as_str()).part(place.2.as_str())
}

fn of_trail(trail: &str) -> Key {
    Key::family("trail/status").part(trail)
}

impl Statuses {
    pub(crate) fn new(catalog: Arc<dyn Catalog>) -> Self {
        Self { catalog, changed: Mutex::default() }
    }

    fn changed(&self) -> MutexGuard<'_, HashMap<Place, Attempts>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to the transaction that `file` was put.
    pub(crate) fn succeeded(&self, txn: Txn, file: &Spooled, attempted: Timestamp, now: Timestamp) -> Txn {
        txn.put(stored_under(&place(file)), encode(&success(attempted, now)))
    }

    /// The transaction with [`succeeded`](Self::succeeded) landed.
    pub(crate) fn landed(&self, file: &Spooled, attempted: Timestamp, now: Timestamp) {
        self.remember(place(file), success(attempted, now));
    }

    /// `file` was not put.
    pub(crate) async fn failed(&self, file: &Spooled, attempted: Timestamp, code: &str) -> Result<(), SpoolError> {
        let place = place(file);
        let mut attempts = self.get(&place).await?;
        attempts.attempted_ms = Some(attempted.as_millisecond());
        attempts.error = Some(code.to_owned());
        self.catalog.txn(Txn::new().put(stored_under(&place), encode(&attempts))).await?;
        self.remember(place, attempts);
        Ok(())
    }

    /// How delivery of a trail stands in `region`.
    pub(crate) async fn status(&self, trail: &str, region: &Region) -> Result<Status, SpoolError> {
        let of = |kind| (trail.to_owned(), region.clone(), kind);
        Ok(Status { log: self.get(&of(Kind::Log)).await?, digest: self.get(&of(Kind::Digest)).await? })
    }

    /// Deletes what is known of a trail that is gone.
    pub(crate) async fn forget(&self, trail: &str) -> Result<(), SpoolError> {
        loop {
            let page = self.catalog.list(&of_trail(trail), From::Start, super::spool::PAGE).await?;
            if page.is_empty() {
                break;
            }
            let txn = page.into_iter().fold(Txn::new(), |txn, (key, _)| txn.delete(key));
            self.catalog.txn(txn).await?;
        }
        self.changed().retain(|(known, ..), _| known != trail);
        Ok(())
    }

    async fn get(&self, place: &Place) -> Result<Attempts, SpoolError> {
        if let Some(known) = self.changed().get(place) {
            return Ok(known.clone());
        }
        match self.catalog.get(&stored_under(place)).await? {
            Some(stored) => Ok(decode(&stored.value)?),
            None => Ok(Attempts::default()),
        }
    }

    fn remember(&self, place: Place, attempts: Attempts) {
        let mut changed = self.changed();
        if changed.len() >= CHANGED_MAX {
            changed.clear();
        }
        changed.insert(place, attempts);
    }
}

fn success(attempted: Timestamp, now: Timestamp) -> Attempts {
    let (attempted, now) = (attempted.as_millisecond(), now.as_millisecond());
    Attempts { attempted_ms: Some(attempted), succeeded_ms: Some(now), error: None }
}
