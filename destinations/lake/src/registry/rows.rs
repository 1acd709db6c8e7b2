//! What the catalog holds of event data stores.
//!
//! `lake/store`: id → [`StoreRow`]. `lake/name`: account, home region, name → [`NameRow`]; a store that waits to be deleted keeps
//! its name, for it may come back. `lake/leaving`: id → [`LeavingRow`], of a store that is gone and whose table is not yet.

use std::collections::BTreeMap;

use opentrail_catalog::{Damaged, Key, Stored};
use opentrail_event::{AccountId, Family, Region};
use serde::{Deserialize, Serialize};

use crate::store::{Config, Course, EventConfiguration, EventDataStore};

/// Whose name it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NameRow {
    pub(super) id: String,
}

/// A table that is to be removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LeavingRow {}

/// A store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoreRow {
    pub(super) revision: u64,
    pub(super) account: AccountId,
    pub(super) home: Region,
    pub(super) name: String,
    pub(super) family: Family,
    pub(super) config: Config,
    pub(super) events: EventConfiguration,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) ingests: bool,
    pub(super) created_s: i64,
    pub(super) updated_s: i64,
    pub(super) deleted_s: Option<i64>,
    pub(super) courses: Vec<Course>,
}

impl Stored for NameRow {
    const NAME: &'static str = "name of an event data store";
    const VERSION: u16 = 1;
}

impl Stored for LeavingRow {
    const NAME: &'static str = "table of a store that is gone";
    const VERSION: u16 = 1;
}

impl Stored for StoreRow {
    const NAME: &'static str = "event data store";
    const VERSION: u16 = 1;
}

/// All stores.
pub(super) fn stores() -> Key {
    Key::family("lake/store")
}

/// One store.
pub(super) fn store_key(id: &str) -> Key {
    stores().part(id)
}

/// All tables that are to be removed.
pub(super) fn leaving() -> Key {
    Key::family("lake/leaving")
}

/// All names of an account in a region.
pub(super) fn names(account: AccountId, home: &Region) -> Key {
    Key::family("lake/name").part(account.as_str()).part(home.as_str())
}

/// Where the name of a store is taken.
pub(super) fn name_key(account: AccountId, home: &Region, name: &str) -> Key {
    names(account, home).part(name)
}

pub(super) fn to_row(store: &EventDataStore) -> StoreRow {
    let store = store.clone();
    StoreRow {
        revision: store.revision,
        account: store.account,
        home: store.home,
        name: store.name,
        family: store.family,
        config: store.config,
        events: store.events,
        tags: store.tags,
        ingests: store.ingests,
        created_s: store.created_s,
        updated_s: store.updated_s,
        deleted_s: store.deleted_s,
        courses: store.courses,
    }
}

/// The store of a stored row and its key.
pub(super) fn from_row(key: &Key, row: StoreRow) -> Result<EventDataStore, Damaged> {
    let damaged = |why: String| Damaged { name: StoreRow::NAME, why };
    let parts = key.parts().and_then(|parts| <[Vec<u8>; 1]>::try_from(parts).ok());
    let id = parts.and_then(|[id]| String::from_utf8(id).ok());
    let id = id.ok_or_else(|| damaged(format!("its key {key:?} is not that of a store")))?;
    if row.courses.is_empty() {
        return Err(damaged(format!("store {id} has no course")));
    }
    Ok(EventDataStore {
        id,
        revision: row.revision,
        account: row.account,
        home: row.home,
        name: row.name,
        family: row.family,
        config: row.config,
        events: row.events,
        tags: row.tags,
        ingests: row.ingests,
        created_s: row.created_s,
        updated_s: row.updated_s,
        deleted_s: row.deleted_s,
        courses: row.courses,
    })
}

#[cfg(test)]
mod tests {
    use opentrail_catalog::{decode, encode};
    use opentrail_journal::{Partition, Positions};
    use opentrail_selector::EventSelectors;

    use super::*;
    use crate::store::{Billing, Context, Takes};

    fn full() -> EventDataStore {
        let selectors = EventSelectors::Advanced(Vec::new());
        EventDataStore {
            id: "11aa22bb-1111-2222-3333-444455556666".into(),
            revision: 3,
            account: "111111111111".parse().expect("an account"),
            home: Region::us_east_1(),
            name: "audit".into(),
            family: Family::Events,
            config: Config {
                selectors: selectors.clone(),
                multi_region: true,
                retention_days: 366,
                billing: Billing::Extendable,
                termination_protection: true,
            },
            events: EventConfiguration { large: true, keys: [(Context::Tag, vec!["team".into()])].into() },
            tags: [("a".to_owned(), "b".to_owned())].into(),
            ingests: true,
            created_s: 1_700_000_000,
            updated_s: 1_700_000_001,
            deleted_s: None,
            courses: vec![Course {
                from: Positions([(Partition(0), 7), (Partition(2), 9)].into()),
                takes: Some(Takes { selectors, region: Some(Region::us_east_1()) }),
            }],
        }
    }

    #[test]
    fn version_1_is_read_for_ever() {
        let name = b"\0\x01{\"id\":\"11aa22bb-1111-2222-3333-444455556666\"}";
        assert_eq!(decode::<NameRow>(name).expect("a name").id, full().id);
        let row = concat!(
            "\0\x01{\"revision\":3,\"account\":\"111111111111\",\"home\":\"us-east-1\",\"name\":\"audit\",\"family\":\"events\",",
            "\"config\":{\"selectors\":{\"advanced\":[]},\"multi_region\":true,\"retention_days\":366,\"billing\":\"extendable\",",
            "\"termination_protection\":true},\"events\":{\"large\":true,\"keys\":{\"tag\":[\"team\"]}},\"tags\":{\"a\":\"b\"},",
            "\"ingests\":true,\"created_s\":1700000000,\"updated_s\":1700000001,\"deleted_s\":null,",
            "\"courses\":[{\"from\":[[0,7],[2,9]],\"takes\":{\"selectors\":{\"advanced\":[]},\"region\":\"us-east-1\"}}]}",
        );
        let key = store_key(&full().id);
        assert_eq!(from_row(&key, decode(row.as_bytes()).expect("a row")).expect("a store"), full());
        assert_eq!(encode(&to_row(&full())), row.as_bytes());
    }

    #[test]
    fn a_row_that_is_no_store_is_damage() {
        assert!(from_row(&stores().part("a").part("b"), to_row(&full())).is_err());
        assert!(from_row(&store_key("a"), StoreRow { courses: vec![], ..to_row(&full()) }).is_err());
    }
}
