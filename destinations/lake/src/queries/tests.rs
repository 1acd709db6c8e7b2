//! Queries over an engine that does what its statement says: `rows 5 of STORE`, `wait`, `fail`.

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use opentrail_blobs::memory::MemoryBlobs;
use opentrail_catalog::memory::MemoryCatalog;
use opentrail_journal::Positions;
use opentrail_selector::EventSelectors;
use opentrail_table::sql::{Budget, Planned, ResultColumn, Sink, Statistics};
use opentrail_world::SimClock;

use super::*;
use crate::{Billing, Config, NewStore, Stores};

struct Engine;

struct Plan {
    words: Vec<String>,
    tables: Vec<String>,
    columns: Vec<ResultColumn>,
}

impl Query for Engine {
    fn plan<'a>(
        &'a self,
        sql: &'a str,
        scope: &'a Scope,
        _now_ms: i64,
    ) -> BoxFuture<'a, Result<Box<dyn Planned>, Error>> {
        let words: Vec<String> = sql.split(' ').map(str::to_owned).collect();
        let planned = match words.last().and_then(|name| scope.table(name)) {
            _ if sql == "nonsense" => Err(Error::invalid("what?")),
            None => Err(Error::UnknownTable(words.last().cloned().unwrap_or_default())),
            Some(table) => {
                let column = |name: &str| ResultColumn { name: name.into(), kind: "varchar".into() };
                let columns = vec![column("n"), column("n")];
                Ok(Box::new(Plan { words, tables: vec![table.id.clone()], columns }) as Box<dyn Planned>)
            }
        };
        ready(planned).boxed()
    }
}

impl Planned for Plan {
    fn columns(&self) -> &[ResultColumn] {
        &self.columns
    }

    fn tables(&self) -> &[String] {
        &self.tables
    }

    fn explain(&self) -> String {
        self.words.join(" ")
    }

    fn run<'a>(
        self: Box<Self>,
        _budget: Budget,
        cancel: Cancel,
        progress: Arc<Progress>,
        sink: &'a mut dyn Sink,
    ) -> BoxFuture<'a, Result<Statistics, Error>> {
        async move {
            let rows: usize = self.words.get(1).and_then(|n| n.parse().ok()).unwrap_or(0);
            for n in 0..rows {
                progress.scanned(1, 10);
                sink.rows(vec![vec![Some(n.to_string()), None]]).await?;
            }
            match self.words[0].as_str() {
                "wait" => {
                    cancel.cancelled().await;
                    Err(Error::Cancelled)
                }
                "fail" => Err(Error::Data("division by zero".into())),
                "late" => Err(Error::TimedOut),
                _ => Ok(progress.statistics()),
            }
        }
        .boxed()
    }
}

struct House {
    queries: Arc<Queries>,
    store: Arc<EventDataStore>,
    stores: Arc<Stores>,
    catalog: Arc<MemoryCatalog>,
    blobs: MemoryBlobs,
    clock: Arc<SimClock>,
    world: World,
}

fn account() -> AccountId {
    "111111111111".parse().unwrap()
}

async fn open(catalog: &Arc<MemoryCatalog>, blobs: &MemoryBlobs, world: &World) -> Arc<Queries> {
    let parts = QueryParts {
        query: Arc::new(Engine),
        catalog: catalog.clone(),
        blobs: Arc::new(blobs.clone()),
        world: world.clone(),
        runtime: Handle::current(),
    };
    Queries::open(parts, QuerySettings { result_bytes_max: 100_000, ..Default::default() }).await.unwrap()
}

async fn house() -> House {
    let (world, clock) = World::simulated(7, "2026-06-01T00:00:00Z".parse().unwrap());
    let (catalog, blobs) = (Arc::new(MemoryCatalog::default()), MemoryBlobs::default());
    let (_, ends) = tokio::sync::watch::channel(Positions::default());
    let stores = Stores::open(catalog.clone(), ends, world.clone()).await.unwrap();
    let config = Config {
        selectors: EventSelectors::default_for_event_data_store(),
        multi_region: true,
        retention_days: 366,
        billing: Billing::Extendable,
        termination_protection: false,
    };
    let (home, name) = (Region::us_east_1(), "one".into());
    let new = NewStore { account: account(), home, name, config, tags: BTreeMap::new(), ingests: true };
    let store = stores.create(new).await.unwrap();
    let queries = open(&catalog, &blobs, &world).await;
    House { queries, store, stores, catalog, blobs, clock, world }
}

impl House {
    fn ask(&self, statement: &str) -> Ask {
        let store = self.stores.find(account(), &self.store.id).unwrap();
        Ask { account: account(), region: Region::us_east_1(), statement: statement.into(), stores: vec![store] }
    }

    async fn start(&self, words: &str) -> String {
        self.queries.start(self.ask(&format!("{words} {}", self.store.id))).await.unwrap()
    }

    async fn describe(&self, id: &str) -> QueryRow {
        self.queries.describe(account(), &Region::us_east_1(), id).await.unwrap()
    }

    /// The query once it has ended.
    async fn ended(&self, id: &str) -> QueryRow {
        for _ in 0..10_000 {
            let row = self.describe(id).await;
            if row.status.is_final() && !self.queries.running().contains_key(id) {
                return row;
            }
            tokio::task::yield_now().await;
        }
        panic!("it does not end");
    }

    async fn rows(&self, id: &str, from: u64, limit: usize) -> Vec<String> {
        let (_, rows) = self.queries.results(account(), &Region::us_east_1(), id, from, limit).await.unwrap();
        rows.into_iter().map(|mut row| row.swap_remove(0).unwrap()).collect()
    }
}

