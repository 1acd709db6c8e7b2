//! What is no principal: managed policies, instance profiles, MFA devices, identity providers, and an account's settings.

use opentrail_catalog::Stored;
use opentrail_event::{AccountId, Arn};
use serde::{Deserialize, Serialize};

use super::{Login, Tag};

/// One version of a managed policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// 3 of `v3`. Numbers are never given again.
    pub number: u32,
    /// As it came.
    pub document: String,
    pub created_s: i64,
}

/// A managed policy of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRow {
    pub name: String,
    pub path: String,
    /// `ANPA…`
    pub unique_id: String,
    pub created_s: i64,
    pub updated_s: i64,
    #[serde(default)]
    pub description: Option<String>,
    /// Oldest first; at most five.
    pub versions: Vec<PolicyVersion>,
    /// The number of the version in force.
    pub default: u32,
    /// The number that the next version gets.
    pub next: u32,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

impl Stored for PolicyRow {
    const NAME: &'static str = "managed policy";
    const VERSION: u16 = 1;
}

impl PolicyRow {
    pub fn arn(&self, account: AccountId) -> Arn {
        Arn::iam(account, "policy", &self.path, &self.name)
    }

    /// The version in force.
    pub fn in_force(&self) -> Option<&PolicyVersion> {
        self.versions.iter().find(|version| version.number == self.default)
    }
}

/// An instance profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileRow {
    pub name: String,
    pub path: String,
    /// `AIPA…`
    pub unique_id: String,
    pub created_s: i64,
    /// The role's id: one at most.
    #[serde(default)]
    pub role: Option<String>,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

impl Stored for ProfileRow {
    const NAME: &'static str = "instance profile";
    const VERSION: u16 = 1;
}

impl ProfileRow {
    pub fn arn(&self, account: AccountId) -> Arn {
        Arn::iam(account, "instance-profile", &self.path, &self.name)
    }
}

/// A virtual MFA device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MfaRow {
    /// The whole ARN.
    pub serial: String,
    pub created_s: i64,
    /// The seed's 64 base32 characters, sealed to the serial number, in hexadecimal.
    pub sealed: String,
    /// The id of the user it is enabled for; the account's id for its root.
    #[serde(default)]
    pub owner: Option<String>,
    #[serde(default)]
    pub enabled_s: Option<i64>,
    /// The newest step of 30 seconds whose code was taken: a code is taken once.
    #[serde(default)]
    pub last_step: Option<u64>,
    /// How many steps the device's clock is ahead, as far as is known.
    #[serde(default)]
    pub drift: i64,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

impl Stored for MfaRow {
    const NAME: &'static str = "MFA device";
    const VERSION: u16 = 1;
}

/// An OpenID Connect provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcRow {
    /// Host and path, without the scheme.
    pub url: String,
    pub client_ids: Vec<String>,
    pub thumbprints: Vec<String>,
    pub created_s: i64,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

impl Stored for OidcRow {
    const NAME: &'static str = "OpenID Connect provider";
    const VERSION: u16 = 1;
}

impl OidcRow {
    pub fn arn(&self, account: AccountId) -> Arn {
        Arn::iam(account, "oidc-provider", "/", &self.url)
    }
}

/// A SAML provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamlRow {
    pub name: String,
    pub uuid: String,
    pub metadata: String,
    pub created_s: i64,
    /// When the last of the metadata's certificates runs out.
    pub valid_until_s: i64,
    pub encryption: String,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

impl Stored for SamlRow {
    const NAME: &'static str = "SAML provider";
    const VERSION: u16 = 1;
}

impl SamlRow {
    pub fn arn(&self, account: AccountId) -> Arn {
        Arn::iam(account, "saml-provider", "/", &self.name)
    }
}

/// What passwords must be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordPolicy {
    pub length_min: i64,
    pub symbols: bool,
    pub numbers: bool,
    pub upper: bool,
    pub lower: bool,
    pub users_change: bool,
    pub age_max_days: Option<i64>,
    pub reuse_prevention: Option<i64>,
    pub hard_expiry: Option<bool>,
}

/// An account's settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    #[serde(default)]
    pub alias: Option<String>,
    #[serde(default)]
    pub password_policy: Option<PasswordPolicy>,
    /// `v1Token` unless said otherwise.
    #[serde(default)]
    pub sts_tokens: Option<String>,
    /// Serial numbers of the root's MFA devices.
    #[serde(default)]
    pub root_mfa: Vec<String>,
    /// The root's password.
    #[serde(default)]
    pub root_login: Option<Login>,
}

impl Stored for AccountRow {
    const NAME: &'static str = "account settings";
    const VERSION: u16 = 1;
}

/// When something was used last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedRow {
    pub at_s: i64,
    /// `s3`; empty for a role.
    #[serde(default)]
    pub service: String,
    pub region: String,
}

impl Stored for UsedRow {
    const NAME: &'static str = "last use";
    const VERSION: u16 = 1;
}

/// A credential report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRow {
    pub generated_s: i64,
    pub csv: String,
}

impl Stored for ReportRow {
    const NAME: &'static str = "credential report";
    const VERSION: u16 = 1;
}
