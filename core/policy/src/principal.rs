//! Callers and their keys.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use opentrail_event::{AccountId, Arn, IdentityType, UserIdentity};

use crate::Named;

/// Of the form `AIDA…`, and the same in every house.
pub(crate) const OPERATOR_UNIQUE_ID: &str = "AIDAOPENTRAILOPERATOR";

/// What kind of caller it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalKind {
    /// Runs the server; the user `operator` of [`AccountId::OPERATOR`].
    Operator,
    /// The root of an account. Not an operator.
    Root,
    /// A user of an account.
    User { name: String, path: String, unique_id: String },
}

/// A proven caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub kind: PrincipalKind,
    pub account: AccountId,
    /// The key that signed.
    pub access_key_id: String,
}

impl Principal {
    /// The caller's ARN.
    pub fn arn(&self) -> Arn {
        match &self.kind {
            PrincipalKind::Operator => Arn::user(self.account, "/", "operator"),
            PrincipalKind::Root => Arn::root(self.account),
            PrincipalKind::User { name, path, .. } => Arn::user(self.account, path, name),
        }
    }

    /// The id that outlives a rename: `AIDA…` of a user, the account of a root.
    pub fn unique_id(&self) -> String {
        match &self.kind {
            PrincipalKind::Operator => OPERATOR_UNIQUE_ID.into(),
            PrincipalKind::Root => self.account.to_string(),
            PrincipalKind::User { unique_id, .. } => unique_id.clone(),
        }
    }

    /// Whether this caller runs the server.
    pub fn is_operator(&self) -> bool {
        self.kind == PrincipalKind::Operator
    }

    /// As records show the caller.
    pub fn user_identity(&self) -> UserIdentity {
        let (kind, user_name) = match &self.kind {
            PrincipalKind::Operator => (IdentityType::IAMUser, Some("operator".into())),
            PrincipalKind::Root => (IdentityType::Root, None),
            PrincipalKind::User { name, .. } => (IdentityType::IAMUser, Some(name.clone())),
        };
        UserIdentity {
            kind,
            principal_id: self.unique_id(),
            arn: self.arn().to_string(),
            account_id: self.account.to_string(),
            access_key_id: Some(self.access_key_id.clone()),
            user_name,
            invoked_by: None,
        }
    }
}

/// A secret access key in the clear. Never shown, never written, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(zeroize::Zeroizing<String>);

impl Secret {
    /// Takes the clear text.
    pub fn new(text: String) -> Self {
        Self(zeroize::Zeroizing::new(text))
    }

    /// The clear text, for signing and for the one answer that shows it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A key, whose it is, and what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    pub principal: Principal,
    pub secret: Secret,
    /// An inactive key is known but proves nothing.
    pub active: bool,
}

/// The port from the names in policies to whom they mean.
pub trait Principals: Send + Sync {
    /// What `named` stands for: the unique id of a user, the id of an account. `None` if there is nobody of that name.
    /// Canonical ids are the asker's to find among [`Principals::accounts`].
    fn bind<'a>(&'a self, named: &'a Named) -> BoxFuture<'a, Result<Option<String>, IdentitiesUnavailable>>;
    /// Up to `limit` accounts by ascending id, behind `after`.
    fn accounts(
        &self,
        after: Option<AccountId>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<AccountId>, IdentitiesUnavailable>>;
}

/// The store of keys could not be read. The caller may retry.
#[derive(Debug, Clone, thiserror::Error)]
#[error("identities unavailable: {0}")]
pub struct IdentitiesUnavailable(pub String);

/// The port from a key id to its owner.
pub trait Identities: Send + Sync {
    /// The credential of `access_key_id`; `None` if there is no such key.
    fn find<'a>(
        &'a self,
        access_key_id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<Credential>>, IdentitiesUnavailable>>;
}
