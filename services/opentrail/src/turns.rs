//! How many look-ups read history at once: each holds a page in memory, and no account may take every turn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use opentrail_event::AccountId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Look-ups at once of one account. More wait.
const OF_ACCOUNT_MAX: usize = 4;
/// Look-ups at once of all accounts. More wait.
const OF_ALL_MAX: usize = 16;

pub(crate) struct Turns {
    all: Arc<Semaphore>,
    of_account: Mutex<HashMap<AccountId, Arc<Semaphore>>>,
}

/// A look-up's turn; dropping it ends it.
pub(crate) struct Turn {
    _of_account: Option<OwnedSemaphorePermit>,
    _of_all: Option<OwnedSemaphorePermit>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(OF_ALL_MAX)), of_account: Mutex::default() }
    }
}

impl Turns {
    /// Waits for the account's turn, and then, holding it, for one of all: who waits keeps no other account waiting.
    pub(crate) async fn take(&self, account: AccountId) -> Turn {
        let of_account = {
            let mut known = self.of_account.lock().unwrap_or_else(PoisonError::into_inner);
            // Permits and waiters hold the semaphore: what nobody else holds is idle.
            known.retain(|_, turns| Arc::strong_count(turns) > 1);
            known.entry(account).or_insert_with(|| Arc::new(Semaphore::new(OF_ACCOUNT_MAX))).clone()
        };
        // The semaphores are never closed.
        let of_account = of_account.acquire_owned().await.ok();
        Turn { _of_account: of_account, _of_all: self.all.clone().acquire_owned().await.ok() }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn account(n: usize) -> AccountId {
        format!("{n:012}").parse().expect("an account")
    }

    #[test]
    fn an_account_and_all_of_them_have_so_many_turns() {
        let turns = Turns::default();
        let take = |n| turns.take(account(n)).now_or_never();
        let mut held: Vec<Turn> = (0..OF_ACCOUNT_MAX).map(|_| take(1).expect("a turn")).collect();
        assert!(take(1).is_none(), "the account has all its turns");
        held.extend((OF_ACCOUNT_MAX..OF_ALL_MAX).map(|n| take(n).expect("another account's turn")));
        assert!(take(99).is_none(), "all turns are taken");
        held.remove(0);
        held.push(take(1).expect("a turn ended"));
        held.clear();
        drop(take(99));
        assert!(turns.of_account.lock().expect("no panic").len() <= 1, "idle accounts are forgotten");
    }
}
