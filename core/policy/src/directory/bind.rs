//! Whom the names in policies mean.

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{AccountId, Arn};

use super::{Directory, rows};
use crate::principal::OPERATOR_UNIQUE_ID;
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

    async fn names_now(&self, bound: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, DirectoryError> {
        let mut names = BTreeMap::new();
        for (text, id) in bound {
            // Accounts, providers and sessions are called as they are; the operator is called so for ever.
            let is_entity = matches!(id.get(..4), Some("AIDA" | "AROA")) && id != OPERATOR_UNIQUE_ID;
            let Some(account) = super::account_of(id).filter(|_| is_entity && !text.contains(":assumed-role/")) else {
                continue;
            };
            let now = self.arn_of(account, id).await?.map_or_else(|| id.clone(), |arn| arn.to_string());
            if now != *text {
                names.insert(text.clone(), now);
            }
        }
        Ok(names)
    }

    /// What the user or role with that unique id is called now; `None` where it is gone.
    async fn arn_of(&self, account: AccountId, id: &str) -> Result<Option<Arn>, DirectoryError> {
        let Some(place) = self.catalog.get(&rows::by_id_key(account, id)).await? else { return Ok(None) };
        let place = String::from_utf8_lossy(&place.value).into_owned();
        let found = match place.split_at_checked(1) {
            Some(("u", name)) => {
                self.user(account, name).await?.map(|user| (Arn::user(account, &user.path, &user.name), user.unique_id))
            }
            Some(("r", name)) => self.role(account, name).await?.map(|role| (role.arn(account), role.unique_id)),
            _ => None,
        };
        Ok(found.filter(|(_, unique_id)| unique_id == id).map(|(arn, _)| arn))
    }
}

impl Principals for Directory {
    fn bind<'a>(&'a self, named: &'a Named) -> BoxFuture<'a, Result<Option<String>, IdentitiesUnavailable>> {
        let unavailable = |error: DirectoryError| IdentitiesUnavailable(error.to_string());
        async move { self.find_named(named).await.map_err(unavailable) }.boxed()
    }

    fn names<'a>(
        &'a self,
        bound: &'a BTreeMap<String, String>,
    ) -> BoxFuture<'a, Result<BTreeMap<String, String>, IdentitiesUnavailable>> {
        async move { self.names_now(bound).await.map_err(|error| IdentitiesUnavailable(error.to_string())) }.boxed()
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
