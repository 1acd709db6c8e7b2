//! Drives one follower: read, apply, commit when due, hold.
//!
//! One loop per follower. It wakes when the journal's end moves, when a commit ends, when it is told to stop, and every
//! [`TICK`] to ask whether a commit is due. Applying goes on while one commit runs in a task of its own. The hold moves
//! only with a commit, so what was applied and not committed stays in the journal.
//!
//! Each partition is a *lane* of its own: one that fails pauses, and the others go on. What a partition's frames are made
//! into never depends on another's.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use opentrail_world::World;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{Follower, Journal, Partition, Position, Positions};

/// How much is read and applied at once.
const READ_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How often an idle follower is asked whether it is time to commit.
const TICK: Duration = Duration::from_millis(200);
/// The pause after the first failure; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// How far behind a follower is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// Entries appended and not applied.
    pub entries: u64,
    /// Age of the oldest of them.
    pub age: Duration,
}

/// What a pump tells the world, kept current.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PumpStatus {
    pub lag: Lag,
    /// Entries applied and not committed.
    pub uncommitted: u64,
    /// The newest failure, cleared by the next success.
    pub error: Option<String>,
}

/// Runs until `stop` shows true, then commits once more and returns.
///
/// Failures are retried with a pause that grows to ten seconds; they are shown in `status` and never skip a frame. A
/// `stop` whose sender is gone counts as true. Needs a tokio runtime, for the task that commits.
pub async fn pump(
    journal: Arc<dyn Journal>,
    follower: Arc<dyn Follower>,
    world: World,
    status: watch::Sender<PumpStatus>,
    mut stop: watch::Receiver<bool>,
) {
    let mut ends = journal.watch();
    let mut loop_ = Loop::new(journal, follower, world, status);
    while !*stop.borrow_and_update() {
        ends.mark_unchanged();
        let moved = loop_.step().await;
        loop_.commit_if_due();
        loop_.show();
        if moved {
            // A follower that is far behind must not keep others of its thread from running.
            tokio::task::yield_now().await;
            loop_.reap_if_done().await;
            continue;
        }
        let wait = loop_.wait();
        tokio::select! {
            gone = stop.changed() => if gone.is_err() { break },
            _ = ends.changed(), if loop_.any_ready() && !loop_.follower.full() => {}
            outcome = committed(&mut loop_.commit) => loop_.reap(outcome),
            () = wait => {}
        }
    }
    loop_.finish().await;
}

type Outcome = Result<Positions, String>;

/// The end of the commit that runs; never where none does.
async fn committed(commit: &mut Option<JoinHandle<Outcome>>) -> Outcome {
    match commit {
        Some(task) => task.await.unwrap_or_else(|e| Err(format!("commit: {e}"))),
        None => std::future::pending().await,
    }
}

struct Loop {
    journal: Arc<dyn Journal>,
    follower: Arc<dyn Follower>,
    world: World,
    status: watch::Sender<PumpStatus>,
    /// Where the next read begins.
    applied: Positions,
    committed: Positions,
    commit: Option<JoinHandle<Outcome>>,
    lanes: Vec<Lane>,
    /// The lane that the next step begins with: a follower that fills up must not always fill up with the same one.
    next_lane: usize,
    commits: Retry,
    /// Nothing was shown yet.
    untold: bool,
}

/// A partition on its way to the follower.
struct Lane {
    partition: Partition,
    reads: Retry,
    /// When the oldest entry that was read and could not be applied was appended.
    oldest: Option<Timestamp>,
}

/// One kind of step and its failures.
#[derive(Default)]
struct Retry {
    error: Option<String>,
    pause: Duration,
    /// On the monotonic clock.
    not_before: Duration,
}

impl Retry {
    fn failed(&mut self, world: &World, error: String) {
        self.pause = if self.pause.is_zero() { PAUSE } else { (self.pause * 2).min(PAUSE_MAX) };
        self.not_before = world.monotonic() + self.pause;
        self.error = Some(error);
    }

    fn succeeded(&mut self) {
        *self = Self::default();
    }

    fn ready(&self, world: &World) -> bool {
        world.monotonic() >= self.not_before
    }
}

impl Loop {
    fn new(
        journal: Arc<dyn Journal>,
        follower: Arc<dyn Follower>,
        world: World,
        status: watch::Sender<PumpStatus>,
    ) -> Self {
        let committed = follower.positions();
        journal.hold(follower.name(), committed.clone());
        let applied = committed.clone();
        let lane = |p| Lane { partition: Partition(p), reads: Retry::default(), oldest: None };
        let lanes = (0..journal.partitions()).map(lane).collect();
        let commits = Retry::default();
        let (next_lane, commit, untold) = (0, None, true);
        Self { journal, follower, world, status, applied, committed, commit, lanes, next_lane, commits, untold }
    }

