//! Follows the journal: management events and insights become rows, and rows become parts.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{BadRecord, Category, Head};
use opentrail_journal::{Follower, FollowerError, Frame, Kind, Positions};
use opentrail_table::{Error, Row};
use tokio::sync::watch;

use crate::guard::Clock;
use crate::{History, schema};

/// Parts and rows that are too old are looked for so often.
const EXPIRE_PERIOD: Duration = Duration::from_secs(3_600);
/// The clock is looked at so often.
const LOOK_PERIOD: Duration = Duration::from_secs(60);
/// Parts are looked after so often.
const TEND_PERIOD: Duration = Duration::from_secs(1);

/// How far the follower has come.
#[derive(Debug)]
pub(crate) struct Course(Mutex<State>);

#[derive(Debug)]
struct State {
    applied: Positions,
    /// When the oldest of what is applied and not committed was applied, on the monotonic clock.
    waiting_since: Option<Duration>,
    expired_at: Option<Duration>,
    looked_at: Option<Duration>,
}

impl Course {
    pub(crate) fn new(applied: Positions) -> Self {
        Self(Mutex::new(State { applied, waiting_since: None, expired_at: None, looked_at: None }))
    }

    pub(crate) fn applied(&self) -> Positions {
        self.state().applied.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no holder of the course panics")
    }
}

impl History {
    async fn take_in(&self, frames: &[Frame]) -> Result<(), FollowerError> {
        let Some(last) = frames.last() else { return Ok(()) };
        let mut through = self.course.state().applied.clone();
        frames.iter().for_each(|frame| through.pass(frame.position));
        let Taken { rows, unreadable } = taken(frames)?;
        for (frame, why) in &unreadable {
            self.put_aside(frame, why).await.map_err(|e| failed("put record aside", e))?;
        }
        let count = rows.len() as u64;
        tracing::trace!(rows = count, through = last.position.offset, "apply frames");
        match self.table.append(rows, &through) {
            Ok(()) => {}
            Err(Error::BadRow(_)) => self.one_by_one(taken(frames)?.rows, frames, &through).await?,
            Err(error) => return Err(failed("append rows", error)),
        }
        metrics::counter!("opentrail_history_rows_total").increment(count);
        let mut state = self.course.state();
        state.applied = through;
        state.waiting_since.get_or_insert(self.world.monotonic());
        Ok(())
    }

    /// One row that the table cannot hold never keeps the others out, nor the river from flowing.
    async fn one_by_one(&self, rows: Vec<Row>, frames: &[Frame], through: &Positions) -> Result<(), FollowerError> {
        let before = self.course.state().applied.clone();
        for row in rows {
            let seq = row.seq;
            match self.table.append(vec![row], &before) {
                Ok(()) => {}
                Err(error @ Error::BadRow(_)) => {
                    if let Some(frame) = frames.iter().find(|frame| schema::seq(frame.position) == Some(seq)) {
                        self.put_aside(frame, &error).await.map_err(|e| failed("put record aside", e))?;
                    }
                }
                Err(error) => return Err(failed("append rows", error)),
            }
        }
        self.table.append(Vec::new(), through).map_err(|e| failed("append rows", e))
    }

    async fn seal(&self) -> Result<Positions, FollowerError> {
        let waiting = self.course.state().waiting_since.take();
        self.table.seal().await.map_err(|error| {
            let mut state = self.course.state();
            state.waiting_since = waiting.or(state.waiting_since);
            failed("seal part", error)
        })
    }

    /// Merges and expires parts where it is useful, until `stop` shows true or its sender is gone. Apart from commits, so that
    /// a long merge holds up no seal.
    pub async fn tend(&self, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                _ = stop.wait_for(|stopped| *stopped) => return,
                () = self.world.sleep(TEND_PERIOD) => {}
            }
            tokio::select! {
                _ = stop.wait_for(|stopped| *stopped) => return,
                () = self.look_after_parts() => {}
            }
        }
    }

    /// What fails here costs space, not events, and is tried again later.
    pub(crate) async fn look_after_parts(&self) {
        loop {
            match self.table.merge().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, "merge parts of the history");
                    break;
                }
            }
        }
        let now = self.world.monotonic();
        // Not at the start: a machine that boots with a wrong clock gets time to set it before anything is deleted.
        let expired_at = *self.course.state().expired_at.get_or_insert(now);
        let due = now.saturating_sub(expired_at) >= EXPIRE_PERIOD;
        self.look_at_the_clock(now, due).await;
        if due && self.guard.clock() == Clock::Believed {
            match self.table.expire(self.horizon_s()).await {
                Ok(_) => self.course.state().expired_at = Some(now),
                Err(error) => tracing::warn!(%error, "expire parts of the history"),
            }
        }
    }
}

impl History {
    /// By a clock that could not be looked at nothing new is believed.
    async fn look_at_the_clock(&self, now: Duration, at_once: bool) {
        {
            let mut state = self.course.state();
            if !at_once && state.looked_at.is_some_and(|at| now.saturating_sub(at) < LOOK_PERIOD) {
                return;
            }
            state.looked_at = Some(now);
        }
        if let Err(error) = self.guard.look(&*self.catalog, &self.world).await {
            tracing::warn!(%error, "write down what is known of the clock");
        }
    }
}

impl Follower for History {
    fn name(&self) -> &str {
        "history"
    }

    fn positions(&self) -> Positions {
        self.table.positions()
    }

    fn apply<'a>(&'a self, frames: &'a [Frame]) -> BoxFuture<'a, Result<(), FollowerError>> {
        self.take_in(frames).boxed()
    }

    fn due(&self) -> bool {
        let Some(since) = self.course.state().waiting_since else { return false };
        let old = self.world.monotonic().saturating_sub(since) >= self.settings.seal_age;
        old || self.table.unsealed().bytes >= self.settings.seal_bytes
    }

    fn full(&self) -> bool {
        self.table.unsealed().bytes >= self.settings.seal_bytes + self.settings.seal_bytes / 2
    }

    fn commit(&self) -> BoxFuture<'_, Result<Positions, FollowerError>> {
        self.seal().boxed()
    }
}

/// What the history makes of frames.
struct Taken<'a> {
    rows: Vec<Row>,
    unreadable: Vec<(&'a Frame, BadRecord)>,
}

/// Management events and insights as rows.
///
/// The rows have a copy of their records: a frame's bytes are a slice of all that the journal unpacked with it, and rows that
/// wait to be sealed would keep intents and data events in memory beside them.
fn taken(frames: &[Frame]) -> Result<Taken<'_>, FollowerError> {
    let (mut rows, mut unreadable) = (Vec::new(), Vec::new());
    for frame in frames.iter().filter(|frame| frame.entry.kind == Kind::Record) {
        match Head::parse_within(&frame.entry.bytes, usize::MAX) {
            Ok(head) if matches!(head.category, Category::Management | Category::Insight) => {
                let seq = schema::seq(frame.position)
                    .ok_or_else(|| failed("order row", format!("no place for {:?}", frame.position)))?;
                rows.push(schema::row(&head, seq, frame));
            }
            Ok(_) => {}
            Err(why) => unreadable.push((frame, why)),
        }
    }
    let mut records = Vec::with_capacity(rows.iter().map(|row| row.record.len()).sum());
    rows.iter().for_each(|row| records.extend_from_slice(&row.record));
    let mut records = Bytes::from(records);
    rows.iter_mut().for_each(|row| row.record = records.split_to(row.record.len()));
    Ok(Taken { rows, unreadable })
}

fn failed(what: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> FollowerError {
    FollowerError { what, source: source.into() }
}
