//! Event history: the last 90 days of management events of every account, findable by what LookupEvents asks for.
//!
//! - **From** the journal, as a [`Follower`](opentrail_journal::Follower).
//! - **To** LookupEvents and to the operator's own lookup, through [`History::lookup`].
//! - **Promises** that an event is found as soon as it is applied, byte for byte, and that no event outside the retention
//!   is shown, deleted or not; and that nothing is deleted by a clock that is doubtful.
//! - **Does not promise** anything to data events: they are in nobody's history.
//! - **On crash** unsealed rows come again from the journal, under the same place in the order.
//! - **Absent on purpose**: who may ask what. Callers name the account and region that they were allowed.

mod follow;
mod guard;
mod lookup;
mod quarantine;
mod schema;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use opentrail_catalog::Catalog;
use opentrail_journal::Positions;
use opentrail_table::Table;
use opentrail_world::World;

pub use guard::{AHEAD_MAX, Clock, DOUBT_MAX};
pub use lookup::{Ask, Attribute};
pub use quarantine::{QUARANTINE_MAX, Quarantined};
pub use schema::{place, schema};

/// What an operator sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// A part is written when so many bytes of records wait.
    pub seal_bytes: u64,
    /// Or when the oldest of what waits was applied so long ago.
    pub seal_age: Duration,
    /// Events older than so many days are hidden, and deleted in time.
    pub retention_days: u32,
    /// The clock is right, however far it is ahead of when the server last ran.
    pub trust_clock: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seal_bytes: 32 * 1024 * 1024, seal_age: Duration::from_secs(60), retention_days: 90, trust_clock: false }
    }
}

/// The history of all accounts.
pub struct History {
    table: Arc<dyn Table>,
    catalog: Arc<dyn Catalog>,
    world: World,
    settings: Settings,
    course: follow::Course,
    guard: guard::Guard,
    quarantined: AtomicU64,
}

impl History {
    /// A history over a table that was opened with [`schema`].
    pub fn new(table: Arc<dyn Table>, catalog: Arc<dyn Catalog>, world: World, settings: Settings) -> Self {
        let course = follow::Course::new(table.positions());
        let guard = guard::Guard::new(settings.trust_clock);
        Self { table, catalog, world, settings, course, guard, quarantined: AtomicU64::new(0) }
    }

    /// The table, for counts.
    pub fn table(&self) -> &Arc<dyn Table> {
        &self.table
    }

    /// Behind every frame that was applied: what stands before is found.
    pub fn applied(&self) -> Positions {
        self.course.applied()
    }

    /// What the clock is taken for: whether events expire by it.
    pub fn clock(&self) -> Clock {
        self.guard.clock()
    }

    /// The oldest event time that is shown, in seconds since 1970.
    fn horizon_s(&self) -> i64 {
        self.world.now().as_second() - i64::from(self.settings.retention_days) * 86_400
    }
}

#[cfg(test)]
mod tests;
