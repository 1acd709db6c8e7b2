//! Which trails were in force when an event was appended.
//!
//! Every change of a trail makes a revision that is in force *from* a place in the journal: the ends of its partitions
//! just before the change was committed. The timeline is what follows from the revisions that are left, one snapshot of
//! all trails for each such place. The registry feeds it; the follower reads it, and says how far it has come, so that
//! what nobody can ask for any more goes.
//!
//! Changes come one at a time and ends only move forward, so of two places one is never behind the other in one partition
//! and before it in another: they are ordered.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use opentrail_event::AccountId;
use opentrail_journal::{Position, Positions};
use tokio::sync::watch;

use crate::Trail;

/// All trails as they stood between two changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The first entry of each partition that these trails see.
    pub from: Positions,
    /// Ordered by account, then id. Deleted ones are absent; ones that do not log are there.
    pub trails: Vec<Arc<Trail>>,
}

impl Snapshot {
    /// The trails of one account, in id order.
    pub fn of(&self, account: AccountId) -> &[Arc<Trail>] {
        let start = self.trails.partition_point(|trail| trail.account < account);
        let len = self.trails[start..].partition_point(|trail| trail.account == account);
        &self.trails[start..start + len]
    }

    /// The trail of this id.
    pub fn by_id(&self, id: &str) -> Option<&Arc<Trail>> {
        self.trails.iter().find(|trail| trail.id == id)
    }

    /// This snapshot with `revision` in place of an older one of the same trail.
    fn with(&self, revision: &Arc<Trail>) -> Self {
        let mut trails: Vec<_> = self.trails.iter().filter(|trail| trail.id != revision.id).cloned().collect();
        if !revision.deleted {
            let key = (revision.account, revision.id.as_str());
            let at = trails.partition_point(|trail| (trail.account, trail.id.as_str()) < key);
            trails.insert(at, revision.clone());
        }
        Self { from: revision.from.clone(), trails }
    }
}

/// The call that changed a trail which logged, while its record has not come by: the trail as it was before selects that
/// record too. Its place in the journal is behind the change's, though the call was begun before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parting {
    /// `requestID` of the call's record.
    pub request_id: String,
    /// The revision before the change. It logs.
    pub before: Arc<Trail>,
}

/// Every snapshot that somebody may still ask for. Clones share it.
#[derive(Debug, Clone)]
pub struct Timeline(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: RwLock<State>,
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    /// Oldest first; never empty.
    snapshots: VecDeque<Arc<Snapshot>>,
    /// Deleted trails whose chain has not ended, by id.
    leaving: BTreeMap<String, Arc<Trail>>,
    partings: Arc<[Parting]>,
}

impl State {
    fn change(&mut self, revision: &Arc<Trail>) {
        let newest = self.snapshots.back().expect("a timeline begins with a snapshot");
        let next = Arc::new(newest.with(revision));
        if revision.deleted {
            self.leaving.insert(revision.id.clone(), revision.clone());
        }
        // Nothing can have been appended between two changes at one place.
        if next.from == newest.from {
            self.snapshots.pop_back();
        }
        self.snapshots.push_back(next);
    }
}

impl Timeline {
    /// The timeline of all stored revisions, in any order, and of the calls whose records have not come by.
    pub fn of(mut revisions: Vec<Arc<Trail>>, partings: Vec<Parting>) -> Self {
        // Of two places that are ordered the later one has the larger sum.
        revisions.sort_by_cached_key(|trail| (sum(&trail.from), trail.id.clone(), trail.revision));
        let mut state =
            State { snapshots: [Arc::default()].into(), leaving: BTreeMap::new(), partings: partings.into() };
        for revision in &revisions {
            state.change(revision);
        }
        Self(Arc::new(Shared { state: RwLock::new(state), changes: watch::Sender::new(0) }))
    }

    /// A revision was committed: from its place on it is in force. Changes are told in the order of their commits. The record
    /// of the call that made it is still to come, where there is a `parting`.
    pub fn change(&self, revision: Arc<Trail>, parting: Option<Parting>) {
        let mut state = self.write();
        state.change(&revision);
        if let Some(parting) = parting {
            state.partings = state.partings.iter().cloned().chain([parting]).collect();
        }
        drop(state);
        self.0.changes.send_modify(|n| *n += 1);
    }

    /// The trails in force for the entry at `position`. Before the oldest snapshot that is left, that one.
    pub fn at(&self, position: Position) -> Arc<Snapshot> {
        let state = self.read();
        let reached = |snapshot: &&Arc<Snapshot>| snapshot.from.next(position.partition) <= position.offset;
        let found = state.snapshots.iter().rev().find(reached).or(state.snapshots.front());
        found.expect("a timeline is never empty").clone()
    }

    /// The newest snapshot.
    pub fn current(&self) -> Arc<Snapshot> {
        self.read().snapshots.back().expect("a timeline is never empty").clone()
    }

    /// Nobody will ask for an entry before `through` again: snapshots that only such entries see go.
    pub fn passed(&self, through: &Positions) {
        let mut state = self.write();
        while state.snapshots.get(1).is_some_and(|next| reached(through, &next.from)) {
            state.snapshots.pop_front();
        }
    }

    /// Trails that were deleted and whose chain has not ended, in id order, as of their last revision.
    pub fn leaving(&self) -> Vec<Arc<Trail>> {
        self.read().leaving.values().cloned().collect()
    }

    /// A deleted trail's chain has ended: it is no longer leaving.
    pub fn forget(&self, id: &str) {
        self.write().leaving.remove(id);
    }

    /// Calls whose records are still to come.
    pub fn partings(&self) -> Arc<[Parting]> {
        self.read().partings.clone()
    }

    /// The records of these calls have come by, and what follows from them is committed.
    pub(crate) fn parted(&self, heard: &[Parting]) {
        if !heard.is_empty() {
            let mut state = self.write();
            state.partings = state.partings.iter().filter(|parting| !heard.contains(parting)).cloned().collect();
        }
    }

    /// How many changes there were in this life of the process, and each further one.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether `through` has come to `place` in every partition.
pub(crate) fn reached(through: &Positions, place: &Positions) -> bool {
    place.0.iter().all(|(partition, offset)| through.next(*partition) >= *offset)
}

fn sum(place: &Positions) -> u128 {
    place.0.values().map(|offset| u128::from(*offset)).sum()
}

#[cfg(test)]
mod tests;
