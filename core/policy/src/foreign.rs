//! Callers for whom somebody else vouches: holders of tokens and assertions, about to assume a role by them.

use opentrail_event::{IdentityType, UserIdentity};

/// What an identity provider asks for on behalf of whoever holds its token (`spec/sts.md` 2.2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vouched {
    /// Session tags.
    pub tags: Vec<(String, String)>,
    /// Keys of those that sessions made from this one inherit.
    pub transitive: Vec<String>,
    pub source_identity: Option<String>,
}

/// The holder of a token of an OpenID Connect provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebIdentity {
    /// `arn:aws:iam::ACCOUNT:oidc-provider/HOST`
    pub provider: String,
    /// The provider without the scheme: `token.example.com/realm`.
    pub issuer: String,
    pub audience: String,
    pub subject: String,
    /// Further claims that conditions name, by their names: `amr`, `oaud`, and the issuer's own.
    pub claims: Vec<(String, Vec<String>)>,
    pub vouched: Vouched,
}

impl WebIdentity {
    pub(crate) fn unique_id(&self) -> String {
        format!("{}:{}:{}", self.provider, self.audience, self.subject)
    }

    /// The condition keys that stand for it: `token.example.com/realm:sub`, with their values.
    pub fn keys(&self) -> Vec<(String, Vec<String>)> {
        let issuer = &self.issuer;
        let mut keys = vec![
            (format!("{issuer}:aud"), vec![self.audience.clone()]),
            (format!("{issuer}:sub"), vec![self.subject.clone()]),
        ];
        keys.extend(self.claims.iter().map(|(claim, values)| (format!("{issuer}:{claim}"), values.clone())));
        keys
    }
}

/// The holder of an assertion of a SAML provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamlIdentity {
    /// `arn:aws:iam::ACCOUNT:saml-provider/NAME`
    pub provider: String,
    /// A hash of issuer, account and provider: with it a subject is one person.
    pub name_qualifier: String,
    pub subject: String,
    /// `persistent`, `transient`, or the URI of another format.
    pub subject_type: String,
    pub issuer: String,
    /// Where the assertion was to be posted.
    pub recipient: String,
    pub assertion_id: String,
    /// Further condition keys, with their values: `saml:doc`, `saml:edupersonaffiliation`.
    pub keys: Vec<(String, Vec<String>)>,
    /// Roles that the assertion lets its holder ask for, each with the provider that it names.
    pub roles: Vec<(String, String)>,
    pub session_name: String,
    /// Seconds that the assertion lets a session last.
    pub lasts_s: Option<i64>,
    /// Seconds since 1970: no session may last longer.
    pub ends_s: Option<i64>,
    pub vouched: Vouched,
}

impl SamlIdentity {
    pub(crate) fn unique_id(&self) -> String {
        format!("{}:{}", self.name_qualifier, self.subject)
    }

    /// The condition keys that stand for it, with their values.
    pub fn keys(&self) -> Vec<(String, Vec<String>)> {
        let own = [
            ("saml:aud", &self.recipient),
            ("saml:iss", &self.issuer),
            ("saml:namequalifier", &self.name_qualifier),
            ("saml:sub", &self.subject),
            ("saml:sub_type", &self.subject_type),
        ];
        let own = own.map(|(key, value)| (key.to_owned(), vec![value.clone()]));
        own.into_iter().chain(self.keys.iter().cloned()).collect()
    }
}

/// The `userIdentity` of somebody who has no key: records know them by what their provider says.
pub(crate) fn identity(kind: IdentityType, id: String, name: &str, provider: &str) -> UserIdentity {
    UserIdentity {
        kind,
        principal_id: id,
        arn: String::new(),
        account_id: String::new(),
        access_key_id: None,
        user_name: Some(name.to_owned()),
        session_context: None,
        invoked_by: None,
        identity_provider: Some(provider.to_owned()),
    }
}
