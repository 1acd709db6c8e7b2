//! Callers and their keys.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{
    AccountId, Arn, IdentityType, SessionAttributes, SessionContext, SessionIssuer, UserIdentity, WebIdFederationData,
};

use crate::foreign::{self, SamlIdentity, WebIdentity};
use crate::{Named, Session, WebFederation};

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
    /// A session of a role.
    Role {
        name: String,
        path: String,
        /// `AROA…`
        unique_id: String,
        session_name: String,
    },
    /// A session that a user or a root handed to somebody under another name.
    Federated {
        name: String,
        /// [`Self::User`] or [`Self::Root`].
        by: Box<PrincipalKind>,
    },
    /// The holder of a token of an OpenID Connect provider, who proves by it who they are, and can do nothing but assume a role.
    /// The account is the role's.
    WebIdentity(Box<WebIdentity>),
    /// The same with an assertion of a SAML provider.
    Saml(Box<SamlIdentity>),
}

/// A proven caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub kind: PrincipalKind,
    pub account: AccountId,
    /// The key that signed; empty where a token of somebody else was the proof.
    pub access_key_id: String,
    /// Of temporary credentials.
    pub session: Option<Arc<Session>>,
}

impl Principal {
    /// The caller's ARN, as STS says it: of a role, the session's.
    pub fn arn(&self) -> Arn {
        match &self.kind {
            PrincipalKind::Role { name, session_name, .. } => Arn::assumed_role(self.account, name, session_name),
            kind => kind.entity(self.account),
        }
    }

    /// What policies compare with `aws:PrincipalArn`: of a role's session, the role with its path.
    pub fn entity_arn(&self) -> Arn {
        self.kind.entity(self.account)
    }

    /// The id that outlives a rename: `AIDA…` of a user, the account of a root, `AROA…:session` of a role's session.
    pub fn unique_id(&self) -> String {
        match &self.kind {
            PrincipalKind::Role { unique_id, session_name, .. } => format!("{unique_id}:{session_name}"),
            PrincipalKind::Federated { name, .. } => format!("{}:{name}", self.account),
            PrincipalKind::WebIdentity(holder) => holder.unique_id(),
            PrincipalKind::Saml(holder) => holder.unique_id(),
            kind => kind.id(self.account),
        }
    }

    /// Whether somebody else vouches for this caller: it holds a token or an assertion, and no key.
    pub fn is_foreign(&self) -> bool {
        matches!(self.kind, PrincipalKind::WebIdentity(_) | PrincipalKind::Saml(_))
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
            PrincipalKind::Role { .. } => (IdentityType::AssumedRole, None),
            PrincipalKind::Federated { .. } => (IdentityType::FederatedUser, None),
            PrincipalKind::WebIdentity(holder) => {
                let kind = IdentityType::WebIdentityUser;
                return foreign::identity(kind, holder.unique_id(), &holder.subject, &holder.provider);
            }
            PrincipalKind::Saml(holder) => {
                let kind = IdentityType::SAMLUser;
                return foreign::identity(kind, holder.unique_id(), &holder.subject, &holder.name_qualifier);
            }
        };
        UserIdentity {
            kind,
            principal_id: self.unique_id(),
            arn: self.arn().to_string(),
            account_id: self.account.to_string(),
            access_key_id: Some(self.access_key_id.clone()),
            user_name,
            session_context: self.session.as_ref().map(|session| Box::new(self.session_context(session))),
            invoked_by: None,
            identity_provider: None,
        }
    }

    fn session_context(&self, session: &Session) -> SessionContext {
        let federation = |web: &WebFederation| WebIdFederationData {
            federated_provider: web.provider.clone(),
            // As real records have it: what was said by whom stands in the record of the call that made the session.
            attributes: Default::default(),
        };
        let creation = jiff::Timestamp::from_second(session.issued_s).unwrap_or_default();
        SessionContext {
            session_issuer: self.issuer(),
            web_id_federation_data: session.web.as_ref().filter(|web| !web.is_saml()).map(federation),
            attributes: SessionAttributes {
                creation_date: creation.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                mfa_authenticated: if session.mfa_s.is_some() { "true" } else { "false" },
            },
            source_identity: session.source_identity.clone(),
        }
    }

    /// From whom a session has its rights, where that is not the caller.
    fn issuer(&self) -> Option<SessionIssuer> {
        let of = match &self.kind {
            role @ PrincipalKind::Role { .. } => role,
            PrincipalKind::Federated { by, .. } => by,
            _ => return None,
        };
        let (kind, user_name) = match of {
            PrincipalKind::Role { name, .. } => ("Role", Some(name.clone())),
            PrincipalKind::User { name, .. } => ("IAMUser", Some(name.clone())),
            _ => ("Root", None),
        };
        Some(SessionIssuer {
            kind,
            principal_id: of.id(self.account),
            arn: of.entity(self.account).to_string(),
            account_id: self.account.to_string(),
            user_name,
        })
    }
}

