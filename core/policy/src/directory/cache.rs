//! What was read lately, never older than the newest change that was answered.
//!
//! A reader notes the generation before it asks the catalog and keeps what it read only if no change came in between;
//! a change forgets what it touched once its transaction is decided, landed or not. So an entry that a change made stale
//! is gone before the change is answered.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentrail_event::{AccountId, Arn};

use crate::{Credential, Policy, Rights};

/// Most of each kind that are kept.
const ENTRIES_MAX: usize = 10_000;

pub(crate) type PolicyKey = (AccountId, String);

#[derive(Default)]
pub(crate) struct Cache {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    generation: u64,
    credentials: HashMap<String, Arc<Credential>>,
    /// By unique id: whether there still is such a user or role.
    present: HashMap<PolicyKey, bool>,
    rights: HashMap<PolicyKey, Arc<Rights>>,
    /// Managed policies of an account's own, by ARN, compiled: sessions name some at each of their calls.
    managed: HashMap<PolicyKey, (Arn, Arc<Policy>)>,
}

/// Proof of when a read began.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation(u64);

impl Cache {
    pub(crate) fn generation(&self) -> Generation {
        Generation(self.state().generation)
    }

    pub(crate) fn credential(&self, id: &str) -> Option<Arc<Credential>> {
        self.state().credentials.get(id).cloned()
    }

    pub(crate) fn keep_credential(&self, read_at: Generation, id: &str, credential: &Arc<Credential>) {
        let mut state = self.state();
        if state.generation == read_at.0 {
            put(&mut state.credentials, id.to_owned(), credential.clone());
        }
    }

    pub(crate) fn present(&self, account: AccountId, id: &str) -> Option<bool> {
        self.state().present.get(&(account, id.to_owned())).copied()
    }

    pub(crate) fn keep_present(&self, read_at: Generation, account: AccountId, id: &str, present: bool) {
        let mut state = self.state();
        if state.generation == read_at.0 {
            put(&mut state.present, (account, id.to_owned()), present);
        }
    }

    /// By unique id.
    pub(crate) fn rights(&self, account: AccountId, id: &str) -> Option<Arc<Rights>> {
        self.state().rights.get(&(account, id.to_owned())).cloned()
    }

    pub(crate) fn keep_rights(&self, read_at: Generation, account: AccountId, id: &str, rights: &Arc<Rights>) {
        let mut state = self.state();
        if state.generation == read_at.0 {
            put(&mut state.rights, (account, id.to_owned()), rights.clone());
        }
    }

    /// By ARN.
    pub(crate) fn managed(&self, account: AccountId, arn: &str) -> Option<(Arn, Arc<Policy>)> {
        self.state().managed.get(&(account, arn.to_owned())).cloned()
    }

    pub(crate) fn keep_managed(&self, read_at: Generation, account: AccountId, arn: &Arn, policy: &Arc<Policy>) {
        let mut state = self.state();
        if state.generation == read_at.0 {
            put(&mut state.managed, (account, arn.to_string()), (arn.clone(), policy.clone()));
        }
    }

    /// Forgets `touched` when the returned guard goes, however the change ends.
    pub(crate) fn change(&self, touched: Touched) -> Change<'_> {
        Change { cache: self, touched }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock is held leaves whole entries or none: the state stays usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a change may make stale.
#[derive(Default)]
pub(crate) struct Touched {
    pub(crate) keys: Vec<String>,
    /// Whatever was read of this account's users, groups, roles and policies.
    pub(crate) account: Option<AccountId>,
}

/// A change under way.
pub(crate) struct Change<'a> {
    cache: &'a Cache,
    touched: Touched,
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        let mut state = self.cache.state();
        state.generation += 1;
        for id in &self.touched.keys {
            state.credentials.remove(id);
        }
        if let Some(account) = &self.touched.account {
            // Changes are rare beside questions, and what hangs on what is not worth keeping track of.
            state.present.retain(|(of, _), _| of != account);
            state.rights.retain(|(of, _), _| of != account);
            state.managed.retain(|(of, _), _| of != account);
        }
    }
}

/// Keeps one more; a full map gives up an arbitrary entry, which is read again when asked for.
fn put<K: Hash + Eq + Clone, V>(map: &mut HashMap<K, V>, key: K, value: V) {
    if map.len() >= ENTRIES_MAX
        && !map.contains_key(&key)
        && let Some(victim) = map.keys().next().cloned()
    {
        map.remove(&victim);
    }
    map.insert(key, value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Principal, PrincipalKind, Secret};

    fn credential() -> Arc<Credential> {
        Arc::new(Credential {
            principal: Principal {
                kind: PrincipalKind::Root,
                account: AccountId::OPERATOR,
                access_key_id: "AKIAX".into(),
                session: None,
            },
            secret: Secret::new("s".into()),
            active: true,
        })
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept_after_it() {
        let cache = Cache::default();
        let before = cache.generation();
        drop(cache.change(Touched { keys: vec!["AKIAX".into()], account: None }));
        cache.keep_credential(before, "AKIAX", &credential());
        assert!(cache.credential("AKIAX").is_none());
        cache.keep_credential(cache.generation(), "AKIAX", &credential());
        assert!(cache.credential("AKIAX").is_some());
    }

    #[test]
    fn it_does_not_grow_without_bound() {
        let cache = Cache::default();
        for n in 0..ENTRIES_MAX + 10 {
            cache.keep_credential(cache.generation(), &n.to_string(), &credential());
        }
        assert_eq!(cache.state().credentials.len(), ENTRIES_MAX);
    }
}
