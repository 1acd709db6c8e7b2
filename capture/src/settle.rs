//! Closing what is open: intents of an earlier life, records that found no room, and intents so old that they would hold
//! the journal.
//!
//! Why nothing is recorded twice: an intent, each carried copy of it, and its record stand in one partition, in this
//! order, because a call's record waits while its intent is being carried. So wherever a copy of the intent is still to
//! be read, its record is too, if there is one. A batch of records or carried intents is of one partition for the same
//! reason: some journals keep a batch together where its first entry belongs.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use opentrail_event::EventId;
use opentrail_journal::{Entry, Error, Kind, Partition, Position, Refused, Urgency};

use crate::compose;
use crate::recorder::{HOLDER, Recorder, refused};

/// An intent older than this is written again at the journal's end, so that one long call does not hold all that came
/// after it.
pub const CARRY_AGE: Duration = Duration::from_secs(60);
/// Intents that are settled or carried in one append.
const BATCH_MAX: usize = 64;
/// Bytes read at a time while looking through the journal.
const READ_BYTES: usize = 4 * 1024 * 1024;

/// What start-up found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Entries that were looked at.
    pub entries: u64,
    /// Intents without a record, which now have one.
    pub resolved: u64,
    /// Intents without a record for which the journal has no room yet; [`Recorder::run`] goes on trying.
    pub waiting: u64,
}

impl Recorder {
    /// Looks through the journal for intents without a record, and records them as unknown. To be called once, before the
    /// first call. Dying midway does no harm: the next start goes on. With [a memo](Recorder::with_memo) it begins where that
    /// says.
    ///
    /// # Errors
    /// When the journal cannot be read or written, or holds an intent in a form that this program does not know.
    pub async fn recover(&self) -> Result<Recovered, Refused> {
        let mut entries = 0;
        let from = self.unsettled_from().await;
        for partition in (0..self.journal.partitions()).map(Partition) {
            let offset = from.next(partition);
            let (open, read) = self.open_from(Position { partition, offset }).await?;
            entries += read;
            for (id, at) in open {
                self.book.inherit(id, at);
            }
        }
        let found = self.book.len() as u64;
        self.settle_orphans().await?;
        self.inherit_gaps().await;
        let waiting = self.book.len() as u64;
        self.recovered.store(true, Ordering::Release);
        let recovered = Recovered { entries, resolved: found - waiting, waiting };
        if found > 0 {
            tracing::info!(resolved = recovered.resolved, waiting, "recorded calls that an earlier run left open");
        }
        Ok(recovered)
    }

    /// One round: settles what is owed and orphaned, carries old intents on, and lets the journal go up to what is open.
    ///
    /// # Errors
    /// The first there was. The rest of the round is done all the same.
    pub async fn tend(&self) -> Result<(), Refused> {
        self.ready()?;
        // One that fails must not keep the journal from going: what it has no room for may be what the hold keeps there.
        let owed = self.settle_owed().await;
        let orphans = self.settle_orphans().await;
        let carried = self.carry().await;
        self.fill_gaps().await;
        let end = self.journal.watch().borrow().clone();
        let hold = self.book.hold(end);
        self.journal.hold(HOLDER, hold.clone());
        self.remember(&hold, false).await;
        metrics::gauge!("opentrail_capture_intents_open").set(self.book.len() as f64);
        owed.and(orphans).and(carried)
    }

