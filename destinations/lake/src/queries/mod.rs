//! Queries: started, run one beside the other within bounds, kept for seven days.
//!
//! - A query is one catalog row, written when it is started and when it has ended. What is between, memory alone knows: a
//!   start finds the rows that say that a query runs, and has them fail.
//! - Its answer is in sheets, staged while it runs and named by the row when it ends.
//! - It sees the tables that it was given, and no others: [`Ask::stores`].

mod row;
mod run;
mod sheets;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentrail_blobs::Blobs;
use opentrail_catalog::{Catalog, Check, Damaged, From, Txn, decode, encode};
use opentrail_event::{AccountId, EventId, Region};
use opentrail_table::sql::{Cancel, Error, Named, Progress, Query, Scope, Value};
use opentrail_world::World;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::{EventDataStore, Status};
use row::{queries, queries_of, query_key};

pub use row::{QueryRow, QueryStatus};

/// Queries of an account in a region that wait or run at once.
pub const CONCURRENT_MAX: usize = 10;
/// How long a query and its answer are kept, in seconds.
pub const KEPT_S: i64 = 7 * 86_400;
/// Queries of an account in a region that are kept; more are not started.
const KEPT_MAX: u64 = 10_000;
/// Rows read at once.
const PAGE: usize = 200;

/// What an operator sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuerySettings {
    /// Queries that run at once, of all accounts; others wait.
    pub at_once: usize,
    /// Bytes that the sorts, groups and joins of one query may hold.
    pub memory_bytes: usize,
    /// How long a query may run.
    pub time: Duration,
    /// Rows of an answer.
    pub rows_max: u64,
    /// Bytes of an answer as it is kept.
    pub result_bytes_max: u64,
}

impl Default for QuerySettings {
    fn default() -> Self {
        Self {
            at_once: 4,
            memory_bytes: 256 << 20,
            time: Duration::from_secs(3_600),
            rows_max: 1_000_000,
            result_bytes_max: 1 << 30,
        }
    }
}

/// What queries stand on.
pub struct QueryParts {
    pub query: Arc<dyn Query>,
    pub catalog: Arc<dyn Catalog>,
    pub blobs: Arc<dyn Blobs>,
    pub world: World,
    /// Where queries run: apart from what takes events in.
    pub runtime: Handle,
}

/// A query to be started.
#[derive(Debug, Clone)]
pub struct Ask {
    pub account: AccountId,
    pub region: Region,
    pub statement: String,
    /// The stores that it may name.
    pub stores: Vec<Arc<EventDataStore>>,
}

