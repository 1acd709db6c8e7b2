//! Tokens that were opened lately: the next call of a session need not open its token again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Credential, Secret};

/// Tokens of one generation; two are kept.
const GENERATION_ENTRIES_MAX: usize = 2_048;

/// By the id of their key. Bounded: the older generation goes when the younger one is full.
#[derive(Default)]
pub(super) struct OpenedTokens {
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<String, OpenedToken>,
    old: HashMap<String, OpenedToken>,
}

/// A token, and whom it proved.
#[derive(Clone)]
pub(super) struct OpenedToken {
    /// Shared: it is long, and asked for at each call.
    pub(super) token: Arc<Secret>,
    pub(super) credential: Arc<Credential>,
}

impl OpenedTokens {
    pub(super) fn find(&self, access_key_id: &str) -> Option<OpenedToken> {
        let generations = self.lock();
        generations.young.get(access_key_id).or_else(|| generations.old.get(access_key_id)).cloned()
    }

    /// Keeps what was opened; its key's id is the credential's.
    pub(super) fn keep(&self, token: &str, credential: &Arc<Credential>) {
        let mut generations = self.lock();
        if generations.young.len() >= GENERATION_ENTRIES_MAX {
            generations.old = std::mem::take(&mut generations.young);
        }
        let opened = OpenedToken { token: Arc::new(Secret::new(token.to_owned())), credential: credential.clone() };
        generations.young.insert(credential.principal.access_key_id.clone(), opened);
    }

    pub(super) fn forget(&self, access_key_id: &str) {
        let mut generations = self.lock();
        generations.young.remove(access_key_id);
        generations.old.remove(access_key_id);
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
