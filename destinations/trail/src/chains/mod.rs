//! Chains of digests: one for each run of logging of a trail with validation, and each region that the trail sees.
//!
//! The first digest of a chain ends when the chain began and lists nothing. Further ones end on a grid counted from
//! there, and list what was delivered since; a chain that slept for long, because the house was down, covers the gap with one
//! digest, for what a verifier needs is an unbroken chain and not a full grid. When a run ends, all that it selected is
//! delivered first; then one last digest ends the chain. Chains of trails of one name do not overlap, for `aws cloudtrail
//! validate-logs` walks digests by their names: a chain waits, for one interval at most, until the one before it has ended.

mod make;
pub(crate) mod row;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use opentrail_catalog::{Catalog, From, Txn, Version, decode};
use opentrail_event::{Arn, Region};
use opentrail_journal::Positions;
use tokio::sync::watch;

use crate::spool::publish::stopped;
use crate::spool::row::Delivered;
use crate::spool::{PAGE, SpoolError, each};
use crate::timeline::reached;
use crate::{Delivery, Parting, Snapshot};
use make::Attempt;
use row::{Chain, ChainId, Place};

/// How often chains are looked at.
const TICK: Duration = Duration::from_secs(1);
/// A chain whose run began less than so many seconds ago counts from the beginning of the run.
const FRESH_S: i64 = 60;

/// An ended chain is remembered for so long, so that no other digest gets the name of its last: names have the trail's name,
/// which another trail may have by then, and whole seconds.
const REMEMBERED_S: i64 = 86_400;

/// What becomes of a chain.
enum Course {
    GoesOn,
    Forgotten,
}

/// By ARN and region.
type Namesakes = HashMap<(Arn, Region), Vec<ChainId>>;

/// A chain, as far as this process knows it.
#[derive(Debug)]
struct Tracked {
    place: Place,
    /// When its run began, in seconds since 1970.
    run_started_s: i64,
    /// The stored chain and its version; `None` before the first digest.
    chain: Option<(Chain, Version)>,
    /// A digest of which it is unknown whether it was committed.
    attempt: Option<Attempt>,
    /// It joined a run that had begun long before: it begins when it joined.
    late: bool,
    /// When its newest digest was made, or it was read, on the monotonic clock.
    made_at: Duration,
    /// The newest digest could not list all that was there.
    more: bool,
    /// The run is over, and the follower has passed its end when it comes to here.
    over_from: Option<Positions>,
}

/// All chains that have not ended.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    tracked: BTreeMap<ChainId, Tracked>,
    /// The snapshot that `wanted` follows from.
    snapshot: Option<Arc<Snapshot>>,
    /// Chains that are to go on, and where to.
    wanted: BTreeMap<ChainId, Place>,
    /// The revision of each trail in that snapshot.
    revisions: BTreeMap<String, u64>,
}

impl Tracked {
    fn new(place: Place, run_started_s: i64, chain: Option<(Chain, Version)>, now: Duration) -> Self {
        Self { place, run_started_s, chain, attempt: None, late: false, made_at: now, more: false, over_from: None }
    }

    /// It ended so long ago that its names may be given again.
    fn forgettable(&self, now_s: i64) -> bool {
        let ended = self.chain.as_ref().filter(|(chain, _)| chain.ended);
        ended.is_some_and(|(chain, _)| now_s.saturating_sub(chain.newest.end_s) > REMEMBERED_S)
    }

    /// The chain, from its first digest to its last.
    fn begun(&self) -> Option<&Chain> {
        self.chain.as_ref().map(|(chain, _)| chain).filter(|chain| !chain.ended)
    }

    fn ended(&self) -> bool {
        self.chain.as_ref().is_some_and(|(chain, _)| chain.ended)
    }

