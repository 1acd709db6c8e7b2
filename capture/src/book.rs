//! The book of open intents: which calls are announced and not recorded, where their intents stand, and so how far the
//! journal may be truncated.
//!
//! An intent's place is known only when its append returns, and until then nothing may be let go that the append
//! might still land behind. So announcements are counted by generation: a generation's mark is the journal's end when it
//! began, every announcement of it lands at or behind the mark, and the mark before is given up only when nobody of the
//! older generation is under way any more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use opentrail_event::EventId;
use opentrail_journal::{Entry, Position, Positions};
use tokio::sync::Notify;

/// So many calls may be announced and not recorded at a time; more are refused as retryable.
pub const OPEN_INTENTS_MAX: usize = 20_000;
/// Bytes of finished records that wait in memory for room in the journal. What is over is recorded as unknown.
const OWED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What is going on with an open intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Its call runs.
    Running,
    /// It is being written again at the journal's end; its call's end has to wait.
    Carrying,
    /// Its record is being appended. If it stays so, that failed in a way that only a restart can look into: the intent is
    /// left where it is, and held.
    Settling,
    /// Its call ended and its record waits for room.
    Owed,
    /// Nobody will say how its call ended.
    Orphan,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    at: Position,
    /// When it was written there, on the monotonic clock.
    since: Duration,
    stage: Stage,
}

/// A count of announcements under way, and the end of the journal when it began.
#[derive(Debug, Default)]
struct Generation {
    announcing: usize,
    mark: Positions,
}

#[derive(Debug, Default)]
struct State {
    open: HashMap<EventId, Open>,
    owed: Vec<(EventId, Vec<Entry>)>,
    owed_bytes: usize,
    older: Generation,
    newer: Generation,
    /// How many generations have begun: tells an announcement whether it belongs to the newer one.
    begun: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Book {
    state: Mutex<State>,
    carried: Notify,
}

/// The book is full.
#[derive(Debug)]
pub(crate) struct Full;

/// An announcement under way. Dropped without [`Announcing::landed`], the call did not run.
pub(crate) struct Announcing {
    book: Arc<Book>,
    generation: u64,
}

/// A record under way. Dropped without an end, nobody knows whether it landed.
pub(crate) struct Settling<'a> {
    book: &'a Book,
    id: EventId,
}

impl Book {
    /// Everything from `mark` on is needed until more is known.
    pub(crate) fn new(mark: Positions) -> Self {
        let state = State {
            older: Generation { announcing: 0, mark: mark.clone() },
            newer: Generation { announcing: 0, mark },
            ..State::default()
        };
        Self { state: Mutex::new(state), carried: Notify::new() }
    }

    /// A call is about to be announced.
    pub(crate) fn announce(self: &Arc<Self>) -> Result<Announcing, Full> {
        let mut state = self.state();
        if state.open.len() + state.newer.announcing + state.older.announcing >= OPEN_INTENTS_MAX {
            return Err(Full);
        }
        state.newer.announcing += 1;
        Ok(Announcing { book: self.clone(), generation: state.begun })
    }

    /// An intent that an earlier life left behind.
    pub(crate) fn inherit(&self, id: EventId, at: Position) {
        self.state().open.insert(id, Open { at, since: Duration::ZERO, stage: Stage::Orphan });
    }

