//! Drives one follower: read, apply, commit when due, hold.

use std::sync::Arc;
use std::time::Duration;

use opentrail_world::World;
use tokio::sync::watch;

use crate::{Follower, Journal};

/// How far behind a follower is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// Entries appended and not applied.
    pub entries: u64,
    /// Age of the oldest of them.
    pub age: Duration,
}

/// What a pump tells the world, kept current.
#[derive(Debug, Clone, Default)]
pub struct PumpStatus {
    pub lag: Lag,
    /// Entries applied and not committed.
    pub uncommitted: u64,
    /// The newest failure, cleared by the next success.
    pub error: Option<String>,
}

/// Runs until `stop` shows true, then commits once more and returns.
///
/// Failures are retried with a pause that grows to ten seconds; they are shown in `status` and never skip a frame.
pub async fn pump(
    _journal: Arc<dyn Journal>,
    _follower: Arc<dyn Follower>,
    _world: World,
    _status: watch::Sender<PumpStatus>,
    _stop: watch::Receiver<bool>,
) {
    unimplemented!()
}