    /// The end of the digest that is due; `None` before its time.
    fn due(&self, now_s: i64, monotonic: Duration, interval: Duration) -> Option<i64> {
        let chain = self.begun()?;
        let (end_s, step) = (chain.newest.end_s, (interval.as_secs() as i64).max(1));
        let since = now_s.saturating_sub(chain.started_s);
        let line = chain.started_s.saturating_add(since.div_euclid(step).saturating_mul(step));
        if line > end_s {
            return Some(line);
        }
        // A wall clock that stepped back must not silence the chain until it has caught up.
        let overdue = monotonic.saturating_sub(self.made_at) >= interval + interval / 4;
        (overdue || self.more).then(|| self.soonest(now_s))
    }

    /// The end of a digest that is made now.
    fn soonest(&self, now_s: i64) -> i64 {
        self.chain.as_ref().map_or(now_s, |(chain, _)| now_s.max(chain.newest.end_s.saturating_add(1)))
    }
}

impl Chains {
    /// Reads the chains that are stored, and those that will have to begin because log files wait for a digest.
    pub(crate) async fn open(catalog: &dyn Catalog, now: Duration) -> Result<Self, SpoolError> {
        let mut chains = Self::default();
        let mut from = From::Start;
        loop {
            let page = catalog.list(&Chain::family(), from, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            from = From::After(last.clone());
            for (_, stored) in &page {
                let chain: Chain = decode(&stored.value)?;
                let (id, place, started_s) = (chain.id(), chain.place.clone(), chain.started_s);
                chains.tracked.insert(id, Tracked::new(place, started_s, Some((chain, stored.version)), now));
            }
        }
        each::<Delivered>(catalog, &Delivered::family(), |file| chains.note(&file, now)).await?;
        Ok(chains)
    }

    /// A log file waits for a digest.
    fn note(&mut self, file: &Delivered, now: Duration) {
        let id = ChainId { trail: file.trail.clone(), run: file.run, region: file.region.clone() };
        let begin = || Tracked::new(Place::of_delivered(file), file.chain_started_s, None, now);
        self.tracked.entry(id).or_insert_with(begin);
    }

    /// Whether the trail has a chain that has not ended.
    fn any_of(&self, trail: &str) -> bool {
        self.tracked.iter().any(|(id, tracked)| id.trail == trail && !tracked.ended())
    }

    /// Chains that something may have to be done for, those that end before those that begin.
    fn to_look_at(&self, now_s: i64, monotonic: Duration, interval: Duration) -> Vec<ChainId> {
        let busy = |(id, tracked): &(&ChainId, &Tracked)| {
            let waits = tracked.chain.is_none() || tracked.ended() == self.wanted.contains_key(id);
            waits
                || tracked.attempt.is_some()
                || tracked.forgettable(now_s)
                || tracked.due(now_s, monotonic, interval).is_some()
        };
        let mut ids: Vec<ChainId> = self.tracked.iter().filter(busy).map(|(id, _)| id.clone()).collect();
        ids.sort_by_key(|id| self.wanted.contains_key(id));
        ids
    }

    /// The chains of each trail name and region: their digests are named alike.
    fn namesakes(&self) -> Namesakes {
        let mut namesakes = Namesakes::new();
        for (id, tracked) in &self.tracked {
            namesakes.entry((tracked.place.arn.clone(), id.region.clone())).or_default().push(id.clone());
        }
        namesakes
    }

    /// What the namesakes of a chain mean for its digests: the end of their newest, and whether one of them is over and has not
    /// ended yet.
    fn among(&self, namesakes: &Namesakes, id: &ChainId, place: &Place) -> (i64, bool) {
        let all = namesakes.get(&(place.arn.clone(), id.region.clone()));
        let others = all.into_iter().flatten().filter(|other| *other != id);
        let known = others.filter_map(|other| self.tracked.get(other).map(|tracked| (other, tracked)));
        known.fold((i64::MIN, false), |(end_s, ending), (other, tracked)| {
            let newest_s = tracked.chain.as_ref().map_or(i64::MIN, |(chain, _)| chain.newest.end_s);
            (end_s.max(newest_s), ending || !tracked.ended() && !self.wanted.contains_key(other))
        })
    }
}

impl Delivery {
    /// Makes digests as they are due, until `stop` shows true or its sender is gone.
    pub(crate) async fn digest(&self, stop: &watch::Receiver<bool>) {
        let (mut told, mut changes) = (stop.clone(), self.trails.timeline().watch());
        while !stopped(stop) {
            self.digests_due(stop).await;
            tokio::select! {
                _ = told.wait_for(|stopped| *stopped) => break,
                _ = changes.changed() => {}
                () = self.chains_moved.notified() => {}
                () = self.world.sleep(TICK) => {}
            }
        }
    }