impl PrincipalKind {
    /// The ARN of the entity itself, its path included.
    fn entity(&self, account: AccountId) -> Arn {
        match self {
            Self::Operator => Arn::user(account, "/", "operator"),
            Self::Root => Arn::root(account),
            Self::User { name, path, .. } => Arn::user(account, path, name),
            Self::Role { name, path, .. } => Arn::role(account, path, name),
            Self::Federated { name, .. } => Arn::federated_user(account, name),
            Self::WebIdentity(holder) => Arn::given(&holder.provider),
            Self::Saml(holder) => Arn::given(&holder.provider),
        }
    }

    /// The id of the entity itself.
    fn id(&self, account: AccountId) -> String {
        match self {
            Self::Operator => OPERATOR_UNIQUE_ID.into(),
            Self::Root => account.to_string(),
            Self::User { unique_id, .. } | Self::Role { unique_id, .. } => unique_id.clone(),
            Self::Federated { name, .. } => format!("{account}:{name}"),
            Self::WebIdentity(holder) => holder.unique_id(),
            Self::Saml(holder) => holder.unique_id(),
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
    /// How those are named now whom a policy's names were bound to ([`Policy::bind`](crate::Policy::bind)): a user or role by
    /// the ARN that it has now, one that is gone by its unique id. Only those whose name changed, for
    /// [`renamed`](crate::renamed()).
    fn names<'a>(
        &'a self,
        bound: &'a BTreeMap<String, String>,
    ) -> BoxFuture<'a, Result<BTreeMap<String, String>, IdentitiesUnavailable>>;
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

/// Why a session's token proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionRefused {
    /// It says that it was made here, but it was changed, is another key's, or is of somebody who is gone.
    #[error("the token is of no session")]
    Token,
    /// Nothing says that it was made here.
    #[error("the token was not made here")]
    Foreign,
    /// Its time is over.
    #[error("the session is over")]
    Expired,
    /// The caller may retry.
    #[error("sessions unavailable: {0}")]
    Unavailable(String),
}

/// The port from a key id to its owner.
pub trait Identities: Send + Sync {
    /// The credential of `access_key_id`; `None` if there is no such key.
    fn find<'a>(
        &'a self,
        access_key_id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<Credential>>, IdentitiesUnavailable>>;
    /// The temporary credential of `access_key_id`, of which `token` tells. Nobody has any, unless said otherwise.
    fn find_session<'a>(
        &'a self,
        access_key_id: &'a str,
        token: &'a str,
    ) -> BoxFuture<'a, Result<Arc<Credential>, SessionRefused>> {
        let _ = (access_key_id, token);
        std::future::ready(Err(SessionRefused::Foreign)).boxed()
    }
    /// Whether an account is one of ours: a key whose id carries it, and that is not found, is of nobody. None is, unless said
    /// otherwise.
    fn has_account(&self, account: AccountId) -> BoxFuture<'_, Result<bool, IdentitiesUnavailable>> {
        let _ = account;
        std::future::ready(Ok(false)).boxed()
    }
    /// Told of each call of a proven caller: what was used last, and where, is for audits to read. Nobody listens, unless said
    /// otherwise.
    fn used<'a>(&'a self, principal: &'a Principal, service: &'a str, region: &'a str) -> BoxFuture<'a, ()> {
        let _ = (principal, service, region);
        std::future::ready(()).boxed()
    }
}
