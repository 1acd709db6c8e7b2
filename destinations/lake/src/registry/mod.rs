//! The event data stores there are, and every change of them.
//!
//! A change is one catalog transaction that writes the store anew, *then* the snapshot shows it. The registry is the only
//! writer of its records and makes one change at a time, so that places in the journal and revisions have one order; the
//! transaction's checks hold even so, and what they refuse is a [`RegistryError::Conflict`].
//!
//! A transaction whose result is unknown is looked up before anything else is changed.

mod change;
mod interest;
mod rows;

use std::sync::{Arc, PoisonError, RwLock};

use opentrail_catalog::{Catalog, Damaged, From, decode};
use opentrail_event::{AccountId, Region};
use opentrail_journal::Positions;
use opentrail_world::World;
use tokio::sync::{Mutex, watch};

use crate::EventDataStore;
use crate::store::Status;
use interest::Wishes;

pub use change::{Change, NewStore};

/// Stores of an account in one region, those that wait to be deleted included.
pub const STORES_MAX: usize = 10;
/// Tags of one store.
pub const TAGS_MAX: usize = 50;
/// Changes of what a store takes that its follower has not passed.
pub const COURSES_MAX: usize = 256;
/// How long a deleted store can be restored, in seconds.
pub const PENDING_DELETION_S: i64 = 7 * 86_400;
/// Records read at once.
const PAGE: usize = 500;

/// Why a store was not changed. Nothing was, unless the catalog was unavailable.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("there is no such event data store")]
    NotFound,
    /// Of this account in this region.
    #[error("the name is taken")]
    NameTaken,
    #[error("the account has {STORES_MAX} event data stores in the region already")]
    TooManyStores,
    #[error("an event data store has at most {TAGS_MAX} tags")]
    TooManyTags,
    #[error("termination protection is on")]
    Protected,
    /// It waits to be deleted: it can be restored, and nothing else.
    #[error("the event data store is pending deletion")]
    PendingDeletion,
    #[error("the event data store is {}", .0.as_str())]
    WrongStatus(Status),
    #[error("events of its category are not ingested by call")]
    WrongFamily,
    /// The store is not the one that was read: read it again.
    #[error("the event data store was changed meanwhile")]
    Conflict,
    /// Trying again later helps.
    #[error("what the store takes was changed {COURSES_MAX} times within what it has not taken yet")]
    TooManyChanges,
    #[error("catalog: {0}")]
    Catalog(#[from] opentrail_catalog::Error),
    #[error("{0}")]
    Damaged(#[from] Damaged),
}

/// The registry.
pub struct Stores {
    catalog: Arc<dyn Catalog>,
    /// The journal's ends.
    ends: watch::Receiver<Positions>,
    world: World,
    /// Ordered by account, home region, name.
    snapshot: RwLock<Snapshot>,
    wishes: Wishes,
    book: Mutex<Book>,
}

/// All stores between two changes.
pub(crate) type Snapshot = Arc<[Arc<EventDataStore>]>;

/// What only the one who changes stores needs to know.
#[derive(Default)]
struct Book {
    /// A change of which it is unknown whether it was stored.
    unsettled: Option<Unsettled>,
    /// Places that every store's follower has passed, durably.
    passed: Positions,
}

#[derive(Clone)]
enum Unsettled {
    Put(Arc<EventDataStore>),
    Gone(String),
}

impl Stores {
    /// Reads what is stored. `ends` are those of the journal.
    pub async fn open(
        catalog: Arc<dyn Catalog>,
        ends: watch::Receiver<Positions>,
        world: World,
    ) -> Result<Arc<Self>, RegistryError> {
        let mut stores = Vec::new();
        let mut from = From::Start;
        loop {
            let page = catalog.list(&rows::stores(), from, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            from = From::After(last.clone());
            for (key, row) in &page {
                stores.push(Arc::new(rows::from_row(key, decode(&row.value)?)?));
            }
        }
        let snapshot = ordered(stores);
        let wishes = Wishes::of(&snapshot);
        let (snapshot, book) = (RwLock::new(snapshot), Mutex::default());
        Ok(Arc::new(Self { catalog, ends, world, snapshot, wishes, book }))
    }

    /// The store of this id, deleted or not, whatever its home.
    pub fn find(&self, account: AccountId, id: &str) -> Option<Arc<EventDataStore>> {
        self.now().iter().find(|store| store.account == account && store.id == id).cloned()
    }

    /// The stores of an account whose home is this region, by name.
    pub fn list(&self, account: AccountId, home: &Region) -> Vec<Arc<EventDataStore>> {
        let snapshot = self.now();
        snapshot.iter().filter(|store| store.account == account && store.home == *home).cloned().collect()
    }

    /// All stores.
    pub(crate) fn now(&self) -> Snapshot {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ids of the stores whose time to be restored is over.
    pub(crate) fn overdue(&self) -> Vec<String> {
        let now_s = self.world.now().as_second();
        let over = |store: &&Arc<EventDataStore>| {
            store.deleted_s.is_some_and(|since| now_s.saturating_sub(since) >= PENDING_DELETION_S)
        };
        self.now().iter().filter(over).map(|store| store.id.clone()).collect()
    }

    fn publish(&self, change: impl FnOnce(&mut Vec<Arc<EventDataStore>>)) {
        let mut stores = self.now().to_vec();
        change(&mut stores);
        let snapshot = ordered(stores);
        self.wishes.renew(&snapshot);
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
    }
}

fn ordered(mut stores: Vec<Arc<EventDataStore>>) -> Snapshot {
    stores.sort_by(|a, b| (a.account, &a.home, &a.name).cmp(&(b.account, &b.home, &b.name)));
    stores.into()
}

#[cfg(test)]
mod tests;
