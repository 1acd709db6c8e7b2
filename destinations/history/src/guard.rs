//! Whether the clock may be believed when parts are deleted.
//!
//! A machine that boots with a clock years ahead would delete everything that was kept, for good. So the last wall-clock
//! time that was believed is kept in the catalog, and the clock is believed as long as it is at most [`AHEAD_MAX`] beyond that
//! time and what has passed since on the monotonic clock. A longer leap is a long standstill or a wrong clock, and nobody
//! here can tell which: nothing is deleted until the clock has been so far ahead for [`DOUBT_MAX`] of running (over as many starts as
//! it takes), or until an operator says that it is right. A clock behind deletes nothing, and is believed.
//!
//! Only deleting waits. What a look-up hides, it hides by the clock as it is: that comes back with the clock.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use opentrail_catalog::{Catalog, Key, Stored, Txn, decode, encode};
use opentrail_world::World;
use serde::{Deserialize, Serialize};

/// A server that stood still for longer than this waits before it deletes.
pub const AHEAD_MAX: Duration = Duration::from_secs(7 * 86_400);
/// A clock that has been ahead for so long of running is right.
pub const DOUBT_MAX: Duration = Duration::from_secs(86_400);
/// What was believed is written down so often.
const KEEP_PERIOD: Duration = Duration::from_secs(3_600);

/// What is known of the clock. `history/clock`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct StoredClock {
    /// The last time that was believed, in seconds since 1970.
    believed_s: i64,
    /// For how many seconds of running the clock has been too far ahead of it.
    doubted_for_s: i64,
}

impl Stored for StoredClock {
    const NAME: &'static str = "clock of the history";
    const VERSION: u16 = 1;
}

/// What the clock is taken for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Clock {
    /// Not looked at yet.
    #[default]
    Unknown,
    /// Parts expire by it.
    Believed,
    /// It is so far beyond what was believed that nothing expires.
    Doubted {
        ahead_s: i64,
        /// It is believed after so many more seconds of running.
        left_s: i64,
    },
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Guard {
    /// An operator says that the clock is right.
    trust: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    known: Option<StoredClock>,
    /// When it was looked at last, on the monotonic clock.
    looked_at: Duration,
    kept_at: Option<Duration>,
    clock: Clock,
}

impl Guard {
    pub(crate) fn new(trust: bool) -> Self {
        Self { trust, state: Mutex::default() }
    }

    /// As of the last look.
    pub(crate) fn clock(&self) -> Clock {
        self.state().clock
    }

    /// Looks at the clock; to be called every few seconds. Nothing may be deleted by a clock that is not [`Clock::Believed`].
    ///
    /// # Errors
    /// When the catalog cannot be read or written; the clock is as it was taken for before.
    pub(crate) async fn look(&self, catalog: &dyn Catalog, world: &World) -> Result<Clock, opentrail_catalog::Error> {
        let first = self.state().known.is_none();
        if first {
            let known = read(catalog).await?;
            let mut state = self.state();
            state.looked_at = world.monotonic();
            // Nothing is known of what was kept before there was a guard, or is not readable any more.
            state.known = Some(known.unwrap_or(StoredClock { believed_s: world.now().as_second(), doubted_for_s: 0 }));
        }
        let keep = {
            let mut state = self.state();
            let before = state.clock;
            let (now_s, monotonic) = (world.now().as_second(), world.monotonic());
            // Whole seconds; what is left over counts at the next look.
            let passed_s = monotonic.saturating_sub(state.looked_at).as_secs();
            state.looked_at += Duration::from_secs(passed_s);
            let Some(known) = &mut state.known else { return Ok(before) };
            let clock = weigh(known, now_s, i64::try_from(passed_s).unwrap_or(i64::MAX), self.trust);
            let known = *known;
            state.clock = clock;
            tell(before, clock);
            let turned = std::mem::discriminant(&before) != std::mem::discriminant(&clock);
            let due = state.kept_at.is_none_or(|at| monotonic.saturating_sub(at) >= KEEP_PERIOD);
            (turned || due).then_some((known, monotonic))
        };
        if let Some((known, monotonic)) = keep {
            catalog.txn(Txn::new().put(key(), encode(&known))).await?;
            self.state().kept_at = Some(monotonic);
        }
        Ok(self.clock())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the guard panics")
    }
}

/// Moves what is known on by `passed_s` seconds to a clock that shows `now_s`.
fn weigh(known: &mut StoredClock, now_s: i64, passed_s: i64, trust: bool) -> Clock {
    let (ahead_max, doubt_max) = (AHEAD_MAX.as_secs() as i64, DOUBT_MAX.as_secs() as i64);
    let ahead_s = now_s.saturating_sub(known.believed_s.saturating_add(passed_s));
    if trust || ahead_s <= ahead_max {
        *known = StoredClock { believed_s: now_s, doubted_for_s: 0 };
        return Clock::Believed;
    }
    // What was believed goes on at the pace of the monotonic clock, so that a clock that is set right again is believed at once.
    known.believed_s = known.believed_s.saturating_add(passed_s);
    known.doubted_for_s = known.doubted_for_s.saturating_add(passed_s);
    if known.doubted_for_s >= doubt_max {
        *known = StoredClock { believed_s: now_s, doubted_for_s: 0 };
        return Clock::Believed;
    }
    Clock::Doubted { ahead_s, left_s: doubt_max - known.doubted_for_s }
}

