//! Making, listing and deleting users.

use bytes::Bytes;
use opentrail_catalog::{Check, Error, From as ListFrom, Key, Stored, Txn, Write, decode, encode};
use opentrail_event::AccountId;

use super::cache::Touched;
use super::names::{check_path, check_user_name};
use super::rows::{UserRow, attached_key, bounding_key, by_id_key, member_key, user_key, users};
use super::stored::{account_key, keys_of};
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
        let mut user = UserRow::new(name, path, ids::user_id(&self.world, account), self.now_s());
        user.grants.attached.extend(policy.map(|policy| policy.managed().to_owned()));
        for _ in 0..ATTEMPTS_MAX {
            let Some(row) = self.catalog.get(&account_key(account)).await? else {
                return Err(DirectoryError::NotFound(format!("account {account}")));
            };
            let txn = Txn::new()
                .check(Check::Absent(user_key(account, name)))
                .check(Check::AtMost { prefix: users(account), max: USERS_PER_ACCOUNT_MAX - 1 })
                .check(Check::Is(account_key(account), row.version));
            let txn = put_user(txn, account, &user);
            let touched = Touched { keys: Vec::new(), account: Some(account) };
            match self.commit(txn, touched).await {
                Ok(()) => return Ok(user.into_user(account)),
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
        rows.into_iter().map(|(_, row)| Ok(decode::<UserRow>(&row.value)?.into_user(account))).collect()
    }

    /// Deletes a user who has no keys and no MFA devices; what else is the user's goes with the user.
    pub async fn delete_user(&self, account: AccountId, name: &str) -> Result<User, DirectoryError> {
        if account == AccountId::OPERATOR {
            return Err(DirectoryError::Conflict("the operator cannot be deleted".into()));
        }
        for _ in 0..ATTEMPTS_MAX {
            let Some((user, version)) = self.stored_user(account, name).await? else {
                return Err(DirectoryError::NotFound(format!("the user with name {name}")));
            };
            if !user.mfa.is_empty() {
                return Err(DirectoryError::Conflict("cannot delete entity, must deactivate MFA devices first".into()));
            }
            let txn = Txn::new()
                .check(Check::Empty { prefix: keys_of(account, Some(name)) })
                .check(Check::Is(user_key(account, name), version));
            let txn = remove_user(txn, account, &user);
            let touched = Touched { keys: Vec::new(), account: Some(account) };
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
    ) -> Result<Option<(UserRow, opentrail_catalog::Version)>, DirectoryError> {
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
        if UserPolicy::of(&user.grants.attached) == policy || account == AccountId::OPERATOR {
            return Ok(false);
        }
        let key = user_key(account, name);
        let mut txn = remove_user(Txn::new().check(Check::Is(key, version)), account, &user);
        // What the configuration decides takes the place of what it decided before; other attachments stay.
        let coarse = [UserPolicy::Admin, UserPolicy::ReadOnly].map(UserPolicy::managed);
        user.grants.attached.retain(|arn| !coarse.contains(&arn.as_str()));
        user.grants.attached.extend(policy.map(|policy| policy.managed().to_owned()));
        txn = put_user(txn, account, &user);
        let touched = Touched { keys: Vec::new(), account: Some(account) };
        self.commit(txn, touched).await?;
        Ok(true)
    }
}

impl Directory {
    /// Users of before attached policies get the rows that find them from the other side. Each in a transaction of its own: a
    /// start that dies has done a part, and the next does the rest.
    pub(super) async fn migrate_users(&self) -> Result<(), DirectoryError> {
        let family = Key::family("directory/user");
        let mut from = ListFrom::Start;
        loop {
            let rows = self.catalog.list(&family, from, PAGE).await?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            from = ListFrom::After(last.clone());
            for (key, row) in &rows {
                if row.value.first_chunk() == Some(&UserRow::VERSION.to_be_bytes()) {
                    continue;
                }
                let account = key.parts().and_then(|parts| String::from_utf8(parts.into_iter().next()?).ok());
                let account = account.and_then(|account| account.parse().ok());
                let account = account.ok_or_else(|| DirectoryError::Unavailable(format!("damaged key {key:?}")))?;
                let txn = Txn::new().check(Check::Is(key.clone(), row.version));
                let txn = put_user(txn, account, &decode(&row.value)?);
                self.commit(txn, Touched { keys: Vec::new(), account: Some(account) }).await?;
            }
        }
    }
}

/// Users read at a time by a migration.
const PAGE: usize = 500;

/// Writes a user and every row that finds it from the other side.
pub(super) fn put_user(mut txn: Txn, account: AccountId, user: &UserRow) -> Txn {
    let id = &user.unique_id;
    let place = format!("u{}", user.name.to_ascii_lowercase());
    txn = txn.put(user_key(account, &user.name), encode(user)).put(by_id_key(account, id), place);
    for arn in &user.grants.attached {
        txn = txn.put(attached_key(account, arn, id), Bytes::new());
    }
    if let Some(arn) = &user.grants.boundary {
        txn = txn.put(bounding_key(account, arn, id), Bytes::new());
    }
    for group in &user.groups {
        txn = txn.put(member_key(account, group, id), Bytes::new());
    }
    txn
}

/// Deletes what [`put_user`] writes.
fn remove_user(txn: Txn, account: AccountId, user: &UserRow) -> Txn {
    let keys = put_user(Txn::new(), account, user).writes.into_iter();
    keys.fold(txn, |txn, write| match write {
        Write::Put(key, _) | Write::Delete(key) => txn.delete(key),
    })
}

/// Others kept changing the same thing.
pub(super) fn moving(what: &str, name: &str) -> DirectoryError {
    DirectoryError::Unavailable(format!("{what} {name} is being changed by others; try again"))
}
