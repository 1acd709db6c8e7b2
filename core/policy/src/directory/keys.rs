//! Making, listing, disabling and deleting access keys.

use opentrail_catalog::{Check, Error, From as ListFrom, Txn, Version, decode, encode};
use opentrail_event::AccountId;

use super::accounts::OPERATOR_USER;
use super::cache::Touched;
use super::rows::{key_used_key, user_key};
use super::stored::{StoredKey, access_key_key, account_key, from_hex, keys_of, seal_context, to_hex};
use super::users::moving;
use super::{ATTEMPTS_MAX, Directory, ids};
use crate::{AccessKey, DirectoryError, Draft, KeyStatus, NewAccessKey, SealError, Secret};

/// AWS's quota, for a user and for a root.
const KEYS_PER_OWNER_MAX: u64 = 2;
/// Most keys that one listing shows: configured keys do not count towards the quota.
const KEYS_LISTED_MAX: usize = 1_000;

impl Directory {
    /// Makes a key for a user, or for the root where `user` is `None`.
    pub async fn create_access_key(
        &self,
        account: AccountId,
        user: Option<&str>,
    ) -> Result<NewAccessKey, DirectoryError> {
        for _ in 0..ATTEMPTS_MAX {
            let (owner, name) = match user {
                Some(name) => {
                    let found = self.stored_user(account, name).await?;
                    let (stored, version) =
                        found.ok_or_else(|| DirectoryError::NotFound(format!("the user with name {name}")))?;
                    (Check::Is(user_key(account, name), version), Some(stored.name))
                }
                None if account == AccountId::OPERATOR => {
                    let what = "the operator's own account has no root; name the user operator";
                    return Err(DirectoryError::Invalid(what.into()));
                }
                None => {
                    let row = self.catalog.get(&account_key(account)).await?;
                    let row = row.ok_or_else(|| DirectoryError::NotFound(format!("account {account}")))?;
                    (Check::Is(account_key(account), row.version), None)
                }
            };
            let key = self.draft_key(account, name.as_deref());
            let room = Check::AtMost { prefix: keys_of(account, user), max: KEYS_PER_OWNER_MAX - 1 };
            let txn = self.put_key(Txn::new().check(room).check(owner), &key, false);
            match self.commit(txn, Touched { keys: vec![key.key.id.clone()], account: None }).await {
                Ok(()) => return Ok(key),
                Err(Error::Conflict { check: 0 }) => {
                    let what = if user.is_some() { "AccessKeysPerUser" } else { "AccessKeysPerAccount" };
                    let what = format!("Cannot exceed quota for {what}: {KEYS_PER_OWNER_MAX}");
                    return Err(DirectoryError::LimitExceeded(what));
                }
                Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(moving("user", user.unwrap_or("root")))
    }

    /// The keys of a user, or of the root where `user` is `None`; oldest first.
    pub async fn list_access_keys(
        &self,
        account: AccountId,
        user: Option<&str>,
    ) -> Result<Vec<AccessKey>, DirectoryError> {
        match user {
            Some(name) if self.stored_user(account, name).await?.is_none() => {
                return Err(DirectoryError::NotFound(format!("the user with name {name}")));
            }
            None if self.account(account).await?.is_none() => {
                return Err(DirectoryError::NotFound(format!("account {account}")));
            }
            _ => {}
        }
        let mut keys = Vec::new();
        for (row, _) in self.catalog.list(&keys_of(account, user), ListFrom::Start, KEYS_LISTED_MAX).await? {
            let id = row.parts().and_then(|parts| String::from_utf8(parts.into_iter().nth(2)?).ok());
            let id = id.ok_or_else(|| DirectoryError::Unavailable(format!("damaged key {row:?}")))?;
            // Deleted since it was listed: not there.
            keys.extend(self.access_key(&id).await?);
        }
        keys.sort_by(|a: &AccessKey, b| (a.created_s, &a.id).cmp(&(b.created_s, &b.id)));
        Ok(keys)
    }

    /// A key by its id, without its secret.
    pub async fn access_key(&self, id: &str) -> Result<Option<AccessKey>, DirectoryError> {
        Ok(self.stored_key(id).await?.map(|(key, _)| key.into_key(id)))
    }

    /// Turns a key of `account` on or off. When this returns, a key that was turned off proves nothing any more.
    pub async fn update_access_key(
        &self,
        account: AccountId,
        id: &str,
        status: KeyStatus,
    ) -> Result<AccessKey, DirectoryError> {
        for _ in 0..ATTEMPTS_MAX {
            let (mut key, version) = self.key_of_account(account, id).await?;
            if status == KeyStatus::Inactive {
                self.refuse_last_of_operator(&key, id).await?;
            }
            key.status = status;
            let row = access_key_key(id);
            let txn = Txn::new().check(Check::Is(row.clone(), version)).put(row, encode(&key));
            match self.commit(txn, Touched { keys: vec![id.to_owned()], account: None }).await {
                Ok(()) => return Ok(key.into_key(id)),
                Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(moving("access key", id))
    }

    /// Deletes a key of `account`. When this returns, it proves nothing any more.
    pub async fn delete_access_key(&self, account: AccountId, id: &str) -> Result<AccessKey, DirectoryError> {
        for _ in 0..ATTEMPTS_MAX {
            let (key, version) = self.key_of_account(account, id).await?;
            if key.configured {
                let what =
                    format!("access key {id} stands in the configuration: take it out there, or disable it here");
                return Err(DirectoryError::Conflict(what));
            }
            self.refuse_last_of_operator(&key, id).await?;
            match self.remove_key(id, &key, version).await {
                Ok(()) => return Ok(key.into_key(id)),
                Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(moving("access key", id))
    }

    pub(super) async fn remove_key(
        &self,
        id: &str,
        key: &StoredKey,
        version: Version,
    ) -> Result<(), opentrail_catalog::Error> {
        let txn = Txn::new()
            .check(Check::Is(access_key_key(id), version))
            .delete(access_key_key(id))
            .delete(key_used_key(id))
            .delete(keys_of(key.account, key.user.as_deref()).part(id));
        self.commit(txn, Touched { keys: vec![id.to_owned()], account: None }).await
    }

    pub(super) async fn stored_key(&self, id: &str) -> Result<Option<(StoredKey, Version)>, DirectoryError> {
        match self.catalog.get(&access_key_key(id)).await? {
            Some(row) => Ok(Some((decode(&row.value)?, row.version))),
            None => Ok(None),
        }
    }

    /// A key with its secret.
    pub(super) async fn reveal(&self, id: &str) -> Result<Option<NewAccessKey>, DirectoryError> {
        match self.stored_key(id).await? {
            Some((stored, _)) => {
                let secret = self.open_secret(id, &stored)?;
                Ok(Some(NewAccessKey { key: stored.into_key(id), secret }))
            }
            None => Ok(None),
        }
    }

    pub(super) fn open_secret(&self, id: &str, key: &StoredKey) -> Result<Secret, DirectoryError> {
        let opened = from_hex(&key.sealed).ok_or(SealError).and_then(|s| self.seal.open(&seal_context(id), &s));
        let text = opened.and_then(|bytes| String::from_utf8(bytes).map_err(|_| SealError));
        text.map(Secret::new).map_err(|error| DirectoryError::Unavailable(format!("access key {id}: {error}")))
    }

    pub(super) fn draft_key(&self, account: AccountId, user: Option<&str>) -> NewAccessKey {
        let id = ids::access_key_id(&self.world, account);
        let user = user.map(str::to_owned);
        let key = AccessKey { id, account, user, status: KeyStatus::Active, created_s: self.now_s() };
        NewAccessKey { key, secret: ids::secret(&self.world) }
    }

    /// Checks that the id is free.
    pub(super) fn put_key(&self, txn: Txn, new: &NewAccessKey, configured: bool) -> Txn {
        let key = &new.key;
        let stored = StoredKey {
            account: key.account,
            user: key.user.clone(),
            status: key.status,
            created_s: key.created_s,
            sealed: self.seal_secret(&key.id, &new.secret),
            configured,
        };
        txn.check(Check::Absent(access_key_key(&key.id)))
            .put(access_key_key(&key.id), encode(&stored))
            .put(keys_of(key.account, key.user.as_deref()).part(&key.id), bytes::Bytes::new())
    }

    pub(super) fn seal_secret(&self, id: &str, secret: &Secret) -> String {
        to_hex(&self.seal.seal(&seal_context(id), secret.expose().as_bytes()))
    }

    async fn key_of_account(&self, account: AccountId, id: &str) -> Result<(StoredKey, Version), DirectoryError> {
        // Another account's key is not told from one that does not exist.
        let found = self.stored_key(id).await?.filter(|(key, _)| key.account == account);
        found.ok_or_else(|| DirectoryError::NotFound(format!("the access key with id {id}")))
    }

    /// Whoever takes the operator's last key away locks everybody out of the operator's commands. Two calls at the same
    /// moment may still do so; a configured key lets the operator back in.
    async fn refuse_last_of_operator(&self, key: &StoredKey, id: &str) -> Result<(), DirectoryError> {
        if key.account != AccountId::OPERATOR || key.status == KeyStatus::Inactive {
            return Ok(());
        }
        let keys = self.list_access_keys(AccountId::OPERATOR, Some(OPERATOR_USER)).await?;
        if keys.iter().any(|other| other.id != id && other.status == KeyStatus::Active) {
            return Ok(());
        }
        let what = "this is the operator's last active key; make another one first";
        Err(DirectoryError::Conflict(what.into()))
    }
}

impl<R> Draft<'_, R> {
    /// Goes through only if the user has no keys before it.
    pub fn no_keys(&mut self, user: &str, refusal: R) {
        self.empty(keys_of(self.account, Some(user)), refusal);
    }

    /// Gives keys of the user called `old` to the same user's new name.
    pub async fn rename_keys(&mut self, keys: &[AccessKey], old: &str, new: &str) -> Result<(), DirectoryError> {
        for key in keys {
            let row = access_key_key(&key.id);
            let Some(mut stored) = self.get::<StoredKey>(&row).await? else { continue };
            if stored.configured {
                let id = &key.id;
                let what = format!("access key {id} of user {old} stands in the configuration: rename the user there");
                return Err(DirectoryError::Invalid(what));
            }
            stored.user = Some(new.to_owned());
            self.put(row, &stored);
            self.delete(keys_of(self.account, Some(old)).part(&key.id));
            self.put_bytes(keys_of(self.account, Some(new)).part(&key.id), bytes::Bytes::new());
            self.touch_key(key.id.clone());
        }
        Ok(())
    }
}

impl StoredKey {
    pub(super) fn into_key(self, id: &str) -> AccessKey {
        AccessKey {
            id: id.to_owned(),
            account: self.account,
            user: self.user,
            status: self.status,
            created_s: self.created_s,
        }
    }
}
