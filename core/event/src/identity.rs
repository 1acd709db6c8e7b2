//! Who did it: the `userIdentity` of a record (`spec/record.md` 1.3).

use serde::Serialize;

/// The kinds of caller that CloudTrail tells apart, as it spells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum IdentityType {
    /// The root of an account.
    Root,
    /// A user with long-term keys.
    IAMUser,
}

/// The `userIdentity` member, in the member order of real records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserIdentity {
    /// What kind of caller it is.
    #[serde(rename = "type")]
    pub kind: IdentityType,
    /// `AIDA…` of a user, the account id of a root.
    pub principal_id: String,
    /// The caller's ARN.
    pub arn: String,
    /// The account that owns the caller.
    pub account_id: String,
    /// The access key that signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// A user's name; absent for a root without an alias.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
}
