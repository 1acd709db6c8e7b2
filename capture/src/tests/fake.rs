//! A journal in memory that fails when told, and truncates what nobody holds.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, pending, ready};
use jiff::Timestamp;
use opentrail_event::AccountId;
use opentrail_journal::{Entry, Error, Frame, Journal, Kind, Partition, Position, Positions, Urgency};
use tokio::sync::watch;

/// The largest append, as the engines have it.
const APPEND_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How an append fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fails {
    /// For want of room; the next may go through.
    Full,
    /// And did not land. Nothing more is taken until a restart.
    NotLanded,
    /// And landed all the same. Nothing more is taken until a restart.
    Landed,
    /// Not at all, but the answer never comes: whoever asked is gone before.
    Unheard,
}

#[derive(Default)]
struct State {
    /// All that was ever appended, truncated or not; the offset is the index.
    ever: Vec<Frame>,
    first: u64,
    appends: Vec<usize>,
    next: Option<Fails>,
    dead: bool,
    /// Somebody else holds all of it.
    kept: bool,
}

pub(super) struct FakeJournal {
    state: Mutex<State>,
    end: watch::Sender<Positions>,
}

impl FakeJournal {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), end: watch::Sender::default() })
    }

    /// A journal that a follower which never comes on holds from its beginning.
    pub(super) fn kept() -> Arc<Self> {
        let journal = Self::new();
        journal.state().kept = true;
        journal
    }

    pub(super) fn fail_next(&self, how: Fails) {
        self.state().next = Some(how);
    }

    pub(super) fn clear_fault(&self) {
        self.state().next = None;
    }

    /// The process died; what landed is there.
    pub(super) fn restart(&self) {
        let mut state = self.state();
        (state.dead, state.next) = (false, None);
        self.end.send_replace(positions(state.ever.len() as u64));
    }

    pub(super) fn kinds(&self) -> Vec<Kind> {
        self.state().ever.iter().map(|frame| frame.entry.kind).collect()
    }

    pub(super) fn ever(&self) -> Vec<Frame> {
        self.state().ever.clone()
    }

    pub(super) fn records(&self) -> Vec<Frame> {
        self.state().ever.iter().filter(|frame| frame.entry.kind == Kind::Record).cloned().collect()
    }

    pub(super) fn appends(&self) -> Vec<usize> {
        self.state().appends.clone()
    }

    pub(super) fn first(&self) -> u64 {
        self.state().first
    }

    pub(super) fn spoil(&self, offset: usize, bytes: Bytes) {
        self.state().ever[offset].entry.bytes = bytes;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the fake")
    }

    fn put(&self, batch: Vec<Entry>) -> Result<Vec<Position>, Error> {
        let mut state = self.state();
        let unavailable = || Error::Unavailable("told to fail".into());
        if state.dead {
            return Err(unavailable());
        }
        // As the engines have it: a head for each entry counts too.
        let bytes = batch.iter().map(|entry| 35 + entry.region.as_str().len() + entry.bytes.len()).sum();
        if bytes > APPEND_BYTES_MAX {
            return Err(Error::TooLarge { bytes, max: APPEND_BYTES_MAX });
        }
        let how = state.next.take();
        state.dead = matches!(how, Some(Fails::NotLanded | Fails::Landed));
        match how {
            Some(Fails::Full) => return Err(Error::Full { whose: "all".into(), held: 1, max: 1 }),
            Some(Fails::NotLanded) => return Err(unavailable()),
            Some(Fails::Landed | Fails::Unheard) | None => {}
        }
        state.appends.push(batch.len());
        let mut places = Vec::new();
        for entry in batch {
            let position = Position { partition: Partition(0), offset: state.ever.len() as u64 };
            places.push(position);
            state.ever.push(Frame { position, appended_at: Timestamp::UNIX_EPOCH, entry });
        }
        if how == Some(Fails::Landed) {
            return Err(unavailable());
        }
        self.end.send_replace(positions(state.ever.len() as u64));
        Ok(places)
    }
}

fn positions(end: u64) -> Positions {
    Positions([(Partition(0), end)].into())
}

impl Journal for FakeJournal {
    fn partitions(&self) -> u32 {
        1
    }

    fn append(&self, batch: Vec<Entry>) -> BoxFuture<'_, Result<Vec<Position>, Error>> {
        let unheard = self.state().next == Some(Fails::Unheard);
        let answer = self.put(batch);
        if unheard { pending().boxed() } else { ready(answer).boxed() }
    }

    fn room(&self, _: AccountId, _: Urgency) -> Result<(), Error> {
        match self.state().next {
            Some(Fails::Full) => Err(Error::Full { whose: "all".into(), held: 1, max: 1 }),
            _ => Ok(()),
        }
    }

    fn read(&self, from: Position, bytes_max: usize) -> BoxFuture<'_, Result<Vec<Frame>, Error>> {
        let state = self.state();
        if from.offset < state.first {
            return ready(Err(Error::Truncated { asked: from.offset, first: state.first })).boxed();
        }
        // A few at a time, so that reading on is met too.
        let n = if bytes_max < 1024 { 1 } else { 7 };
        ready(Ok(state.ever.iter().skip(from.offset as usize).take(n).cloned().collect())).boxed()
    }

    fn start(&self) -> Positions {
        positions(self.state().first)
    }

    fn watch(&self) -> watch::Receiver<Positions> {
        self.end.subscribe()
    }

    fn hold(&self, holder: &str, held: Positions) {
        assert_eq!(holder, "capture");
        let mut state = self.state();
        let held = held.next(Partition(0));
        assert!(held <= state.ever.len() as u64, "nothing beyond the end can be let go");
        if !state.kept {
            state.first = state.first.max(held);
        }
    }

    fn usage(&self) -> (u64, u64) {
        (0, u64::MAX)
    }

    fn failed(&self) -> Option<String> {
        self.state().dead.then(|| "told to fail".into())
    }
}