    /// The intents of one partition, from `at` on, that no record resolves, and how many entries were read.
    async fn open_from(&self, mut at: Position) -> Result<(HashMap<EventId, Position>, u64), Refused> {
        let mut open = HashMap::new();
        // Where a call was recorded with copies, the caller's copy bears an id that follows from the intent's.
        let mut by_copy = HashMap::new();
        let mut read = 0;
        loop {
            let frames = self.journal.read(at, READ_BYTES).await.map_err(refused)?;
            let Some(last) = frames.last() else { return Ok((open, read)) };
            at.offset = last.position.offset + 1;
            read += frames.len() as u64;
            for frame in &frames {
                let id = frame.entry.event_id;
                match frame.entry.kind {
                    Kind::Intent if compose::is_withdrawal(&frame.entry) => {
                        open.remove(&id);
                        by_copy.remove(&EventId::of_copy(id, frame.entry.account));
                    }
                    Kind::Intent => {
                        compose::unknown(&frame.entry).map_err(|e| Refused::Unavailable(e.to_string()))?;
                        open.insert(id, frame.position);
                        by_copy.insert(EventId::of_copy(id, frame.entry.account), id);
                    }
                    Kind::Record => {
                        let resolved = by_copy.remove(&id).unwrap_or(id);
                        if open.remove(&resolved).is_some() {
                            by_copy.remove(&EventId::of_copy(resolved, frame.entry.account));
                        }
                    }
                }
            }
        }
    }

    async fn settle_orphans(&self) -> Result<(), Refused> {
        loop {
            let orphans = self.book.orphans(BATCH_MAX);
            if orphans.is_empty() {
                return Ok(());
            }
            let mut entries = Vec::with_capacity(orphans.len());
            for (id, at) in &orphans {
                let read = self.intent(*id, *at).await;
                let unknown = read.and_then(|e| compose::unknown(&e).map_err(|e| Refused::Unavailable(e.to_string())));
                match unknown {
                    Ok(record) => entries.push(record),
                    Err(refused) => {
                        self.book.settled(&orphans, false);
                        return Err(refused);
                    }
                }
            }
            match self.journal.append(entries).await {
                Ok(_) => {
                    self.book.settled(&orphans, true);
                    let n = orphans.len() as u64;
                    metrics::counter!("opentrail_capture_unknown_outcomes_total").increment(n);
                }
                Err(error @ Error::Full { .. }) => {
                    self.book.settled(&orphans, false);
                    tracing::warn!(%error, "calls with unknown outcome wait for room in the journal");
                    return Ok(());
                }
                Err(error) => return Err(refused(error)),
            }
        }
    }

    async fn settle_owed(&self) -> Result<(), Refused> {
        while let Some((settling, entries)) = self.book.owed() {
            match self.journal.append(entries.clone()).await {
                Ok(_) => settling.landed(),
                Err(Error::Full { .. }) => {
                    settling.no_room(entries);
                    return Ok(());
                }
                Err(error) => return Err(refused(error)),
            }
        }
        Ok(())
    }

    async fn carry(&self) -> Result<(), Refused> {
        let now = self.world.monotonic();
        let Some(before) = now.checked_sub(CARRY_AGE) else { return Ok(()) };
        loop {
            let aged = self.book.aged(BATCH_MAX, before);
            if aged.is_empty() {
                return Ok(());
            }
            let carried = self.carry_on(&aged).await;
            match &carried {
                Ok(places) => self.book.carried(&aged, Some((places, now))),
                Err(_) => self.book.carried(&aged, None),
            }
            carried?;
        }
    }

    async fn carry_on(&self, aged: &[(EventId, Position)]) -> Result<Vec<Position>, Refused> {
        let mut entries = Vec::with_capacity(aged.len());
        for (id, at) in aged {
            // Carrying lets the journal go: a journal that is full but for its reserve must not keep it from that.
            entries.push(Entry { urgency: Urgency::ControlPlane, ..self.intent(*id, *at).await? });
        }
        self.journal.append(entries).await.map_err(refused)
    }

    /// The intent that stands at `at`.
    async fn intent(&self, id: EventId, at: Position) -> Result<Entry, Refused> {
        let frames = self.journal.read(at, 1).await.map_err(refused)?;
        match frames.into_iter().next() {
            Some(frame) if frame.position == at && frame.entry.event_id == id && frame.entry.kind == Kind::Intent => {
                Ok(frame.entry)
            }
            _ => Err(Refused::Unavailable(format!("the intent of call {id} is not where it was written"))),
        }
    }
}
