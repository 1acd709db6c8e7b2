//! Keys that stand in the configuration: merged into the directory at start.

use std::collections::HashSet;

use opentrail_catalog::{Check, From as ListFrom, Txn, decode, encode};
use opentrail_event::AccountId;

use super::accounts::OPERATOR_USER;
use super::cache::Touched;
use super::names::{check_access_key_id, check_secret};
use super::stored::{StoredKey, access_key_key, access_keys};
use super::{Directory, NewAccessKey};
use crate::{AccessKey, DirectoryError, KeyStatus, Secret, UserPolicy};

/// Most keys that a configuration may bring.
const CONFIGURED_KEYS_MAX: usize = 1_000;
/// Keys read at a time when looking for those that left the configuration.
const PAGE: usize = 1_000;

/// A key as a configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredKey {
    /// Made if it is not there. [`AccountId::OPERATOR`] stands for the operator.
    pub account: AccountId,
    /// `None` for the root (or the operator). A user who is not there is made.
    pub user: Option<String>,
    /// What the user may do: the configuration decides for users that it names.
    pub policy: Option<UserPolicy>,
    pub access_key_id: String,
    pub secret: Secret,
}

/// One thing that a merge changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    MadeAccount(AccountId),
    /// Made a user, or gave one another policy.
    SetUser(AccountId, String),
    MadeKey(AccountId, String),
    /// The key has another secret than before.
    ChangedSecret(AccountId, String),
    /// The key is no longer in the configuration.
    RemovedKey(AccountId, String),
}

impl Directory {
    /// Makes the directory agree with the configuration: named keys are made or get the named secret, keys that an
    /// earlier configuration brought and this one does not are deleted. A key that was disabled stays disabled. Says what
    /// it changed; nothing, the second time.
    pub async fn merge(&self, keys: &[ConfiguredKey]) -> Result<Vec<Merged>, DirectoryError> {
        if keys.len() > CONFIGURED_KEYS_MAX {
            let what = format!("{} keys are configured; at most {CONFIGURED_KEYS_MAX} may be", keys.len());
            return Err(DirectoryError::LimitExceeded(what));
        }
        let mut named = HashSet::new();
        for key in keys {
            check_access_key_id(&key.access_key_id)?;
            check_secret(key.secret.expose())?;
            if !named.insert(key.access_key_id.as_str()) {
                let what = format!("access key {} stands twice in the configuration", key.access_key_id);
                return Err(DirectoryError::Invalid(what));
            }
            let operator = key.user.as_deref().is_none_or(|user| user.eq_ignore_ascii_case(OPERATOR_USER));
            if key.account == AccountId::OPERATOR && !operator {
                let what = "keys of account 000000000000 are the operator's: leave the user out, or name it operator";
                return Err(DirectoryError::Invalid(what.into()));
            }
        }
        let mut changes = Vec::new();
        self.remove_unnamed(&named, &mut changes).await?;
        for key in keys {
            self.merge_key(key, &mut changes).await?;
        }
        Ok(changes)
    }

    async fn merge_key(&self, key: &ConfiguredKey, changes: &mut Vec<Merged>) -> Result<(), DirectoryError> {
        let (account, id) = (key.account, key.access_key_id.as_str());
        let user = if account == AccountId::OPERATOR { Some(OPERATOR_USER) } else { key.user.as_deref() };
        if self.ensure_account(account).await? {
            changes.push(Merged::MadeAccount(account));
        }
        if let Some(name) = user
            && self.ensure_user(account, name, key.policy).await?
        {
            changes.push(Merged::SetUser(account, name.to_owned()));
        }
        let Some((mut stored, version)) = self.stored_key(id).await? else {
            let row = AccessKey {
                id: id.to_owned(),
                account,
                user: user.map(str::to_owned),
                status: KeyStatus::Active,
                created_s: self.now_s(),
            };
            let txn = self.put_key(Txn::new(), &NewAccessKey { key: row, secret: key.secret.clone() }, true);
            self.commit(txn, Touched { keys: vec![id.to_owned()], user: None }).await?;
            changes.push(Merged::MadeKey(account, id.to_owned()));
            return Ok(());
        };
        let same_owner = stored.account == account
            && stored.user.as_deref().map(str::to_ascii_lowercase) == user.map(str::to_ascii_lowercase);
        if !same_owner {
            let what = format!("access key {id} is configured for another owner than it has; use another id");
            return Err(DirectoryError::Conflict(what));
        }
        let secret_changed = self.open_secret(id, &stored)? != key.secret;
        if secret_changed || !stored.configured {
            stored.sealed = self.seal_secret(id, &key.secret);
            stored.configured = true;
            let row = access_key_key(id);
            let txn = Txn::new().check(Check::Is(row.clone(), version)).put(row, encode(&stored));
            self.commit(txn, Touched { keys: vec![id.to_owned()], user: None }).await?;
        }
        if secret_changed {
            changes.push(Merged::ChangedSecret(account, id.to_owned()));
        }
        Ok(())
    }

    /// Deletes keys that came from a configuration and are not in this one.
    async fn remove_unnamed(&self, named: &HashSet<&str>, changes: &mut Vec<Merged>) -> Result<(), DirectoryError> {
        let mut from = ListFrom::Start;
        loop {
            let rows = self.catalog.list(&access_keys(), from, PAGE).await?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            from = ListFrom::After(last.clone());
            for (key, row) in &rows {
                let stored: StoredKey = decode(&row.value)?;
                let id = key.parts().and_then(|parts| String::from_utf8(parts.into_iter().next()?).ok());
                let id = id.ok_or_else(|| DirectoryError::Unavailable(format!("damaged key {key:?}")))?;
                if stored.configured && !named.contains(id.as_str()) {
                    self.remove_key(&id, &stored, row.version).await?;
                    changes.push(Merged::RemovedKey(stored.account, id));
                }
            }
        }
    }
}