    /// A log file was put that a digest will list.
    pub(crate) fn note_delivered(&self, file: Delivered) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.insert((file.trail.clone(), file.run, file.region.clone()), file);
    }

    /// One look at all chains.
    pub(crate) async fn digests_due(&self, stop: &watch::Receiver<bool>) {
        let mut chains = self.chains.lock().await;
        let now = self.world.monotonic();
        let noted = std::mem::take(&mut *self.noted.lock().unwrap_or_else(PoisonError::into_inner));
        noted.into_values().for_each(|file| chains.note(&file, now));
        let snapshot = self.trails.timeline().current();
        self.want(&mut chains, &snapshot, now);
        let ids = chains.to_look_at(self.world.now().as_second(), now, self.settings.digest_interval);
        let namesakes = if ids.is_empty() { Namesakes::new() } else { chains.namesakes() };
        for id in ids {
            if stopped(stop) {
                return;
            }
            if let Err(error) = self.look_at(&mut chains, &id, &namesakes, &snapshot).await {
                metrics::counter!("opentrail_trail_digest_failures_total").increment(1);
                tracing::warn!(trail = %self.spoken(&id.trail), region = %id.region, %error, "make a digest; it is tried again");
            }
        }
        self.let_go(&chains).await;
    }

    /// Chains that are to go on, worked out anew when a trail was changed.
    fn want(&self, chains: &mut Chains, snapshot: &Arc<Snapshot>, now: Duration) {
        if chains.snapshot.as_ref().is_some_and(|known| Arc::ptr_eq(known, snapshot)) {
            return;
        }
        let now_s = self.world.now().as_second();
        chains.wanted.clear();
        for trail in &snapshot.trails {
            let Some(logging) = trail.logging.filter(|_| trail.config.log_file_validation) else { continue };
            let (place, started_s) = (Place::of(trail), logging.chain_started_s);
            let late = now_s.saturating_sub(started_s) > FRESH_S;
            let everywhere = self.settings.regions.iter().filter(|_| trail.config.multi_region);
            let elsewhere = everywhere.filter(|region| **region != trail.home);
            for region in std::iter::once(&trail.home).chain(elsewhere) {
                let id = ChainId { trail: trail.id.clone(), run: logging.run, region: region.clone() };
                let begin = || Tracked { late, ..Tracked::new(place.clone(), started_s, None, now) };
                chains.tracked.entry(id.clone()).or_insert_with(begin);
                chains.wanted.insert(id, place.clone());
            }
        }
        chains.snapshot = Some(snapshot.clone());
        let revisions = snapshot.trails.iter().map(|trail| (trail.id.clone(), trail.revision)).collect();
        let before = std::mem::replace(&mut chains.revisions, revisions);
        // What failed may have been mended by the change.
        for (trail, _) in chains.revisions.iter().filter(|(trail, now)| before.get(*trail).is_some_and(|b| b != *now)) {
            self.spool.ledger().hurry(trail, now);
            self.spool.came.notify_one();
        }
    }

