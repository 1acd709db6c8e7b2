//! What speaks for and against users and roles: their policies, compiled once and kept until something in their account changes.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_catalog::decode;
use opentrail_event::{AccountId, Arn};

use super::rows::{self, Grants, GroupRow, PolicyRow, RoleRow};
use super::{ATTEMPTS_MAX, Directory};
use crate::{
    Attached, DirectoryError, Holder, IdentitiesUnavailable, Kind, ManagedPolicy, Policy, Principal, PrincipalKind,
    Rights, Source,
};

/// The port from a caller to what it has before anybody looks at what it touches.
pub trait RightsOf: Send + Sync {
    /// The policies of a caller, its groups and its boundary. A caller who is gone, and one who has no policies of its own
    /// (the root of an account, for one), has none.
    fn rights<'a>(&'a self, principal: &'a Principal) -> BoxFuture<'a, Result<Arc<Rights>, IdentitiesUnavailable>>;
}

impl RightsOf for Directory {
    fn rights<'a>(&'a self, principal: &'a Principal) -> BoxFuture<'a, Result<Arc<Rights>, IdentitiesUnavailable>> {
        async move {
            let rights = self.rights_of(principal.account, &principal.kind).await;
            rights.map_err(|error| IdentitiesUnavailable(error.to_string()))
        }
        .boxed()
    }
}

