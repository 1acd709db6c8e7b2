//! Does any store want this data event? Answered from what was compiled when stores last changed.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use opentrail_event::{AccountId, Region};
use opentrail_selector::{Compiled, DataEvent, Interest};

use super::Stores;
use crate::EventDataStore;

/// What one store that ingests selects.
struct Wish {
    /// `None`: everywhere.
    region: Option<Region>,
    selectors: Compiled,
}

type ByAccount = HashMap<AccountId, Vec<Wish>>;

/// The wishes of all stores that ingest.
pub(super) struct Wishes(RwLock<Arc<ByAccount>>);

impl Wishes {
    pub(super) fn of(stores: &[Arc<EventDataStore>]) -> Self {
        Self(RwLock::new(Arc::new(compiled(stores))))
    }

    /// From now on these stores wish.
    pub(super) fn renew(&self, stores: &[Arc<EventDataStore>]) {
        let wishes = Arc::new(compiled(stores));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = wishes;
    }

    fn now(&self) -> Arc<ByAccount> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn compiled(stores: &[Arc<EventDataStore>]) -> ByAccount {
    let mut wishes = ByAccount::new();
    for store in stores {
        let Some(takes) = store.takes() else { continue };
        let selectors = takes.selectors.compile();
        if selectors.wants_data() {
            wishes.entry(store.account).or_default().push(Wish { region: takes.region, selectors });
        }
    }
    wishes
}

impl Interest for Stores {
    fn wants(&self, event: &DataEvent<'_>) -> bool {
        let wishes = self.wishes.now();
        let Some(wishes) = wishes.get(&event.account) else { return false };
        let sees = |wish: &&Wish| wish.region.as_ref().is_none_or(|region| region == event.region);
        wishes.iter().filter(sees).any(|wish| wish.selectors.may_want(event))
    }
}
