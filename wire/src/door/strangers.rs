//! Those who prove nobody: counted, slowed down by address, mentioned in the log once a minute, never journaled.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Refusals in full that an address may have at once.
const TOKENS_MAX: f64 = 200.0;
/// And again per second.
const TOKENS_PER_S: f64 = 20.0;
/// Addresses that are remembered. What is beyond shares one bucket.
const ADDRESSES_MAX: usize = 8192;
/// Between two lines in the log.
const LOG_PAUSE: Duration = Duration::from_secs(60);

/// A token bucket for each address.
#[derive(Default)]
pub(crate) struct Strangers {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    buckets: HashMap<[u8; 16], Bucket>,
    /// Of all addresses that found no place.
    others: Option<Bucket>,
    unlogged: u64,
    logged_at: Option<Duration>,
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Duration,
}

impl Bucket {
    fn take(&mut self, now: Duration) -> bool {
        let since = now.saturating_sub(self.at).as_secs_f64();
        self.tokens = TOKENS_PER_S.mul_add(since, self.tokens).min(TOKENS_MAX);
        self.at = now;
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }

    fn is_empty(&self, now: Duration) -> bool {
        TOKENS_PER_S.mul_add(now.saturating_sub(self.at).as_secs_f64(), self.tokens) < 1.0
    }

    fn is_full(&self, now: Duration) -> bool {
        TOKENS_PER_S.mul_add(now.saturating_sub(self.at).as_secs_f64(), self.tokens) >= TOKENS_MAX
    }
}

/// What to do with a stranger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reception {
    /// Whether the refusal is spelt out; else the stranger is told to slow down.
    pub in_full: bool,
    /// How many there were since the last line in the log, when it is time for one.
    pub log: Option<u64>,
}

impl Strangers {
    /// Whether one more refusal at `now` (monotonic) would not be spelt out. Takes nothing.
    pub(crate) fn is_throttled(&self, ip: IpAddr, now: Duration) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let own = state.buckets.get(&network(ip));
        let bucket = own.or(if state.buckets.len() < ADDRESSES_MAX { None } else { state.others.as_ref() });
        bucket.is_some_and(|bucket| bucket.is_empty(now))
    }

    /// One more refusal at `now` (monotonic).
    pub(crate) fn receive(&self, ip: IpAddr, now: Duration) -> Reception {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = Bucket { tokens: TOKENS_MAX, at: now };
        let key = network(ip);
        if state.buckets.len() >= ADDRESSES_MAX && !state.buckets.contains_key(&key) {
            state.buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        let in_full = if state.buckets.len() < ADDRESSES_MAX || state.buckets.contains_key(&key) {
            state.buckets.entry(key).or_insert(fresh).take(now)
        } else {
            state.others.get_or_insert(fresh).take(now)
        };
        state.unlogged += 1;
        let due = state.logged_at.is_none_or(|at| now.saturating_sub(at) >= LOG_PAUSE);
        let log = due.then(|| {
            state.logged_at = Some(now);
            std::mem::take(&mut state.unlogged)
        });
        Reception { in_full, log }
    }
}

/// Whoever has one IPv6 address has a /64 of them.
pub(crate) fn network(ip: IpAddr) -> [u8; 16] {
    match ip.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => {
            let mut octets = v6.octets();
            octets[8..].fill(0);
            octets
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_flood_is_slowed_and_its_neighbour_is_not() {
        let strangers = Strangers::default();
        let at = Duration::from_secs(100);
        let full = (0..1000).filter(|_| strangers.receive(ip("10.0.0.1"), at).in_full).count();
        assert_eq!(full, 200);
        assert!(strangers.is_throttled(ip("10.0.0.1"), at) && !strangers.is_throttled(ip("10.0.0.2"), at));
        assert!(!strangers.is_throttled(ip("10.0.0.1"), at + Duration::from_secs(1)));
        assert!(strangers.receive(ip("10.0.0.2"), at).in_full);
        assert!(strangers.receive(ip("10.0.0.1"), at + Duration::from_secs(1)).in_full);
    }

    #[test]
    fn one_network_is_one_address() {
        let strangers = Strangers::default();
        let full =
            (0..1000u32).filter(|n| strangers.receive(ip(&format!("2001:db8::{n:x}")), Duration::ZERO).in_full).count();
        assert_eq!(full, 200);
    }

    #[test]
    fn the_table_is_bounded_and_newcomers_share_what_is_left() {
        let strangers = Strangers::default();
        let full = (0..20_000u32)
            .filter(|n| strangers.receive(IpAddr::from((n + 1).to_be_bytes()), Duration::ZERO).in_full)
            .count();
        assert!(strangers.state.lock().expect("not poisoned").buckets.len() <= ADDRESSES_MAX);
        assert_eq!(full, ADDRESSES_MAX + 200);
        // Those who were quiet for long enough make room.
        assert!(strangers.receive(ip("9.9.9.9"), Duration::from_secs(3600)).in_full);
        assert_eq!(strangers.state.lock().expect("not poisoned").buckets.len(), 1);
    }

    #[test]
    fn the_log_hears_of_it_once_a_minute() {
        let strangers = Strangers::default();
        let logs = |s: u64| strangers.receive(ip("10.0.0.1"), Duration::from_secs(s)).log;
        assert_eq!((logs(5), logs(6), logs(64), logs(65), logs(66)), (Some(1), None, None, Some(3), None));
    }
}
