//! Follows the journal: each event goes into the open files of the trails that were in force when it was appended.

pub(crate) mod commit;
pub(crate) mod open;
mod route;
mod select;
mod waiting;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_journal::{Follower, FollowerError, Frame, Kind, Positions};

use crate::member::Member;
use crate::{Delivery, Parting};
use open::{Body, OpenFiles, Put};
use route::{Group, Routes};
use select::Seen;
use waiting::Waiting;

pub(crate) use commit::{Committer, Staged, Standing};

/// Bytes of the journal that are applied before a commit, whatever the clock says: so much of it is kept for this
/// follower, and so much is done again after a crash.
const COMMIT_BYTES: u64 = 256 * 1024 * 1024;
/// And no more is applied while a commit does not succeed.
const FULL_BYTES: u64 = COMMIT_BYTES + COMMIT_BYTES / 2;

/// How far the follower has come, and what it holds.
#[derive(Debug)]
pub(crate) struct Course(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    applied: Positions,
    routes: Routes,
    waiting: Waiting,
    open: OpenFiles,
    /// Files that are cut and not staged.
    cut: Vec<Body>,
    staged: Vec<Staged>,
    /// Calls that changed a trail and whose records have come by.
    heard: Vec<Parting>,
    /// Applied and not committed, commits that run included.
    uncommitted_bytes: u64,
    /// When what is applied is due to be committed, on the monotonic clock; `None` while nothing is.
    due_at: Option<Duration>,
}

impl Course {
    pub(crate) fn new(applied: Positions) -> Self {
        Self(Mutex::new(State { applied, ..State::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Delivery {
    /// What was applied, committed or not.
    #[cfg(test)]
    pub(crate) fn applied(&self) -> Positions {
        self.course.state().applied.clone()
    }

    /// Puts the frames into open files. Frames that were taken in already are passed over: an `apply` that failed later
    /// is called again with the same ones.
    fn take_in(&self, frames: &[Frame]) {
        let now = self.world.now().as_second();
        let timeline = self.trails.timeline();
        let mut state = self.course.state();
        let state = &mut *state;
        state.waiting.renew(timeline.partings());
        let mut unreadable = 0;
        let mut selected = 0;
        for frame in frames {
            let position = frame.position;
            if position.offset < state.applied.next(position.partition) {
                continue;
            }
            state.applied.pass(position);
            state.uncommitted_bytes += frame.entry.bytes.len() as u64;
            if frame.entry.kind == Kind::Intent {
                continue;
            }
            let snapshot = timeline.at(position);
            let waits = state.waiting.any_of(frame.entry.account);
            if snapshot.trails.is_empty() && !waits {
                continue;
            }
            let groups = state.routes.of(&snapshot, frame.entry.account, &frame.entry.region);
            if groups.is_empty() && !waits {
                continue;
            }
            let Ok(seen) = Seen::parse(&frame.entry.bytes) else {
                unreadable += 1;
                continue;
            };
            let put = Put {
                account: frame.entry.account,
                region: &frame.entry.region,
                record: &frame.entry.bytes,
                event_time_s: seen.event_time_s(),
                is_delivery: seen.is_delivery(),
                now_s: now,
            };
            let before = state.waiting.call(put.account, &seen).and_then(|parting| {
                state.heard.push(parting.clone());
                state.routes.alone(&parting.before, put.region)
            });
            let wanting = || groups.iter().filter(|group| group.wants(&seen));
            // The trail takes the record of a change as it is now, or else as it was: never twice.
            let taken = |alone: &&Group| {
                let is_it = |member: &Member| member.trail == alone.members[0].trail;
                alone.wants(&seen) && !wanting().any(|group| group.members.iter().any(is_it))
            };
            for group in wanting().chain(before.as_ref().filter(taken)) {
                state.open.put(group, &put, || self.spool.name(), &mut state.cut);
                selected += 1;
            }
        }
        if state.due_at.is_none() && !frames.is_empty() {
            state.due_at = Some(self.boundary());
        }
        metrics::counter!("opentrail_trail_selected_total").increment(selected);
        if unreadable > 0 {
            // The history keeps them aside, with their reasons.
            metrics::counter!("opentrail_trail_unreadable_total").increment(unreadable);
        }
    }

    /// The next line of the delivery grid of the wall clock, as a time of the monotonic clock: a wall clock that steps
    /// afterwards moves nothing.
    fn boundary(&self) -> Duration {
        let interval = self.settings.delivery_interval.as_millis().max(1);
        let into = self.world.now().as_millisecond().rem_euclid(interval as i64) as u128;
        self.world.monotonic() + Duration::from_millis((interval - into) as u64)
    }

    /// Stages files that were cut because there was no room for them.
    async fn stage_cut(&self) -> Result<(), FollowerError> {
        if self.course.state().cut.is_empty() {
            return Ok(());
        }
        // A commit takes what is cut and what is staged at once, and never while a file is in between.
        let _between = self.staging.lock().await;
        loop {
            let Some(body) = self.course.state().cut.pop() else { return Ok(()) };
            match self.stage(body).await {
                Ok(staged) => self.course.state().staged.push(staged),
                Err((body, error)) => {
                    self.course.state().cut.push(body);
                    return Err(failed("stage log file", error));
                }
            }
        }
    }
}

impl Follower for Delivery {
    fn name(&self) -> &str {
        Self::HOLDER
    }

    fn positions(&self) -> Positions {
        self.committed()
    }

    fn apply<'a>(&'a self, frames: &'a [Frame]) -> BoxFuture<'a, Result<(), FollowerError>> {
        async move {
            {
                let _still = self.trails.still().await.map_err(|error| failed("settle trails", error))?;
                self.take_in(frames);
            }
            self.stage_cut().await
        }
        .boxed()
    }

    fn due(&self) -> bool {
        let state = self.course.state();
        state.due_at.is_some_and(|due| self.world.monotonic() >= due) || state.uncommitted_bytes >= COMMIT_BYTES
    }

    fn full(&self) -> bool {
        self.course.state().uncommitted_bytes >= FULL_BYTES
    }

    fn commit(&self) -> BoxFuture<'_, Result<Positions, FollowerError>> {
        async move { self.commit_applied().await.map_err(|error| failed("commit log files", error)) }.boxed()
    }
}

fn failed(what: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> FollowerError {
    FollowerError { what, source: source.into() }
}
