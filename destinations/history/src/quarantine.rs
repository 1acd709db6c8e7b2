//! Records that cannot be read: kept aside with their reason, so that the river goes on and someone can look.
//!
//! Catalog family `history/quarantine`, key: partition, offset; value: [`Quarantined`].

use std::sync::atomic::Ordering;

use opentrail_catalog::{Check, Error, From, Key, Stored, Txn, decode, encode};
use opentrail_event::{AccountId, EventId, Region};
use opentrail_journal::Frame;
use serde::{Deserialize, Serialize};

use crate::History;

/// So many are kept; further ones are only counted.
pub const QUARANTINE_MAX: u64 = 1_000;
/// So many bytes of each are kept.
const BEGINNING_BYTES: usize = 2_048;

/// A record that is not in the history, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    pub partition: u32,
    pub offset: u64,
    /// As the journal has it.
    pub account: AccountId,
    /// As the journal has it.
    pub region: Region,
    /// As the journal has it.
    pub event_id: EventId,
    /// What is wrong with it.
    pub reason: String,
    /// How long it is.
    pub bytes: u64,
    /// How it begins; what is not UTF-8 is shown as U+FFFD.
    pub beginning: String,
}

impl Stored for Quarantined {
    const NAME: &'static str = "quarantined record";
    const VERSION: u16 = 1;
}

fn family() -> Key {
    Key::family("history/quarantine")
}

impl History {
    /// How many records were put aside since the start, kept or only counted.
    pub fn quarantined(&self) -> u64 {
        self.quarantined.load(Ordering::Relaxed)
    }

    /// Up to `limit` of the records that are kept aside, in the journal's order.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn quarantine(&self, limit: usize) -> Result<Vec<Quarantined>, Error> {
        let found = self.catalog.list(&family(), From::Start, limit).await?;
        Ok(found.iter().filter_map(|(_, stored)| decode(&stored.value).ok()).collect())
    }

    /// Puts a record aside. Doing it again does nothing more.
    pub(crate) async fn put_aside(&self, frame: &Frame, why: &(dyn std::fmt::Display + Sync)) -> Result<(), Error> {
        let entry = &frame.entry;
        let beginning = &entry.bytes[..entry.bytes.len().min(BEGINNING_BYTES)];
        let aside = Quarantined {
            partition: frame.position.partition.0,
            offset: frame.position.offset,
            account: entry.account,
            region: entry.region.clone(),
            event_id: entry.event_id,
            reason: why.to_string(),
            bytes: entry.bytes.len() as u64,
            beginning: String::from_utf8_lossy(beginning).into_owned(),
        };
        tracing::warn!(event_id = %aside.event_id, account = %aside.account, reason = %why, "put a record aside");
        let key = family().number(u64::from(aside.partition)).number(aside.offset);
        let room = Check::AtMost { prefix: family(), max: QUARANTINE_MAX - 1 };
        match self.catalog.txn(Txn::new().check(room).put(key, encode(&aside))).await {
            Ok(()) | Err(Error::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
        self.quarantined.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("opentrail_history_quarantined_total").increment(1);
        Ok(())
    }
}
