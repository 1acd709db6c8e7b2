//! Time, chance and ids, handed in.
//!
//! - **From** `server` (or a test), which makes one [`World`] and hands clones down.
//! - **To** everything that would otherwise ask the machine what time it is.
//! - **Promises** that two runs with the same simulated world see the same times and ids.
//! - **Does not promise** that time never steps back: only [`World::monotonic`] does that.
//! - **On crash** nothing: a world holds no state worth keeping.
//! - **Absent on purpose**: files, sockets, threads, environment.

mod real;
mod sim;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;

pub use sim::{SimChance, SimClock};

/// A source of time.
pub trait Clock: Send + Sync {
    /// Wall-clock time. May step backwards.
    fn now(&self) -> Timestamp;
    /// Time since an arbitrary start. Never steps backwards.
    fn monotonic(&self) -> Duration;
    /// Resolves when `monotonic` has advanced by `span`.
    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()>;
}

/// A source of randomness. The real one is fit for secrets.
pub trait Chance: Send + Sync {
    /// Fills `bytes` completely.
    fn fill(&self, bytes: &mut [u8]);
}

/// The clock and the dice of one running house. Cheap to clone.
#[derive(Clone)]
pub struct World {
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
}

impl World {
    /// A world of the given parts.
    pub fn new(clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Self {
        Self { clock, chance }
    }

    /// The machine's own clock and randomness.
    pub fn real() -> Self {
        Self::new(Arc::new(real::RealClock::start()), Arc::new(real::RealChance))
    }

    /// A world that starts at `start` and moves only when the returned clock is told to; all chance follows from `seed`.
    pub fn simulated(seed: u64, start: Timestamp) -> (Self, Arc<SimClock>) {
        let clock = Arc::new(SimClock::new(start));
        (Self::new(clock.clone(), Arc::new(SimChance::new(seed))), clock)
    }

    /// Wall-clock time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Time since an arbitrary start, for measuring spans.
    pub fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Resolves after `span`.
    pub fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        self.clock.sleep(span)
    }

    /// Fills `bytes` with randomness fit for secrets (in the real world).
    pub fn fill(&self, bytes: &mut [u8]) {
        self.chance.fill(bytes);
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }

    /// A uniformly random number below `n`; `n` must not be 0.
    pub fn below(&self, n: u64) -> u64 {
        // The bias of a plain remainder over 64 bits is below 2^-32 for every n we use.
        u64::from_le_bytes(self.bytes()) % n
    }

    /// The 16 bytes of a version-4 UUID (RFC 9562).
    pub fn uuid_v4(&self) -> [u8; 16] {
        let mut id: [u8; 16] = self.bytes();
        id[6] = (id[6] & 0x0f) | 0x40;
        id[8] = (id[8] & 0x3f) | 0x80;
        id
    }

    /// `n` characters drawn from `alphabet` (at most 256 ASCII characters).
    pub fn text(&self, alphabet: &[u8], n: usize) -> String {
        (0..n).map(|_| char::from(alphabet[self.below(alphabet.len() as u64) as usize])).collect()
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("now", &self.now()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
