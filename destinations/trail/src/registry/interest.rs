//! Does any trail want this data event? Answered from what was compiled when trails last changed.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use opentrail_event::{AccountId, Region};
use opentrail_selector::{Compiled, DataEvent, EventSelectors, Interest};

use super::Trails;
use crate::{Snapshot, Trail};

/// What one trail that logs selects.
struct Wish {
    /// `None`: everywhere.
    region: Option<Region>,
    selectors: Compiled,
}

type ByAccount = HashMap<AccountId, Vec<Wish>>;

/// The wishes of all trails that log.
pub(super) struct Wishes(RwLock<Arc<ByAccount>>);

impl Wishes {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        Self(RwLock::new(Arc::new(compiled(snapshot))))
    }

    /// From now on these trails wish.
    pub(super) fn renew(&self, snapshot: &Snapshot) {
        let wishes = Arc::new(compiled(snapshot));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = wishes;
    }

    fn now(&self) -> Arc<ByAccount> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Trails without selectors of their own take management events only: they wish for nothing here.
fn compiled(snapshot: &Snapshot) -> ByAccount {
    let mut wishes = ByAccount::new();
    for trail in snapshot.trails.iter().filter(|trail| trail.logging.is_some()) {
        if let Some(selectors) = trail.selectors.as_ref().map(EventSelectors::compile).filter(Compiled::wants_data) {
            wishes.entry(trail.account).or_default().push(Wish { region: region(trail), selectors });
        }
    }
    wishes
}

fn region(trail: &Trail) -> Option<Region> {
    (!trail.config.multi_region).then(|| trail.home.clone())
}

impl Interest for Trails {
    fn wants(&self, event: &DataEvent<'_>) -> bool {
        let wishes = self.wishes.now();
        let Some(wishes) = wishes.get(&event.account) else { return false };
        let sees = |wish: &&Wish| wish.region.as_ref().is_none_or(|region| region == event.region);
        wishes.iter().filter(sees).any(|wish| wish.selectors.may_want(event))
    }
}
