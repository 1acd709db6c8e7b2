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
}

/// The `userIdentity` member, in the member order of real records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserIdentity {
    /// What kind of caller it is.
    #[serde(rename = "type")]
    pub kind: IdentityType,
    /// `AIDA…` of a user, the account id of a root; left out where it is empty.
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
    /// The service that called, in its own name or for the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoked_by: Option<String>,
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
            invoked_by: Some(name.to_owned()),
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
            invoked_by: None,
        }
    }
}
