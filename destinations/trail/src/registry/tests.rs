//! The registry over a catalog in memory, with restarts and failures.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_catalog::memory::MemoryCatalog;
use opentrail_catalog::{Error, Key, Txn, Versioned};
use opentrail_journal::{Partition, Position};
use opentrail_selector::{BasicSelector, DataEvent, DataResource, EventSelectors, Interest, ReadWrite};
use opentrail_world::SimClock;

use super::*;
use crate::Config;

/// A registry whose journal and clock a test moves.
struct House {
    trails: Arc<Trails>,
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
    lands: std::sync::atomic::AtomicBool,
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
    let trails = Trails::open(catalog.clone(), watch, world.clone()).await.unwrap();
    House { trails, ends, catalog, clock, world }
}

impl House {
    /// As after a restart.
    async fn again(&mut self) {
        self.trails = Trails::open(self.catalog.clone(), self.ends.subscribe(), self.world.clone()).await.unwrap();
    }

    /// So many entries are appended.
    fn append(&self, n: u64) -> Position {
        let partition = Partition(0);
        let end = self.ends.borrow().next(partition) + n;
        self.ends.send_replace(Positions([(partition, end)].into()));
        Position { partition, offset: end }
    }

    fn fail_next(&self, lands: bool) {
        self.catalog.lands.store(lands, Ordering::SeqCst);
        self.catalog.fails_in.store(1, Ordering::SeqCst);
    }

    fn rows(&self) -> usize {
        self.catalog.inner.rows().len()
    }
}

fn account() -> AccountId {
    "111111111111".parse().unwrap()
}

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

fn config() -> Config {
    Config {
        bucket: "logs".into(),
        prefix: None,
        include_global_service_events: true,
        multi_region: false,
        log_file_validation: false,
        recursive_logging: true,
    }
}

fn new(name: &str, home: &str) -> NewTrail {
    NewTrail { account: account(), home: region(home), name: name.into(), config: config(), tags: BTreeMap::new() }
}

fn multi(name: &str, home: &str) -> NewTrail {
    NewTrail { config: Config { multi_region: true, ..config() }, ..new(name, home) }
}

fn objects_of(bucket: &str) -> EventSelectors {
    EventSelectors::Basic(vec![BasicSelector {
        read_write: ReadWrite::All,
        include_management: true,
        data_resources: vec![DataResource {
            kind: "AWS::S3::Object".into(),
            values: vec![format!("arn:aws:s3:::{bucket}/")],
        }],
        exclude_sources: vec![],
    }])
}

#[tokio::test]
async fn a_trail_lives_and_is_the_same_after_a_restart() {
    let mut house = house().await;
    let made = house.trails.create(new("one", "us-east-1")).await.unwrap();
    assert_eq!((made.revision, made.logging, made.id.len()), (1, None, 32));
    house.clock.advance(std::time::Duration::from_secs(5));
    let started = house.trails.start_logging(&made.id).await.unwrap();
    assert_eq!(started.logging.unwrap().chain_started_s, house.world.now().as_second());
    house.clock.advance(std::time::Duration::from_secs(5));
    assert_eq!(house.trails.start_logging(&made.id).await.unwrap(), started, "it logs already");
    house.trails.put_selectors(&made.id, objects_of("b"), None).await.unwrap();
    house.trails.add_tags(&made.id, [("k".into(), "v".into()), ("l".into(), "w".into())].into()).await.unwrap();
    house.trails.remove_tags(&made.id, &["l".into(), "never there".into()]).await.unwrap();
    let moved = Config { bucket: "elsewhere".into(), ..config() };
    let seen = house.trails.find(account(), &region("us-east-1"), "one").unwrap();
    house.trails.update(&seen, moved.clone(), None).await.unwrap();
    let stopped = house.trails.stop_logging(&made.id, None).await.unwrap();
    assert_eq!(stopped.started_s, started.started_s);
    assert_eq!(stopped.stopped_s, Some(house.world.now().as_second()));

    house.again().await;
    let found = house.trails.find(account(), &region("us-east-1"), "one").unwrap();
    assert_eq!(found, stopped);
    assert_eq!((&found.config, found.tags.len(), found.logging), (&moved, 1, None));
    assert_eq!(house.trails.find(account(), &region("eu-west-1"), "one"), None);
    assert!(house.trails.list("222222222222".parse().unwrap()).is_empty());
}

