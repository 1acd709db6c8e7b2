//! How often wrong codes of an MFA device were shown: six digits are guessed soon by whoever may guess at will.
//!
//! Kept in memory: a restart forgets it, and takes longer than the guesses that it gives back.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use opentrail_catalog::Key;

/// Wrong codes of one device within a window. At three codes that are right at a time, guessing takes half a year for an even
/// chance.
const WRONG_MAX: u32 = 10;
/// Seconds of a window, counted from its first wrong code.
const WINDOW_S: i64 = 600;
/// Devices that are kept in mind.
const DEVICES_MAX: usize = 10_000;

#[derive(Default)]
pub(super) struct Guesses(Mutex<HashMap<Key, Window>>);

struct Window {
    since_s: i64,
    wrong: u32,
}

impl Guesses {
    /// Counts one code as wrong before it is looked at, so that many at a time gain nothing; false where there were too many.
    pub(super) fn take(&self, device: &Key, now_s: i64) -> bool {
        // A panic while the lock is held leaves whole entries.
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_open = |window: &Window| (window.since_s..window.since_s + WINDOW_S).contains(&now_s);
        if windows.len() >= DEVICES_MAX && !windows.contains_key(device) {
            windows.retain(|_, window| is_open(window));
            // Whoever owns thousands of devices wins nothing by guessing once at each: the least guessed goes.
            let least = windows.iter().min_by_key(|(_, window)| window.wrong).map(|(device, _)| device.clone());
            if let Some(least) = least.filter(|_| windows.len() >= DEVICES_MAX) {
                windows.remove(&least);
            }
        }
        let window = windows.entry(device.clone()).or_insert(Window { since_s: now_s, wrong: 0 });
        if !is_open(window) {
            *window = Window { since_s: now_s, wrong: 0 };
        }
        if window.wrong >= WRONG_MAX {
            return false;
        }
        window.wrong += 1;
        true
    }

    /// The code was right.
    pub(super) fn forgive(&self, device: &Key) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(device);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(n: usize) -> Key {
        Key::family("device").part(n.to_string())
    }

    #[test]
    fn so_many_and_no_more_within_a_window() {
        let guesses = Guesses::default();
        let taken = |n, at_s| guesses.take(&device(n), at_s);
        assert!((0..10).all(|n| taken(1, 100 + n)));
        assert!(!taken(1, 110) && !taken(1, 699) && taken(2, 110));
        assert!(taken(1, 700), "the window is over");
        guesses.forgive(&device(1));
        assert!((0..10).all(|_| taken(1, 701)) && !taken(1, 701));
        assert!(taken(1, 50), "a clock that was set back locks nobody out");
    }

    #[test]
    fn many_devices_do_not_forgive_the_one_that_is_guessed_at() {
        let guesses = Guesses::default();
        assert!((0..10).all(|_| guesses.take(&device(0), 1)));
        assert!((1..DEVICES_MAX + 100).all(|n| guesses.take(&device(n), 2)));
        assert!(!guesses.take(&device(0), 3));
        assert_eq!(guesses.0.lock().expect("no panic").len(), DEVICES_MAX);
    }
}
