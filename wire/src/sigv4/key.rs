//! Signing keys: derived from a secret for one day, region and service, and kept for the next request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::{digest, hmac};
use opentrail_policy::{Credential, Secret};

use super::{TERMINATOR, claim::Scope};

/// Entries of one generation of [`KeyCache`]; it holds two.
const GENERATION_ENTRIES_MAX: usize = 1024;

/// Signs for one secret, day, region and service.
#[derive(Clone)]
pub(crate) struct SigningKey(hmac::Key);

impl SigningKey {
    /// The chain of four HMACs.
    pub(crate) fn derive(secret: &Secret, date: &str, region: &str, service: &str) -> Self {
        let mut start = zeroize::Zeroizing::new(Vec::with_capacity(4 + secret.expose().len()));
        start.extend_from_slice(b"AWS4");
        start.extend_from_slice(secret.expose().as_bytes());
        let mut key = hmac::Key::new(hmac::HMAC_SHA256, &start);
        for part in [date, region, service, TERMINATOR] {
            key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
        }
        Self(key)
    }

    /// 64 lower-case hexadecimal characters.
    pub(crate) fn sign(&self, text: &[u8]) -> String {
        hex(hmac::sign(&self.0, text).as_ref())
    }

    /// Whether `signature` is this key's of `text`. Takes the same time wherever they differ.
    pub(crate) fn verifies(&self, text: &[u8], signature: &str) -> bool {
        let right = self.sign(text);
        aws_lc_rs::constant_time::verify_slices_are_equal(right.as_bytes(), signature.as_bytes()).is_ok()
    }
}

/// Keys that proved somebody lately. Bounded: two generations, the older of which is dropped when the younger is full.
#[derive(Default)]
pub(crate) struct KeyCache {
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<Name, Kept>,
    old: HashMap<Name, Kept>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Name {
    access_key_id: String,
    scope: Scope,
}

#[derive(Clone)]
struct Kept {
    /// Whose secret the key was derived from: an entry of another secret does not count.
    credential: Arc<Credential>,
    key: SigningKey,
}

impl KeyCache {
    /// The key of this credential for this scope, derived if need be.
    pub(crate) fn key(&self, credential: &Arc<Credential>, scope: &Scope) -> SigningKey {
        let name = Name { access_key_id: credential.principal.access_key_id.clone(), scope: scope.clone() };
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = generations.young.get(&name).or_else(|| generations.old.get(&name));
        if let Some(kept) = kept
            && (Arc::ptr_eq(&kept.credential, credential) || kept.credential.secret == credential.secret)
        {
            return kept.key.clone();
        }
        drop(generations);
        SigningKey::derive(&credential.secret, &scope.date, &scope.region, &scope.service)
    }

    /// Keeps a key that has proven somebody. Others are not kept, so that nobody fills the cache with guesses.
    pub(crate) fn keep(&self, credential: &Arc<Credential>, scope: &Scope, key: &SigningKey) {
        let name = Name { access_key_id: credential.principal.access_key_id.clone(), scope: scope.clone() };
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if generations.young.get(&name).is_some_and(|kept| Arc::ptr_eq(&kept.credential, credential)) {
            return;
        }
        if generations.young.len() >= GENERATION_ENTRIES_MAX {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(name, Kept { credential: credential.clone(), key: key.clone() });
    }
}

/// 64 lower-case hexadecimal characters.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for b in bytes {
        out.push(char::from(DIGITS[usize::from(b >> 4)]));
        out.push(char::from(DIGITS[usize::from(b & 15)]));
    }
    out
}

#[cfg(test)]
mod tests {
    use opentrail_policy::{Principal, PrincipalKind};

    use super::*;

    fn credential(secret: &str) -> Arc<Credential> {
        Arc::new(Credential {
            principal: Principal {
                kind: PrincipalKind::Root,
                account: "111122223333".parse().expect("an account"),
                access_key_id: "AKIDEXAMPLE".into(),
                session: None,
            },
            secret: Secret::new(secret.into()),
            active: true,
        })
    }

    fn scope(region: &str) -> Scope {
        Scope { date: "20150830".into(), region: region.into(), service: "iam".into(), terminator: TERMINATOR.into() }
    }

    /// The example of the IAM guide.
    #[test]
    fn the_guides_example_key_signs_as_the_guide_says() {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into());
        let key = SigningKey::derive(&secret, "20150830", "us-east-1", "iam");
        let text = "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n\
                    f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59";
        let signature = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
        assert_eq!(key.sign(text.as_bytes()), signature);
        assert!(key.verifies(text.as_bytes(), signature));
        assert!(!key.verifies(text.as_bytes(), &signature.to_uppercase()));
        assert!(!key.verifies(text.as_bytes(), ""));
    }

    #[test]
    fn a_new_secret_is_not_served_the_old_ones_key() {
        let cache = KeyCache::default();
        let (old, new) = (credential("old"), credential("new"));
        let scope = scope("us-east-1");
        cache.keep(&old, &scope, &cache.key(&old, &scope));
        assert_ne!(cache.key(&new, &scope).sign(b"x"), cache.key(&old, &scope).sign(b"x"));
        assert_eq!(cache.key(&credential("old"), &scope).sign(b"x"), cache.key(&old, &scope).sign(b"x"));
    }

    #[test]
    fn the_cache_stays_within_its_bound() {
        let cache = KeyCache::default();
        let who = credential("secret");
        let key = cache.key(&who, &scope("r"));
        for n in 0..3 * GENERATION_ENTRIES_MAX {
            cache.keep(&who, &scope(&format!("r{n}")), &key);
        }
        let generations = cache.generations.lock().expect("not poisoned");
        assert!(generations.young.len() <= GENERATION_ENTRIES_MAX && generations.old.len() <= GENERATION_ENTRIES_MAX);
    }
}
