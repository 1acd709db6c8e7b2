//! Calls whose records trails wait for, arranged so that a record is looked up and not searched for.

use std::collections::HashMap;
use std::sync::Arc;

use opentrail_event::AccountId;

use super::select::Seen;
use crate::Parting;

/// What the timeline waits for, by account and request id.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// The list that the rest follows from.
    of: Option<Arc<[Parting]>>,
    by_account: HashMap<AccountId, HashMap<String, Parting>>,
}

impl Waiting {
    /// From now on these are waited for.
    pub(crate) fn renew(&mut self, partings: Arc<[Parting]>) {
        if self.of.as_ref().is_some_and(|known| Arc::ptr_eq(known, &partings)) {
            return;
        }
        self.by_account.clear();
        for parting in partings.iter() {
            let of_account = self.by_account.entry(parting.before.account).or_default();
            of_account.insert(parting.request_id.clone(), parting.clone());
        }
        self.of = Some(partings);
    }

    /// Whether a record of the account is waited for.
    pub(crate) fn any_of(&self, account: AccountId) -> bool {
        self.by_account.contains_key(&account)
    }

    /// The call whose record this is.
    pub(crate) fn call(&self, account: AccountId, seen: &Seen<'_>) -> Option<&Parting> {
        let of_account = self.by_account.get(&account)?;
        seen.request_ids().find_map(|id| of_account.get(id))
    }
}
