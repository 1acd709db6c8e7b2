//! Publish and sweep: files are put into their buckets, each lane in order, lanes apart from each other.

use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use opentrail_blobs::BlobKey;
use opentrail_catalog::{From, Key, Txn, decode, encode};
use opentrail_delivery::{BucketError, File, OnBehalf};
use tokio::sync::watch;

use super::row::{Delivered, Kind, Lane, Spooled};
use super::{Spool, SpoolError};
use crate::Delivery;

/// Files that are on their way at a time: as many lanes.
const AT_ONCE: usize = 8;
/// Rows of a lane that are read at once.
const PAGE: usize = 32;
/// The longest pause between two tries of a lane.
const PAUSE_MAX: Duration = Duration::from_secs(3_600);
/// The first pause, where the delivery interval is not shorter.
const PAUSE: Duration = Duration::from_secs(60);
/// A file that could not be put for so long is given up.
const GIVE_UP_S: i64 = 30 * 86_400;
/// Provided that its lane has failed for so long in this life of the process: the wall clock alone must not throw files away.
const FAILING_MIN: Duration = Duration::from_secs(3_600);
/// The longest the publisher sleeps without looking around.
const NAP_MAX: Duration = Duration::from_secs(60);

/// Who delivers.
pub(crate) const SERVICE: &str = "cloudtrail.amazonaws.com";

/// Why a file was not put.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Bucket(#[from] BucketError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

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
                match self.put(&key, &file, failing_since).await {
                    Ok(()) => {
                        self.spool.ledger().succeeded(lane);
                        failing_since = None;
                    }
                    Err(Tried::GaveUp) => {}
                    Err(Tried::Failed(error)) => {
                        tracing::warn!(
                            trail = %file.arn, bucket = %file.bucket, key = %file.key, %error,
                            "deliver a file; it is tried again"
                        );
                        return self.pause(lane, &error);
                    }
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
        tracing::debug!(trail = %lane.trail, bucket = %lane.bucket, %error, "a lane pauses");
        metrics::counter!("opentrail_trail_failures_total", "kind" => lane.kind.as_str()).increment(1);
        let first = self.settings.delivery_interval.min(PAUSE);
        let mut ledger = self.spool.ledger();
        ledger.failed(lane, self.world.monotonic(), first, PAUSE_MAX);
        metrics::gauge!("opentrail_trail_failing_lanes").set(ledger.failing() as f64);
    }

    /// Puts one file, and writes down that it is there.
    async fn put(&self, key: &Key, file: &Spooled, failing_since: Option<Duration>) -> Result<(), Tried> {
        let attempted = self.world.now();
        match self.put_object(file).await {
            Ok(()) => {}
            Err(Failure::Bucket(error)) => {
                self.statuses.failed(file, attempted, error.code()).await.map_err(Tried::spool)?;
                let age = self.world.now().as_second().saturating_sub(file.staged_s);
                let failing = failing_since.map(|since| self.world.monotonic().saturating_sub(since));
                if age < GIVE_UP_S || failing.is_none_or(|span| span < FAILING_MIN) {
                    return Err(Tried::Failed(error.to_string()));
                }
                self.give_up(key, file, &error).await.map_err(Tried::spool)?;
                return Err(Tried::GaveUp);
            }
            Err(Failure::Spool(error)) => return Err(Tried::Failed(error.to_string())),
        }
        let now = self.world.now();
        let mut txn = Txn::new().delete(key.clone());
        let delivered = Delivered::of(file, now.as_second()).filter(|_| file.kind == Kind::Log);
        if let Some(delivered) = &delivered {
            txn = txn.put(delivered.stored_under(), encode(delivered));
        }
        txn = self.statuses.succeeded(txn, file, attempted, now);
        self.spool.catalog.txn(txn).await.map_err(|error| Tried::Failed(error.to_string()))?;
        self.statuses.landed(file, attempted, now);
        if let Some(delivered) = delivered {
            self.note_delivered(delivered);
        }
        self.spool.release(file).await;
        metrics::counter!("opentrail_trail_files_total", "kind" => file.kind.as_str()).increment(1);
        metrics::counter!("opentrail_trail_bytes_total", "kind" => file.kind.as_str()).increment(file.bytes);
        self.chains_moved.notify_one();
        Ok(())
    }

    async fn put_object(&self, file: &Spooled) -> Result<(), Failure> {
        let blob = BlobKey::new(&*file.blob).map_err(SpoolError::from)?;
        let bytes = self.spool.blobs.read(&blob, 0..file.bytes).await.map_err(SpoolError::from)?;
        let by = OnBehalf { service: SERVICE, source_arn: file.arn.clone(), source_account: file.account };
        let metadata = file.signature.iter().flat_map(|signature| {
            [
                ("signature".to_owned(), signature.clone()),
                ("signature-algorithm".to_owned(), opentrail_digest::SIGNATURE_ALGORITHM.to_owned()),
            ]
        });
        let object = File {
            key: file.key.clone(),
            bytes,
            content_type: "application/json",
            content_encoding: Some("gzip"),
            metadata: metadata.collect(),
            recorded: file.recorded,
        };
        Ok(self.buckets.put(&by, &file.bucket, object).await?)
    }

    /// After thirty days nobody can be expected to mend the bucket any more.
    async fn give_up(&self, key: &Key, file: &Spooled, why: &BucketError) -> Result<(), SpoolError> {
        self.spool.catalog.txn(Txn::new().delete(key.clone())).await?;
        self.spool.release(file).await;
        metrics::counter!("opentrail_trail_given_up_total", "kind" => file.kind.as_str()).increment(1);
        tracing::error!(
            trail = %file.arn, bucket = %file.bucket, key = %file.key, error = %why,
            "give up a file that its bucket has not taken for thirty days"
        );
        Ok(())
    }
}

/// How a put did not succeed.
enum Tried {
    Failed(String),
    GaveUp,
}

impl Tried {
    fn spool(error: SpoolError) -> Self {
        Self::Failed(error.to_string())
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
