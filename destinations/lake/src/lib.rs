//! The Lake: event data stores, each a table of its own that follows the journal.
//!
//! - **From** the journal, as a [`Follower`](opentrail_journal::Follower); and from `services/cloudtrail`, which changes stores.
//! - **To** a table for each store, through the port [`Tables`](opentrail_table::Tables); and to whoever queries them, through the
//!   port [`Query`](opentrail_table::sql::Query).
//! - **Promises** that each event that a store selects is in it exactly once, under the selectors that were in force when
//!   the event was appended, byte for byte and as soon as it is applied; and that nothing is deleted by a clock that is doubtful.
//! - **Does not promise** that one store is as far as another at a given moment.
//! - **On crash** unsealed rows come again from the journal, each store's from its own place on.
//! - **Absent on purpose**: what SQL means, and who may ask what.

mod follow;
mod queries;
mod registry;
mod schema;
mod store;
mod tend;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentrail_journal::Positions;
use opentrail_table::{Error, Table, Tables};
use opentrail_world::World;

pub use queries::{Ask, CONCURRENT_MAX, KEPT_S, Queries, QueryError, QueryParts, QueryRow, QuerySettings, QueryStatus};
pub use registry::{COURSES_MAX, Change, NewStore, PENDING_DELETION_S, RegistryError, STORES_MAX, Stores, TAGS_MAX};
pub use schema::schema;
pub use store::{Billing, Config, Context, Course, EventConfiguration, EventDataStore, Status, Takes};

/// What an operator sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Parts are written when so many bytes of records wait in all stores together.
    pub seal_bytes: u64,
    /// Or when the oldest of what waits was applied so long ago.
    pub seal_age: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seal_bytes: 32 * 1024 * 1024, seal_age: Duration::from_secs(60) }
    }
}

/// Whether events may be deleted by the clock as it is.
pub type ClockIsBelieved = Arc<dyn Fn() -> bool + Send + Sync>;

/// What the Lake stands on.
pub struct Parts {
    pub stores: Arc<Stores>,
    pub tables: Arc<dyn Tables>,
    pub world: World,
    pub clock_is_believed: ClockIsBelieved,
}

/// All event data stores.
pub struct Lake {
    stores: Arc<Stores>,
    tables: Arc<dyn Tables>,
    world: World,
    clock_is_believed: ClockIsBelieved,
    settings: Settings,
    course: follow::Course,
    /// By the id of the store.
    open: Mutex<BTreeMap<String, Arc<dyn Table>>>,
}

impl Lake {
    /// Opens the table of each store. `ends` are the journal's: where a Lake without stores begins.
    pub async fn open(parts: Parts, ends: Positions, settings: Settings) -> Result<Arc<Self>, Error> {
        let Parts { stores, tables, world, clock_is_believed } = parts;
        let lake = Self {
            stores,
            tables,
            world,
            clock_is_believed,
            settings,
            course: follow::Course::new(ends),
            open: Mutex::default(),
        };
        for store in lake.stores.now().iter() {
            lake.table(store).await?;
        }
        lake.begin();
        Ok(Arc::new(lake))
    }

    /// The registry.
    pub fn stores(&self) -> &Arc<Stores> {
        &self.stores
    }

    /// The table of a store, opened if it is not.
    pub async fn table(&self, store: &EventDataStore) -> Result<Arc<dyn Table>, Error> {
        if let Some(table) = self.tables_now().get(&store.id) {
            return Ok(table.clone());
        }
        let beginning = store.courses.first().map(|course| course.from.clone()).unwrap_or_default();
        let table = self.tables.open(schema(&store.id), beginning).await?;
        self.tables_now().insert(store.id.clone(), table.clone());
        Ok(table)
    }

    fn tables_now(&self) -> MutexGuard<'_, BTreeMap<String, Arc<dyn Table>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