#[tokio::test]
async fn a_name_is_one_trail_s_at_a_time_and_a_new_trail_is_a_new_id() {
    let mut house = house().await;
    let old = house.trails.create(new("one", "us-east-1")).await.unwrap();
    assert!(matches!(house.trails.create(new("one", "us-east-1")).await, Err(RegistryError::NameTaken)));
    house.trails.create(new("one", "eu-west-1")).await.expect("another region is another name");
    house.append(3);
    house.trails.delete(&old.id, None).await.unwrap();
    assert!(matches!(house.trails.delete(&old.id, None).await, Err(RegistryError::NotFound)));
    let again = house.trails.create(new("one", "us-east-1")).await.unwrap();
    assert_ne!(again.id, old.id);

    for _ in 0..2 {
        let leaving = house.trails.timeline().leaving();
        assert_eq!(leaving.iter().map(|trail| (&*trail.id, trail.revision)).collect::<Vec<_>>(), [(&*old.id, 2)]);
        house.again().await;
    }
    house.trails.forget(&old.id).await.unwrap();
    assert!(matches!(house.trails.forget(&old.id).await, Err(RegistryError::NotFound)));
    assert!(matches!(house.trails.forget(&again.id).await, Err(RegistryError::NotFound)), "it is not deleted");
    house.again().await;
    assert!(house.trails.timeline().leaving().is_empty());
    assert_eq!(house.rows(), 4, "two trails: a name and a revision each");
}

#[tokio::test]
async fn no_region_sees_more_than_five() {
    let house = house().await;
    for name in ["a", "b", "c"] {
        house.trails.create(new(name, "us-east-1")).await.unwrap();
    }
    let wide = house.trails.create(multi("d", "eu-west-1")).await.unwrap();
    let fifth = house.trails.create(new("e", "us-east-1")).await.unwrap();
    let full = |result: Result<_, RegistryError>, expect: &str| match result {
        Err(RegistryError::TooManyTrails { region }) => assert_eq!(region.as_str(), expect),
        other => panic!("{other:?}"),
    };
    full(house.trails.create(new("f", "us-east-1")).await.map(drop), "us-east-1");
    full(house.trails.create(multi("f", "eu-west-1")).await.map(drop), "us-east-1");
    let other = house.trails.create(new("f", "eu-west-1")).await.expect("it sees two");
    full(house.trails.update(&other, multi("", "x").config, None).await.map(drop), "us-east-1");
    house.trails.update(&fifth, multi("", "x").config, None).await.expect("it counts already where it is at home");
    house.trails.delete(&wide.id, None).await.unwrap();
    house.trails.update(&other, multi("", "x").config, None).await.expect("there is room now");
    let elsewhere = NewTrail { account: "222222222222".parse().unwrap(), ..new("a", "us-east-1") };
    house.trails.create(elsewhere).await.expect("another account counts for itself");
}

#[tokio::test]
async fn an_update_of_what_was_not_seen_is_a_conflict() {
    let house = house().await;
    let first = house.trails.create(new("one", "us-east-1")).await.unwrap();
    house.trails.start_logging(&first.id).await.unwrap();
    let stale = house.trails.update(&first, Config { bucket: "b".into(), ..config() }, None).await;
    assert!(matches!(stale, Err(RegistryError::Conflict)));
}

