//! What one address may hold of something scarce, so that it cannot hold all of it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::strangers::network;

/// Counts what each address holds. There are no more entries than things held.
pub(crate) struct Shares {
    each_max: usize,
    held: Mutex<HashMap<[u8; 16], usize>>,
}

/// One thing held, until it is dropped.
#[must_use]
pub(crate) struct Share {
    of: Arc<Shares>,
    key: [u8; 16],
}

impl Shares {
    pub(crate) fn new(each_max: usize) -> Arc<Self> {
        Arc::new(Self { each_max, held: Mutex::default() })
    }

    /// One more for this address, unless it holds its share already.
    pub(crate) fn take(self: &Arc<Self>, ip: IpAddr) -> Option<Share> {
        let key = network(ip);
        let mut held = self.held();
        let n = held.get(&key).copied().unwrap_or(0);
        if n >= self.each_max {
            return None;
        }
        held.insert(key, n + 1);
        drop(held);
        Some(Share { of: self.clone(), key })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<[u8; 16], usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.of.held();
        match held.get_mut(&self.key) {
            Some(n) if *n > 1 => *n -= 1,
            _ => {
                held.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let shares = Shares::new(2);
        let (one, two) = (shares.take(ip("10.0.0.1")), shares.take(ip("::ffff:10.0.0.1")));
        assert!(one.is_some() && two.is_some() && shares.take(ip("10.0.0.1")).is_none());
        let v6 = (shares.take(ip("2001:db8::1")), shares.take(ip("2001:db8::2")));
        assert!(v6.0.is_some() && v6.1.is_some() && shares.take(ip("2001:db8::3")).is_none());
        drop(one);
        assert!(shares.take(ip("10.0.0.1")).is_some());
        drop((two, v6));
        assert!(shares.held().is_empty());
    }
}