    fn any_ready(&self) -> bool {
        self.lanes.iter().any(|lane| lane.reads.ready(&self.world))
    }

    /// Applies what is there of each partition, up to a bound. False: nothing, or not now.
    async fn step(&mut self) -> bool {
        let mut moved = false;
        let lanes = self.lanes.len();
        for at in (self.next_lane..self.next_lane + lanes).map(|at| at % lanes) {
            if self.follower.full() {
                break;
            }
            if !self.lanes[at].reads.ready(&self.world) {
                continue;
            }
            self.next_lane = (at + 1) % lanes;
            match self.step_lane(at).await {
                Ok(some) => {
                    moved |= some;
                    self.lanes[at].reads.succeeded();
                }
                Err(error) => self.lanes[at].reads.failed(&self.world, error),
            }
        }
        moved
    }

    async fn step_lane(&mut self, at: usize) -> Result<bool, String> {
        let partition = self.lanes[at].partition;
        let from = Position { partition, offset: self.applied.next(partition) };
        let end = self.end(partition);
        if from.offset > end {
            let at = from.offset;
            return Err(format!(
                "it has come to entry {at} of partition {}, but the journal ends at {end}: the journal is not the one \
                 it followed; bring that one back",
                partition.0
            ));
        }
        if from.offset == end {
            return Ok(false);
        }
        let frames = self.journal.read(from, READ_BYTES_MAX).await.map_err(|e| format!("read journal: {e}"))?;
        let (Some(first), Some(last)) = (frames.first(), frames.last()) else { return Ok(false) };
        self.lanes[at].oldest = Some(first.appended_at);
        self.follower.apply(&frames).await.map_err(|e| e.to_string())?;
        self.applied.pass(last.position);
        self.lanes[at].oldest = Some(last.appended_at);
        Ok(true)
    }

    fn end(&self, partition: Partition) -> u64 {
        self.journal.watch().borrow().next(partition)
    }

    /// Starts a commit unless one runs. One that failed is tried again without asking.
    fn commit_if_due(&mut self) {
        let again = self.commits.error.is_some();
        if self.commit.is_none() && self.commits.ready(&self.world) && (again || self.follower.due()) {
            let follower = self.follower.clone();
            self.commit = Some(tokio::spawn(async move { follower.commit().await.map_err(|e| e.to_string()) }));
        }
    }

    async fn reap_if_done(&mut self) {
        if self.commit.as_ref().is_some_and(JoinHandle::is_finished) {
            let outcome = committed(&mut self.commit).await;
            self.reap(outcome);
        }
    }

    fn reap(&mut self, outcome: Outcome) {
        self.commit = None;
        match outcome {
            Ok(positions) => {
                self.commits.succeeded();
                self.journal.hold(self.follower.name(), positions.clone());
                self.committed = positions;
            }
            Err(error) => self.commits.failed(&self.world, error),
        }
    }

    /// Until the next tick, or until the pause after a failure is over.
    fn wait(&self) -> BoxFuture<'static, ()> {
        let now = self.world.monotonic();
        let pauses = self.lanes.iter().map(|lane| lane.reads.not_before.saturating_sub(now));
        self.world.sleep(pauses.filter(|pause| !pause.is_zero()).fold(TICK, Duration::min)).boxed()
    }

    fn show(&mut self) {
        let ends = self.journal.watch();
        let behind = |to: &Positions| -> u64 {
            let ends = ends.borrow();
            ends.0.iter().map(|(&partition, &end)| end.saturating_sub(to.next(partition))).sum()
        };
        let entries = behind(&self.applied);
        for lane in &mut self.lanes {
            if ends.borrow().next(lane.partition) <= self.applied.next(lane.partition) {
                lane.oldest = None;
            }
        }
        let oldest = self.lanes.iter().filter_map(|lane| lane.oldest).min();
        let age = |since: Timestamp| Duration::try_from(self.world.now().duration_since(since)).unwrap_or_default();
        let read_error = self.lanes.iter().find_map(|lane| lane.reads.error.clone());
        let error = read_error.or_else(|| self.commits.error.clone());
        let shown = PumpStatus {
            lag: Lag { entries, age: oldest.map(age).unwrap_or_default() },
            uncommitted: behind(&self.committed).saturating_sub(entries),
            error,
        };
        self.status.send_if_modified(|status| {
            // The first look is told even where it found nothing: a start waits for it.
            let changed = std::mem::take(&mut self.untold) || *status != shown;
            *status = shown;
            changed
        });
    }

    /// Waits for the commit that runs, then commits what was applied since.
    async fn finish(mut self) {
        if self.commit.is_some() {
            let outcome = committed(&mut self.commit).await;
            self.reap(outcome);
        }
        let outcome = self.follower.commit().await.map_err(|e| e.to_string());
        self.reap(outcome);
        self.show();
    }
}
