//! The memory journal against the kit, and the pump against a follower that misbehaves.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_world::{SimClock, World};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::memory::MemoryJournal;
use crate::{Follower, FollowerError, Frame, Journal, Lag, Partition, Position, Positions, PumpStatus, kit, pump};

#[tokio::test]
async fn the_memory_journal_conforms() {
    for partitions in [1, 3] {
        let journals = Mutex::new(std::collections::HashMap::new());
        kit::conforms(|name| {
            let make = || MemoryJournal::new(partitions, World::real());
            let journal = journals.lock().expect("no panic").entry(name).or_insert_with(make).clone();
            async move { Arc::new(journal) as Arc<dyn Journal> }
        })
        .await;
    }
}

/// Remembers what it was given, and fails or waits when told to.
#[derive(Default)]
struct Probe {
    start: Positions,
    state: Mutex<ProbeState>,
    failing_applies: AtomicU64,
    /// While it is set, frames of this partition fail.
    refused: Mutex<Option<Partition>>,
    failing_commits: AtomicU64,
    due: AtomicBool,
    full: AtomicBool,
    asked: AtomicU64,
    commits: AtomicU64,
    /// While true a commit waits for `release`.
    slow: AtomicBool,
    committing: AtomicU64,
    release: Notify,
}

#[derive(Default)]
struct ProbeState {
    seen: Vec<Position>,
    applied: Positions,
    committed: Positions,
}

impl Probe {
    fn seen(&self) -> usize {
        self.state.lock().expect("no panic").seen.len()
    }
}

fn fails(left: &AtomicU64, what: &'static str) -> Result<(), FollowerError> {
    let fail = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
    if fail { Err(FollowerError { what, source: "told to fail".into() }) } else { Ok(()) }
}

impl Follower for Probe {
    fn name(&self) -> &str {
        "probe"
    }

    fn positions(&self) -> Positions {
        self.start.clone()
    }

    fn apply<'a>(&'a self, frames: &'a [Frame]) -> BoxFuture<'a, Result<(), FollowerError>> {
        async move {
            fails(&self.failing_applies, "apply frames")?;
            if frames.first().map(|frame| frame.position.partition) == *self.refused.lock().expect("no panic") {
                return Err(FollowerError { what: "apply frames", source: "not of this partition".into() });
            }
            let mut state = self.state.lock().expect("no panic");
            for frame in frames {
                state.seen.push(frame.position);
                state.applied.pass(frame.position);
            }
            Ok(())
        }
        .boxed()
    }

    fn full(&self) -> bool {
        self.full.load(Ordering::SeqCst)
    }

    fn due(&self) -> bool {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.due.load(Ordering::SeqCst)
    }

    fn commit(&self) -> BoxFuture<'_, Result<Positions, FollowerError>> {
        async move {
            assert_eq!(self.committing.fetch_add(1, Ordering::SeqCst), 0, "one commit at a time");
            let through = self.state.lock().expect("no panic").applied.clone();
            if self.slow.load(Ordering::SeqCst) {
                self.release.notified().await;
            }
            self.committing.fetch_sub(1, Ordering::SeqCst);
            fails(&self.failing_commits, "seal part")?;
            self.commits.fetch_add(1, Ordering::SeqCst);
            self.state.lock().expect("no panic").committed = through.clone();
            Ok(through)
        }
        .boxed()
    }
}

struct Running {
    journal: MemoryJournal,
    probe: Arc<Probe>,
    clock: Arc<SimClock>,
    status: watch::Receiver<PumpStatus>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    fn start(partitions: u32, probe: Probe, appended: u64) -> Self {
        let (world, clock) = World::simulated(1, "2026-01-01T00:00:00Z".parse().expect("a time"));
        let journal = MemoryJournal::new(partitions, world.clone());
        for n in 0..appended {
            journal.append(vec![kit::entry(n % 5, n, 100)]).now_or_never().expect("at once").expect("an append");
        }
        let probe = Arc::new(probe);
        let (status_sender, status) = watch::channel(PumpStatus::default());
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(pump(Arc::new(journal.clone()), probe.clone(), world, status_sender, stopped));
        Self { journal, probe, clock, status, stop, task }
    }

