//! The Lake over tables and a catalog in memory, with restarts.

mod audit;
mod memory;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use opentrail_catalog::memory::MemoryCatalog;
use opentrail_event::{AccountId, EventId, Region};
use opentrail_journal::{Entry, Follower, Frame, Kind, Partition, Position, Positions, Urgency};
use opentrail_selector::{AdvancedSelector, EventSelectors, FieldSelector};
use opentrail_world::{SimClock, World};
use tokio::sync::watch;

use crate::{Billing, Config, EventDataStore, Lake, NewStore, PENDING_DELETION_S, Parts, Settings, Stores};
use memory::MemoryTables;

const NOW: &str = "2026-06-01T00:00:00Z";

/// A house whose journal a test writes.
struct House {
    lake: Arc<Lake>,
    journal: Vec<Frame>,
    ends: watch::Sender<Positions>,
    catalog: Arc<MemoryCatalog>,
    tables: MemoryTables,
    clock: Arc<SimClock>,
    world: World,
    believed: Arc<AtomicBool>,
}

async fn open(
    catalog: &Arc<MemoryCatalog>,
    tables: &MemoryTables,
    ends: &watch::Sender<Positions>,
    world: &World,
    believed: &Arc<AtomicBool>,
) -> Arc<Lake> {
    let stores = Stores::open(catalog.clone(), ends.subscribe(), world.clone()).await.expect("stores");
    let believed = believed.clone();
    let parts = Parts {
        stores,
        tables: Arc::new(tables.clone()),
        world: world.clone(),
        clock_is_believed: Arc::new(move || believed.load(Ordering::SeqCst)),
    };
    let now = ends.borrow().clone();
    Lake::open(parts, now, Settings::default()).await.expect("a lake")
}

impl House {
    async fn new(seed: u64) -> Self {
        let (world, clock) = World::simulated(seed, NOW.parse().expect("a time"));
        let (catalog, tables) = (Arc::new(MemoryCatalog::default()), MemoryTables::default());
        let (ends, _) = watch::channel(Positions::default());
        let believed = Arc::new(AtomicBool::new(true));
        let lake = open(&catalog, &tables, &ends, &world, &believed).await;
        Self { lake, journal: Vec::new(), ends, catalog, tables, clock, world, believed }
    }

    /// As after a crash: what was applied and not sealed comes again.
    async fn restart(&mut self) {
        self.tables.open.lock().expect("unpoisoned").clear();
        self.lake = open(&self.catalog, &self.tables, &self.ends, &self.world, &self.believed).await;
        let from = self.lake.positions();
        let rest: Vec<Frame> =
            self.journal.iter().filter(|f| f.position.offset >= from.next(f.position.partition)).cloned().collect();
        self.lake.apply(&rest).await.expect("applied");
    }

    /// Appends an event; it is not applied yet.
    fn append(&mut self, account: AccountId, region: &Region, read_only: bool) -> Frame {
        let partition = Partition((self.journal.len() % 2) as u32);
        let mut ends = self.ends.borrow().clone();
        let position = Position { partition, offset: ends.next(partition) };
        ends.pass(position);
        let mut id = [7; 16];
        id[..8].copy_from_slice(&(self.journal.len() as u64).to_be_bytes());
        let entry = Entry {
            kind: Kind::Record,
            urgency: Urgency::Normal,
            account,
            region: region.clone(),
            event_id: EventId::from_bytes(id),
            bytes: record(EventId::from_bytes(id), account, region, read_only),
        };
        let frame = Frame { position, appended_at: Timestamp::UNIX_EPOCH, entry };
        self.journal.push(frame.clone());
        self.ends.send_replace(ends);
        frame
    }

    async fn event(&mut self, read_only: bool) -> Frame {
        let frame = self.append(account(), &Region::us_east_1(), read_only);
        self.lake.apply(std::slice::from_ref(&frame)).await.expect("applied");
        frame
    }

    async fn store(&self, name: &str, selectors: EventSelectors) -> Arc<EventDataStore> {
        let config = Config {
            selectors,
            multi_region: true,
            retention_days: 7,
            billing: Billing::Extendable,
            termination_protection: false,
        };
        let new = NewStore {
            account: account(),
            home: Region::us_east_1(),
            name: name.into(),
            config,
            tags: BTreeMap::new(),
            ingests: true,
        };
        self.lake.stores().create(new).await.expect("a store")
    }

    /// Ids of the events in a store, ascending.
    fn ids(&self, store: &EventDataStore) -> Vec<EventId> {
        let mut ids: Vec<EventId> = self.tables.rows(&store.id).iter().map(|row| row.id).collect();
        ids.sort_unstable();
        ids
    }
}

fn account() -> AccountId {
    "111111111111".parse().expect("an account")
}

fn record(id: EventId, account: AccountId, region: &Region, read_only: bool) -> Bytes {
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::{account}:user/ana","userName":"ana"}},"eventTime":"2026-05-31T23:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","awsRegion":"{region}","sourceIPAddress":"192.0.2.1","eventID":"{id}","readOnly":{read_only},"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"{account}","eventCategory":"Management"}}"#
    )
    .into()
}

fn all() -> EventSelectors {
    EventSelectors::default_for_event_data_store()
}

fn writes() -> EventSelectors {
    let field = |name: &str, value: &str| FieldSelector {
        field: name.into(),
        equals: vec![value.into()],
        ..Default::default()
    };
    let fields = vec![field("eventCategory", "Management"), field("readOnly", "false")];
    EventSelectors::Advanced(vec![AdvancedSelector { name: None, fields }])
}

