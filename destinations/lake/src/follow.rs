//! Follows the journal: each event goes into the tables of the stores that selected it when it was appended.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{AccountId, Columns, View};
use opentrail_journal::{Follower, FollowerError, Frame, Kind, Positions};
use opentrail_selector::Compiled;
use opentrail_table::{Error, Row, Table};

use crate::registry::Snapshot;
use crate::{EventDataStore, Lake, schema};

/// How far the follower has come.
#[derive(Debug)]
pub(crate) struct Course(Mutex<State>);

#[derive(Debug)]
struct State {
    applied: Positions,
    /// As of the last commit.
    committed: Positions,
    /// When the oldest of what is applied and not committed was applied, on the monotonic clock.
    waiting_since: Option<Duration>,
    /// How far each store is. One that was opened again is behind its last seal or ahead of the others.
    stores: BTreeMap<String, Positions>,
    /// What the courses of stores select, ready to match; made anew when a store changes.
    compiled: HashMap<(String, u64), Arc<Vec<Option<Compiled>>>>,
}

impl Course {
    pub(crate) fn new(ends: Positions) -> Self {
        Self(Mutex::new(State {
            applied: ends.clone(),
            committed: ends,
            waiting_since: None,
            stores: BTreeMap::new(),
            compiled: HashMap::new(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A store with its table, while frames are applied.
struct Taker {
    store: Arc<EventDataStore>,
    table: Arc<dyn Table>,
    /// What it has taken in already.
    applied: Positions,
    compiled: Arc<Vec<Option<Compiled>>>,
    rows: Vec<Row>,
}

impl Lake {
    /// Where the follower stands after a start: where the store stands that is furthest behind.
    pub(crate) fn begin(&self) {
        let tables = self.tables_now();
        let mut state = self.course.state();
        state.stores = tables.iter().map(|(id, table)| (id.clone(), table.positions())).collect();
        let least = least(state.stores.values(), &state.applied);
        state.applied = least.clone();
        state.committed = least;
    }

    async fn take_in(&self, frames: &[Frame]) -> Result<(), FollowerError> {
        let _still = self.stores.still().await.map_err(|e| failed("look up changed stores", e))?;
        let mut takers = self.takers(&self.stores.now()).await?;
        let mut through = self.course.state().applied.clone();
        frames.iter().for_each(|frame| through.pass(frame.position));
        self.select(frames, &mut takers);
        let mut state = self.course.state();
        for mut taker in takers {
            let (store, table, mut applied) = (taker.store.clone(), taker.table.clone(), taker.applied.clone());
            frames.iter().for_each(|frame| applied.pass(frame.position));
            let rows = std::mem::take(&mut taker.rows);
            let count = rows.len() as u64;
            let outcome = match table.append(rows, &applied) {
                Err(Error::BadRow(_)) => {
                    // Rows are not copied against the rare one that does not fit: they are made again.
                    self.select(frames, std::slice::from_mut(&mut taker));
                    one_by_one(&*table, taker.rows, &applied, &taker.applied)
                }
                outcome => outcome,
            };
            match outcome {
                // A store that was removed meanwhile takes nothing any more.
                Ok(()) | Err(Error::Removed(_)) => {}
                Err(error) => return Err(failed("append rows", error)),
            }
            metrics::counter!("opentrail_lake_rows_total").increment(count);
            state.stores.insert(store.id.clone(), applied);
        }
        state.applied = through;
        if !frames.is_empty() {
            state.waiting_since.get_or_insert(self.world.monotonic());
        }
        Ok(())
    }

    async fn takers(&self, stores: &Snapshot) -> Result<Vec<Taker>, FollowerError> {
        let mut takers = Vec::with_capacity(stores.len());
        for store in stores.iter() {
            let table = match self.table(store).await {
                Ok(table) => table,
                Err(error) => return Err(failed("open the table of a store", error)),
            };
            let mut state = self.course.state();
            let applied = state.stores.entry(store.id.clone()).or_insert_with(|| table.positions()).clone();
            let known = (store.id.clone(), store.revision);
            if !state.compiled.contains_key(&known) {
                state.compiled.retain(|(id, _), _| *id != store.id);
                let compile = |course: &crate::Course| course.takes.as_ref().map(|takes| takes.selectors.compile());
                state.compiled.insert(known.clone(), Arc::new(store.courses.iter().map(compile).collect()));
            }
            let compiled = state.compiled.get(&known).cloned().unwrap_or_default();
            takers.push(Taker { store: store.clone(), table, applied, compiled, rows: Vec::new() });
        }
        Ok(takers)
    }

    /// Each frame is read at most once, and only where a store of its account takes anything.
    fn select(&self, frames: &[Frame], takers: &mut [Taker]) {
        let mut of_account: HashMap<AccountId, Vec<usize>> = HashMap::new();
        for (n, taker) in takers.iter().enumerate() {
            of_account.entry(taker.store.account).or_default().push(n);
        }
        let mut unreadable = 0u64;
        for frame in frames.iter().filter(|frame| frame.entry.kind == Kind::Record) {
            let Some(places) = of_account.get(&frame.entry.account) else { continue };
            let taking = |n: &&usize| takers[**n].takes(frame);
            let taking: Vec<usize> = places.iter().filter(taking).copied().collect();
            if taking.is_empty() {
                continue;
            }
            let record = &frame.entry.bytes;
            let read = View::parse_within(record, usize::MAX)
                .and_then(|view| Ok((view, Columns::parse_within(record, usize::MAX)?)));
            // The history keeps those that cannot be read aside, with their reasons.
            let (Ok((view, columns)), Some(seq)) = (read, schema::seq(frame.position)) else {
                unreadable += 1;
                continue;
            };
            for n in taking {
                let taker = &mut takers[n];
                if taker.selects(frame, &view) && schema::fits(&columns, taker.store.family) {
                    taker.rows.push(schema::row(&columns, seq, record.clone()));
                }
            }
        }
        if unreadable > 0 {
            metrics::counter!("opentrail_lake_unreadable_total").increment(unreadable);
        }
        takers.iter_mut().for_each(|taker| own_records(&mut taker.rows));
    }

    async fn seal(&self) -> Result<Positions, FollowerError> {
        let tables: Vec<(String, Arc<dyn Table>)> =
            self.tables_now().iter().map(|(id, table)| (id.clone(), table.clone())).collect();
        let (waiting, applied) = {
            let mut state = self.course.state();
            (state.waiting_since.take(), state.applied.clone())
        };
        let mut sealed = Vec::with_capacity(tables.len());
        for (_, table) in &tables {
            match table.seal().await {
                Ok(positions) => sealed.push(positions),
                Err(Error::Removed(_)) => {}
                Err(error) => {
                    let mut state = self.course.state();
                    state.waiting_since = waiting.or(state.waiting_since);
                    return Err(failed("seal part", error));
                }
            }
        }
        let through = {
            let mut state = self.course.state();
            let through = least(sealed.iter(), &applied);
            // A store that was made meanwhile stands further on than those that were there.
            state.committed = through.clone();
            through
        };
        self.stores.passed(&through).await;
        Ok(through)
    }

    fn unsealed_bytes(&self) -> u64 {
        self.tables_now().values().map(|table| table.unsealed().bytes).sum()
    }

    /// Behind every frame that was applied: what stands before can be queried.
    pub fn applied(&self) -> Positions {
        self.course.state().applied.clone()
    }

    /// Nothing is known any more of a store that is gone.
    pub(crate) fn drop_course(&self, id: &str) {
        self.tables_now().remove(id);
        let mut state = self.course.state();
        state.stores.remove(id);
        state.compiled.retain(|(of, _), _| of != id);
    }
}

impl Taker {
    /// Whether it may take the entry: it has not yet, and takes events of the region at that place.
    fn takes(&self, frame: &Frame) -> bool {
        let position = frame.position;
        position.offset >= self.applied.next(position.partition)
            && self
                .store
                .course_at(position)
                .and_then(|n| self.store.courses[n].takes.as_ref())
                .is_some_and(|takes| takes.region.as_ref().is_none_or(|region| *region == frame.entry.region))
    }

    fn selects(&self, frame: &Frame, view: &View<'_>) -> bool {
        let compiled = self.store.course_at(frame.position).and_then(|n| self.compiled.get(n)?.as_ref());
        compiled.is_some_and(|compiled| compiled.matches(view))
    }
}

/// One row that the table cannot hold never keeps the others out, nor the river from flowing.
fn one_by_one(table: &dyn Table, rows: Vec<Row>, through: &Positions, before: &Positions) -> Result<(), Error> {
    for row in rows {
        let id = row.id;
        match table.append(vec![row], before) {
            Ok(()) => {}
            Err(Error::BadRow(why)) => {
                tracing::warn!(event_id = %id, store = %table.schema().table, reason = %why, "a store cannot hold an event");
                metrics::counter!("opentrail_lake_refused_rows_total").increment(1);
            }
            Err(error) => return Err(error),
        }
    }
    table.append(Vec::new(), through)
}

/// A frame's bytes are a slice of all that the journal unpacked with it, and rows that wait to be sealed would keep that in
/// memory beside them: so they get bytes of their own.
fn own_records(rows: &mut [Row]) {
    let mut records = Vec::with_capacity(rows.iter().map(|row| row.record.len()).sum());
    rows.iter().for_each(|row| records.extend_from_slice(&row.record));
    let mut records = Bytes::from(records);
    rows.iter_mut().for_each(|row| row.record = records.split_to(row.record.len()));
}

/// The least of all positions in each partition; `none` where there are none.
fn least<'a>(all: impl Iterator<Item = &'a Positions>, none: &Positions) -> Positions {
    all.cloned()
        .reduce(|a, b| {
            let partitions = a.0.keys().chain(b.0.keys());
            Positions(partitions.map(|p| (*p, a.next(*p).min(b.next(*p)))).collect())
        })
        .unwrap_or_else(|| none.clone())
}

impl Follower for Lake {
    fn name(&self) -> &str {
        Self::HOLDER
    }

    fn positions(&self) -> Positions {
        self.course.state().committed.clone()
    }

    fn apply<'a>(&'a self, frames: &'a [Frame]) -> BoxFuture<'a, Result<(), FollowerError>> {
        self.take_in(frames).boxed()
    }

    fn due(&self) -> bool {
        let Some(since) = self.course.state().waiting_since else { return false };
        let old = self.world.monotonic().saturating_sub(since) >= self.settings.seal_age;
        old || self.unsealed_bytes() >= self.settings.seal_bytes
    }

    fn full(&self) -> bool {
        self.unsealed_bytes() >= self.settings.seal_bytes + self.settings.seal_bytes / 2
    }

    fn commit(&self) -> BoxFuture<'_, Result<Positions, FollowerError>> {
        self.seal().boxed()
    }
}

impl Lake {
    /// The name under which the Lake holds the journal.
    pub const HOLDER: &str = "lake";
}

fn failed(what: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> FollowerError {
    FollowerError { what, source: source.into() }
}
