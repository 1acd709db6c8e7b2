//! A named thing that reads the journal in order and keeps its own place.

use futures::future::BoxFuture;

use crate::{Frame, Positions};

/// Why a follower could not go on. It will be called again with the same frames.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub struct FollowerError {
    /// Verb and object: `seal part`.
    pub what: &'static str,
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Reads the journal in order.
///
/// # Contract
/// `apply` is called with every frame once per life of the process, in order within a partition, starting from
/// `positions()`; after a restart frames behind the last commit come again, and applying them again makes the same
/// thing. `commit` makes everything durable that was applied before it was called, stores the positions in the same
/// transaction, and returns them. `apply` goes on while a commit runs; there is never more than one commit at a time.
pub trait Follower: Send + Sync {
    /// As metrics and `/health` show it.
    fn name(&self) -> &str;
    /// As of the last commit.
    fn positions(&self) -> Positions;
    /// Takes the frames in. Intents are the follower's to skip.
    fn apply<'a>(&'a self, frames: &'a [Frame]) -> BoxFuture<'a, Result<(), FollowerError>>;
    /// Whether it is time to commit.
    fn due(&self) -> bool;
    /// Whether it holds so much uncommitted that it takes nothing more until a commit ends: then it lags, and the journal
    /// keeps what it has not taken. A follower that is full is due.
    fn full(&self) -> bool;
    /// Makes what was applied durable.
    fn commit(&self) -> BoxFuture<'_, Result<Positions, FollowerError>>;
}
