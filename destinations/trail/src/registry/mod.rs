//! The trails there are, and every change of them.
//!
//! A change is one catalog transaction that writes a new revision, *then* the timeline shows it. The registry is the only
//! writer of its records and makes one change at a time, so that places in the journal and revisions have one order;
//! the transaction's checks hold even so, and what they refuse is a [`RegistryError::Conflict`].
//!
//! A transaction whose result is unknown is looked up before anything else is changed.

mod change;
mod interest;
mod rows;

use std::collections::BTreeMap;
use std::sync::Arc;

use opentrail_catalog::{Catalog, Damaged, From, decode};
use opentrail_event::{AccountId, Region};
use opentrail_journal::Positions;
use opentrail_world::World;
use tokio::sync::{Mutex, watch};

use crate::{Parting, Timeline, Trail};

pub use change::NewTrail;
use interest::Wishes;
pub(crate) use rows::parting_key;

/// Trails that one region of an account sees: its own, and the multi-region ones of other homes.
pub const TRAILS_MAX: usize = 5;
/// Tags of one trail.
pub const TAGS_MAX: usize = 50;
/// Revisions of one trail that the follower has not passed. A trail that is changed faster than the follower reads has
/// to wait.
pub const REVISIONS_MAX: usize = 256;
/// Records read, or deleted in one transaction, at once.
const PAGE: usize = 500;

/// Why a trail was not changed. Nothing was, unless the catalog was unavailable.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("there is no such trail")]
    NotFound,
    /// Of this account in this region.
    #[error("the name is taken")]
    NameTaken,
    #[error("{region} sees {TRAILS_MAX} trails already")]
    TooManyTrails { region: Region },
    #[error("a trail has at most {TAGS_MAX} tags")]
    TooManyTags,
    /// The trail is not the one that was read: read it again.
    #[error("the trail was changed meanwhile")]
    Conflict,
    /// Trying again later helps.
    #[error("the trail was changed {REVISIONS_MAX} times within what is not delivered yet")]
    TooManyChanges,
    #[error("catalog: {0}")]
    Catalog(#[from] opentrail_catalog::Error),
    #[error("{0}")]
    Damaged(#[from] Damaged),
}

/// The registry.
pub struct Trails {
    catalog: Arc<dyn Catalog>,
    /// The journal's ends.
    ends: watch::Receiver<Positions>,
    world: World,
    timeline: Timeline,
    wishes: Wishes,
    book: Mutex<Book>,
}

/// What only the one who changes trails needs to know.
#[derive(Default)]
struct Book {
    /// Where each stored revision begins, by trail and number.
    stored: BTreeMap<String, BTreeMap<u64, Positions>>,
    /// A revision of which it is unknown whether it was stored.
    unsettled: Option<(Arc<Trail>, Option<Parting>)>,
}

impl Trails {
    /// Reads what is stored. `ends` are those of the journal.
    pub async fn open(
        catalog: Arc<dyn Catalog>,
        ends: watch::Receiver<Positions>,
        world: World,
    ) -> Result<Arc<Self>, RegistryError> {
        let mut book = Book::default();
        let mut revisions = Vec::new();
        let mut from = From::Start;
        loop {
            let page = catalog.list(&rows::revisions(), from, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            from = From::After(last.clone());
            for (key, row) in &page {
                let trail = rows::from_row(key, decode(&row.value)?)?;
                book.stored.entry(trail.id.clone()).or_default().insert(trail.revision, trail.from.clone());
                revisions.push(Arc::new(trail));
            }
        }
        let partings = stored_partings(&*catalog, &revisions).await?;
        let timeline = Timeline::of(revisions, partings);
        let wishes = Wishes::of(&timeline.current());
        Ok(Arc::new(Self { catalog, ends, world, timeline, wishes, book: Mutex::new(book) }))
    }

    /// Which trails were in force where.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The trail of this name whose home is `home`.
    pub fn find(&self, account: AccountId, home: &Region, name: &str) -> Option<Arc<Trail>> {
        let found = self.timeline.current();
        found.of(account).iter().find(|trail| trail.name == name && trail.home == *home).cloned()
    }

    /// All trails of an account, whatever their home, by name and then home.
    pub fn list(&self, account: AccountId) -> Vec<Arc<Trail>> {
        let mut trails = self.timeline.current().of(account).to_vec();
        trails.sort_by(|a, b| (&a.name, &a.home).cmp(&(&b.name, &b.home)));
        trails
    }
}

/// The calls whose records are still to come, each with the revision before the one that it made.
async fn stored_partings(catalog: &dyn Catalog, revisions: &[Arc<Trail>]) -> Result<Vec<Parting>, RegistryError> {
    let mut partings = Vec::new();
    let mut from = From::Start;
    loop {
        let page = catalog.list(&rows::partings(), from, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(partings) };
        from = From::After(last.clone());
        for (key, row) in &page {
            let row: rows::PartingRow = decode(&row.value)?;
            let named = rows::revision_of(key);
            let before = |trail: &&Arc<Trail>| named.as_ref() == Some(&(trail.id.clone(), trail.revision + 1));
            let damaged = || Damaged {
                name: <rows::PartingRow as opentrail_catalog::Stored>::NAME,
                why: format!("there is no revision before {key:?}"),
            };
            let before = revisions.iter().find(before).cloned().ok_or_else(damaged)?;
            partings.push(Parting { request_id: row.request_id, before });
        }
    }
}

#[cfg(test)]
mod tests;
