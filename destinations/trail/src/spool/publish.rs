//! Publish: files are put into their buckets, each lane in order, lanes apart from each other.

use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use opentrail_catalog::{From, decode};
use tokio::sync::watch;

use super::Spool;
use super::put::End;
use super::row::{Lane, Spooled};
use crate::Delivery;

/// Files that are on their way at a time: as many lanes.
const AT_ONCE: usize = 8;
/// Rows of a lane that are read at once.
const PAGE: usize = 32;
/// The longest pause between two tries of a lane.
const PAUSE_MAX: Duration = Duration::from_secs(3_600);
/// The first pause, where the delivery interval is not shorter.
const PAUSE: Duration = Duration::from_secs(60);
/// The longest the publisher sleeps without looking around.
const NAP_MAX: Duration = Duration::from_secs(60);

/// Who delivers.
pub(crate) const SERVICE: &str = "cloudtrail.amazonaws.com";

impl Delivery {
    /// Puts what waits, until `stop` shows true or its sender is gone. A file that is on its way then is put to its end.
    pub(crate) async fn publish(&self, stop: &watch::Receiver<bool>) {
        let mut running = FuturesUnordered::new();
        let mut told = stop.clone();
        while !stopped(stop) {
            self.start_due(&mut running, stop);
            let nap = self.nap();
            tokio::select! {
                _ = told.wait_for(|stopped| *stopped) => break,
                Some(()) = running.next(), if !running.is_empty() => {}
                () = self.spool.came.notified() => {}
                () = self.world.sleep(nap) => {}
            }
        }
        while running.next().await.is_some() {}
    }

    /// Puts what is due now.
    #[cfg(test)]
    pub(crate) async fn publish_due(&self) {
        let (_go_on, stop) = watch::channel(false);
        let mut running = FuturesUnordered::new();
        loop {
            self.start_due(&mut running, &stop);
            if running.next().await.is_none() {
                return;
            }
        }
    }

    fn start_due<'a>(
        &'a self,
        running: &mut FuturesUnordered<futures::future::BoxFuture<'a, ()>>,
        stop: &watch::Receiver<bool>,
    ) {
        while running.len() < AT_ONCE {
            let Some((lane, state)) = self.spool.ledger().take_due(self.world.monotonic()) else { return };
            let stop = stop.clone();
            running.push(Box::pin(async move { self.run_lane(&lane, state.failing_since, &stop).await }));
        }
    }

    fn nap(&self) -> Duration {
        let now = self.world.monotonic();
        let next = self.spool.ledger().next_due().map_or(NAP_MAX, |due| due.saturating_sub(now));
        next.clamp(Duration::from_millis(1), NAP_MAX)
    }

    /// Puts the files of a lane until there is none left, or one fails.
    async fn run_lane(&self, lane: &Lane, failing_since: Option<Duration>, stop: &watch::Receiver<bool>) {
        let mut failing_since = failing_since;
        if let Err(error) = self.settle_lane(lane).await {
            return self.pause(lane, &error);
        }
        loop {
            let page = match self.spool.catalog.list(&lane.family(), From::Start, PAGE).await {
                Ok(page) => page,
                Err(error) => return self.pause(lane, &error),
            };
            let (empty, mut left) = (page.is_empty(), page.len());
            'page: for (key, stored) in page {
                if stopped(stop) {
                    return self.spool.ledger().left(lane);
                }
                let file = match decode::<Spooled>(&stored.value) {
                    Ok(file) => file,
                    Err(error) => return self.pause(lane, &error),
                };
                if !self.spool.ledger().names(&file.blob) {
                    // Whether it was committed is not settled yet; whoever settles it says that it came.
                    break 'page;
                }
                match self.put(lane, key, file, failing_since).await {
                    Ok(End::GivenUp) => {}
                    Ok(End::Put { .. }) => {
                        self.spool.ledger().succeeded(lane);
                        failing_since = None;
                    }
                    Err(error) => return self.pause(lane, &error),
                }
                left -= 1;
            }
            // None was there, or one that is not settled.
            if (left > 0 || empty) && self.spool.ledger().finished(lane) {
                return;
            }
        }
    }

    fn pause(&self, lane: &Lane, error: &(dyn std::fmt::Display + Sync)) {
        tracing::warn!(trail = %self.spoken(&lane.trail), bucket = %lane.bucket, %error, "deliver a file; it is tried again");
        metrics::counter!("opentrail_trail_failures_total", "kind" => lane.kind.as_str()).increment(1);
        let first = self.settings.delivery_interval.min(PAUSE);
        let mut ledger = self.spool.ledger();
        ledger.failed(lane, self.world.monotonic(), first, PAUSE_MAX);
        metrics::gauge!("opentrail_trail_failing_lanes").set(ledger.failing() as f64);
    }
}

/// A `stop` whose sender is gone counts as true.
pub(crate) fn stopped(stop: &watch::Receiver<bool>) -> bool {
    *stop.borrow() || stop.has_changed().is_err()
}

impl Spool {
    /// Whether log files of this run are still to be put.
    pub(crate) fn waits(&self, trail: &str, run: u64) -> bool {
        self.ledger().waits(trail, run)
    }
}
