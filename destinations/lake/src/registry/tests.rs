//! The registry over a catalog in memory, with restarts and failures.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_catalog::memory::MemoryCatalog;
use opentrail_catalog::{Error, Key, Txn, Versioned};
use opentrail_journal::{Partition, Position};
use opentrail_selector::{AdvancedSelector, DataEvent, EventSelectors, FieldSelector, Interest};
use opentrail_world::SimClock;

use super::*;
use crate::store::{Billing, Config, Context, EventConfiguration};

/// A registry whose journal and clock a test moves.
struct House {
    stores: Arc<Stores>,
    ends: watch::Sender<Positions>,
    catalog: Arc<Faulty>,
    clock: Arc<SimClock>,
    world: World,
}

/// A catalog of which one transaction fails, having landed or not.
#[derive(Default)]
struct Faulty {
    inner: MemoryCatalog,
    /// 0: none; else the number of transactions until the one that fails.
    fails_in: AtomicUsize,
    lands: AtomicBool,
}

impl Catalog for Faulty {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Versioned>, Error>> {
        self.inner.get(key)
    }

    fn list<'a>(
        &'a self,
        prefix: &'a Key,
        from: From,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(Key, Versioned)>, Error>> {
        self.inner.list(prefix, from, limit)
    }

    fn txn(&self, txn: Txn) -> BoxFuture<'_, Result<(), Error>> {
        async move {
            let fails = self.fails_in.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)) == Ok(1);
            if !fails || self.lands.load(Ordering::SeqCst) {
                self.inner.txn(txn).await?;
            }
            if fails { Err(Error::Unavailable("pulled".into())) } else { Ok(()) }
        }
        .boxed()
    }
}

async fn house() -> House {
    let (world, clock) = World::simulated(7, "2026-06-01T00:00:00Z".parse().unwrap());
    let catalog = Arc::new(Faulty::default());
    let (ends, watch) = watch::channel(Positions::default());
    let stores = Stores::open(catalog.clone(), watch, world.clone()).await.unwrap();
    House { stores, ends, catalog, clock, world }
}

impl House {
    /// As after a restart.
    async fn again(&mut self) {
        self.stores = Stores::open(self.catalog.clone(), self.ends.subscribe(), self.world.clone()).await.unwrap();
    }

    /// So many entries are appended.
    fn append(&self, n: u64) -> Positions {
        let end = self.ends.borrow().next(Partition(0)) + n;
        self.ends.send_replace(Positions([(Partition(0), end)].into()));
        self.ends.borrow().clone()
    }

    fn fail_next(&self, lands: bool) {
        self.catalog.lands.store(lands, Ordering::SeqCst);
        self.catalog.fails_in.store(1, Ordering::SeqCst);
    }

    fn shown(&self) -> Vec<Arc<EventDataStore>> {
        self.stores.list(account(), &home())
    }
}

fn account() -> AccountId {
    "111111111111".parse().unwrap()
}

fn home() -> Region {
    Region::us_east_1()
}

fn of(category: &str) -> EventSelectors {
    let field = FieldSelector { field: "eventCategory".into(), equals: vec![category.into()], ..Default::default() };
    EventSelectors::Advanced(vec![AdvancedSelector { name: None, fields: vec![field] }])
}

fn objects() -> EventSelectors {
    let field = |name: &str, value: &str| FieldSelector {
        field: name.into(),
        equals: vec![value.into()],
        ..Default::default()
    };
    let fields = vec![field("eventCategory", "Data"), field("resources.type", "AWS::S3::Object")];
    EventSelectors::Advanced(vec![AdvancedSelector { name: None, fields }])
}

fn config() -> Config {
    Config {
        selectors: EventSelectors::default_for_event_data_store(),
        multi_region: true,
        retention_days: 366,
        billing: Billing::Extendable,
        termination_protection: false,
    }
}

fn new(name: &str) -> NewStore {
    NewStore {
        account: account(),
        home: home(),
        name: name.into(),
        config: config(),
        tags: BTreeMap::new(),
        ingests: true,
    }
}

#[tokio::test]
async fn a_store_lives_and_is_the_same_after_a_restart() {
    let mut house = house().await;
    let made = house.stores.create(new("one")).await.unwrap();
    assert_eq!((made.revision, made.status(), made.id.len()), (1, Status::Enabled, 36));
    house.clock.advance(Duration::from_secs(5));
    let longer = Change { name: "uno".into(), config: Config { retention_days: 400, ..config() } };
    let changed = house.stores.update(&made, longer).await.unwrap();
    assert_eq!((changed.updated_s - made.updated_s, changed.created_s), (5, made.created_s));
    house.stores.add_tags(&made.id, [("k".into(), "v".into()), ("l".into(), "w".into())].into()).await.unwrap();
    house.stores.remove_tags(&made.id, &["l".into(), "never there".into()]).await.unwrap();
    let events = EventConfiguration { large: true, keys: [(Context::Tag, vec!["team".into()])].into() };
    house.stores.configure(&made.id, events.clone()).await.unwrap();
    let stopped = house.stores.set_ingests(&made.id, false).await.unwrap();
    assert_eq!(stopped.status(), Status::StoppedIngestion);

    house.again().await;
    let found = house.stores.find(account(), &made.id).unwrap();
    assert_eq!(found, stopped);
    assert_eq!((&*found.name, &found.events, found.tags.len()), ("uno", &events, 1));
    house.stores.create(new("one")).await.expect("its old name is free");
    assert!(matches!(house.stores.create(new("uno")).await, Err(RegistryError::NameTaken)));
    assert_eq!(house.stores.find("222222222222".parse().unwrap(), &made.id), None);
    assert!(house.stores.list(account(), &"eu-west-1".parse().unwrap()).is_empty());
}