#[tokio::test]
async fn an_answer_is_paged_and_kept_for_seven_days() {
    let house = house().await;
    let id = house.start("rows 2500 of").await;
    let row = house.ended(&id).await;
    assert_eq!(
        (row.status, row.rows(), row.events_scanned, row.bytes_scanned),
        (QueryStatus::Finished, 2500, 2500, 25_000)
    );
    assert_eq!((row.columns, row.stores), (vec!["n".to_owned(), "n".to_owned()], vec![house.store.id.clone()]));
    let all: Vec<String> = (0..2500).map(|n| n.to_string()).collect();
    for (from, limit) in [(0, 1), (0, 1000), (999, 3), (1500, 1000), (2499, 1000), (2500, 10)] {
        let expect = all.iter().skip(from).take(limit).cloned().collect::<Vec<_>>();
        assert_eq!(house.rows(&id, from as u64, limit).await, expect, "{from} {limit}");
    }
    house.clock.advance(Duration::from_secs(KEPT_S as u64));
    assert_eq!(house.queries.expire().await.unwrap(), 0);
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(house.queries.expire().await.unwrap(), 1);
    assert!(house.blobs.keys().is_empty());
    let gone = house.queries.describe(account(), &Region::us_east_1(), &id).await;
    assert!(matches!(gone, Err(QueryError::NotFound)));
}

#[tokio::test]
async fn others_do_not_see_it() {
    let house = house().await;
    let id = house.start("rows 1 of").await;
    let eve = "999999999999".parse().unwrap();
    let other: Region = "eu-west-1".parse().unwrap();
    for (account, region) in [(eve, Region::us_east_1()), (account(), other)] {
        assert!(matches!(house.queries.describe(account, &region, &id).await, Err(QueryError::NotFound)));
        assert!(matches!(house.queries.results(account, &region, &id, 0, 1).await, Err(QueryError::NotFound)));
        assert!(matches!(house.queries.cancel(account, &region, &id).await, Err(QueryError::NotFound)));
        assert!(house.queries.list(account, &region, &house.store.id).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_cannot_be_planned_is_not_started() {
    let house = house().await;
    let refused = house.queries.start(house.ask("nonsense")).await;
    assert!(matches!(refused, Err(QueryError::Statement(Error::Invalid { .. }))));
    let unknown = house.queries.start(house.ask("rows 1 of another")).await;
    assert!(matches!(unknown, Err(QueryError::Statement(Error::UnknownTable(name))) if name == "another"));
    house.stores.delete(&house.store.id).await.unwrap();
    let inactive = house.queries.start(house.ask(&format!("rows 1 of {}", house.store.id))).await;
    assert!(matches!(inactive, Err(QueryError::Inactive(id)) if id == house.store.id));
    assert!(house.queries.running().is_empty(), "no place is lost");
}

#[tokio::test]
async fn ten_are_all_and_a_cancelled_one_makes_room() {
    let house = house().await;
    let mut ids = Vec::new();
    for _ in 0..CONCURRENT_MAX {
        ids.push(house.start("wait 0 of").await);
    }
    let ask = house.ask(&format!("wait 0 of {}", house.store.id));
    assert!(matches!(house.queries.start(ask.clone()).await, Err(QueryError::TooMany)));
    // Four run and six wait; both kinds can be cancelled.
    for id in [&ids[0], &ids[9]] {
        house.queries.cancel(account(), &Region::us_east_1(), id).await.unwrap();
        assert_eq!(house.describe(id).await.status, QueryStatus::Cancelled, "it is said at once");
        let row = house.ended(id).await;
        assert_eq!((row.status, row.error), (QueryStatus::Cancelled, None));
        let again = house.queries.cancel(account(), &Region::us_east_1(), id).await;
        assert!(matches!(again, Err(QueryError::Ended(QueryStatus::Cancelled))), "{again:?}");
    }
    house.queries.start(ask).await.expect("there is room");
    for id in &ids[1..9] {
        house.queries.cancel(account(), &Region::us_east_1(), id).await.unwrap();
        house.ended(id).await;
    }
    assert_eq!(house.queries.list(account(), &Region::us_east_1(), &house.store.id).await.unwrap().len(), 11);
    let id = house.start("rows 3 of").await;
    assert_eq!(house.ended(&id).await.status, QueryStatus::Finished, "all places were given back");
}

#[tokio::test]
async fn a_failure_says_why_and_leaves_no_answer_and_lateness_leaves_what_there_was() {
    let house = house().await;
    let id = house.start("fail 1500 of").await;
    let row = house.ended(&id).await;
    assert_eq!((row.status, row.error.as_deref(), row.rows()), (QueryStatus::Failed, Some("division by zero"), 0));
    assert!(house.blobs.keys().is_empty());
    let id = house.start("late 1500 of").await;
    let row = house.ended(&id).await;
    assert_eq!((row.status, row.rows()), (QueryStatus::TimedOut, 1500));
    assert_eq!(house.rows(&id, 1498, 10).await, ["1498", "1499"]);
    let id = house.start("rows 20000 of").await;
    let row = house.ended(&id).await;
    assert!(row.error.expect("a reason").contains("100000 bytes"), "an answer is bounded");
}

#[tokio::test]
async fn a_query_that_the_server_did_not_survive_has_failed() {
    let house = house().await;
    let id = house.start("wait 2500 of").await;
    while house.blobs.keys().len() < 2 {
        tokio::task::yield_now().await;
    }
    let queries = open(&house.catalog, &house.blobs, &house.world).await;
    let row = queries.describe(account(), &Region::us_east_1(), &id).await.unwrap();
    assert_eq!(row.status, QueryStatus::Failed);
    assert!(row.error.expect("a reason").contains("stopped"));
    assert!(house.blobs.keys().is_empty());
}
