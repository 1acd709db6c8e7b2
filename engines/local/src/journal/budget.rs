//! How much each account, and all of them together, may keep waiting in the journal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use opentrail_event::AccountId;
use opentrail_journal::{Entry, Error, Urgency};

use super::format::{FRAME_HEAD_BYTES, entry_bytes};

/// The limits in bytes, worked out of the settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) bytes_max: u64,
    pub(crate) account_bytes_max: u64,
    /// The last bytes, for control-plane entries only. No account's share grows by them.
    pub(crate) reserve_bytes: u64,
}

/// The books. Bytes on their way count as unpacked, so what is held can only turn out smaller than was granted.
pub(crate) struct Budget {
    limits: Limits,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    held: u64,
    pending: u64,
    accounts: HashMap<AccountId, Account>,
}

#[derive(Default, Clone, Copy)]
struct Account {
    held: u64,
    pending: u64,
}

/// Leave to append; gives the pending bytes back when dropped.
pub(crate) struct Leave {
    budget: Arc<Budget>,
    total: u64,
    pub(crate) accounts: Vec<(AccountId, u64)>,
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, books: Mutex::default() })
    }

    /// Grants `batch` its space or says whose is used up.
    pub(crate) fn admit(self: &Arc<Self>, batch: &[Entry]) -> Result<Leave, Error> {
        let mut accounts: Vec<(AccountId, u64)> = Vec::with_capacity(1);
        let mut total = FRAME_HEAD_BYTES as u64;
        for entry in batch {
            let bytes = entry_bytes(entry) as u64;
            total += bytes;
            match accounts.iter_mut().find(|(account, _)| *account == entry.account) {
                Some((_, sum)) => *sum += bytes,
                None => accounts.push((entry.account, bytes)),
            }
        }
        let control_plane = batch.iter().all(|entry| entry.urgency == Urgency::ControlPlane);
        let reserve = self.limits.reserve_bytes;
        let max = if control_plane { self.limits.bytes_max } else { self.limits.bytes_max - reserve };
        let account_max = self.limits.account_bytes_max;
        let mut books = self.books();
        let all = books.held + books.pending;
        if all + total > max {
            return Err(Error::Full { whose: "all accounts".into(), held: all, max });
        }
        for (account, bytes) in &accounts {
            let has = books.accounts.get(account).copied().unwrap_or_default();
            let held = has.held + has.pending;
            if held + bytes > account_max {
                return Err(Error::Full { whose: format!("account {account}").into(), held, max: account_max });
            }
        }
        books.pending += total;
        for (account, bytes) in &accounts {
            books.accounts.entry(*account).or_default().pending += bytes;
        }
        drop(books);
        Ok(Leave { budget: self.clone(), total, accounts })
    }

    /// Whether `bytes` of an account would be granted.
    pub(crate) fn look(&self, account: AccountId, bytes: u64, urgency: Urgency) -> Result<(), Error> {
        let reserve = if urgency == Urgency::ControlPlane { 0 } else { self.limits.reserve_bytes };
        let max = self.limits.bytes_max - reserve;
        let books = self.books();
        let all = books.held + books.pending;
        if all + bytes > max {
            return Err(Error::Full { whose: "all accounts".into(), held: all, max });
        }
        let has = books.accounts.get(&account).copied().unwrap_or_default();
        let (held, max) = (has.held + has.pending, self.limits.account_bytes_max);
        if held + bytes > max {
            return Err(Error::Full { whose: format!("account {account}").into(), held, max });
        }
        Ok(())
    }

    /// Bytes that are on disk now, in all.
    pub(crate) fn hold(&self, bytes: u64) {
        self.books().held += bytes;
    }

    /// Bytes on disk now that are this account's.
    pub(crate) fn hold_account(&self, account: AccountId, bytes: u64) {
        self.books().accounts.entry(account).or_default().held += bytes;
    }

    /// A segment is gone.
    pub(crate) fn release<'a>(&self, bytes: u64, accounts: impl Iterator<Item = (&'a AccountId, &'a u64)>) {
        let mut books = self.books();
        books.held = books.held.saturating_sub(bytes);
        for (account, bytes) in accounts {
            books.settle(*account, |a| a.held = a.held.saturating_sub(*bytes));
        }
    }

    /// Bytes on disk.
    pub(crate) fn held(&self) -> u64 {
        self.books().held
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("no holder of the books panics")
    }
}

impl Books {
    /// Changes an account's row, and forgets it once it is empty.
    fn settle(&mut self, account: AccountId, change: impl FnOnce(&mut Account)) {
        if let Some(row) = self.accounts.get_mut(&account) {
            change(row);
            if row.held == 0 && row.pending == 0 {
                self.accounts.remove(&account);
            }
        }
    }
}

impl Leave {
    /// The bytes it is for.
    pub(crate) fn bytes(&self) -> u64 {
        self.total
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        let mut books = self.budget.books();
        books.pending -= self.total;
        for (account, bytes) in &self.accounts {
            books.settle(*account, |a| a.pending -= bytes);
        }
    }
}