#[tokio::test]
async fn a_deleted_store_can_be_restored_for_seven_days_and_nothing_else() {
    let mut house = house().await;
    let kept = NewStore { config: Config { termination_protection: true, ..config() }, ..new("one") };
    let made = house.stores.create(kept).await.unwrap();
    assert!(matches!(house.stores.delete(&made.id).await, Err(RegistryError::Protected)));
    let made = house.stores.update(&made, Change { name: "one".into(), config: config() }).await.unwrap();
    let stopped = house.stores.set_ingests(&made.id, false).await.unwrap();
    assert!(matches!(house.stores.set_ingests(&made.id, false).await, Err(RegistryError::WrongStatus(_))));
    assert!(matches!(house.stores.restore(&made.id).await, Err(RegistryError::WrongStatus(_))));
    let deleted = house.stores.delete(&made.id).await.unwrap();
    assert_eq!(deleted.status(), Status::PendingDeletion);
    house.again().await;
    let pending = |result: Result<_, RegistryError>| assert!(matches!(result, Err(RegistryError::PendingDeletion)));
    pending(house.stores.delete(&made.id).await.map(drop));
    pending(house.stores.update(&deleted, Change { name: "b".into(), config: config() }).await.map(drop));
    pending(house.stores.set_ingests(&made.id, true).await.map(drop));
    pending(house.stores.add_tags(&made.id, BTreeMap::new()).await);
    pending(house.stores.configure(&made.id, EventConfiguration::default()).await.map(drop));
    assert!(matches!(house.stores.create(new("one")).await, Err(RegistryError::NameTaken)), "it may come back");
    house.clock.advance(Duration::from_secs(PENDING_DELETION_S as u64 - 1));
    assert!(house.stores.overdue().is_empty());
    let restored = house.stores.restore(&made.id).await.unwrap();
    assert_eq!(restored.status(), stopped.status(), "as it was before");

    house.stores.delete(&made.id).await.unwrap();
    house.clock.advance(Duration::from_secs(PENDING_DELETION_S as u64));
    assert_eq!(house.stores.overdue(), [made.id.clone()]);
    house.stores.forget(&made.id).await.unwrap();
    house.again().await;
    assert!(house.shown().is_empty());
    assert_eq!(house.stores.leaving().await.unwrap(), [made.id.clone()]);
    house.stores.left(&made.id).await.unwrap();
    assert!(house.catalog.inner.rows().is_empty());
}

#[tokio::test]
async fn ten_stores_are_all_the_pending_ones_included() {
    let house = house().await;
    for n in 0..STORES_MAX {
        house.stores.create(new(&format!("store-{n}"))).await.unwrap();
    }
    let first = house.shown()[0].clone();
    house.stores.delete(&first.id).await.unwrap();
    assert!(matches!(house.stores.create(new("more")).await, Err(RegistryError::TooManyStores)));
    let elsewhere = NewStore { home: "eu-west-1".parse().unwrap(), ..new("more") };
    house.stores.create(elsewhere).await.expect("another region");
    house.stores.forget(&first.id).await.unwrap();
    house.stores.create(new("more")).await.expect("there is room");
}

#[tokio::test]
async fn what_a_store_takes_changes_where_the_journal_ended() {
    let mut house = house().await;
    house.append(10);
    let made = house.stores.create(new("one")).await.unwrap();
    house.append(5);
    house.stores.set_ingests(&made.id, false).await.unwrap();
    house.stores.set_ingests(&made.id, true).await.unwrap();
    house.stores.set_ingests(&made.id, false).await.unwrap();
    house.append(5);
    let far = house.append(5);
    house.stores.set_ingests(&made.id, true).await.unwrap();
    let takes_at = |house: &House, offset: u64| {
        let store = house.stores.find(account(), &made.id).unwrap();
        let course = store.course_at(Position { partition: Partition(0), offset });
        course.map(|n| store.courses[n].takes.is_some())
    };
    for _ in 0..2 {
        for (offset, expect) in
            [(9, None), (10, Some(true)), (14, Some(true)), (15, Some(false)), (24, Some(false)), (25, Some(true))]
        {
            assert_eq!(takes_at(&house, offset), expect, "{offset}");
        }
        house.again().await;
    }
    // The follower has passed all of it: the next change forgets.
    house.stores.passed(&far).await;
    house.append(1);
    let last = house.stores.delete(&made.id).await.unwrap();
    assert_eq!(last.courses.len(), 2);
}

