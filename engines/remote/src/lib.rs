//! The engine that dials out: HTTP/1.1 to the services that answer in our place.
//!
//! - **From** the door, which has a call that somebody else answers.
//! - **To** the network, at addresses that the configuration names and at no others.
//! - **Promises** what [`opentrail_delivery::Upstream`] promises; that no address comes from a caller; that memory per call is a
//!   few pieces of its body, however long that is; that every wait has an end.
//! - **Does not promise** that a call whose answer broke off did not happen.
//! - **On crash** connections are gone; whoever waited for an answer has none.
//! - **Absent on purpose**: redirects, cookies, decompression, HTTP/2, and any retry of what may have run.

mod address;
mod dial;
mod exchange;
mod pool;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_delivery::{Upstream, UpstreamAnswer, UpstreamCall, UpstreamError, UpstreamPlace};
use opentrail_world::World;

pub use address::{Address, BadAddress};
use dial::Dialer;
use pool::Pool;

/// Hosts of one template that are kept apart. Regions and services that are served are far fewer.
const HOSTS_MAX: usize = 1024;

/// Between two lines in the log about one upstream's failures.
const LOG_PAUSE: Duration = Duration::from_secs(60);

/// What an operator may choose.
#[derive(Debug, Clone)]
pub struct RemoteSettings {
    /// For a connection to come about, its TLS and a free place among the others included.
    pub connect_timeout: Duration,
    /// From the last byte that the upstream took of a request to the head of its answer.
    pub answer_timeout: Duration,
    /// Between two pieces of an answer.
    pub idle_timeout: Duration,
    /// Connections open to one host at a time.
    pub connections_max: usize,
}

impl Default for RemoteSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(30),
            connections_max: 256,
        }
    }
}

/// One upstream, or as many as its address is a template for.
pub struct Remote {
    address: Address,
    dialer: Dialer,
    settings: RemoteSettings,
    world: World,
    pools: Mutex<HashMap<String, Arc<Pool>>>,
    /// When the log last said that it fails, and how often it has failed since.
    told: Mutex<(Option<Duration>, u64)>,
}

impl Remote {
    /// `trust` says whose certificates count; needed for https only.
    pub fn new(
        address: Address,
        trust: Option<Arc<rustls::ClientConfig>>,
        settings: RemoteSettings,
        world: World,
    ) -> Self {
        Self { address, dialer: Dialer { trust }, settings, world, pools: Mutex::default(), told: Mutex::default() }
    }

    /// Counts a failure, and tells of it once in a while.
    fn failed(&self, error: &UpstreamError) {
        let why = match error {
            UpstreamError::Unreachable(_) => "unreachable",
            UpstreamError::Late { .. } => "late",
            UpstreamError::Broken(_) => "broken",
        };
        // The address as it is configured: what callers make of a template would be a series each.
        let upstream = self.address.to_string();
        metrics::counter!("opentrail_upstream_failures_total", "why" => why, "upstream" => upstream.clone())
            .increment(1);
        let now = self.world.monotonic();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.1 += 1;
        if told.0.is_none_or(|at| now.saturating_sub(at) >= LOG_PAUSE) {
            tracing::warn!(upstream, %error, failures = told.1, "an upstream fails");
            *told = (Some(now), 0);
        }
    }

    fn pool(&self, authority: &str) -> Arc<Pool> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(authority) {
            return pool.clone();
        }
        if pools.len() >= HOSTS_MAX {
            pools.clear();
        }
        let pool = Arc::new(Pool::new(self.settings.connections_max));
        pools.insert(authority.to_owned(), pool.clone());
        pool
    }
}

impl Upstream for Remote {
    fn authority(&self, place: &UpstreamPlace) -> String {
        self.address.at(place).authority
    }

    fn send(&self, place: UpstreamPlace, call: UpstreamCall) -> BoxFuture<'_, Result<UpstreamAnswer, UpstreamError>> {
        async move {
            let host = self.address.at(&place);
            let pool = self.pool(&host.authority);
            let sent = exchange::send(&self.dialer, &pool, &host, &self.settings, &self.world, call).await;
            if let Err(error) = &sent {
                self.failed(error);
            }
            sent
        }
        .boxed()
    }
}
