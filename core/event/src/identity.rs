//! Who did it: the `userIdentity` of a record (`spec/record.md` 1.3).

use serde::Serialize;

/// The kinds of caller that CloudTrail tells apart, as it spells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum IdentityType {
    /// The root of an account.
    Root,
    /// A user with long-term keys.
    IAMUser,
    /// Somebody of another account, as the owner of what was touched sees them.
    AWSAccount,
    /// A service in its own name.
    AWSService,
    /// A session of a role.
    AssumedRole,
    /// A session that a user handed to somebody under another name.
    FederatedUser,
    /// The holder of a token of an OpenID Connect provider, who is about to assume a role by it.
    WebIdentityUser,
    /// The same with an assertion of a SAML provider.
    SAMLUser,
    /// Somebody of whom nothing more can be said than the key.
    Unknown,
}

/// From whom a session's rights come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionIssuer {
    /// `Role`, `IAMUser` or `Root`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `AROA…` of a role, `AIDA…` of a user, the account id of a root.
    pub principal_id: String,
    /// With the path.
    pub arn: String,
    pub account_id: String,
    /// The role's or user's name; absent for a root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
}

/// What an identity provider said of whoever assumed a role by its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WebIdFederationData {
    /// The provider's ARN, or the name of one that AWS knows.
    pub federated_provider: String,
    /// `HOST:aud`, `HOST:sub` and the like.
    pub attributes: std::collections::BTreeMap<String, String>,
}

/// When a session began, and whether with a second factor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionAttributes {
    /// `2026-01-31T23:59:59Z`
    pub creation_date: String,
    /// `"true"` or `"false"`: a string, as AWS has it.
    pub mfa_authenticated: &'static str,
}

/// The `sessionContext` of calls with temporary credentials, in the member order of real records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionContext {
    /// Absent for sessions of `GetSessionToken`, which are their user's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_issuer: Option<SessionIssuer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_id_federation_data: Option<WebIdFederationData>,
    pub attributes: SessionAttributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<String>,
}

/// The `userIdentity` member, in the member order of real records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserIdentity {
    /// What kind of caller it is.
    #[serde(rename = "type")]
    pub kind: IdentityType,
    /// `AIDA…` of a user, `AROA…:session` of a role's session, the account id of a root; left out where it is empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub principal_id: String,
    /// The caller's ARN; left out where it is empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub arn: String,
    /// The account that owns the caller; left out where it is empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub account_id: String,
    /// The access key that signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// A user's name; absent for a root without an alias.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// Of calls with temporary credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_context: Option<Box<SessionContext>>,
    /// The service that called, in its own name or for the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoked_by: Option<String>,
    /// Who vouches for the holder of a foreign token; absent for all others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_provider: Option<String>,
}

impl UserIdentity {
    /// A service in its own name, such as `cloudtrail.amazonaws.com`: nothing else is known of it.
    pub fn service(name: &str) -> Self {
        Self {
            kind: IdentityType::AWSService,
            principal_id: String::new(),
            arn: String::new(),
            account_id: String::new(),
            access_key_id: None,
            user_name: None,
            session_context: None,
            invoked_by: Some(name.to_owned()),
            identity_provider: None,
        }
    }

    /// The caller as the record in another account's history shows them: by id and account alone
    /// (`spec/record.md` 1.4).
    pub fn seen_from_outside(&self) -> Self {
        Self {
            kind: IdentityType::AWSAccount,
            principal_id: self.principal_id.clone(),
            arn: String::new(),
            account_id: self.account_id.clone(),
            access_key_id: None,
            user_name: None,
            session_context: None,
            invoked_by: None,
            identity_provider: None,
        }
    }
}
