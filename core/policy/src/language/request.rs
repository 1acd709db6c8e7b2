//! What a policy is asked: who wants to do what, to what, under which circumstances.

use std::collections::BTreeMap;

use opentrail_event::{AccountId, Arn};

use crate::{Principal, PrincipalKind};

/// The values of one key at most; more are no request that anybody makes.
const VALUES_MAX: usize = 1_024;

/// The circumstances of a request: condition keys and their values. Names of keys know no case; values do.
///
/// Whoever fills it vouches for it: a key that a policy trusts (`aws:SourceArn`, `aws:PrincipalAccount`) must never come from
/// what a client sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    keys: BTreeMap<String, Vec<String>>,
}

impl Context {
    /// No circumstances.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one value of `key`, in place of others.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.set(key, value);
        self
    }

    /// Sets the one value of `key`.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.keys.insert(key.to_ascii_lowercase(), vec![value.into()]);
    }

    /// Adds a value to a key that can have several, such as `aws:TagKeys`.
    pub fn add(&mut self, key: &str, value: impl Into<String>) {
        let values = self.keys.entry(key.to_ascii_lowercase()).or_default();
        if values.len() < VALUES_MAX {
            values.push(value.into());
        }
    }

    /// Says that `key` has no value; merged into other circumstances, it takes theirs away.
    pub fn unset(&mut self, key: &str) {
        self.keys.insert(key.to_ascii_lowercase(), Vec::new());
    }

    /// Takes all keys of `other`, whose values win.
    pub fn merge(&mut self, other: Context) {
        self.keys.extend(other.keys);
    }

    /// The values of a key; empty where it is not there.
    pub fn values(&self, key: &str) -> &[String] {
        // Policies are compiled with keys in lower case, so this seldom allocates.
        let found = match key.bytes().any(|b| b.is_ascii_uppercase()) {
            true => self.keys.get(&key.to_ascii_lowercase()),
            false => self.keys.get(key),
        };
        found.map_or(&[], Vec::as_slice)
    }

    /// The value of a key that has exactly one.
    pub fn single(&self, key: &str) -> Option<&str> {
        match self.values(key) {
            [value] => Some(value),
            _ => None,
        }
    }
}

/// Who asks, as policies tell callers apart (`spec/policy.md` 1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Somebody without a signature.
    Anonymous,
    Root {
        account: AccountId,
    },
    /// A user, by a key of its own or by a session of `GetSessionToken`.
    User {
        account: AccountId,
        arn: Arn,
        /// `AIDA…`
        unique_id: String,
    },
    /// A session of a role.
    Role {
        account: AccountId,
        /// With its path.
        role_arn: Arn,
        /// `AROA…`
        role_id: String,
        /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`, without the path.
        session_arn: Arn,
        session_name: String,
    },
    /// A session of `GetFederationToken`.
    Federated {
        account: AccountId,
        /// `arn:aws:sts::ACCOUNT:federated-user/NAME`
        arn: Arn,
        /// `AIDA…` of the user that made it; `None` where the root did.
        user_id: Option<String>,
    },
    /// The holder of a token of an OpenID Connect provider, about to assume a role by it.
    WebIdentity {
        /// `arn:aws:iam::ACCOUNT:oidc-provider/HOST`, or the name of one that AWS knows: `accounts.google.com`.
        provider: String,
    },
    /// The holder of an assertion of a SAML provider, about to assume a role by it.
    Saml {
        /// `arn:aws:iam::ACCOUNT:saml-provider/NAME`
        provider: String,
    },
    /// A service in its own name. For whom it acts stands in the context: `aws:SourceArn`, `aws:SourceAccount`.
    Service {
        /// `cloudtrail.amazonaws.com`
        name: String,
    },
}

impl Caller {
    /// The account that the caller belongs to; services, the anonymous and holders of foreign tokens belong to none.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::Root { account }
            | Self::User { account, .. }
            | Self::Role { account, .. }
            | Self::Federated { account, .. } => Some(*account),
            Self::Anonymous | Self::WebIdentity { .. } | Self::Saml { .. } | Self::Service { .. } => None,
        }
    }
}

impl From<&Principal> for Caller {
    fn from(principal: &Principal) -> Self {
        let account = principal.account;
        match &principal.kind {
            PrincipalKind::Root => Self::Root { account },
            PrincipalKind::Operator | PrincipalKind::User { .. } => {
                Self::User { account, arn: principal.arn(), unique_id: principal.unique_id() }
            }
            PrincipalKind::Role { unique_id, session_name, .. } => Self::Role {
                account,
                role_arn: principal.entity_arn(),
                role_id: unique_id.clone(),
                session_arn: principal.arn(),
                session_name: session_name.clone(),
            },
            PrincipalKind::Federated { by, .. } => {
                let user_id = match &**by {
                    PrincipalKind::User { unique_id, .. } => Some(unique_id.clone()),
                    _ => None,
                };
                Self::Federated { account, arn: principal.arn(), user_id }
            }
            PrincipalKind::Saml(holder) => Self::Saml { provider: holder.provider.clone() },
            PrincipalKind::WebIdentity(holder) => Self::WebIdentity { provider: holder.provider.clone() },
        }
    }
}

/// One question to one policy. A call that touches several resources is several questions.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub caller: &'a Caller,
    /// `s3:GetObject`
    pub action: &'a str,
    /// An ARN, or `*` where the action is about no resource in particular.
    pub resource: &'a str,
    pub context: &'a Context,
}