    async fn append(&self, n: u64) {
        self.journal.append(vec![kit::entry(n % 5, n, 100)]).await.expect("an append");
    }

    /// Lets everything run that can, then moves the clock, `ms` in steps of ten.
    async fn pass(&self, ms: u64) {
        for _ in 0..ms / 10 {
            self.settle().await;
            self.clock.advance(Duration::from_millis(10));
        }
        self.settle().await;
    }

    async fn settle(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }

    async fn end(self) -> (Arc<Probe>, PumpStatus) {
        self.stop.send(true).expect("the pump listens");
        self.task.await.expect("the pump ends");
        let status = self.status.borrow().clone();
        (self.probe, status)
    }
}

#[tokio::test]
async fn every_frame_is_applied_once_in_order_and_stop_commits() {
    let running = Running::start(3, Probe::default(), 100);
    running.pass(50).await;
    for n in 100..150 {
        running.append(n).await;
    }
    running.settle().await;
    assert_eq!(running.probe.seen(), 150, "woken by the append, not by the clock");
    assert_eq!(running.status.borrow().uncommitted, 150);
    let journal = running.journal.clone();
    let (probe, status) = running.end().await;
    let state = probe.state.lock().expect("no panic");
    let all: BTreeSet<Position> = state.seen.iter().copied().collect();
    assert_eq!(all.len(), 150, "each once");
    for partition in (0..3).map(Partition) {
        let offsets: Vec<u64> = state.seen.iter().filter(|p| p.partition == partition).map(|p| p.offset).collect();
        assert!(offsets.iter().copied().eq(0..offsets.len() as u64), "in order");
    }
    assert_eq!(probe.commits.load(Ordering::SeqCst), 1);
    assert_eq!(state.committed, *journal.watch().borrow());
    assert_eq!(status, PumpStatus::default());
    assert_eq!(journal.start(), *journal.watch().borrow(), "the hold moved with the commit");
}

#[tokio::test]
async fn an_idle_follower_is_asked_every_tick() {
    let running = Running::start(1, Probe::default(), 1);
    running.pass(100).await;
    let before = running.probe.asked.load(Ordering::SeqCst);
    running.pass(2000).await;
    let asked = running.probe.asked.load(Ordering::SeqCst) - before;
    assert!((9..=11).contains(&asked), "asked {asked} times in two seconds");
    running.probe.due.store(true, Ordering::SeqCst);
    running.pass(250).await;
    running.probe.due.store(false, Ordering::SeqCst);
    assert!(running.probe.commits.load(Ordering::SeqCst) >= 1);
    assert_eq!(running.status.borrow().uncommitted, 0);
    running.end().await;
}

#[tokio::test]
async fn applying_goes_on_while_a_commit_runs() {
    let probe = Probe { slow: true.into(), due: true.into(), ..Probe::default() };
    let running = Running::start(1, probe, 10);
    running.pass(250).await;
    assert_eq!(running.probe.committing.load(Ordering::SeqCst), 1);
    for n in 10..30 {
        running.append(n).await;
    }
    running.pass(500).await;
    assert_eq!(running.probe.seen(), 30);
    assert_eq!(running.status.borrow().uncommitted, 30);
    assert_eq!(running.journal.start().next(Partition(0)), 0, "nothing is let go before the commit");
    running.probe.due.store(false, Ordering::SeqCst);
    running.probe.slow.store(false, Ordering::SeqCst);
    running.probe.release.notify_one();
    running.pass(10).await;
    assert_eq!(running.journal.start().next(Partition(0)), 10, "the commit covers what was applied before it");
    let (probe, _) = running.end().await;
    assert_eq!(probe.state.lock().expect("no panic").committed.next(Partition(0)), 30);
}

#[tokio::test]
async fn a_follower_that_is_full_is_read_to_no_more_until_a_commit_has_ended() {
    let probe = Probe { full: true.into(), due: true.into(), ..Probe::default() };
    let running = Running::start(1, probe, 10);
    running.pass(250).await;
    assert_eq!(running.probe.seen(), 0);
    assert!(running.probe.commits.load(Ordering::SeqCst) >= 1, "what makes room goes on");
    assert_eq!(running.status.borrow().lag.entries, 10, "it is seen to lag");
    running.probe.full.store(false, Ordering::SeqCst);
    running.pass(250).await;
    assert_eq!(running.probe.seen(), 10);
    running.end().await;
}

