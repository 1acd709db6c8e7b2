//! The live tail: every record that came since the last look, once, whatever its time and whatever the clock did.
//!
//! A tail remembers a [`Mark`]: for each partition of the journal the place behind what it has shown, and the newest time it
//! has seen. Places say what is new; times only say where in history to look for it. A record comes at most
//! [`LATE_S_MAX`] after its time, so what is new lies behind the mark's time less that. Where the clock was set back, new
//! records bear earlier times: then the look begins at the clock's own time, and reads to the end, because what is not yet
//! shown may lie on both sides of what was.

use std::time::Duration;

use opentrail_event::Head;
use opentrail_journal::{Partition, Positions};
use opentrail_protocol::Document;
use opentrail_table::Order;
use opentrail_wire::{Cx, Fault};

use super::{Lookup, fault, fitting};
use crate::find::{Ask, Found};

/// How much later than its time a record may come and still be seen by a tail.
const LATE_S_MAX: i64 = 5;
/// Pause of a tail between two looks.
const TAIL_PAUSE: Duration = Duration::from_millis(250);
/// Records that are read at once.
const PAGE_MAX: usize = 1_000;
/// Most pages that a tail reads at one look.
const PAGES_MAX: usize = 100;
/// Most partitions of a mark: as many as a journal may have.
const PARTITIONS_MAX: usize = 256;

/// How far a tail has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// The newest time seen, in seconds since 1970.
    time_s: i64,
    /// Behind what was shown.
    places: Positions,
}

impl Mark {
    /// In a token: the time, then of each partition with entries its number (4 bytes) and the place (8), all big-endian.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = self.time_s.to_be_bytes().to_vec();
        for (partition, offset) in &self.places.0 {
            out.extend_from_slice(&partition.0.to_be_bytes());
            out.extend_from_slice(&offset.to_be_bytes());
        }
        out
    }

    /// What [`Mark::bytes`] made.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (time_s, rest) = bytes.split_first_chunk::<8>()?;
        let (rows, odd) = rest.as_chunks::<12>();
        if !odd.is_empty() || rows.len() > PARTITIONS_MAX {
            return None;
        }
        let row = |row: &[u8; 12]| {
            let (partition, offset) = row.split_first_chunk::<4>()?;
            Some((Partition(u32::from_be_bytes(*partition)), u64::from_be_bytes(offset.try_into().ok()?)))
        };
        let places = Positions(rows.iter().map(row).collect::<Option<_>>()?);
        Some(Self { time_s: i64::from_be_bytes(*time_s), places })
    }

    fn is_new(&self, found: &Found) -> bool {
        found.place.offset >= self.places.next(found.place.partition)
    }

    fn pass(&mut self, found: &Found) {
        self.time_s = self.time_s.max(found.at.time_s);
        self.places.pass(found.place);
    }
}

impl Lookup {
    /// What came behind `mark`, oldest first, and the mark behind that; waits for the first of it.
    pub(super) async fn tail(
        &self,
        cx: &Cx,
        input: &Document,
        ask: Ask,
        mark: Option<Mark>,
    ) -> Result<(Vec<Found>, Mark), Fault> {
        let (since, limit) = (ask.from_s, ask.limit);
        let begins = mark.is_none() && since != i64::MIN;
        let mut mark = match mark {
            Some(mark) => mark,
            None if begins => Mark { time_s: since, places: Positions::default() },
            None => Mark { time_s: self.0.world.now().as_second(), places: self.0.find.end() },
        };
        let wait_s = input.int("WaitSeconds").and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        let give_up = self.0.world.monotonic() + Duration::from_secs(wait_s);
        loop {
            let now_s = self.0.world.now().as_second();
            let set_back = mark.time_s > now_s;
            let from_s = if begins { since } else { mark.time_s.min(now_s).saturating_sub(LATE_S_MAX).max(since) };
            let ask = Ask { from_s, order: Order::OldestFirst, limit: PAGE_MAX, ..ask.clone() };
            let records = self.new_records(cx, ask, &mut mark, limit, set_back).await?;
            if !records.is_empty() || self.0.world.monotonic() >= give_up {
                return Ok((records, mark));
            }
            self.0.world.sleep(TAIL_PAUSE).await;
        }
    }

    /// One look: up to `limit` records that are new to `mark`, which passes them; those of the tail's own polling are left
    /// out.
    async fn new_records(
        &self,
        cx: &Cx,
        mut ask: Ask,
        mark: &mut Mark,
        limit: usize,
        to_the_end: bool,
    ) -> Result<Vec<Found>, Fault> {
        let _turn = self.0.turns.take(cx.account()).await;
        let (mut fresh, mut cut): (Vec<Found>, bool) = (Vec::new(), false);
        for _ in 0..PAGES_MAX {
            let page = self.0.find.find(ask.clone()).await.map_err(fault)?;
            fresh.extend(page.records.into_iter().filter(|found| mark.is_new(found)));
            // By place, so that what is left for the next look lies behind everything shown now.
            fresh.sort_by_key(|found| (found.place.offset, found.place.partition));
            let fit = limit.min(fitting(&fresh).unwrap_or(0));
            cut |= fit < fresh.len();
            fresh.truncate(fit);
            let Some(next) = page.next else { break };
            // What lies further on came later than all that is held, however late those came.
            let newest_s = fresh.iter().map(|found| found.at.time_s).max();
            let full = (cut || fit == limit) && newest_s.is_some_and(|newest_s| next.time_s > newest_s + LATE_S_MAX);
            if full && !to_the_end {
                break;
            }
            ask.after = Some(next);
        }
        fresh.iter().for_each(|found| mark.pass(found));
        fresh.retain(|found| !is_polling(&found.record, &cx.principal.access_key_id));
        fresh.sort_by_key(|found| found.at);
        Ok(fresh)
    }
}

/// A tail that showed its own calls would feed on itself. Other look-ups are events like any.
fn is_polling(record: &[u8], access_key_id: &str) -> bool {
    let ours = Head::parse(record).is_ok_and(|head| {
        head.event_name == "Lookup"
            && head.event_source == "opentrail.amazonaws.com"
            && head.access_key_id.as_deref() == Some(access_key_id)
    });
    ours && serde_json::from_slice::<serde_json::Value>(record)
        .is_ok_and(|record| record["requestParameters"]["follow"] == serde_json::Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_comes_back_from_its_bytes() {
        let places = |n: u32| Positions((0..n).map(|p| (Partition(p), u64::from(p) << 40)).collect());
        for n in [0, 1, 3, PARTITIONS_MAX as u32] {
            let mark = Mark { time_s: -7, places: places(n) };
            assert_eq!(Mark::read(&mark.bytes()), Some(mark.clone()));
            assert_eq!(Mark::read(&[&mark.bytes()[..], &[0]].concat()), None);
        }
        let mark = Mark { time_s: 1, places: places(PARTITIONS_MAX as u32 + 1) };
        assert_eq!((Mark::read(&mark.bytes()), Mark::read(&[0; 7])), (None, None));
    }
}
