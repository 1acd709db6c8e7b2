//! A clock that moves when told, and chance that follows from a seed.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::{Chance, Clock};

/// A clock under the test's control. Sleepers wake when it is advanced past their time.
pub struct SimClock {
    state: Mutex<State>,
}

struct State {
    wall: Timestamp,
    monotonic: Duration,
    sleepers: BTreeMap<(Duration, u64), oneshot::Sender<()>>,
    slept: u64,
}

impl SimClock {
    /// A clock that shows `start` until advanced.
    pub fn new(start: Timestamp) -> Self {
        let state = State { wall: start, monotonic: Duration::ZERO, sleepers: BTreeMap::new(), slept: 0 };
        Self { state: Mutex::new(state) }
    }

    /// Moves both clocks forward by `span` and wakes whoever slept until then.
    pub fn advance(&self, span: Duration) {
        let mut state = self.state();
        state.wall += span;
        state.monotonic += span;
        let not_yet = (state.monotonic + Duration::from_nanos(1), 0);
        let later = state.sleepers.split_off(&not_yet);
        let due = std::mem::replace(&mut state.sleepers, later);
        drop(state);
        for wake in due.into_values() {
            // A sleeper that was dropped no longer listens.
            let _ = wake.send(());
        }
    }

    /// Sets the wall clock alone, backwards too; the monotonic clock stays.
    pub fn set_wall(&self, wall: Timestamp) {
        self.state().wall = wall;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the clock panics")
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.state().wall
    }

    fn monotonic(&self) -> Duration {
        self.state().monotonic
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        let mut state = self.state();
        if span.is_zero() {
            return futures::future::ready(()).boxed();
        }
        let (wake, woken) = oneshot::channel();
        let due = state.monotonic + span;
        state.slept += 1;
        let nth = state.slept;
        state.sleepers.insert((due, nth), wake);
        // A clock that is dropped wakes its sleepers rather than leave them hanging.
        woken.map(|_| ()).boxed()
    }
}

/// SplitMix64: small, well distributed, and the same on every machine. Not fit for secrets.
pub struct SimChance {
    state: Mutex<u64>,
}

impl SimChance {
    /// Chance that follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { state: Mutex::new(seed) }
    }
}

impl Chance for SimChance {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.state.lock().expect("no holder of the dice panics");
        for chunk in bytes.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            chunk.copy_from_slice(&z.to_le_bytes()[..chunk.len()]);
        }
    }
}
