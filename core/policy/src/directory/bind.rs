//! Whom the names in policies mean.

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{AccountId, Arn};

use super::Directory;
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
            // Canonical ids are the asker's to find; there are no roles here, nor providers.
            Named::Canonical(_)
            | Named::Role { .. }
            | Named::Session { .. }
            | Named::Provider { .. }
            | Named::UniqueId(_) => Ok(None),
        }
    }
}

impl Directory {
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
