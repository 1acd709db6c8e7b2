//! When keys and roles were used last, to the quarter of an hour (`spec/iam.md` 7): each use is noticed, few are written.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use opentrail_catalog::{Check, Key, Txn, decode, encode};

use super::cache::Touched;
use super::rows::{UsedRow, by_id_key, key_used_key, role_used_key};
use super::stored::access_key_key;
use super::{Directory, DirectoryError};
use crate::{Principal, PrincipalKind};

/// Seconds between two writes of one key's or role's use.
const GRAIN_S: i64 = 15 * 60;
/// Keys and roles that are kept in mind; with more than that, some are written more often.
const ENTRIES_MAX: usize = 10_000;

/// When a use was written last, by the row that it stands in.
#[derive(Default)]
pub(super) struct Uses(Mutex<HashMap<Key, i64>>);

impl Uses {
    /// Whether a use at `now_s` is to be written; of those that ask at the same time, one is told so.
    fn due(&self, row: &Key, now_s: i64) -> bool {
        // A panic while the lock is held leaves whole entries.
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if written.get(row).is_some_and(|at| (*at..at.saturating_add(GRAIN_S)).contains(&now_s)) {
            return false;
        }
        if written.len() >= ENTRIES_MAX {
            written.clear();
        }
        written.insert(row.clone(), now_s);
        true
    }
}

impl Directory {
    /// Notices that a proven caller used its key, or its role, for a call.
    pub(super) async fn notice_use(
        &self,
        principal: &Principal,
        service: &str,
        region: &str,
    ) -> Result<(), DirectoryError> {
        let (row, lives, service) = match &principal.kind {
            PrincipalKind::Role { unique_id, .. } => {
                (role_used_key(principal.account, unique_id), by_id_key(principal.account, unique_id), "")
            }
            _ if principal.session.is_some() || principal.access_key_id.is_empty() => return Ok(()),
            _ => (key_used_key(&principal.access_key_id), access_key_key(&principal.access_key_id), service),
        };
        let now_s = self.now_s();
        if !self.uses.due(&row, now_s) {
            return Ok(());
        }
        if let Some(stored) = self.catalog.get(&row).await?
            && now_s - decode::<UsedRow>(&stored.value)?.at_s < GRAIN_S
        {
            return Ok(());
        }
        // What is gone by now gets no row.
        let Some(there) = self.catalog.get(&lives).await? else { return Ok(()) };
        let used = UsedRow { at_s: now_s, service: service.to_owned(), region: region.to_owned() };
        let txn = Txn::new().check(Check::Is(lives, there.version)).put(row, encode(&used));
        Ok(self.commit(txn, Touched::default()).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_due_once_in_a_quarter_of_an_hour() {
        let uses = Uses::default();
        let (one, two) = (key_used_key("AKIA1"), key_used_key("AKIA2"));
        let asked = [(&one, 0), (&one, 899), (&two, 899), (&one, 900), (&one, 901)].map(|(row, at)| uses.due(row, at));
        assert_eq!(asked, [true, false, true, true, false]);
        assert!(uses.due(&one, 5), "a clock that was set back does not silence it");
    }
}