#[tokio::test]
async fn each_store_has_what_it_selects_byte_for_byte_and_at_once() {
    let mut house = House::new(1).await;
    let before = house.event(false).await;
    let (every, written) = (house.store("every", all()).await, house.store("written", writes()).await);
    let read = house.event(true).await;
    let write = house.event(false).await;
    assert_eq!(house.ids(&every), [read.entry.event_id, write.entry.event_id]);
    assert_eq!(house.ids(&written), [write.entry.event_id]);
    let row = house.tables.rows(&written.id).pop().expect("a row");
    assert_eq!(row.record, write.entry.bytes);
    assert_eq!(row.cells.len(), crate::schema("x").columns.len());
    assert!(!house.ids(&every).contains(&before.entry.event_id), "it was there before the store");
}

#[tokio::test]
async fn other_accounts_and_regions_stay_outside() {
    let mut house = House::new(2).await;
    let store = house.store("one", all()).await;
    let narrow = crate::Change { name: "one".into(), config: Config { multi_region: false, ..store.config.clone() } };
    let elsewhere: Region = "eu-west-1".parse().expect("a region");
    let wide = house.append(account(), &elsewhere, false);
    house.lake.apply(std::slice::from_ref(&wide)).await.expect("applied");
    house.lake.stores().update(&store, narrow).await.expect("updated");
    for (owner, region) in [(account(), &elsewhere), ("222222222222".parse().expect("an account"), &store.home)] {
        let frame = house.append(owner, region, false);
        house.lake.apply(&[frame]).await.expect("applied");
    }
    assert_eq!(house.ids(&store), [wide.entry.event_id]);
}

#[tokio::test]
async fn an_event_appended_before_a_change_is_taken_as_it_was_though_applied_later() {
    let mut house = House::new(3).await;
    let store = house.store("one", all()).await;
    let taken = house.append(account(), &store.home.clone(), false);
    house.lake.stores().set_ingests(&store.id, false).await.expect("stopped");
    let left = house.append(account(), &store.home.clone(), false);
    house.lake.apply(&[taken.clone(), left]).await.expect("applied");
    assert_eq!(house.ids(&store), [taken.entry.event_id]);
}

#[tokio::test]
async fn what_was_not_sealed_comes_again_and_what_was_does_not() {
    let mut house = House::new(4).await;
    let early = house.store("early", all()).await;
    for _ in 0..3 {
        house.event(false).await;
    }
    house.lake.commit().await.expect("sealed");
    house.event(false).await;
    let late = house.store("late", all()).await;
    house.event(false).await;
    for _ in 0..3 {
        house.restart().await;
        assert_eq!((house.ids(&early).len(), house.ids(&late).len()), (5, 1));
    }
    house.lake.commit().await.expect("sealed");
    house.restart().await;
    assert_eq!((house.ids(&early).len(), house.ids(&late).len()), (5, 1));
}

#[tokio::test]
async fn the_journal_is_held_for_the_store_that_is_furthest_behind() {
    let mut house = House::new(5).await;
    let (one, _) = (house.store("one", all()).await, house.store("two", all()).await);
    house.event(false).await;
    house.event(false).await;
    let all_of_it = house.lake.commit().await.expect("sealed");
    assert_eq!(all_of_it, house.ends.borrow().clone());
    house.event(false).await;
    *house.tables.stuck.lock().expect("unpoisoned") = Some(one.id.clone());
    assert!(house.lake.commit().await.is_err());
    assert_eq!(house.lake.positions(), all_of_it);
    *house.tables.stuck.lock().expect("unpoisoned") = None;
    assert_eq!(house.lake.commit().await.expect("sealed"), house.ends.borrow().clone());
}

#[tokio::test]
async fn a_lake_without_stores_holds_nothing() {
    let mut house = House::new(6).await;
    house.event(false).await;
    assert_eq!(house.lake.commit().await.expect("nothing to seal"), house.ends.borrow().clone());
    house.event(false).await;
    house.restart().await;
    assert_eq!(house.lake.positions(), house.ends.borrow().clone());
}

#[tokio::test]
async fn events_and_stores_go_when_their_time_is_over_and_the_clock_is_believed() {
    let mut house = House::new(7).await;
    let store = house.store("one", all()).await;
    house.event(false).await;
    house.lake.stores().delete(&store.id).await.expect("deleted");
    house.clock.advance(Duration::from_secs(PENDING_DELETION_S as u64));
    house.believed.store(false, Ordering::SeqCst);
    house.lake.look_after_tables(true).await;
    assert!(house.tables.expired.lock().expect("unpoisoned").is_empty());
    assert!(house.lake.stores().find(account(), &store.id).is_some());
    house.believed.store(true, Ordering::SeqCst);
    house.lake.look_after_tables(true).await;
    let horizon_s = house.world.now().as_second() - 7 * 86_400;
    assert_eq!(*house.tables.expired.lock().expect("unpoisoned"), [(store.id.clone(), horizon_s)]);
    assert!(house.lake.stores().find(account(), &store.id).is_none());
    assert!(house.tables.disks.lock().expect("unpoisoned").is_empty());
    house.event(false).await;
    house.lake.commit().await.expect("nothing is left to seal");
}

#[tokio::test]
async fn an_event_that_does_not_fit_keeps_no_other_out() {
    let mut house = House::new(8).await;
    let store = house.store("one", all()).await;
    let frames: Vec<Frame> = (0..5).map(|_| house.append(account(), &Region::us_east_1(), false)).collect();
    *house.tables.unfit.lock().expect("unpoisoned") = Some(frames[2].entry.event_id);
    house.lake.apply(&frames).await.expect("applied");
    assert_eq!(house.lake.commit().await.expect("sealed"), house.ends.borrow().clone());
    let fit = frames.iter().map(|frame| frame.entry.event_id).filter(|id| *id != frames[2].entry.event_id);
    assert_eq!(house.ids(&store), fit.collect::<Vec<_>>());
}
