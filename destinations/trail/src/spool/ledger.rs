//! What is known in memory of the files that wait: which lanes there are, how full the spool is for whom, and which
//! blobs are still named. All of it follows from the stored rows.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use opentrail_event::AccountId;

use super::row::{Kind, Lane, Spooled};

/// What the spool may hold. Beyond it capture refuses; what is in the journal already still finds room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) account_bytes: u64,
    pub(crate) bytes: u64,
}

/// How a lane is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LaneState {
    /// Not to be tried before this time of the monotonic clock.
    pub(crate) not_before: Duration,
    /// The pause after the newest failure; zero while all is well.
    pub(crate) pause: Duration,
    /// Since when it fails, on the monotonic clock.
    pub(crate) failing_since: Option<Duration>,
    running: bool,
    /// A file came while it ran.
    more: bool,
}

/// The books of the spool.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    lanes: BTreeMap<Lane, LaneState>,
    accounts: HashMap<AccountId, u64>,
    bytes: u64,
    files: u64,
    /// Rows that name each blob.
    blobs: HashMap<String, u32>,
    /// Log files that are not put yet, by trail id and run.
    waiting: HashMap<(String, u64), u64>,
    last_seq: u64,
}

impl Ledger {
    /// The next number for a file.
    pub(crate) fn next_seq(&mut self) -> u64 {
        self.last_seq += 1;
        self.last_seq
    }

    /// A number that a stored row has.
    pub(crate) fn seen_seq(&mut self, seq: u64) {
        self.last_seq = self.last_seq.max(seq);
    }

    /// A row is stored. Rows of one blob come with the same call, or at the start in any order.
    pub(crate) fn add(&mut self, file: &Spooled) {
        self.seen_seq(file.seq);
        self.files += 1;
        let rows = self.blobs.entry(file.blob.clone()).or_insert(0);
        *rows += 1;
        if *rows == 1 {
            *self.accounts.entry(file.account).or_insert(0) += file.bytes;
            self.bytes += file.bytes;
        }
        if file.kind == Kind::Log {
            *self.waiting.entry((file.trail.clone(), file.run)).or_insert(0) += 1;
        }
        let lane = self.lanes.entry(file.lane()).or_default();
        lane.more = true;
    }

    /// A row is gone. True where its blob has no other.
    pub(crate) fn remove(&mut self, file: &Spooled) -> bool {
        self.files = self.files.saturating_sub(1);
        if file.kind == Kind::Log {
            let key = (file.trail.clone(), file.run);
            if let Some(left) = self.waiting.get_mut(&key) {
                *left -= 1;
                if *left == 0 {
                    self.waiting.remove(&key);
                }
            }
        }
        let Some(rows) = self.blobs.get_mut(&file.blob) else { return true };
        *rows -= 1;
        if *rows > 0 {
            return false;
        }
        self.blobs.remove(&file.blob);
        self.bytes = self.bytes.saturating_sub(file.bytes);
        if let Some(bytes) = self.accounts.get_mut(&file.account) {
            *bytes = bytes.saturating_sub(file.bytes);
            if *bytes == 0 {
                self.accounts.remove(&file.account);
            }
        }
        true
    }

    /// Whether a blob is named by a row.
    pub(crate) fn names(&self, blob: &str) -> bool {
        self.blobs.contains_key(blob)
    }

    /// Whether log files of this run are still to be put.
    pub(crate) fn waits(&self, trail: &str, run: u64) -> bool {
        self.waiting.contains_key(&(trail.to_owned(), run))
    }

    /// Bytes and files that wait.
    pub(crate) fn held(&self) -> (u64, u64) {
        (self.bytes, self.files)
    }

    /// Lanes that failed at their last try.
    pub(crate) fn failing(&self) -> usize {
        self.lanes.values().filter(|lane| lane.failing_since.is_some()).count()
    }

    /// Why no more of the account should be taken in. Over the total it is those that hold more than an even part.
    pub(crate) fn over(&self, account: AccountId, limits: Limits) -> Option<String> {
        let held = *self.accounts.get(&account)?;
        if held >= limits.account_bytes {
            let max = limits.account_bytes;
            return Some(format!("{held} of {max} bytes of log files of account {account} wait for their buckets"));
        }
        let even = limits.bytes / self.accounts.len().max(1) as u64;
        (self.bytes >= limits.bytes && held >= even).then(|| {
            let (all, max) = (self.bytes, limits.bytes);
            format!("{all} of {max} bytes of log files wait for their buckets, {held} of them of account {account}")
        })
    }

    /// A lane whose time has come, marked as running.
    pub(crate) fn take_due(&mut self, now: Duration) -> Option<(Lane, LaneState)> {
        let due = |state: &LaneState| !state.running && state.not_before <= now;
        let (lane, state) = self.lanes.iter_mut().find(|(_, state)| due(state))?;
        (state.running, state.more) = (true, false);
        Some((lane.clone(), *state))
    }

    /// When the next lane is due that does not run; `None` where there is none.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.lanes.values().filter(|state| !state.running).map(|state| state.not_before).min()
    }

    /// A lane was found empty. False where a file has come meanwhile: it runs on.
    pub(crate) fn finished(&mut self, lane: &Lane) -> bool {
        let Some(state) = self.lanes.get_mut(lane) else { return true };
        if std::mem::take(&mut state.more) {
            return false;
        }
        self.lanes.remove(lane);
        true
    }

    /// A file of the lane was put, or given up.
    pub(crate) fn succeeded(&mut self, lane: &Lane) {
        if let Some(state) = self.lanes.get_mut(lane) {
            (state.pause, state.failing_since) = (Duration::ZERO, None);
        }
    }

    /// A file of the lane was not put: the lane pauses, twice as long as the last time.
    pub(crate) fn failed(&mut self, lane: &Lane, now: Duration, first: Duration, longest: Duration) {
        let state = self.lanes.entry(lane.clone()).or_default();
        state.pause = if state.pause.is_zero() { first.min(longest) } else { (state.pause * 2).min(longest) };
        state.not_before = now + state.pause;
        state.failing_since.get_or_insert(now);
        state.running = false;
    }

    /// The lane stops running with files left, because the house stops.
    pub(crate) fn left(&mut self, lane: &Lane) {
        if let Some(state) = self.lanes.get_mut(lane) {
            state.running = false;
        }
    }

    /// Whether files of the trail wait.
    pub(crate) fn any_of(&self, trail: &str) -> bool {
        self.lanes.keys().any(|lane| lane.trail == trail)
    }

    /// The trail was changed: what failed is tried again at once.
    pub(crate) fn hurry(&mut self, trail: &str, now: Duration) {
        for (_, state) in self.lanes.iter_mut().filter(|(lane, _)| lane.trail == trail) {
            state.not_before = state.not_before.min(now);
        }
    }
}
