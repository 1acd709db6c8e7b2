//! Accounts, users and access keys in the catalog.
//!
//! One process owns a directory: its cache follows the changes made through it, not those of others.

mod accounts;
mod bind;
mod cache;
mod configured;
mod draft;
mod guesses;
pub(crate) mod ids;
mod keys;
mod lookup;
mod managed;
mod names;
mod rights;
pub mod rows;
mod secrets;
mod stored;
#[cfg(test)]
mod tests;
mod used;
mod users;

use std::sync::Arc;

use opentrail_catalog::{Catalog, Damaged, Txn};
use opentrail_event::AccountId;
use opentrail_world::World;
use serde::{Deserialize, Serialize};

use crate::{Seal, Secret};

pub use accounts::Starters;
pub use configured::{ConfiguredKey, Merged, Plan};
pub use draft::{Committed, Draft};
pub use ids::{account_of, key_account};
pub use managed::{MANAGED, ManagedPolicy};
pub use rights::RightsOf;
pub use secrets::{ShownCode, hash_password, is_password, mfa_code, mfa_seed};

use cache::{Cache, Touched};

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub id: AccountId,
    pub name: String,
    /// 64 lower-case hexadecimal characters: how S3 names the account.
    pub canonical_id: String,
    /// Whole seconds since 1970.
    pub created_s: i64,
}

/// What a user may do, until policies are here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserPolicy {
    Admin,
    ReadOnly,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub account: AccountId,
    pub name: String,
    pub path: String,
    /// `AIDA…`
    pub unique_id: String,
    /// `None` means denied.
    pub policy: Option<UserPolicy>,
    pub created_s: i64,
}

/// Whether a key proves anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyStatus {
    Active,
    Inactive,
}

/// An access key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    pub id: String,
    pub account: AccountId,
    /// `None` for the root's.
    pub user: Option<String>,
    pub status: KeyStatus,
    pub created_s: i64,
}

/// A key just made: the only time that its secret is shown.
#[derive(Debug, Clone)]
pub struct NewAccessKey {
    pub key: AccessKey,
    pub secret: Secret,
}

/// Why a change or a question failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DirectoryError {
    #[error("{0} does not exist")]
    NotFound(String),
    #[error("{0} exists already")]
    Exists(String),
    /// AWS allows two keys each; users and accounts have limits of their own.
    #[error("{0}")]
    LimitExceeded(String),
    /// A user that still has keys is not deleted.
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    Invalid(String),
    #[error("directory unavailable: {0}")]
    Unavailable(String),
}

/// The one place that makes and changes accounts, users and keys.
pub struct Directory {
    catalog: Arc<dyn Catalog>,
    seal: Arc<dyn Seal>,
    world: World,
    cache: Cache,
    uses: used::Uses,
    guesses: guesses::Guesses,
}

/// How often a change is tried again whose ground moved while it was prepared.
const ATTEMPTS_MAX: usize = 8;

impl Directory {
    /// Opens the directory. The first time it makes the operator's key and the first account with its root's key.
    pub async fn open(
        catalog: Arc<dyn Catalog>,
        seal: Arc<dyn Seal>,
        world: World,
    ) -> Result<Arc<Self>, DirectoryError> {
        let (cache, uses, guesses) = Default::default();
        let directory = Self { catalog, seal, world, cache, uses, guesses };
        directory.start().await?;
        directory.migrate_users().await?;
        Ok(Arc::new(directory))
    }

    fn now_s(&self) -> i64 {
        self.world.now().as_second()
    }

    /// Begins a change in `account`; dropped without a commit, it was only a reader.
    pub fn draft<R>(&self, account: AccountId) -> Draft<'_, R> {
        Draft::new(self, account)
    }

    /// Commits, and forgets what the change touches whether it landed or not.
    async fn commit(&self, txn: Txn, touched: Touched) -> Result<(), opentrail_catalog::Error> {
        let _change = self.cache.change(touched);
        self.catalog.txn(txn).await
    }
}

impl From<opentrail_catalog::Error> for DirectoryError {
    fn from(error: opentrail_catalog::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<Damaged> for DirectoryError {
    fn from(damaged: Damaged) -> Self {
        Self::Unavailable(damaged.to_string())
    }
}
