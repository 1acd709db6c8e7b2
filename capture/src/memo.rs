//! What a start need not look through again: up to where every intent has its record.
//!
//! Catalog record `capture/settled`: [`Settled`]. It is what [`Recorder::tend`] holds the journal at, so forgetting an intent
//! below it is as safe as truncating it. The journal may keep far more, for a follower that is behind: without this record a
//! start would read all of that for nothing. It is written now and then, never on a call's way; an old one, or none, only
//! makes the next start read more.

use std::sync::{Arc, Mutex, MutexGuard};

use opentrail_catalog::{Catalog, Error, Key, Stored, Txn, decode, encode};
use opentrail_journal::{Partition, Positions};
use serde::{Deserialize, Serialize};

use crate::recorder::Recorder;

/// The record is written again once so many entries more need no look. A start looks through about as many for nothing.
pub(crate) const MEMO_ENTRIES: u64 = 10_000;

/// Up to where no intent is open, as last stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settled {
    /// Of each partition its number and the offset of the first entry that has to be looked at.
    pub(crate) partitions: Vec<(u32, u64)>,
}

impl Stored for Settled {
    const NAME: &'static str = "settled position";
    const VERSION: u16 = 1;
}

impl Settled {
    fn of(positions: &Positions) -> Self {
        Self { partitions: positions.0.iter().map(|(partition, offset)| (partition.0, *offset)).collect() }
    }

    fn positions(&self) -> Positions {
        Positions(self.partitions.iter().map(|(partition, offset)| (Partition(*partition), *offset)).collect())
    }
}

/// Where it is stored, and what was stored last.
pub(crate) struct Memo {
    pub(crate) catalog: Arc<dyn Catalog>,
    entries_min: u64,
    stored: Mutex<Positions>,
}

impl Memo {
    pub(crate) fn new(catalog: Arc<dyn Catalog>, entries_min: u64) -> Self {
        Self { catalog, entries_min, stored: Mutex::default() }
    }

    fn stored(&self) -> MutexGuard<'_, Positions> {
        self.stored.lock().expect("no holder of the memo panics")
    }
}

fn key() -> Key {
    Key::family("capture/settled")
}

impl Recorder {
    /// From where on the journal has to be looked through: what was remembered, as far as this journal can be the one that it
    /// was remembered of.
    pub(crate) async fn unsettled_from(&self) -> Positions {
        let start = self.journal.start();
        let Some(memo) = &self.memo else { return start };
        let settled = match memo.catalog.get(&key()).await {
            Ok(None) => return start,
            Ok(Some(found)) => decode::<Settled>(&found.value).map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let settled = match settled {
            Ok(settled) => settled.positions(),
            Err(error) => {
                tracing::warn!(%error, "read how far calls are settled; looking through all of the journal");
                return start;
            }
        };
        let end = self.journal.watch().borrow().clone();
        let from = start.0.iter().map(|(&partition, &first)| {
            let settled = settled.next(partition);
            (partition, if settled > end.next(partition) { first } else { settled.max(first) })
        });
        let from = Positions(from.collect());
        *memo.stored() = from.clone();
        from
    }

    /// Stores that nothing below `settled` is open, if that saves a start enough, or anything at all when this is the `last`
    /// word of this life.
    pub(crate) async fn remember(&self, settled: &Positions, last: bool) {
        let Some(memo) = &self.memo else { return };
        let more: u64 = {
            let stored = memo.stored();
            settled.0.iter().map(|(&partition, &offset)| offset.saturating_sub(stored.next(partition))).sum()
        };
        if more < if last { 1 } else { memo.entries_min } {
            return;
        }
        match self.write_memo(memo, settled).await {
            Ok(()) => *memo.stored() = settled.clone(),
            Err(error) => tracing::warn!(%error, "remember how far calls are settled; the next start reads more"),
        }
    }

    async fn write_memo(&self, memo: &Memo, settled: &Positions) -> Result<(), Error> {
        memo.catalog.txn(Txn::new().put(key(), encode(&Settled::of(settled)))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_is_read_for_ever() {
        let stored = b"\x00\x01{\"partitions\":[[0,12345678901],[7,0]]}";
        let settled: Settled = decode(stored).expect("version 1");
        assert_eq!(settled, Settled { partitions: vec![(0, 12_345_678_901), (7, 0)] });
        assert_eq!(&encode(&settled)[..], stored);
    }
}