#[tokio::test]
async fn validation_begins_a_chain_with_each_run() {
    let house = house().await;
    let trail = house.trails.create(new("one", "us-east-1")).await.unwrap();
    let with = Config { log_file_validation: true, ..config() };
    let trail = house.trails.update(&trail, with.clone(), None).await.unwrap();
    assert_eq!(trail.logging, None, "it does not log");
    let first = house.trails.start_logging(&trail.id).await.unwrap();
    let off = house.trails.update(&first, config(), None).await.unwrap();
    assert_eq!(off.logging, first.logging);
    house.clock.advance(std::time::Duration::from_secs(60));
    let on = house.trails.update(&off, with, None).await.unwrap();
    let (a, b) = (first.logging.unwrap(), on.logging.unwrap());
    assert_eq!(b.chain_started_s, a.chain_started_s + 60);
    assert_ne!(a.run, b.run);
    house.trails.stop_logging(&trail.id, None).await.unwrap();
    let again = house.trails.start_logging(&trail.id).await.unwrap();
    assert_ne!(again.logging.unwrap().run, b.run);
}

#[tokio::test]
async fn a_revision_is_in_force_from_where_the_journal_ended() {
    let mut house = house().await;
    house.append(10);
    let trail = house.trails.create(new("one", "us-east-1")).await.unwrap();
    let before_start = house.append(5);
    house.trails.start_logging(&trail.id).await.unwrap();
    let after_start = house.append(5);
    house.trails.stop_logging(&trail.id, None).await.unwrap();
    let logs_at = |house: &House, offset: u64| {
        let at = house.trails.timeline().at(Position { offset, ..before_start });
        at.by_id(&trail.id).map(|trail| trail.logging.is_some())
    };
    for _ in 0..2 {
        for (offset, expect) in
            [(9, None), (10, Some(false)), (14, Some(false)), (15, Some(true)), (19, Some(true)), (20, Some(false))]
        {
            assert_eq!(logs_at(&house, offset), expect, "{offset}");
        }
        house.again().await;
    }
    // The follower has come to where the trail began to log, and one entry short of where it stopped.
    house.trails.prune(&Positions([(Partition(0), 19)].into())).await.unwrap();
    assert_eq!(house.rows(), 1 + 2);
    house.again().await;
    assert_eq!((logs_at(&house, 19), logs_at(&house, 20)), (Some(true), Some(false)));
    house.trails.prune(&Positions([(Partition(0), after_start.offset)].into())).await.unwrap();
    assert_eq!(house.rows(), 1 + 1);
    assert_eq!(house.trails.list(account()).len(), 1);
}

#[tokio::test]
async fn a_change_whose_result_is_unknown_is_looked_up() {
    for lands in [true, false] {
        let mut house = house().await;
        let trail = house.trails.create(new("one", "us-east-1")).await.unwrap();
        house.fail_next(lands);
        assert!(matches!(house.trails.start_logging(&trail.id).await, Err(RegistryError::Catalog(_))));
        let next = house.trails.put_selectors(&trail.id, objects_of("b"), None).await.unwrap();
        assert_eq!(next.logging.is_some(), lands);
        assert_eq!(next.revision, if lands { 3 } else { 2 });
        let shown = house.trails.list(account());
        house.again().await;
        assert_eq!(house.trails.list(account()), shown);

        house.fail_next(lands);
        assert!(house.trails.create(new("two", "us-east-1")).await.is_err());
        let again = house.trails.create(new("two", "us-east-1")).await;
        assert_eq!(again.is_ok(), !lands, "{again:?}");
        assert_eq!(house.trails.list(account()).len(), 2);

        house.fail_next(lands);
        assert!(house.trails.delete(&trail.id, None).await.is_err());
        house.again().await;
        assert_eq!(house.trails.find(account(), &region("us-east-1"), "one").is_none(), lands);
    }
}

