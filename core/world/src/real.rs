//! The machine's clock and randomness: the one place that asks the operating system.

use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::{Chance, Clock};

pub(crate) struct RealClock {
    start: Instant,
}

impl RealClock {
    #[allow(clippy::disallowed_methods)]
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for RealClock {
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    #[allow(clippy::disallowed_methods)]
    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(span).boxed()
    }
}

pub(crate) struct RealChance;

impl Chance for RealChance {
    #[allow(clippy::disallowed_methods)]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives randomness");
    }
}
