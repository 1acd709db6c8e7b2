//! Making, listing and deleting users.

use opentrail_catalog::{Check, Error, From as ListFrom, Txn, decode, encode};
use opentrail_event::AccountId;

use super::cache::Touched;
use super::names::{check_path, check_user_name};
use super::stored::{StoredUser, account_key, keys_of, user_key, users};
use super::{ATTEMPTS_MAX, Directory, ids};
use crate::{DirectoryError, User, UserPolicy};

/// AWS's quota.
const USERS_PER_ACCOUNT_MAX: u64 = 5_000;

impl Directory {
    /// Makes a user. Names are unique within an account without regard to case.
    pub async fn create_user(
        &self,
        account: AccountId,
        name: &str,
        path: &str,
        policy: Option<UserPolicy>,
    ) -> Result<User, DirectoryError> {
        check_user_name(name)?;
        check_path(path)?;
        if account == AccountId::OPERATOR {
            let what = "the operator's own account has no users beside the operator; name another account";
            return Err(DirectoryError::Invalid(what.into()));
        }
        let unique_id = ids::user_id(&self.world, account);
        let stored =
            StoredUser { name: name.to_owned(), path: path.to_owned(), unique_id, policy, created_s: self.now_s() };
        for _ in 0..ATTEMPTS_MAX {
            let Some(row) = self.catalog.get(&account_key(account)).await? else {
                return Err(DirectoryError::NotFound(format!("account {account}")));
            };
            let txn = Txn::new()
                .check(Check::Absent(user_key(account, name)))
                .check(Check::AtMost { prefix: users(account), max: USERS_PER_ACCOUNT_MAX - 1 })
                .check(Check::Is(account_key(account), row.version))
                .put(user_key(account, name), encode(&stored));
            let touched = Touched { keys: Vec::new(), user: Some((account, name.to_ascii_lowercase())) };
            match self.commit(txn, touched).await {
                Ok(()) => return Ok(stored.into_user(account)),
                Err(Error::Conflict { check: 0 }) => {
                    return Err(DirectoryError::Exists(format!("user with name {name}")));
                }
                Err(Error::Conflict { check: 1 }) => {
                    let what = format!("cannot exceed quota for UsersPerAccount: {USERS_PER_ACCOUNT_MAX}");
                    return Err(DirectoryError::LimitExceeded(what));
                }
                Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(moving("user", name))
    }

    /// A user by name, without regard to case.
    pub async fn user(&self, account: AccountId, name: &str) -> Result<Option<User>, DirectoryError> {
        Ok(self.stored_user(account, name).await?.map(|(user, _)| user.into_user(account)))
    }

    /// Up to `limit` users by name, behind the user called `after`.
    pub async fn list_users(
        &self,
        account: AccountId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<User>, DirectoryError> {
        let from = after.map_or(ListFrom::Start, |name| ListFrom::After(user_key(account, name)));
        let rows = self.catalog.list(&users(account), from, limit).await?;
        rows.into_iter().map(|(_, row)| Ok(decode::<StoredUser>(&row.value)?.into_user(account))).collect()
    }

    /// Deletes a user who has no keys.
    pub async fn delete_user(&self, account: AccountId, name: &str) -> Result<User, DirectoryError> {
        if account == AccountId::OPERATOR {
            return Err(DirectoryError::Conflict("the operator cannot be deleted".into()));
        }
        for _ in 0..ATTEMPTS_MAX {
            let Some((user, version)) = self.stored_user(account, name).await? else {
                return Err(DirectoryError::NotFound(format!("the user with name {name}")));
            };
            let txn = Txn::new()
                .check(Check::Empty { prefix: keys_of(account, Some(name)) })
                .check(Check::Is(user_key(account, name), version))
                .delete(user_key(account, name));
            let touched = Touched { keys: Vec::new(), user: Some((account, name.to_ascii_lowercase())) };
            match self.commit(txn, touched).await {
                Ok(()) => return Ok(user.into_user(account)),
                Err(Error::Conflict { check: 0 }) => {
                    return Err(DirectoryError::Conflict("cannot delete entity, must delete access keys first".into()));
                }
                Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(moving("user", name))
    }

    pub(super) async fn stored_user(
        &self,
        account: AccountId,
        name: &str,
    ) -> Result<Option<(StoredUser, opentrail_catalog::Version)>, DirectoryError> {
        match self.catalog.get(&user_key(account, name)).await? {
            Some(row) => Ok(Some((decode(&row.value)?, row.version))),
            None => Ok(None),
        }
    }

    /// Makes or changes the user that a configured key names, so that it has this policy.
    pub(super) async fn ensure_user(
        &self,
        account: AccountId,
        name: &str,
        policy: Option<UserPolicy>,
    ) -> Result<bool, DirectoryError> {
        let Some((mut user, version)) = self.stored_user(account, name).await? else {
            self.create_user(account, name, "/", policy).await?;
            return Ok(true);
        };
        if user.policy == policy || account == AccountId::OPERATOR {
            return Ok(false);
        }
        user.policy = policy;
        let key = user_key(account, name);
        let txn = Txn::new().check(Check::Is(key.clone(), version)).put(key, encode(&user));
        let touched = Touched { keys: Vec::new(), user: Some((account, name.to_ascii_lowercase())) };
        self.commit(txn, touched).await?;
        Ok(true)
    }
}

/// Others kept changing the same thing.
pub(super) fn moving(what: &str, name: &str) -> DirectoryError {
    DirectoryError::Unavailable(format!("{what} {name} is being changed by others; try again"))
}