impl Directory {
    async fn rights_of(&self, account: AccountId, kind: &PrincipalKind) -> Result<Arc<Rights>, DirectoryError> {
        let (name, id) = match kind {
            PrincipalKind::User { name, unique_id, .. } | PrincipalKind::Role { name, unique_id, .. } => {
                (name, unique_id)
            }
            // What it has is its maker's; the session's policies say how much of it.
            PrincipalKind::Federated { by, .. } => return Box::pin(self.rights_of(account, by)).await,
            _ => return Ok(Arc::default()),
        };
        if let Some(rights) = self.cache.rights(account, id) {
            return Ok(rights);
        }
        let mut attempts = 0;
        loop {
            let read_at = self.cache.generation();
            let rights = match kind {
                PrincipalKind::User { .. } => self.user_rights(account, name, id).await,
                _ => self.role_rights(account, name, id).await,
            };
            attempts += 1;
            match rights {
                Ok(rights) => {
                    let rights = Arc::new(rights);
                    self.cache.keep_rights(read_at, account, id, &rights);
                    return Ok(rights);
                }
                // Detached and deleted between two reads: it was never missing.
                Err(_) if attempts < ATTEMPTS_MAX && self.cache.generation() != read_at => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Of the user with that name and id; another user of an old name has other rights.
    pub async fn user_rights(&self, account: AccountId, name: &str, id: &str) -> Result<Rights, DirectoryError> {
        let Some((user, _)) = self.stored_user(account, name).await?.filter(|(user, _)| user.unique_id == id) else {
            return Ok(Rights::default());
        };
        let mut rights = Rights::default();
        self.collect(account, &user.grants, &Holder::User(user.name), &mut rights).await?;
        for group in &user.groups {
            if let Some(group) = self.group_by_id(account, group).await? {
                self.collect(account, &group.grants, &Holder::Group(group.name), &mut rights).await?;
            }
        }
        rights.boundary = self.boundary(account, &user.grants).await?;
        rights.tags = pairs(&user.tags);
        Ok(rights)
    }

    /// Of the role with that name and id.
    pub async fn role_rights(&self, account: AccountId, name: &str, id: &str) -> Result<Rights, DirectoryError> {
        let Some(role) = self.role(account, name).await?.filter(|role| role.unique_id == id) else {
            return Ok(Rights::default());
        };
        let mut rights = Rights::default();
        self.collect(account, &role.grants, &Holder::Role(role.name), &mut rights).await?;
        rights.boundary = self.boundary(account, &role.grants).await?;
        rights.tags = pairs(&role.tags);
        Ok(rights)
    }

    /// What a group gives its members.
    pub async fn group_rights(&self, account: AccountId, name: &str) -> Result<Rights, DirectoryError> {
        let mut rights = Rights::default();
        if let Some(row) = self.catalog.get(&rows::group_key(account, name)).await? {
            let group: GroupRow = decode(&row.value)?;
            self.collect(account, &group.grants, &Holder::Group(group.name), &mut rights).await?;
        }
        Ok(rights)
    }

    async fn boundary(&self, account: AccountId, grants: &Grants) -> Result<Option<Attached>, DirectoryError> {
        match &grants.boundary {
            Some(arn) => Ok(Some(self.attached(account, arn).await?)),
            None => Ok(None),
        }
    }

    async fn collect(
        &self,
        account: AccountId,
        grants: &Grants,
        holder: &Holder,
        rights: &mut Rights,
    ) -> Result<(), DirectoryError> {
        for arn in &grants.attached {
            rights.identity.push(self.attached(account, arn).await?);
        }
        for (name, text) in &grants.inline {
            let policy = compile(text).map_err(|why| unreadable(&format!("inline policy {name} of {holder}"), why))?;
            let source = Source::Inline { of: holder.clone(), name: name.clone() };
            rights.identity.push(Attached { source, policy });
        }
        Ok(())
    }

    /// A managed policy that something of `account` has attached. One that cannot be read is a failure: what it denies must not
    /// be forgotten.
    async fn attached(&self, account: AccountId, arn: &str) -> Result<Attached, DirectoryError> {
        let policy = self.managed_policy(account, arn).await?;
        let (arn, policy) = policy.ok_or_else(|| unreadable(arn, "it does not exist".into()))?;
        Ok(Attached { source: Source::Managed(arn), policy })
    }

    /// A managed policy by its ARN, AWS's or the account's own, in its version in force; `None` where there is none.
    pub async fn managed_policy(
        &self,
        account: AccountId,
        arn: &str,
    ) -> Result<Option<(Arn, Arc<Policy>)>, DirectoryError> {
        if let Some(managed) = ManagedPolicy::find(arn) {
            return Ok(managed.policy().map(|policy| (Arn::iam_managed(managed.path, managed.name), policy)));
        }
        if let Some(kept) = self.cache.managed(account, arn) {
            return Ok(Some(kept));
        }
        let read_at = self.cache.generation();
        let Some(row) = self.policy_row(account, arn).await? else { return Ok(None) };
        let text = row.in_force().map(|version| version.document.as_str()).unwrap_or_default();
        let policy = compile(text).map_err(|why| unreadable(arn, why))?;
        let arn = row.arn(account);
        self.cache.keep_managed(read_at, account, &arn, &policy);
        Ok(Some((arn, policy)))
    }

    /// An account's own managed policy by its ARN.
    pub async fn policy_row(&self, account: AccountId, arn: &str) -> Result<Option<PolicyRow>, DirectoryError> {
        let Some(name) = arn.rsplit('/').next().filter(|name| !name.is_empty()) else { return Ok(None) };
        let Some(row) = self.catalog.get(&rows::policy_key(account, name)).await? else { return Ok(None) };
        Ok(Some(decode::<PolicyRow>(&row.value)?).filter(|row| row.arn(account).as_str() == arn))
    }

    /// A role by name, without regard to case.
    pub async fn role(&self, account: AccountId, name: &str) -> Result<Option<RoleRow>, DirectoryError> {
        match self.catalog.get(&rows::role_key(account, name)).await? {
            Some(row) => Ok(Some(decode(&row.value)?)),
            None => Ok(None),
        }
    }

    async fn group_by_id(&self, account: AccountId, id: &str) -> Result<Option<GroupRow>, DirectoryError> {
        let Some(place) = self.catalog.get(&rows::by_id_key(account, id)).await? else { return Ok(None) };
        let place = String::from_utf8_lossy(&place.value).into_owned();
        let Some(name) = place.strip_prefix('g') else { return Ok(None) };
        match self.catalog.get(&rows::group_key(account, name)).await? {
            Some(row) => Ok(Some(decode::<GroupRow>(&row.value)?).filter(|group| group.unique_id == id)),
            None => Ok(None),
        }
    }
}

fn pairs(tags: &[rows::Tag]) -> Vec<(String, String)> {
    tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
}

/// What was taken before is read again: a later version of this program might no longer take it.
fn compile(text: &str) -> Result<Arc<Policy>, String> {
    Policy::reload(text.as_bytes(), &Kind::Identity).map(Arc::new).map_err(|error| error.to_string())
}

fn unreadable(what: &str, why: String) -> DirectoryError {
    DirectoryError::Unavailable(format!("{what} cannot be read: {why}"))
}
