//! `/health` and `/metrics`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use metrics_exporter_prometheus::PrometheusHandle;
use opentrail_history::{Clock, History};
use opentrail_journal::{Journal, PumpStatus};
use opentrail_policy::Principal;
use opentrail_table::Table;
use opentrail_wire::Pages;
use serde_json::json;
use tokio::sync::watch;

/// What the disk has left, and what is to stay free of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// `None` where the file system does not say.
    pub free_bytes: Option<u64>,
    /// 0 where there is no floor.
    pub floor_bytes: u64,
}

/// Looks at the disk; at most a question to the file system.
pub type AskSpace = Arc<dyn Fn() -> Space + Send + Sync>;

/// What the pages are made of.
pub(super) struct HousePages {
    pub(super) ready: AtomicBool,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) history: Arc<dyn Table>,
    pub(super) clock: Arc<History>,
    /// Name and status of every follower.
    pub(super) followers: Vec<(String, watch::Receiver<PumpStatus>)>,
    pub(super) space: Option<AskSpace>,
    pub(super) metrics: Option<PrometheusHandle>,
}

impl Pages for HousePages {
    fn ready(&self) -> bool {
        self.ready.load(Ordering::Acquire) && self.journal.failed().is_none()
    }

    fn health(&self) -> BoxFuture<'_, String> {
        async move {
            let followers: Vec<_> = self
                .followers
                .iter()
                .map(|(name, status)| {
                    let status = status.borrow().clone();
                    json!({
                        "name": name,
                        "lagEntries": status.lag.entries,
                        "lagSeconds": status.lag.age.as_secs_f64(),
                        "uncommittedEntries": status.uncommitted,
                        "error": status.error,
                    })
                })
                .collect();
            let (bytes, bytes_max) = self.journal.usage();
            let contents = self.history.contents();
            let clock = match self.clock.clock() {
                Clock::Unknown => json!({ "believed": null }),
                Clock::Believed => json!({ "believed": true }),
                Clock::Doubted { ahead_s, left_s } => {
                    json!({ "believed": false, "aheadSeconds": ahead_s, "believedAfterSeconds": left_s })
                }
            };
            let disk = self.space.as_ref().map(|ask| {
                let Space { free_bytes, floor_bytes } = ask();
                let below = free_bytes.is_some_and(|free| free < floor_bytes);
                json!({ "freeBytes": free_bytes, "floorBytes": floor_bytes, "belowFloor": below })
            });
            json!({
                "ready": self.ready(),
                "followers": followers,
                "journal": { "bytes": bytes, "bytesMax": bytes_max, "error": self.journal.failed() },
                "disk": disk,
                "history": {
                    "parts": contents.parts,
                    "sealedRows": contents.sealed_rows,
                    "sealedBytes": contents.sealed_bytes,
                    "unsealedRows": contents.unsealed.rows,
                    "unsealedBytes": contents.unsealed.bytes,
                    "clock": clock,
                },
            })
            .to_string()
        }
        .boxed()
    }

    fn metrics(&self, caller: &Principal) -> Option<String> {
        if !caller.is_operator() {
            return None;
        }
        let handle = self.metrics.as_ref()?;
        let (bytes, bytes_max) = self.journal.usage();
        metrics::gauge!("opentrail_journal_bytes").set(bytes as f64);
        metrics::gauge!("opentrail_journal_bytes_max").set(bytes_max as f64);
        if let Some(ask) = &self.space {
            let Space { free_bytes, floor_bytes } = ask();
            if let Some(free) = free_bytes {
                metrics::gauge!("opentrail_disk_free_bytes").set(free as f64);
            }
            metrics::gauge!("opentrail_disk_free_floor_bytes").set(floor_bytes as f64);
        }
        for (name, status) in &self.followers {
            let status = status.borrow();
            metrics::gauge!("opentrail_follower_lag_entries", "follower" => name.clone())
                .set(status.lag.entries as f64);
            metrics::gauge!("opentrail_follower_lag_seconds", "follower" => name.clone())
                .set(status.lag.age.as_secs_f64());
        }
        let contents = self.history.contents();
        metrics::gauge!("opentrail_history_parts").set(contents.parts as f64);
        metrics::gauge!("opentrail_history_sealed_rows").set(contents.sealed_rows as f64);
        metrics::gauge!("opentrail_history_unsealed_rows").set(contents.unsealed.rows as f64);
        handle.run_upkeep();
        Some(handle.render())
    }
}
