//! Keys that stand in the configuration: the directory is made to agree with them at start.
//!
//! In two steps, so that what is changed can be put on record before it is: [`Directory::plan`] reads and says what would
//! change, [`Directory::apply`] changes it. A start that dies between the two, or within the second, has changed a part of it
//! or nothing; the next plan is the rest.

use std::collections::{HashMap, HashSet};

use opentrail_catalog::{Check, From as ListFrom, Txn, decode, encode};
use opentrail_event::AccountId;

use super::accounts::OPERATOR_USER;
use super::cache::Touched;
use super::names::{check_access_key_id, check_secret, check_user_name};
use super::stored::{StoredKey, access_key_key, access_keys, account_name_key};
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

/// One thing that a plan changes.
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

/// What would make the directory agree with a configuration: read, and not done.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) changes: Vec<Merged>,
}

impl Plan {
    /// What it changes, in order; each once. Nothing where the directory agrees already.
    pub fn changes(&self) -> &[Merged] {
        &self.changes
    }
}

/// Each does nothing where it is done already.
#[derive(Debug, Clone)]
pub(super) enum Step {
    MakeAccount(AccountId),
    SetUser {
        account: AccountId,
        name: String,
        policy: Option<UserPolicy>,
    },
    /// Made, or given this secret.
    SetKey {
        account: AccountId,
        user: Option<String>,
        id: String,
        secret: Secret,
    },
    RemoveKey(String),
}

/// What the steps so far will have made.
#[derive(Default)]
struct Ahead {
    accounts: HashSet<AccountId>,
    /// By account and lower-case name.
    users: HashMap<(AccountId, String), Option<UserPolicy>>,
}

impl Directory {
    /// Says what would make the directory agree with the configuration: named keys are made or get the named secret, keys
    /// that an earlier configuration brought and this one does not are deleted. A key that was disabled stays disabled.
    /// Changes nothing.
    ///
    /// # Errors
    /// [`DirectoryError::Invalid`] and its kin where the configuration cannot be followed.
    pub async fn plan(&self, keys: &[ConfiguredKey]) -> Result<Plan, DirectoryError> {
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
        let mut plan = Plan::default();
        self.plan_removals(&named, &mut plan).await?;
        let mut ahead = Ahead::default();
        for key in keys {
            self.plan_account(key.account, &mut ahead, &mut plan).await?;
            if let Some(name) = key.user.as_deref().filter(|_| key.account != AccountId::OPERATOR) {
                self.plan_user(key.account, name, key.policy, &mut ahead, &mut plan).await?;
            }
            self.plan_key(key, &mut plan).await?;
        }
        Ok(plan)
    }

    /// Does what was planned. Nobody else changes the directory between the two.
    pub async fn apply(&self, plan: Plan) -> Result<(), DirectoryError> {
        for step in plan.steps {
            match step {
                Step::MakeAccount(id) => drop(self.ensure_account(id).await?),
                Step::SetUser { account, name, policy } => drop(self.ensure_user(account, &name, policy).await?),
                Step::SetKey { account, user, id, secret } => self.set_key(account, user, id, secret).await?,
                Step::RemoveKey(id) => {
                    if let Some((stored, version)) = self.stored_key(&id).await? {
                        self.remove_key(&id, &stored, version).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Keys that came from a configuration and are not in this one.
    async fn plan_removals(&self, named: &HashSet<&str>, plan: &mut Plan) -> Result<(), DirectoryError> {
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
                    plan.steps.push(Step::RemoveKey(id.clone()));
                    plan.changes.push(Merged::RemovedKey(stored.account, id));
                }
            }
        }
    }

    async fn plan_account(&self, id: AccountId, ahead: &mut Ahead, plan: &mut Plan) -> Result<(), DirectoryError> {
        if ahead.accounts.contains(&id) || self.account(id).await?.is_some() {
            return Ok(());
        }
        let name = configured_account_name(id);
        if self.catalog.get(&account_name_key(&name)).await?.is_some() {
            return Err(DirectoryError::Exists(format!("an account with the name {name}")));
        }
        ahead.accounts.insert(id);
        plan.steps.push(Step::MakeAccount(id));
        plan.changes.push(Merged::MadeAccount(id));
        Ok(())
    }

    async fn plan_user(
        &self,
        account: AccountId,
        name: &str,
        policy: Option<UserPolicy>,
        ahead: &mut Ahead,
        plan: &mut Plan,
    ) -> Result<(), DirectoryError> {
        check_user_name(name)?;
        let place = (account, name.to_ascii_lowercase());
        match ahead.users.get(&place) {
            Some(planned) if *planned == policy => return Ok(()),
            Some(_) => {
                let what =
                    format!("user {name} of account {account} is configured with two policies: give each key the same");
                return Err(DirectoryError::Invalid(what));
            }
            None => {}
        }
        ahead.users.insert(place, policy);
        if self.user(account, name).await?.is_some_and(|user| user.policy == policy) {
            return Ok(());
        }
        plan.steps.push(Step::SetUser { account, name: name.to_owned(), policy });
        plan.changes.push(Merged::SetUser(account, name.to_owned()));
        Ok(())
    }

    async fn plan_key(&self, key: &ConfiguredKey, plan: &mut Plan) -> Result<(), DirectoryError> {
        let (account, id) = (key.account, key.access_key_id.clone());
        let user = if account == AccountId::OPERATOR { Some(OPERATOR_USER) } else { key.user.as_deref() };
        let change = match self.stored_key(&id).await? {
            None => Some(Merged::MadeKey(account, id.clone())),
            Some((stored, _)) => {
                let same_owner = stored.account == account
                    && stored.user.as_deref().map(str::to_ascii_lowercase) == user.map(str::to_ascii_lowercase);
                if !same_owner {
                    let what = format!("access key {id} is configured for another owner than it has; use another id");
                    return Err(DirectoryError::Conflict(what));
                }
                let same_secret = self.open_secret(&id, &stored)? == key.secret;
                if same_secret && stored.configured {
                    return Ok(());
                }
                (!same_secret).then(|| Merged::ChangedSecret(account, id.clone()))
            }
        };
        let user = user.map(str::to_owned);
        plan.steps.push(Step::SetKey { account, user, id, secret: key.secret.clone() });
        plan.changes.extend(change);
        Ok(())
    }

    async fn set_key(
        &self,
        account: AccountId,
        user: Option<String>,
        id: String,
        secret: Secret,
    ) -> Result<(), DirectoryError> {
        let txn = match self.stored_key(&id).await? {
            None => {
                let (id, status, created_s) = (id.clone(), KeyStatus::Active, self.now_s());
                let key = AccessKey { id, account, user, status, created_s };
                self.put_key(Txn::new(), &NewAccessKey { key, secret }, true)
            }
            Some((mut stored, version)) => {
                stored.sealed = self.seal_secret(&id, &secret);
                stored.configured = true;
                let row = access_key_key(&id);
                Txn::new().check(Check::Is(row.clone(), version)).put(row, encode(&stored))
            }
        };
        Ok(self.commit(txn, Touched { keys: vec![id], account: None }).await?)
    }
}

/// What an account is called that a configured key names and nobody made.
pub(super) fn configured_account_name(id: AccountId) -> String {
    format!("account-{id}")
}
