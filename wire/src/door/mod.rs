//! The listener and the life of a call.
//!
//! The cast: [`listen`] accepts connections, [`tls`] protects them, [`guard`] reads every head before the HTTP parser
//! does; [`life`] finds out who calls (a stranger's way ends there, in [`strangers`]); [`call`] takes a proven caller's
//! call through announce, decide, intent, run and record; [`forward`] passes calls on that somebody else answers; [`body`] and
//! [`reply`] are what comes in and goes out, [`transfer`] what records of S3 say of both; [`shares`] keeps one address from
//! holding all there is; [`proxies`] says whose word is taken for where a request came from.

mod body;
mod call;
mod forward;
mod guard;
mod host;
mod life;
mod listen;
mod proxies;
mod reply;
mod shares;
mod strangers;
mod tls;
mod transfer;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use opentrail_event::Region;
use opentrail_journal::Capture;
use opentrail_policy::{Decide, Identities, Principal};
use opentrail_world::World;

use crate::{Passage, Service};

pub use listen::{Bound, Running};
pub use proxies::{Network, NotANetwork};

/// What an operator sets.
#[derive(Debug, Clone)]
pub struct DoorSettings {
    pub listen: SocketAddr,
    /// PEM files of certificate chain and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Regions that are served.
    pub regions: Vec<Region>,
    /// Host names under which buckets may stand in front: with `localhost`, a request for S3 whose host is
    /// `BUCKET.s3.REGION.localhost`, `BUCKET.s3.localhost` or `BUCKET.localhost` is one for that bucket. Empty: path
    /// style only.
    pub host_names: Vec<String>,
    /// Of all addresses together; one address may hold a quarter of them, or 64 if that is more.
    pub connections_max: usize,
    /// Proxies in front of us, whose word (X-Forwarded-For) is taken for where a request came from.
    pub trusted_proxies: Vec<Network>,
    /// How long a connection may take to send a request's head.
    pub head_timeout: Duration,
    /// How long a connection may be silent in mid-body.
    pub body_idle_timeout: Duration,
    /// How long running calls may take to end after a stop.
    pub drain_timeout: Duration,
}

/// `/health` and `/metrics`.
pub trait Pages: Send + Sync {
    /// Whether the house is ready; what strangers are told.
    fn ready(&self) -> bool;
    /// The lag of every follower and more, as JSON, for the operator.
    fn health(&self) -> BoxFuture<'_, String>;
    /// In Prometheus's text format, for a signed caller who is the operator.
    fn metrics(&self, caller: &Principal) -> Option<String>;
}

/// All that the door needs.
pub struct Door {
    pub settings: DoorSettings,
    pub world: World,
    pub identities: Arc<dyn Identities>,
    pub decide: Arc<dyn Decide>,
    pub capture: Arc<dyn Capture>,
    pub services: Vec<Arc<dyn Service>>,
    pub pages: Arc<dyn Pages>,
    /// Calls that somebody else answers; without it we answer all there are.
    pub passage: Option<Passage>,
}

impl Door {
    /// Serves at an address that was [bound](DoorSettings::bind) until [`Running::stop`]. Of the settings the bound one's
    /// address and certificate count.
    pub fn open(self, bound: Bound) -> Running {
        listen::open(self, bound)
    }
}

impl DoorSettings {
    /// Takes the address, so that a start that cannot have it is none, and lets nobody in yet.
    ///
    /// # Errors
    /// When the address cannot be bound, or certificate and key cannot be read or do not belong together.
    pub async fn bind(&self) -> std::io::Result<Bound> {
        listen::bind(self).await
    }
}