#[tokio::test]
async fn a_prune_or_forget_that_failed_is_done_again() {
    for lands in [true, false] {
        let mut house = house().await;
        let trail = house.trails.create(new("one", "us-east-1")).await.unwrap();
        house.append(1);
        house.trails.start_logging(&trail.id).await.unwrap();
        let end = Positions([(Partition(0), 1)].into());
        house.fail_next(lands);
        assert!(house.trails.prune(&end).await.is_err());
        house.trails.prune(&end).await.unwrap();
        assert_eq!(house.rows(), 1 + 1);
        house.trails.delete(&trail.id, None).await.unwrap();
        house.fail_next(lands);
        assert!(house.trails.forget(&trail.id).await.is_err());
        house.trails.forget(&trail.id).await.unwrap();
        house.again().await;
        assert_eq!(house.rows(), 0);
    }
}

#[tokio::test]
async fn what_could_grow_is_bounded() {
    let house = house().await;
    let trail = house.trails.create(new("one", "us-east-1")).await.unwrap();
    let tags = |n: usize| (0..n).map(|i| (format!("k{i}"), String::new())).collect::<BTreeMap<_, _>>();
    assert!(matches!(house.trails.add_tags(&trail.id, tags(51)).await, Err(RegistryError::TooManyTags)));
    house.trails.add_tags(&trail.id, tags(50)).await.unwrap();
    let over = house.trails.add_tags(&trail.id, [("another".into(), String::new())].into()).await;
    assert!(matches!(over, Err(RegistryError::TooManyTags)));
    let created = house.trails.create(NewTrail { tags: tags(51), ..new("two", "us-east-1") }).await;
    assert!(matches!(created, Err(RegistryError::TooManyTags)));

    let mut changes = 2;
    let refused = loop {
        let bucket = if changes % 2 == 0 { "a" } else { "b" };
        match house.trails.put_selectors(&trail.id, objects_of(bucket), None).await {
            Ok(_) => changes += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, RegistryError::TooManyChanges));
    assert_eq!(changes, REVISIONS_MAX);
    house.trails.prune(&house.ends.borrow().clone()).await.unwrap();
    house.trails.stop_logging(&trail.id, None).await.unwrap();
    house.trails.delete(&trail.id, None).await.unwrap();
}

#[tokio::test]
async fn only_a_trail_that_logs_and_sees_the_region_wants() {
    let mut house = house().await;
    let (us, eu) = (region("us-east-1"), region("eu-west-1"));
    let get = |region, arn: &'static str| DataEvent {
        account: account(),
        region,
        event_source: "s3.amazonaws.com",
        event_name: "GetObject",
        read_only: true,
        resource_type: "AWS::S3::Object",
        resource_arn: arn,
    };
    let trail = house.trails.create(new("one", "us-east-1")).await.unwrap();
    house.trails.start_logging(&trail.id).await.unwrap();
    assert!(!house.trails.wants(&get(&us, "arn:aws:s3:::b/k")), "management events only");
    house.trails.put_selectors(&trail.id, objects_of("b"), None).await.unwrap();
    for _ in 0..2 {
        assert!(house.trails.wants(&get(&us, "arn:aws:s3:::b/k")));
        assert!(!house.trails.wants(&get(&us, "arn:aws:s3:::another/k")));
        let function = DataEvent { resource_type: "AWS::Lambda::Function", ..get(&us, "arn:aws:s3:::b/k") };
        assert!(!house.trails.wants(&function));
        assert!(!house.trails.wants(&get(&eu, "arn:aws:s3:::b/k")));
        let foreign = DataEvent { account: "222222222222".parse().unwrap(), ..get(&us, "arn:aws:s3:::b/k") };
        assert!(!house.trails.wants(&foreign));
        house.again().await;
    }
    let seen = house.trails.find(account(), &us, "one").unwrap();
    house.trails.update(&seen, multi("", "x").config, None).await.unwrap();
    assert!(house.trails.wants(&get(&eu, "arn:aws:s3:::b/k")));
    house.trails.stop_logging(&trail.id, None).await.unwrap();
    assert!(!house.trails.wants(&get(&us, "arn:aws:s3:::b/k")));
}
