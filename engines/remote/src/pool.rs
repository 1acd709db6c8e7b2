//! Connections that wait for their next call, and how many calls there may be at a time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::exchange::Outgoing;

/// A connection that was idle for longer is not used again: many servers close theirs after five seconds, and a call that
/// meets the closing is lost.
const IDLE_MAX: Duration = Duration::from_secs(4);

/// One connection in use, and its place among those of its host.
pub(crate) struct Line {
    pub(crate) sender: SendRequest<Outgoing>,
    pub(crate) place: OwnedSemaphorePermit,
}

/// The connections to one host.
pub(crate) struct Pool {
    places: Arc<Semaphore>,
    connections_max: usize,
    /// Each with when it became idle, the one used last at the end.
    idle: Mutex<Vec<(Duration, SendRequest<Outgoing>)>>,
}

impl Pool {
    pub(crate) fn new(connections_max: usize) -> Self {
        let connections_max = connections_max.clamp(1, Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(connections_max)), connections_max, idle: Mutex::default() }
    }

    /// A place for one more call; waits for one.
    pub(crate) async fn place(&self) -> OwnedSemaphorePermit {
        self.places.clone().acquire_owned().await.expect("the semaphore is never closed")
    }

    /// A connection that waits, if there is one that is still good.
    pub(crate) fn take(&self, now: Duration) -> Option<SendRequest<Outgoing>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(since, sender)| now.saturating_sub(*since) < IDLE_MAX && !sender.is_closed());
        let at = idle.iter().rposition(|(_, sender)| sender.is_ready())?;
        Some(idle.remove(at).1)
    }

    /// Takes a connection back whose answer has been read. Gives it out again if it may not serve yet: see [`Pool::await_back`].
    pub(crate) fn give_back(&self, line: Line, now: Duration) -> Option<Line> {
        if !line.sender.is_ready() {
            return Some(line);
        }
        self.keep(line, now);
        None
    }

    /// The same once it may serve again, if ever.
    pub(crate) async fn await_back(&self, mut line: Line, now: impl Fn() -> Duration) {
        if line.sender.ready().await.is_ok() {
            self.keep(line, now());
        }
    }

    fn keep(&self, line: Line, now: Duration) {
        let Line { sender, place } = line;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.connections_max {
            idle.push((now, sender));
        }
        drop(idle);
        // Only now: whoever waits for the place finds the connection.
        drop(place);
    }
}
