//! The directory as [`Identities`]: from a key id to its owner, by way of the cache.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::AccountId;

use super::{Directory, DirectoryError};
use crate::{Credential, Identities, IdentitiesUnavailable, KeyStatus, Principal, PrincipalKind};

impl Identities for Directory {
    fn find<'a>(
        &'a self,
        access_key_id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<Credential>>, IdentitiesUnavailable>> {
        async move {
            if let Some(credential) = self.cache.credential(access_key_id) {
                return Ok(Some(credential));
            }
            let read_at = self.cache.generation();
            let found = self.read_credential(access_key_id).await;
            let found = found.map_err(|error| IdentitiesUnavailable(error.to_string()))?;
            if let Some(credential) = &found {
                self.cache.keep_credential(read_at, access_key_id, credential);
            }
            Ok(found)
        }
        .boxed()
    }

    fn has_account(&self, account: AccountId) -> BoxFuture<'_, Result<bool, IdentitiesUnavailable>> {
        async move {
            let found = self.account(account).await;
            Ok(found.map_err(|error| IdentitiesUnavailable(error.to_string()))?.is_some())
        }
        .boxed()
    }

    fn used<'a>(&'a self, principal: &'a Principal, service: &'a str, region: &'a str) -> BoxFuture<'a, ()> {
        // A use that cannot be written down is no reason to fail a call.
        self.notice_use(principal, service, region).map(drop).boxed()
    }
}

impl Directory {
    /// Whether an entity of that kind is still there, and is the same one. A user or role that was made again under an old
    /// name is another.
    pub(crate) async fn is_there(&self, account: AccountId, kind: &PrincipalKind) -> Result<bool, DirectoryError> {
        let id = match kind {
            PrincipalKind::Federated { by, .. } => return Box::pin(self.is_there(account, by)).await,
            PrincipalKind::User { unique_id, .. } | PrincipalKind::Role { unique_id, .. } => unique_id,
            _ => return Ok(true),
        };
        if let Some(present) = self.cache.present(account, id) {
            return Ok(present);
        }
        let read_at = self.cache.generation();
        let present = match kind {
            PrincipalKind::Role { name, .. } => {
                self.role(account, name).await?.is_some_and(|role| role.unique_id == *id)
            }
            PrincipalKind::User { name, .. } => {
                self.stored_user(account, name).await?.is_some_and(|(user, _)| user.unique_id == *id)
            }
            _ => true,
        };
        self.cache.keep_present(read_at, account, id, present);
        Ok(present)
    }

    async fn read_credential(&self, id: &str) -> Result<Option<Arc<Credential>>, DirectoryError> {
        let Some((key, _)) = self.stored_key(id).await? else { return Ok(None) };
        let kind = match &key.user {
            None => PrincipalKind::Root,
            Some(_) if key.account == AccountId::OPERATOR => PrincipalKind::Operator,
            Some(name) => match self.stored_user(key.account, name).await? {
                Some((user, _)) => PrincipalKind::User { name: user.name, path: user.path, unique_id: user.unique_id },
                // The user went between the two reads, and the key with it.
                None => return Ok(None),
            },
        };
        let secret = self.open_secret(id, &key)?;
        let principal = Principal { kind, account: key.account, access_key_id: id.to_owned(), session: None };
        Ok(Some(Arc::new(Credential { principal, secret, active: key.status == KeyStatus::Active })))
    }
}
