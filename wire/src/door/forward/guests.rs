//! Callers whose key nobody here knows: how many of their calls may be under way.
//!
//! What the upstream refuses of theirs is counted like any stranger's request, so an address that only guesses is slowed down
//! before its calls go on.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::door::shares::{Share, Shares};

/// The places for such calls.
pub(crate) struct Guests {
    all: Arc<Semaphore>,
    each: Arc<Shares>,
}

/// One place, until it is dropped.
pub(crate) struct Guest {
    _share: Share,
    _place: OwnedSemaphorePermit,
}

impl Guests {
    /// `max` calls of all addresses together, and a quarter of that of one.
    pub(crate) fn new(max: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(max)), each: Shares::new(max.div_ceil(4)) }
    }

    /// A place for one more call, if there is one.
    pub(crate) fn admit(&self, ip: IpAddr) -> Option<Guest> {
        let share = self.each.take(ip)?;
        let place = self.all.clone().try_acquire_owned().ok()?;
        Some(Guest { _share: share, _place: place })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_few_by_address_and_in_all() {
        let guests = Guests::new(64);
        let ip = |n: u32| IpAddr::from((0x0a00_0000 + n).to_be_bytes());
        let mut inside: Vec<Guest> = Vec::new();
        for n in 0..6 {
            inside.extend((0..100).map_while(|_| guests.admit(ip(n))));
            assert_eq!(inside.len(), 64.min((n as usize + 1) * 16));
        }
        inside.clear();
        assert!(guests.admit(ip(0)).is_some());
    }
}
