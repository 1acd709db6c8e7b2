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
