//! Making and listing accounts, and what the first start makes.

use opentrail_catalog::{Check, Error, From as ListFrom, Txn, decode, encode};
use opentrail_event::AccountId;

use super::cache::Touched;
use super::configured::configured_account_name;
use super::names::check_account_name;
use super::rows::UserRow;
use super::stored::{StoredAccount, StoredStarters, account_key, account_name_key, accounts, starters_key};
use super::users::put_user;
use super::{ATTEMPTS_MAX, Directory, ids};
use crate::{Account, DirectoryError, NewAccessKey};

/// Most accounts of one house, the operator's own aside.
const ACCOUNTS_MAX: u64 = 10_000;
/// What the account that the first start makes is called.
const FIRST_ACCOUNT: &str = "main";
/// What the operator's own account is called.
const OPERATOR_ACCOUNT: &str = "operator";
/// The one user of the operator's own account.
pub(super) const OPERATOR_USER: &str = "operator";

/// What the first start made, as far as it is still there.
#[derive(Debug, Clone)]
pub struct Starters {
    /// The first account.
    pub account: Account,
    /// Its root's first key; `None` once deleted.
    pub root: Option<NewAccessKey>,
    /// The operator's first key; `None` once deleted.
    pub operator: Option<NewAccessKey>,
}

impl Directory {
    /// Makes an account and its root's first key. Without an `id` it gets a random one.
    pub async fn create_account(
        &self,
        name: &str,
        id: Option<AccountId>,
    ) -> Result<(Account, NewAccessKey), DirectoryError> {
        check_account_name(name)?;
        for _ in 0..ATTEMPTS_MAX {
            let account = self.draft_account(name, id.unwrap_or_else(|| ids::account_id(&self.world)));
            let key = self.draft_key(account.id, None);
            let txn = self.put_account(Txn::new(), &account);
            match self.commit(self.put_key(txn, &key, false), Touched::default()).await {
                Ok(()) => return Ok((account, key)),
                Err(Error::Conflict { check: 0 }) if id.is_none() => {}
                Err(Error::Conflict { check: 0 }) => {
                    return Err(DirectoryError::Exists(format!("account {}", account.id)));
                }
                Err(Error::Conflict { check: 1 }) => {
                    return Err(DirectoryError::Exists(format!("an account with the name {name}")));
                }
                Err(Error::Conflict { check: 2 }) => {
                    return Err(DirectoryError::LimitExceeded(format!("at most {ACCOUNTS_MAX} accounts")));
                }
                // A key id that is taken: another draw.
                Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(DirectoryError::Unavailable("no free account id was drawn; try again".into()))
    }

    /// An account by its id, the operator's own included.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>, DirectoryError> {
        match self.catalog.get(&account_key(id)).await? {
            Some(row) => Ok(Some(decode::<StoredAccount>(&row.value)?.into_account(id))),
            None => Ok(None),
        }
    }

    /// Up to `limit` accounts by ascending id, behind `after`. The operator's own is not among them.
    pub async fn list_accounts(&self, after: Option<AccountId>, limit: usize) -> Result<Vec<Account>, DirectoryError> {
        let after = account_key(after.unwrap_or(AccountId::OPERATOR));
        let rows = self.catalog.list(&accounts(), ListFrom::After(after), limit).await?;
        rows.into_iter()
            .map(|(key, row)| {
                let id = key.parts().and_then(|parts| String::from_utf8(parts.into_iter().next()?).ok());
                let id = id.and_then(|id| id.parse().ok());
                let id = id.ok_or_else(|| DirectoryError::Unavailable(format!("damaged account key {key:?}")))?;
                Ok(decode::<StoredAccount>(&row.value)?.into_account(id))
            })
            .collect()
    }

    /// What the first start made.
    pub async fn starters(&self) -> Result<Starters, DirectoryError> {
        let row = self.catalog.get(&starters_key()).await?;
        let row = row.ok_or_else(|| DirectoryError::NotFound("the record of the first start".into()))?;
        let starters: StoredStarters = decode(&row.value)?;
        let account = self.account(starters.account).await?;
        Ok(Starters {
            account: account.ok_or_else(|| DirectoryError::NotFound(format!("account {}", starters.account)))?,
            root: self.reveal(&starters.root_key_id).await?,
            operator: self.reveal(&starters.operator_key_id).await?,
        })
    }

    /// Makes the operator and the first account, once.
    pub(super) async fn start(&self) -> Result<(), DirectoryError> {
        for _ in 0..ATTEMPTS_MAX {
            if self.catalog.get(&starters_key()).await?.is_some() {
                return Ok(());
            }
            let own = self.draft_account(OPERATOR_ACCOUNT, AccountId::OPERATOR);
            let first = self.draft_account(FIRST_ACCOUNT, ids::account_id(&self.world));
            let id = crate::principal::OPERATOR_UNIQUE_ID.to_owned();
            let operator = UserRow::new(OPERATOR_USER, "/", id, self.now_s());
            let operator_key = self.draft_key(AccountId::OPERATOR, Some(OPERATOR_USER));
            let root_key = self.draft_key(first.id, None);
            let starters = StoredStarters {
                account: first.id,
                root_key_id: root_key.key.id.clone(),
                operator_key_id: operator_key.key.id.clone(),
            };
            let mut txn = Txn::new().check(Check::Absent(starters_key())).put(starters_key(), encode(&starters));
            txn = put_user(txn, AccountId::OPERATOR, &operator);
            txn = self.put_account(txn, &own);
            txn = self.put_account(txn, &first);
            txn = self.put_key(txn, &operator_key, false);
            txn = self.put_key(txn, &root_key, false);
            match self.commit(txn, Touched::default()).await {
                Ok(()) => return Ok(()),
                Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(DirectoryError::Unavailable("the first account could not be made; start again".into()))
    }

    /// Makes the account that a configured key names, if it is not there.
    pub(super) async fn ensure_account(&self, id: AccountId) -> Result<bool, DirectoryError> {
        if self.account(id).await?.is_some() {
            return Ok(false);
        }
        let account = self.draft_account(&configured_account_name(id), id);
        let txn = self.put_account(Txn::new(), &account);
        match self.commit(txn, Touched::default()).await {
            Ok(()) => Ok(true),
            Err(Error::Conflict { .. }) => Err(DirectoryError::Exists(format!("account {id} or its name"))),
            Err(error) => Err(error.into()),
        }
    }

    fn draft_account(&self, name: &str, id: AccountId) -> Account {
        let canonical_id = ids::canonical_id(&self.world);
        Account { id, name: name.to_owned(), canonical_id, created_s: self.now_s() }
    }

    /// Checks, in this order: the id is free, the name is free, there is room.
    fn put_account(&self, txn: Txn, account: &Account) -> Txn {
        let stored = StoredAccount {
            name: account.name.clone(),
            canonical_id: account.canonical_id.clone(),
            created_s: account.created_s,
        };
        txn.check(Check::Absent(account_key(account.id)))
            .check(Check::Absent(account_name_key(&account.name)))
            .check(Check::AtMost { prefix: accounts(), max: ACCOUNTS_MAX })
            .put(account_key(account.id), encode(&stored))
            .put(account_name_key(&account.name), account.id.as_str().to_owned())
    }
}