/// Why a query was not started, found or ended.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error("there is no such query")]
    NotFound,
    /// What the engine says of the statement.
    #[error(transparent)]
    Statement(Error),
    /// It reads a store that is pending deletion.
    #[error("event data store {0} is pending deletion")]
    Inactive(String),
    #[error("{CONCURRENT_MAX} queries wait or run already")]
    TooMany,
    /// It has ended already.
    #[error("the query is {}", .0.as_str())]
    Ended(QueryStatus),
    #[error("catalog: {0}")]
    Catalog(#[from] opentrail_catalog::Error),
    #[error("answer: {0}")]
    Blobs(#[from] opentrail_blobs::Error),
    #[error("{0}")]
    Damaged(#[from] Damaged),
}

/// All queries.
pub struct Queries {
    parts: QueryParts,
    settings: QuerySettings,
    slots: Arc<Semaphore>,
    running: Mutex<HashMap<String, Running>>,
}

/// What memory knows of a query that has not ended.
#[derive(Clone)]
struct Running {
    account: AccountId,
    region: Region,
    cancel: Cancel,
    progress: Arc<Progress>,
    /// On the monotonic clock, once it runs.
    since: Option<Duration>,
    /// Somebody was told that it is cancelled.
    cancelled: bool,
}

impl Queries {
    /// Has the queries fail that an earlier run of the server left running.
    pub async fn open(parts: QueryParts, settings: QuerySettings) -> Result<Arc<Self>, QueryError> {
        let slots = Arc::new(Semaphore::new(settings.at_once.max(1)));
        let all = Arc::new(Self { parts, settings, slots, running: Mutex::default() });
        let mut from = From::Start;
        loop {
            let page = all.parts.catalog.list(&queries(), from, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(all) };
            from = From::After(last.clone());
            for (key, stored) in &page {
                let mut row: QueryRow = decode(&stored.value)?;
                if row.status.is_final() {
                    continue;
                }
                row.status = QueryStatus::Failed;
                row.error = Some("The server was stopped while the query ran. Start it again.".into());
                let guard = Check::Is(key.clone(), stored.version);
                all.parts.catalog.txn(Txn::new().check(guard).put(key.clone(), encode(&row))).await?;
                sheets::sweep(&*all.parts.blobs, &row.id).await?;
            }
        }
    }

    /// Checks and starts a query; its id.
    pub async fn start(self: &Arc<Self>, ask: Ask) -> Result<String, QueryError> {
        let scope = Scope { tables: ask.stores.iter().map(|store| named(store)).collect() };
        let now_ms = self.parts.world.now().as_millisecond();
        let planned = self.parts.query.plan(&ask.statement, &scope, now_ms).await.map_err(QueryError::Statement)?;
        let reads = |store: &&Arc<EventDataStore>| planned.tables().contains(&store.id);
        if let Some(store) = ask.stores.iter().filter(reads).find(|s| s.status() == Status::PendingDeletion) {
            return Err(QueryError::Inactive(store.id.clone()));
        }
        let id = EventId::from_bytes(self.parts.world.uuid_v4()).to_string();
        let row = QueryRow {
            id: id.clone(),
            account: ask.account,
            region: ask.region.clone(),
            statement: ask.statement,
            stores: planned.tables().to_vec(),
            status: QueryStatus::Queued,
            created_ms: now_ms,
            ran_ms: 0,
            events_matched: 0,
            events_scanned: 0,
            bytes_scanned: 0,
            error: None,
            columns: planned.columns().iter().map(|column| column.name.clone()).collect(),
            sheets: Vec::new(),
        };
        self.announce(&row)?;
        let key = query_key(row.account, &row.region, &row.id);
        let room = Check::AtMost { prefix: queries_of(row.account, &row.region), max: KEPT_MAX - 1 };
        let txn = Txn::new().check(Check::Absent(key.clone())).check(room).put(key, encode(&row));
        if let Err(error) = self.parts.catalog.txn(txn).await {
            self.running().remove(&id);
            return Err(match error {
                opentrail_catalog::Error::Conflict { .. } => QueryError::TooMany,
                error => error.into(),
            });
        }
        let all = self.clone();
        self.parts.runtime.spawn(async move { all.run(row, planned).await });
        Ok(id)
    }

    /// Takes one of the account's places.
    fn announce(&self, row: &QueryRow) -> Result<(), QueryError> {
        let mut running = self.running();
        let same = |one: &&Running| one.account == row.account && one.region == row.region;
        if running.values().filter(same).count() >= CONCURRENT_MAX {
            return Err(QueryError::TooMany);
        }
        let one = Running {
            account: row.account,
            region: row.region.clone(),
            cancel: Cancel::default(),
            progress: Arc::default(),
            since: None,
            cancelled: false,
        };
        running.insert(row.id.clone(), one);
        Ok(())
    }

    /// A query as it stands.
    pub async fn describe(&self, account: AccountId, region: &Region, id: &str) -> Result<QueryRow, QueryError> {
        let stored = self.parts.catalog.get(&query_key(account, region, id)).await?;
        let mut row: QueryRow = decode(&stored.ok_or(QueryError::NotFound)?.value)?;
        self.bring_up_to_date(&mut row);
        Ok(row)
    }

    /// Up to `limit` rows of its answer from row `from` on, with the query as it stands.
    pub async fn results(
        &self,
        account: AccountId,
        region: &Region,
        id: &str,
        from: u64,
        limit: usize,
    ) -> Result<(QueryRow, Vec<Vec<Value>>), QueryError> {
        let row = self.describe(account, region, id).await?;
        let rows = sheets::read(&*self.parts.blobs, &row.sheets, from, limit).await?;
        Ok((row, rows))
    }

    /// The queries of an account in a region that read `store`, newest first.
    pub async fn list(&self, account: AccountId, region: &Region, store: &str) -> Result<Vec<QueryRow>, QueryError> {
        let mut found = BTreeMap::new();
        let prefix = queries_of(account, region);
        let mut from = From::Start;
        loop {
            let page = self.parts.catalog.list(&prefix, from, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            from = From::After(last.clone());
            for (_, stored) in &page {
                let mut row: QueryRow = decode(&stored.value)?;
                if row.stores.iter().any(|id| id == store) {
                    self.bring_up_to_date(&mut row);
                    found.insert((row.created_ms, row.id.clone()), row);
                }
            }
        }
        Ok(found.into_values().rev().collect())
    }

    /// Ends a query early.
    pub async fn cancel(&self, account: AccountId, region: &Region, id: &str) -> Result<(), QueryError> {
        let row = self.describe(account, region, id).await?;
        let mut running = self.running();
        match running.get_mut(id).filter(|_| !row.status.is_final()) {
            Some(one) => {
                one.cancelled = true;
                one.cancel.cancel();
                Ok(())
            }
            None => Err(QueryError::Ended(row.status)),
        }
    }

    /// Queries whose time is over go, with their answers. Returns how many.
    pub async fn expire(&self) -> Result<u64, QueryError> {
        let before_ms = self.parts.world.now().as_millisecond().saturating_sub(KEPT_S * 1_000);
        let (mut from, mut gone) = (From::Start, 0);
        loop {
            let page = self.parts.catalog.list(&queries(), from, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(gone) };
            from = From::After(last.clone());
            for (key, stored) in &page {
                let row: QueryRow = decode(&stored.value)?;
                if row.created_ms < before_ms && row.status.is_final() {
                    // The answer first: a row without one is expired again, an answer without a row is lost to all.
                    sheets::sweep(&*self.parts.blobs, &row.id).await?;
                    self.parts.catalog.txn(Txn::new().delete(key.clone())).await?;
                    gone += 1;
                }
            }
        }
    }

    /// What the row will say only when the query has ended.
    fn bring_up_to_date(&self, row: &mut QueryRow) {
        let running = self.running();
        let Some(one) = running.get(&row.id).filter(|_| !row.status.is_final()) else { return };
        let statistics = one.progress.statistics();
        row.events_matched = statistics.events_matched;
        row.events_scanned = statistics.events_scanned;
        row.bytes_scanned = statistics.bytes_scanned;
        row.status = match one.since {
            _ if one.cancelled => QueryStatus::Cancelled,
            None => QueryStatus::Queued,
            Some(since) => {
                let ran = self.parts.world.monotonic().saturating_sub(since);
                row.ran_ms = u64::try_from(ran.as_millis()).unwrap_or(u64::MAX);
                QueryStatus::Running
            }
        };
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn named(store: &EventDataStore) -> Named {
    Named { id: store.id.clone(), family: store.family }
}

#[cfg(test)]
mod tests;
