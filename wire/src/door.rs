//! The listener and the life of a call.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use opentrail_event::Region;
use opentrail_journal::Capture;
use opentrail_policy::{Decide, Identities, Principal};
use opentrail_world::World;

use crate::Service;

/// What an operator sets.
#[derive(Debug, Clone)]
pub struct DoorSettings {
    pub listen: SocketAddr,
    /// PEM files of certificate chain and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Regions that are served.
    pub regions: Vec<Region>,
    /// Host names besides the listener's own under which buckets may stand in front (`BUCKET.s3.NAME`).
    pub connections_max: usize,
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
}

/// An open door.
pub struct Running {
    /// The address, its port picked if it was 0.
    pub address: SocketAddr,
}

impl Door {
    /// Binds and serves until [`Running::stop`].
    pub async fn open(self) -> std::io::Result<Running> {
        unimplemented!()
    }
}

impl Running {
    /// Takes no more connections, lets running calls end, and returns when they have (or the drain timeout has passed).
    pub async fn stop(self) {
        unimplemented!()
    }
}