    async fn look_at(
        &self,
        chains: &mut Chains,
        id: &ChainId,
        namesakes: &Namesakes,
        snapshot: &Snapshot,
    ) -> Result<(), SpoolError> {
        let Some(mut tracked) = chains.tracked.remove(id) else { return Ok(()) };
        let wanted = chains.wanted.get(id);
        let (mut taken_s, another_ends) = chains.among(namesakes, id, wanted.unwrap_or(&tracked.place));
        // An ended chain begins anew when its region comes back to the trail.
        taken_s = taken_s.max(tracked.soonest(i64::MIN).saturating_sub(1));
        let outcome = self.move_on(id, &mut tracked, wanted, (taken_s, another_ends), snapshot).await;
        if !matches!(outcome, Ok(Course::Forgotten)) {
            chains.tracked.insert(id.clone(), tracked);
        }
        outcome.map(drop)
    }

    /// Makes the digests that are due.
    async fn move_on(
        &self,
        id: &ChainId,
        tracked: &mut Tracked,
        wanted: Option<&Place>,
        (taken_s, another_ends): (i64, bool),
        snapshot: &Snapshot,
    ) -> Result<Course, SpoolError> {
        self.settle(tracked).await?;
        let now_s = self.world.now().as_second();
        if tracked.ended() && wanted.is_none() {
            if !tracked.forgettable(now_s) {
                return Ok(Course::GoesOn);
            }
            self.spool.catalog.txn(Txn::new().delete(id.stored_under())).await?;
            return Ok(Course::Forgotten);
        }
        if let Some(place) = wanted {
            (tracked.place, tracked.over_from) = (place.clone(), None);
        }
        let free = |end_s: i64| end_s.max(taken_s.saturating_add(1));
        if tracked.begun().is_none() {
            tracked.late |= tracked.ended();
            let waited_s = now_s.saturating_sub(tracked.run_started_s);
            if wanted.is_some() && another_ends && waited_s < self.settings.digest_interval.as_secs() as i64 {
                return Ok(Course::GoesOn);
            }
            let begins_s = if tracked.late && wanted.is_some() { now_s } else { tracked.run_started_s };
            self.make(id, tracked, free(begins_s), false).await?;
        }
        if wanted.is_some() {
            if let Some(end_s) = tracked.due(now_s, self.world.monotonic(), self.settings.digest_interval) {
                self.make(id, tracked, free(end_s), false).await?;
            }
            return Ok(Course::GoesOn);
        }
        if let Some(trail) = snapshot.by_id(&id.trail) {
            tracked.place = Place::of(trail);
        }
        let from = tracked.over_from.get_or_insert_with(|| snapshot.from.clone());
        // In this order: a record that has come by is in the spool before it is no longer waited for.
        let parting = |parting: &Parting| {
            parting.before.id == id.trail && parting.before.logging.is_some_and(|logging| logging.run == id.run)
        };
        let waits = self.trails.timeline().partings().iter().any(parting);
        if waits || !reached(&self.committed(), from) || self.spool.waits(&id.trail, id.run) {
            return Ok(Course::GoesOn);
        }
        while !tracked.ended() {
            self.make(id, tracked, free(tracked.soonest(now_s)), true).await?;
        }
        Ok(Course::GoesOn)
    }

    /// Deleted trails of which nothing is left to be done are forgotten.
    async fn let_go(&self, chains: &Chains) {
        for trail in self.trails.timeline().leaving() {
            let parting = |parting: &Parting| parting.before.id == trail.id;
            let done = !self.trails.timeline().partings().iter().any(parting)
                && reached(&self.committed(), &trail.from)
                && !chains.any_of(&trail.id)
                && !self.spool.ledger().any_of(&trail.id);
            if !done {
                continue;
            }
            let forgotten = match self.statuses.forget(&trail.id).await {
                Ok(()) => self.trails.forget(&trail.id).await.map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            match forgotten {
                Ok(()) => tracing::debug!(trail = %trail.arn(), "forgot a deleted trail"),
                Err(error) => tracing::warn!(trail = %trail.arn(), %error, "forget a deleted trail; it is tried again"),
            }
        }
    }
}
