//! Which trails an account's events in a region may go to, worked out once between two changes of trails.

use std::collections::HashMap;
use std::sync::Arc;

use opentrail_event::{AccountId, Region};
use opentrail_selector::EventSelectors;

use super::select::{Seen, Selection};
use crate::member::Member;
use crate::{Snapshot, Trail};

/// Routes that are kept; more make room by forgetting all of them.
const ROUTES_MAX: usize = 16_384;

/// Trails that select the same: they share their files.
#[derive(Debug)]
pub(crate) struct Group {
    selection: Arc<Selection>,
    /// False leaves out what CloudTrail itself delivers.
    recursive: bool,
    /// False leaves out the events of global services.
    global: bool,
    pub(crate) members: Arc<[Member]>,
    /// Names the members, and is equal where they are.
    pub(crate) party: u64,
}

impl Group {
    pub(crate) fn wants(&self, seen: &Seen<'_>) -> bool {
        (self.recursive || !seen.is_delivery())
            && (self.global || !seen.is_of_global_service())
            && self.selection.wants(seen)
    }
}

/// The groups for each account and region, under one snapshot.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    snapshot: Option<Arc<Snapshot>>,
    by_place: HashMap<AccountId, HashMap<Region, Arc<[Group]>>>,
    places: usize,
    /// By trail: the revision, and what it selects.
    selections: HashMap<String, (u64, Arc<Selection>)>,
    parties: HashMap<Arc<[Member]>, u64>,
    next_party: u64,
}

impl Routes {
    /// The groups that an event of this place may go to under `snapshot`.
    pub(crate) fn of(&mut self, snapshot: &Arc<Snapshot>, account: AccountId, region: &Region) -> Arc<[Group]> {
        if !self.snapshot.as_ref().is_some_and(|known| Arc::ptr_eq(known, snapshot)) || self.places >= ROUTES_MAX {
            self.snapshot = Some(snapshot.clone());
            self.by_place.clear();
            self.places = 0;
            self.selections.retain(|id, _| snapshot.by_id(id).is_some());
        }
        if let Some(groups) = self.by_place.get(&account).and_then(|places| places.get(region)) {
            return groups.clone();
        }
        let groups = self.work_out(snapshot, account, region);
        self.by_place.entry(account).or_default().insert(region.clone(), groups.clone());
        self.places += 1;
        groups
    }

    /// The group of one trail alone, as one revision has it: what an event of this region may go to. `None` where the trail does
    /// not see the region, or does not log.
    pub(crate) fn alone(&mut self, trail: &Trail, region: &Region) -> Option<Group> {
        if !sees(trail, region) {
            return None;
        }
        let members: Arc<[Member]> = [Member::of(trail)?].into();
        let party = self.party(&members);
        Some(Group {
            selection: Arc::new(Selection::of(trail.selectors.as_ref())),
            recursive: trail.config.recursive_logging,
            global: sees_global(trail, region),
            members,
            party,
        })
    }

    /// No file is open any more, so that parties may be named anew.
    pub(crate) fn nothing_is_open(&mut self) {
        self.parties.clear();
        self.by_place.clear();
        self.places = 0;
    }

    fn work_out(&mut self, snapshot: &Snapshot, account: AccountId, region: &Region) -> Arc<[Group]> {
        struct Alike<'a> {
            selectors: &'a Option<EventSelectors>,
            recursive: bool,
            global: bool,
            trails: Vec<&'a Trail>,
        }
        let mut alike: Vec<Alike<'_>> = Vec::new();
        for trail in snapshot.of(account) {
            if trail.logging.is_none() || !sees(trail, region) {
                continue;
            }
            let recursive = trail.config.recursive_logging;
            let global = sees_global(trail, region);
            let same = |one: &&mut Alike<'_>| {
                (one.recursive, one.global) == (recursive, global) && *one.selectors == trail.selectors
            };
            match alike.iter_mut().find(same) {
                Some(one) => one.trails.push(trail),
                None => alike.push(Alike { selectors: &trail.selectors, recursive, global, trails: vec![trail] }),
            }
        }
        let groups = alike.into_iter().map(|one| {
            let members: Arc<[Member]> = one.trails.iter().filter_map(|trail| Member::of(trail)).collect();
            let party = self.party(&members);
            let selection = self.selection(one.trails[0]);
            Group { selection, recursive: one.recursive, global: one.global, members, party }
        });
        groups.collect()
    }

    fn party(&mut self, members: &Arc<[Member]>) -> u64 {
        *self.parties.entry(members.clone()).or_insert_with(|| {
            self.next_party += 1;
            self.next_party
        })
    }

    fn selection(&mut self, trail: &Trail) -> Arc<Selection> {
        if let Some((revision, known)) = self.selections.get(&trail.id)
            && *revision == trail.revision
        {
            return known.clone();
        }
        let made = Arc::new(Selection::of(trail.selectors.as_ref()));
        self.selections.insert(trail.id.clone(), (trail.revision, made.clone()));
        made
    }
}

fn sees(trail: &Trail, region: &Region) -> bool {
    trail.config.multi_region || trail.home == *region
}

fn sees_global(trail: &Trail, region: &Region) -> bool {
    trail.config.include_global_service_events || region.as_str() != "us-east-1"
}