#[tokio::test]
async fn a_change_whose_result_is_unknown_is_looked_up() {
    for lands in [true, false] {
        let mut house = house().await;
        let store = house.stores.create(new("one")).await.unwrap();
        house.fail_next(lands);
        assert!(matches!(house.stores.set_ingests(&store.id, false).await, Err(RegistryError::Catalog(_))));
        house.stores.add_tags(&store.id, [("k".into(), String::new())].into()).await.unwrap();
        let shown = house.shown();
        assert_eq!((shown[0].ingests, shown[0].revision), (!lands, if lands { 3 } else { 2 }));
        house.again().await;
        assert_eq!(house.shown(), shown);

        house.fail_next(lands);
        assert!(house.stores.create(new("two")).await.is_err());
        assert_eq!(house.stores.create(new("two")).await.is_ok(), !lands);
        assert_eq!(house.shown().len(), 2);

        house.fail_next(lands);
        assert!(house.stores.forget(&store.id).await.is_err());
        let again = house.stores.forget(&store.id).await;
        assert_eq!(matches!(again, Err(RegistryError::NotFound)), lands, "{again:?}");
        assert_eq!(house.shown().len(), 1);
    }
}

#[tokio::test]
async fn an_update_of_what_was_not_seen_is_a_conflict() {
    let house = house().await;
    let first = house.stores.create(new("one")).await.unwrap();
    house.stores.add_tags(&first.id, [("k".into(), String::new())].into()).await.unwrap();
    let stale = house.stores.update(&first, Change { name: "b".into(), config: config() }).await;
    assert!(matches!(stale, Err(RegistryError::Conflict)));
}

#[tokio::test]
async fn what_could_grow_is_bounded() {
    let house = house().await;
    let store = house.stores.create(new("one")).await.unwrap();
    let tags = |n: usize| (0..n).map(|i| (format!("k{i}"), String::new())).collect::<BTreeMap<_, _>>();
    assert!(matches!(house.stores.add_tags(&store.id, tags(51)).await, Err(RegistryError::TooManyTags)));
    let tagged = NewStore { tags: tags(51), ..new("two") };
    assert!(matches!(house.stores.create(tagged).await, Err(RegistryError::TooManyTags)));
    let mut changes = 0;
    let refused = loop {
        house.append(1);
        let on = house.shown()[0].ingests;
        match house.stores.set_ingests(&store.id, !on).await {
            Ok(_) => changes += 1,
            Err(error) => break error,
        }
        assert!(changes <= COURSES_MAX);
    };
    assert!(matches!(refused, RegistryError::TooManyChanges), "{refused:?}");
    house.stores.delete(&store.id).await.expect("what ends the taking goes through");
}

#[tokio::test]
async fn families_keep_to_themselves() {
    let house = house().await;
    let audit = NewStore { config: Config { selectors: of("ActivityAuditLog"), ..config() }, ..new("audit") };
    let audit = house.stores.create(audit).await.unwrap();
    assert_eq!(audit.family, opentrail_event::Family::ActivityAuditLog);
    assert_eq!(audit.courses[0].takes, None, "the journal's calls are none of it");
    assert!(matches!(house.stores.set_ingests(&audit.id, false).await, Err(RegistryError::WrongFamily)));
}

#[tokio::test]
async fn only_a_store_that_ingests_and_sees_the_region_wants() {
    let mut house = house().await;
    let eu: Region = "eu-west-1".parse().unwrap();
    let us = home();
    let put = |region, kind: &'static str| DataEvent {
        account: account(),
        region,
        event_source: "s3.amazonaws.com",
        event_name: "PutObject",
        read_only: false,
        resource_type: kind,
        resource_arn: "arn:aws:s3:::b/k",
    };
    let store = house.stores.create(new("one")).await.unwrap();
    assert!(!house.stores.wants(&put(&us, "AWS::S3::Object")), "management events only");
    let narrow = Config { selectors: objects(), multi_region: false, ..config() };
    house.stores.update(&store, Change { name: "one".into(), config: narrow }).await.unwrap();
    for _ in 0..2 {
        assert!(house.stores.wants(&put(&us, "AWS::S3::Object")));
        assert!(!house.stores.wants(&put(&us, "AWS::Lambda::Function")));
        assert!(!house.stores.wants(&put(&eu, "AWS::S3::Object")));
        house.again().await;
    }
    house.stores.set_ingests(&store.id, false).await.unwrap();
    assert!(!house.stores.wants(&put(&us, "AWS::S3::Object")));
}
