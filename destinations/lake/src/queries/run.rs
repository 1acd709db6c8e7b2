//! One query from its place in the queue to its last row.

use std::sync::Arc;
use std::time::Duration;

use opentrail_catalog::{Error as CatalogError, Txn, encode};
use opentrail_table::sql::{Budget, Error, Planned};

use super::row::{QueryRow, QueryStatus, query_key};
use super::sheets::{self, Sheets};
use super::{Queries, Running};

/// The end of a query is written again after such a pause, for as long as the catalog does not take it.
const PAUSE: Duration = Duration::from_secs(1);

impl Queries {
    pub(super) async fn run(self: Arc<Self>, mut row: QueryRow, planned: Box<dyn Planned>) {
        let Some(one) = self.running().get(&row.id).cloned() else { return };
        let outcome = match self.wait(&row.id, &one).await {
            Ok(()) => self.answer(&mut row, planned, &one).await,
            Err(error) => Err(error),
        };
        let statistics = one.progress.statistics();
        row.events_matched = statistics.events_matched;
        row.events_scanned = statistics.events_scanned;
        row.bytes_scanned = statistics.bytes_scanned;
        let since = self.running().get(&row.id).and_then(|one| one.since);
        let ran = since.map(|since| self.parts.world.monotonic().saturating_sub(since)).unwrap_or_default();
        row.ran_ms = u64::try_from(ran.as_millis()).unwrap_or(u64::MAX);
        (row.status, row.error) = match outcome {
            Ok(()) => (QueryStatus::Finished, None),
            Err(Error::Cancelled) => (QueryStatus::Cancelled, None),
            Err(Error::TimedOut) => (QueryStatus::TimedOut, Some(Error::TimedOut.to_string())),
            Err(error) => (QueryStatus::Failed, Some(error.to_string())),
        };
        self.end(row).await;
    }

    /// Until there is a place to run in, or nobody wants it any more.
    async fn wait(&self, id: &str, one: &Running) -> Result<(), Error> {
        let slot = tokio::select! {
            slot = self.slots.acquire() => slot.map_err(|_| Error::Cancelled)?,
            () = one.cancel.cancelled() => return Err(Error::Cancelled),
        };
        // Given back by hand when the query has ended: the place is held beyond this function.
        slot.forget();
        if let Some(one) = self.running().get_mut(id) {
            one.since = Some(self.parts.world.monotonic());
        }
        Ok(())
    }

    async fn answer(&self, row: &mut QueryRow, planned: Box<dyn Planned>, one: &Running) -> Result<(), Error> {
        let _place = Place(self);
        let settings = &self.settings;
        let budget = Budget { memory_bytes: settings.memory_bytes, time: settings.time, rows: settings.rows_max };
        let mut sheets = Sheets::new(self.parts.blobs.clone(), row.id.clone(), settings.result_bytes_max);
        let ran = planned.run(budget, one.cancel.clone(), one.progress.clone(), &mut sheets).await;
        match ran {
            // What was read until the time was over stays good (`spec/lake.md` 6.4).
            Ok(_) | Err(Error::TimedOut) => row.sheets = sheets.finish().await?,
            Err(_) => {}
        }
        ran.map(drop)
    }

    /// *Commits* the end; then what memory knew goes.
    async fn end(&self, row: QueryRow) {
        if row.sheets.is_empty()
            && let Err(error) = sheets::sweep(&*self.parts.blobs, &row.id).await
        {
            tracing::warn!(%error, query = row.id, "sweep the answer of a query that has none");
        }
        let key = query_key(row.account, &row.region, &row.id);
        while let Err(error) = self.parts.catalog.txn(Txn::new().put(key.clone(), encode(&row))).await {
            tracing::warn!(%error, query = row.id, "write down how a query ended");
            if matches!(error, CatalogError::Conflict { .. }) {
                break;
            }
            self.parts.world.sleep(PAUSE).await;
        }
        metrics::counter!("opentrail_queries_total", "status" => row.status.as_str()).increment(1);
        self.running().remove(&row.id);
    }
}

/// A place to run in, given back when the query ends, however it ends.
struct Place<'a>(&'a Queries);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.slots.add_permits(1);
    }
}