fn tell(before: Clock, now: Clock) {
    match (before, now) {
        (Clock::Unknown | Clock::Believed, Clock::Doubted { ahead_s, left_s }) => tracing::warn!(
            ahead_s,
            left_s,
            "the clock is far ahead of when the server last ran: no events expire until it has been for a day of running; \
             if it is right, history.trust_clock=true says so"
        ),
        (Clock::Doubted { .. }, Clock::Believed) => {
            tracing::info!("the clock is believed again, and events expire by it")
        }
        _ => {}
    }
    let ahead_s = if let Clock::Doubted { ahead_s, .. } = now { ahead_s } else { 0 };
    metrics::gauge!("opentrail_history_clock_ahead_seconds").set(ahead_s as f64);
}

async fn read(catalog: &dyn Catalog) -> Result<Option<StoredClock>, opentrail_catalog::Error> {
    let Some(row) = catalog.get(&key()).await? else { return Ok(None) };
    // A guard that cannot read must not keep parts for ever: it begins anew.
    let known = decode(&row.value).inspect_err(|error| tracing::error!(%error, "read what is known of the clock"));
    Ok(known.ok())
}

fn key() -> Key {
    Key::family("history/clock")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::executor::block_on;
    use opentrail_catalog::memory::MemoryCatalog;
    use opentrail_world::SimClock;

    use super::*;

    const START: &str = "2026-03-01T10:00:00Z";
    const HOUR: Duration = Duration::from_secs(3_600);
    const YEAR: Duration = Duration::from_secs(365 * 86_400);

    /// A server that starts at `wall`, its monotonic clock from zero.
    struct Life {
        guard: Guard,
        catalog: MemoryCatalog,
        world: World,
        clock: Arc<SimClock>,
    }

    impl Life {
        fn start(catalog: &MemoryCatalog, wall: jiff::Timestamp, trust: bool) -> Self {
            let (world, clock) = World::simulated(1, wall);
            Self { guard: Guard::new(trust), catalog: catalog.clone(), world, clock }
        }

        fn look(&self) -> Clock {
            block_on(self.guard.look(&self.catalog, &self.world)).expect("a look")
        }

        /// Runs on, looking every minute.
        fn run(&self, span: Duration) -> Clock {
            for _ in 0..span.as_secs() / 60 {
                self.clock.advance(Duration::from_secs(60));
                self.look();
            }
            self.guard.clock()
        }
    }

    fn start() -> jiff::Timestamp {
        START.parse().expect("a time")
    }

    /// A server that has run for a while, and is stopped.
    fn has_run() -> (MemoryCatalog, jiff::Timestamp) {
        let catalog = MemoryCatalog::default();
        let life = Life::start(&catalog, start(), false);
        assert_eq!((life.look(), life.run(HOUR * 5)), (Clock::Believed, Clock::Believed));
        (catalog, life.world.now())
    }

    #[test]
    fn a_standstill_of_days_is_believed_and_one_of_years_is_not() {
        let (catalog, end) = has_run();
        assert_eq!(Life::start(&catalog, end + AHEAD_MAX - HOUR, false).look(), Clock::Believed);
        let (catalog, end) = has_run();
        let life = Life::start(&catalog, end + YEAR, false);
        assert!(matches!(life.look(), Clock::Doubted { ahead_s, .. } if ahead_s > 364 * 86_400));
        // For over an hour too, which is what a guard by the hour alone missed.
        assert!(matches!(life.run(HOUR * 23), Clock::Doubted { left_s, .. } if left_s <= 3_600));
        assert_eq!(life.run(HOUR), Clock::Believed, "it does not wait for ever");
    }

    #[test]
    fn a_clock_that_is_set_right_is_believed_at_once() {
        let (catalog, end) = has_run();
        let life = Life::start(&catalog, end + YEAR, false);
        life.look();
        assert!(matches!(life.run(HOUR * 3), Clock::Doubted { .. }));
        life.clock.set_wall(end + HOUR * 3);
        assert_eq!(life.look(), Clock::Believed);
        // And it can be doubted again, in the middle of a run.
        life.clock.set_wall(end + YEAR);
        assert!(matches!(life.look(), Clock::Doubted { left_s, .. } if left_s == DOUBT_MAX.as_secs() as i64));
        life.clock.set_wall(end - YEAR);
        assert_eq!(life.look(), Clock::Believed, "a clock behind deletes nothing");
    }

    #[test]
    fn doubt_is_counted_over_starts_and_ended_by_an_operator() {
        let (catalog, end) = has_run();
        let mut wall = end + YEAR;
        let mut clock = Clock::Unknown;
        for _ in 0..5 {
            let life = Life::start(&catalog, wall, false);
            life.look();
            clock = life.run(HOUR * 5);
            wall = life.world.now();
        }
        assert_eq!(clock, Clock::Believed, "24 hours in five runs");
        let (catalog, end) = has_run();
        assert_eq!(Life::start(&catalog, end + YEAR, true).look(), Clock::Believed);
        // Once said, it stays so.
        assert_eq!(Life::start(&catalog, end + YEAR, false).look(), Clock::Believed);
    }

    #[test]
    fn version_one_of_the_record_stays_readable() {
        let bytes = b"\0\x01{\"believed_s\":7,\"doubted_for_s\":8}";
        let known: StoredClock = decode(bytes).expect("a clock");
        assert_eq!(known, StoredClock { believed_s: 7, doubted_for_s: 8 });
    }
}