#[tokio::test]
async fn a_failing_apply_is_retried_with_growing_pauses_and_skips_nothing() {
    let probe = Probe { failing_applies: 9.into(), ..Probe::default() };
    let running = Running::start(1, probe, 5);
    running.pass(90).await;
    assert_eq!(running.probe.failing_applies.load(Ordering::SeqCst), 8, "one try in the first tenth of a second");
    running.append(5).await;
    running.pass(1000).await;
    let shown = running.status.borrow().clone();
    assert_eq!(shown.error.as_deref(), Some("apply frames: told to fail"));
    assert_eq!(shown.lag.entries, 6);
    assert!(shown.lag.age >= Duration::from_millis(800), "{:?}", shown.lag.age);
    let left = running.probe.failing_applies.load(Ordering::SeqCst);
    assert!((5..=6).contains(&left), "100, 200, 400, 800 ms: {left} left, also when an append wakes it");
    running.pass(60_000).await;
    assert_eq!(running.probe.seen(), 6);
    assert_eq!(running.status.borrow().error, None, "cleared by the next success");
    assert_eq!(running.status.borrow().lag, Lag::default());
    running.end().await;
}

#[tokio::test]
async fn a_failing_partition_holds_up_no_other() {
    let all = 30;
    for refused in (0..3).map(Partition) {
        let probe = Probe { refused: Mutex::new(Some(refused)), ..Probe::default() };
        let running = Running::start(3, probe, all);
        running.pass(1000).await;
        let here = running.journal.watch().borrow().next(refused);
        assert!(here > 0 && here < all, "{here} of {all} are in {refused:?}");
        assert_eq!(running.probe.seen() as u64, all - here, "{refused:?} fails, the others go on");
        let shown = running.status.borrow().clone();
        assert_eq!(shown.error.as_deref(), Some("apply frames: not of this partition"));
        assert_eq!(shown.lag.entries, here);
        assert!(shown.lag.age >= Duration::from_millis(900), "{:?}", shown.lag.age);
        *running.probe.refused.lock().expect("no panic") = None;
        running.pass(60_000).await;
        assert_eq!(running.probe.seen() as u64, all);
        assert_eq!((running.status.borrow().error.clone(), running.status.borrow().lag), (None, Lag::default()));
        running.end().await;
    }
}

#[tokio::test]
async fn a_failing_commit_is_retried_without_being_asked() {
    let probe = Probe { failing_commits: 3.into(), due: true.into(), ..Probe::default() };
    let running = Running::start(1, probe, 5);
    running.pass(20).await;
    running.probe.due.store(false, Ordering::SeqCst);
    assert_eq!(running.status.borrow().error.as_deref(), Some("seal part: told to fail"));
    assert_eq!(running.journal.start().next(Partition(0)), 0);
    running.pass(3000).await;
    assert_eq!(running.status.borrow().error, None);
    assert_eq!(running.journal.start().next(Partition(0)), 5);
    running.end().await;
}

#[tokio::test]
async fn a_follower_ahead_of_its_journal_says_so_and_waits() {
    let probe = Probe { start: Positions([(Partition(0), 50)].into()), ..Probe::default() };
    let running = Running::start(1, probe, 10);
    running.pass(500).await;
    let error = running.status.borrow().error.clone().expect("an error");
    assert!(error.contains("entry 50") && error.contains("ends at 10"), "{error}");
    assert_eq!(running.probe.seen(), 0);
    running.end().await;
}

#[tokio::test]
async fn a_stop_waits_for_the_commit_that_runs() {
    let probe = Probe { slow: true.into(), due: true.into(), ..Probe::default() };
    let running = Running::start(1, probe, 10);
    running.pass(250).await;
    running.probe.slow.store(false, Ordering::SeqCst);
    running.stop.send(true).expect("the pump listens");
    running.settle().await;
    assert!(!running.task.is_finished(), "one commit at a time, also at the end");
    running.probe.release.notify_one();
    let (probe, _) = running.end().await;
    assert_eq!(probe.commits.load(Ordering::SeqCst), 2);
    assert_eq!(probe.state.lock().expect("no panic").committed.next(Partition(0)), 10);
}
