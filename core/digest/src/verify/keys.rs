//! The public keys that are known, by fingerprint.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::PublicKey;

/// How far a digest may lie outside the validity of its key: an interval, and the time that delivery takes.
const SLACK: SignedDuration = SignedDuration::from_hours(24);

/// A public key and when it was in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    pub key: PublicKey,
    pub valid_from: Timestamp,
    pub valid_until: Timestamp,
}

/// The keys whose signatures prove something. Whoever hands them in vouches for them.
#[derive(Debug, Clone, Default)]
pub struct PublicKeys(BTreeMap<String, KnownKey>);

impl KnownKey {
    /// Whether a digest that ends then may have been signed with it.
    pub(super) fn was_in_use(&self, at: Timestamp) -> bool {
        let (from, until) = (self.valid_from.saturating_sub(SLACK), self.valid_until.saturating_add(SLACK));
        from.is_ok_and(|from| from <= at) && until.is_ok_and(|until| at <= until)
    }
}

impl PublicKeys {
    /// Adds a key. One that is there already is taken to have been in use in both times.
    pub fn add(&mut self, known: KnownKey) {
        let there = self.0.entry(known.key.fingerprint().to_owned()).or_insert_with(|| known.clone());
        there.valid_from = there.valid_from.min(known.valid_from);
        there.valid_until = there.valid_until.max(known.valid_until);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, fingerprint: &str) -> Option<&KnownKey> {
        self.0.get(fingerprint)
    }
}
