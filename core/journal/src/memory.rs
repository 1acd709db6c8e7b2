//! A journal in memory, for tests of whoever appends and follows. It keeps everything that is held and loses all of it
//! with the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{AccountId, Region};
use opentrail_world::World;
use tokio::sync::watch;

use crate::{Entry, Error, Frame, Journal, Partition, Position, Positions};

/// The largest entry, as the engines have it.
const ENTRY_BYTES_MAX: usize = 1024 * 1024;

/// A journal in memory. Clones share it, so a test can drop one and go on with another, as after a restart.
#[derive(Clone)]
pub struct MemoryJournal {
    state: Arc<Mutex<State>>,
    ends: watch::Sender<Positions>,
    world: World,
    bytes_max: u64,
}

struct State {
    partitions: Vec<Log>,
    holds: HashMap<String, Positions>,
    bytes: u64,
    failing: Option<Arc<str>>,
}

#[derive(Default)]
struct Log {
    /// The offset of the first frame that is left.
    start: u64,
    frames: Vec<Frame>,
}

impl MemoryJournal {
    /// An empty journal of so many partitions, without a limit.
    pub fn new(partitions: u32, world: World) -> Self {
        Self::bounded(partitions, world, u64::MAX)
    }

    /// An empty journal that holds at most `bytes_max` bytes of records.
    pub fn bounded(partitions: u32, world: World, bytes_max: u64) -> Self {
        let logs = (0..partitions.max(1)).map(|_| Log::default()).collect();
        let state = State { partitions: logs, holds: HashMap::new(), bytes: 0, failing: None };
        let ends = (0..partitions.max(1)).map(|p| (Partition(p), 0)).collect();
        Self { state: Arc::new(Mutex::new(state)), ends: watch::Sender::new(Positions(ends)), world, bytes_max }
    }

    /// From now on every append is answered [`Error::Unavailable`] with these words; `None` heals it.
    pub fn fail(&self, why: Option<&str>) {
        self.state().failing = why.map(Arc::from);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the memory journal panics")
    }

    fn partition_of(account: AccountId, region: &Region, partitions: usize) -> usize {
        let text = account.as_str().bytes().chain(region.as_str().bytes());
        text.fold(7_usize, |h, b| h.wrapping_mul(31).wrapping_add(usize::from(b))) % partitions
    }

    fn append_now(&self, batch: Vec<Entry>) -> Result<Vec<Position>, Error> {
        let Some(first) = batch.first() else { return Ok(Vec::new()) };
        let mut state = self.state();
        if let Some(why) = &state.failing {
            return Err(Error::Unavailable(why.clone()));
        }
        if let Some(entry) = batch.iter().find(|entry| entry.bytes.len() > ENTRY_BYTES_MAX) {
            return Err(Error::TooLarge { bytes: entry.bytes.len(), max: ENTRY_BYTES_MAX });
        }
        let bytes: u64 = batch.iter().map(|entry| entry.bytes.len() as u64).sum();
        if state.bytes.saturating_add(bytes) > self.bytes_max {
            return Err(Error::Full { whose: "all accounts".into(), held: state.bytes, max: self.bytes_max });
        }
        state.bytes += bytes;
        let at = Self::partition_of(first.account, &first.region, state.partitions.len());
        let (partition, appended_at) = (Partition(at as u32), self.world.now());
        let log = &mut state.partitions[at];
        let mut positions = Vec::with_capacity(batch.len());
        for entry in batch {
            let position = Position { partition, offset: log.start + log.frames.len() as u64 };
            log.frames.push(Frame { position, appended_at, entry });
            positions.push(position);
        }
        let end = log.start + log.frames.len() as u64;
        drop(state);
        self.ends.send_modify(|ends| {
            let shown = ends.0.entry(partition).or_insert(0);
            *shown = end.max(*shown);
        });
        Ok(positions)
    }

    fn read_now(&self, from: Position, bytes_max: usize) -> Result<Vec<Frame>, Error> {
        let state = self.state();
        let Some(log) = state.partitions.get(from.partition.0 as usize) else {
            return Err(Error::Unavailable(format!("there is no partition {}", from.partition.0).into()));
        };
        if from.offset < log.start {
            return Err(Error::Truncated { asked: from.offset, first: log.start });
        }
        let mut bytes = 0;
        let rest = log.frames.iter().skip((from.offset - log.start) as usize);
        let enough = rest.take_while(|frame| {
            let more = bytes == 0 || bytes < bytes_max;
            bytes += frame.entry.bytes.len().max(1);
            more
        });
        Ok(enough.cloned().collect())
    }
}

impl Journal for MemoryJournal {
    fn partitions(&self) -> u32 {
        self.state().partitions.len() as u32
    }

    fn append(&self, batch: Vec<Entry>) -> BoxFuture<'_, Result<Vec<Position>, Error>> {
        async move { self.append_now(batch) }.boxed()
    }

    fn read(&self, from: Position, bytes_max: usize) -> BoxFuture<'_, Result<Vec<Frame>, Error>> {
        async move { self.read_now(from, bytes_max) }.boxed()
    }

    fn start(&self) -> Positions {
        let state = self.state();
        Positions(state.partitions.iter().enumerate().map(|(p, log)| (Partition(p as u32), log.start)).collect())
    }

    fn watch(&self) -> watch::Receiver<Positions> {
        self.ends.subscribe()
    }

    fn hold(&self, holder: &str, positions: Positions) {
        let mut state = self.state();
        let state = &mut *state;
        state.holds.insert(holder.into(), positions);
        for (p, log) in state.partitions.iter_mut().enumerate() {
            let low = state.holds.values().map(|held| held.next(Partition(p as u32))).min().unwrap_or(0);
            let gone = (low.saturating_sub(log.start) as usize).min(log.frames.len());
            state.bytes -= log.frames.drain(..gone).map(|frame| frame.entry.bytes.len() as u64).sum::<u64>();
            log.start += gone as u64;
        }
    }

    fn usage(&self) -> (u64, u64) {
        (self.state().bytes, self.bytes_max)
    }

    fn failed(&self) -> Option<String> {
        self.state().failing.as_deref().map(str::to_owned)
    }
}
