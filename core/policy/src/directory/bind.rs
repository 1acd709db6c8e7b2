//! Whom the names in policies mean.

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{AccountId, Arn};

use super::{Directory, rows};
use crate::{DirectoryError, IdentitiesUnavailable, Named, Principals};

impl Directory {
    async fn find_named(&self, named: &Named) -> Result<Option<String>, DirectoryError> {
        match named {
            Named::Account(id) => Ok(self.account(*id).await?.map(|account| account.id.to_string())),
            // Users are found without regard to case and whatever their path; an ARN has both.
            Named::User { account, name, arn } => {
                let user = self.user(*account, name).await?;
                Ok(user
                    .filter(|user| Arn::user(*account, &user.path, &user.name).as_str() == arn)
                    .map(|user| user.unique_id))
            }
            Named::Role { account, name, arn } => {
                let role = self.role(*account, name).await?;
                Ok(role.filter(|role| role.arn(*account).as_str() == arn).map(|role| role.unique_id))
            }
            Named::Session { account, role, .. } => Ok(self.role(*account, role).await?.map(|role| role.unique_id)),
            Named::Provider { account, arn } => Ok(self.is_provider(*account, arn).await?.then(|| arn.clone())),
            Named::UniqueId(id) => {
                let Some(account) = super::account_of(id) else { return Ok(None) };
                let there = self.catalog.get(&rows::by_id_key(account, id)).await?;
                Ok(there.map(|_| id.clone()))
            }
            // Canonical ids are the asker's to find.
            Named::Canonical(_) => Ok(None),
        }
    }
}

impl Directory {
    async fn is_provider(&self, account: AccountId, arn: &str) -> Result<bool, DirectoryError> {
        let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
        let key = match resource.split_once('/') {
            Some(("oidc-provider", url)) => rows::oidc_key(account, url),
            Some(("saml-provider", name)) => rows::saml_key(account, name),
            _ => return Ok(false),
        };
        Ok(self.catalog.get(&key).await?.is_some())
    }

    /// Whether the user or role that an ARN was bound to is still the one that it names.
    pub async fn is_bound(&self, arn: &str, id: &str) -> Result<bool, DirectoryError> {
        let Some(account) = super::account_of(id) else { return Ok(true) };
        let (Some(kind), Some(name)) =
            (arn.split(':').nth(5).and_then(|r| r.split('/').next()), arn.rsplit('/').next())
        else {
            return Ok(true);
        };
        let found = match kind {
            "user" => {
                self.user(account, name).await?.map(|user| (Arn::user(account, &user.path, &user.name), user.unique_id))
            }
            "role" => self.role(account, name).await?.map(|role| (role.arn(account), role.unique_id)),
            _ => return Ok(true),
        };
        Ok(found.is_some_and(|(found, unique_id)| found.as_str() == arn && unique_id == id))
    }
}

impl Principals for Directory {
    fn bind<'a>(&'a self, named: &'a Named) -> BoxFuture<'a, Result<Option<String>, IdentitiesUnavailable>> {
        let unavailable = |error: DirectoryError| IdentitiesUnavailable(error.to_string());
        async move { self.find_named(named).await.map_err(unavailable) }.boxed()
    }

    fn accounts(
        &self,
        after: Option<AccountId>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<AccountId>, IdentitiesUnavailable>> {
        async move {
            let page = self.list_accounts(after, limit).await;
            let page = page.map_err(|error| IdentitiesUnavailable(error.to_string()))?;
            Ok(page.into_iter().map(|account| account.id).collect())
        }
        .boxed()
    }
}