    /// The record of `id` is about to be appended. `None` if `id` has no open intent.
    pub(crate) async fn settle(&self, id: EventId) -> Option<Settling<'_>> {
        loop {
            let carried = self.carried.notified();
            tokio::pin!(carried);
            carried.as_mut().enable();
            match self.state().open.get_mut(&id) {
                Some(open) if open.stage == Stage::Running => {
                    open.stage = Stage::Settling;
                    return Some(Settling { book: self, id });
                }
                Some(open) if open.stage == Stage::Carrying => {}
                _ => return None,
            }
            carried.await;
        }
    }

    /// Up to `limit` orphans of one partition, which are from now on being settled.
    pub(crate) fn orphans(&self, limit: usize) -> Vec<(EventId, Position)> {
        self.take(limit, Stage::Settling, |open| open.stage == Stage::Orphan)
    }

    /// Up to `limit` running calls of one partition whose intents were written before `before`: they are from now on being
    /// carried.
    pub(crate) fn aged(&self, limit: usize, before: Duration) -> Vec<(EventId, Position)> {
        self.take(limit, Stage::Carrying, |open| open.stage == Stage::Running && open.since < before)
    }

    fn take(&self, limit: usize, stage: Stage, wanted: impl Fn(&Open) -> bool) -> Vec<(EventId, Position)> {
        let mut state = self.state();
        // Of one partition, so that what is appended for them in one batch stands where they stand.
        let Some(partition) = state.open.values().find(|open| wanted(open)).map(|open| open.at.partition) else {
            return Vec::new();
        };
        let found = state.open.iter_mut().filter(|(_, open)| open.at.partition == partition && wanted(open));
        found
            .take(limit)
            .map(|(id, open)| {
                open.stage = stage;
                (*id, open.at)
            })
            .collect()
    }

    /// What was being carried stands at its new place now, or where it stood if there is none.
    pub(crate) fn carried(&self, ids: &[(EventId, Position)], to: Option<(&[Position], Duration)>) {
        let mut state = self.state();
        for (i, (id, _)) in ids.iter().enumerate() {
            if let Some(open) = state.open.get_mut(id) {
                open.stage = Stage::Running;
                if let Some((places, now)) = to {
                    open.since = now;
                    open.at = places.get(i).copied().unwrap_or(open.at);
                }
            }
        }
        drop(state);
        self.carried.notify_waiters();
    }

    /// Orphans that were settled are done, or orphans again.
    pub(crate) fn settled(&self, ids: &[(EventId, Position)], landed: bool) {
        let mut state = self.state();
        for (id, _) in ids {
            if landed {
                state.open.remove(id);
            } else if let Some(open) = state.open.get_mut(id) {
                open.stage = Stage::Orphan;
            }
        }
    }

    /// The oldest record that waits for room; it is from now on being settled.
    pub(crate) fn owed(&self) -> Option<(Settling<'_>, Vec<Entry>)> {
        let mut state = self.state();
        if state.owed.is_empty() {
            return None;
        }
        let (id, entries) = state.owed.remove(0);
        state.owed_bytes -= size(&entries);
        if let Some(open) = state.open.get_mut(&id) {
            open.stage = Stage::Settling;
        }
        Some((Settling { book: self, id }, entries))
    }

    /// What capture needs of the journal, `end` being its end as it was before this call.
    pub(crate) fn hold(&self, end: Positions) -> Positions {
        let mut state = self.state();
        if state.older.announcing == 0 {
            let newest = Generation { announcing: 0, mark: end };
            state.older = std::mem::replace(&mut state.newer, newest);
            state.begun += 1;
        }
        let quiet = state.older.announcing == 0;
        let mut hold = if quiet { state.newer.mark.clone() } else { state.older.mark.clone() };
        for open in state.open.values() {
            let next = hold.0.entry(open.at.partition).or_insert(0);
            *next = (*next).min(open.at.offset);
        }
        hold
    }

    /// How many intents are open.
    pub(crate) fn len(&self) -> usize {
        self.state().open.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the book panics")
    }
}

impl State {
    fn announced(&mut self, generation: u64) {
        let of = if generation == self.begun { &mut self.newer } else { &mut self.older };
        of.announcing -= 1;
    }
}

impl Announcing {
    /// The intent is durable at `at`.
    pub(crate) fn landed(self, id: EventId, at: Position, now: Duration) {
        self.book.state().open.insert(id, Open { at, since: now, stage: Stage::Running });
    }
}

impl Drop for Announcing {
    fn drop(&mut self) {
        self.book.state().announced(self.generation);
    }
}

impl Settling<'_> {
    /// The record is durable.
    pub(crate) fn landed(self) {
        self.book.state().open.remove(&self.id);
    }

    /// The record did not land, for want of room: it is kept and tried again.
    pub(crate) fn no_room(self, entries: Vec<Entry>) {
        let mut state = self.book.state();
        let bytes = size(&entries);
        let fits = state.owed_bytes + bytes <= OWED_BYTES_MAX;
        if let Some(open) = state.open.get_mut(&self.id) {
            open.stage = if fits { Stage::Owed } else { Stage::Orphan };
        }
        if fits {
            state.owed_bytes += bytes;
            state.owed.push((self.id, entries));
        }
    }
}

fn size(entries: &[Entry]) -> usize {
    entries.iter().map(|entry| entry.bytes.len()).sum()
}

#[cfg(test)]
mod tests {
    use opentrail_journal::Partition;

    use super::*;
    use crate::tests::block_on;

    fn id(n: u8) -> EventId {
        EventId::from_bytes([n; 16])
    }

    fn at(offset: u64) -> Position {
        Position { partition: Partition(0), offset }
    }

    fn end(offset: u64) -> Positions {
        Positions([(Partition(0), offset)].into())
    }

    #[test]
    fn nothing_is_let_go_that_an_announcement_may_still_land_behind() {
        let book = Arc::new(Book::new(end(0)));
        let check = |now: u64, expect: u64| assert_eq!(book.hold(end(now)), end(expect), "at end {now}");
        check(5, 5);
        let slow = book.announce().expect("room");
        check(9, 5);
        check(20, 5);
        slow.landed(id(1), at(6), Duration::ZERO);
        check(21, 6);
        let gone = book.announce().expect("room");
        drop(gone);
        check(30, 6);
        block_on(book.settle(id(1))).expect("open").landed();
        check(31, 31);
        check(31, 31);
    }

    #[test]
    fn the_book_is_bounded() {
        let book = Arc::new(Book::new(end(0)));
        let mut announced: Vec<_> = (0..OPEN_INTENTS_MAX).map(|_| book.announce().expect("room")).collect();
        assert!(book.announce().is_err());
        announced.pop();
        assert!(book.announce().is_ok());
    }

    #[test]
    fn a_record_whose_fate_is_unknown_keeps_its_intent() {
        let book = Arc::new(Book::new(end(0)));
        book.announce().expect("room").landed(id(1), at(3), Duration::ZERO);
        assert!(block_on(book.settle(id(1))).is_some());
        assert_eq!(book.hold(end(9)), end(3));
        assert!(book.aged(10, Duration::MAX).is_empty() && book.orphans(10).is_empty());
        assert!(block_on(book.settle(id(1))).is_none());
    }
}
