//! Users, groups and roles.

use std::collections::BTreeMap;

use opentrail_catalog::{Damaged, Stored};
use opentrail_event::{AccountId, Arn};
use serde::{Deserialize, Serialize};

use crate::directory::managed;
use crate::{User, UserPolicy};

/// A tag. Keys of users and roles are unique without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    pub key: String,
    pub value: String,
}

/// What policies hang on: users, groups and roles.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// ARNs of managed policies, in the order in which they were attached.
    #[serde(default)]
    pub attached: Vec<String>,
    /// Documents as they came, by name.
    #[serde(default)]
    pub inline: BTreeMap<String, String>,
    /// The ARN of the permissions boundary; a group has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<String>,
}

/// A password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// What [`hash_password`](crate::hash_password) made of it, sealed to the user's id, in hexadecimal.
    pub sealed: String,
    pub created_s: i64,
    pub changed_s: i64,
    pub reset_required: bool,
    /// Older ones, newest first, sealed likewise: a password policy may forbid to use them again.
    #[serde(default)]
    pub older: Vec<String>,
    #[serde(default)]
    pub used_s: Option<i64>,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    /// As it was given: names are unique without regard to case and keep theirs.
    pub name: String,
    pub path: String,
    /// `AIDA…`
    pub unique_id: String,
    pub created_s: i64,
    #[serde(flatten)]
    pub grants: Grants,
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// Ids of groups, in the order of joining.
    #[serde(default)]
    pub groups: Vec<String>,
    #[serde(default)]
    pub login: Option<Login>,
    /// Serial numbers of MFA devices.
    #[serde(default)]
    pub mfa: Vec<String>,
}

impl Stored for UserRow {
    const NAME: &'static str = "user";
    const VERSION: u16 = 2;

    /// Version 1 had a coarse policy in place of attached ones. The rows that find an entity from the other side are made by
    /// the start.
    fn migrate(version: u16, mut json: serde_json::Value) -> Result<serde_json::Value, Damaged> {
        let damaged = |why: String| Damaged { name: Self::NAME, why };
        if version != 1 {
            return Err(damaged(format!("no way up from version {version}")));
        }
        let members = json.as_object_mut().ok_or_else(|| damaged("not an object".into()))?;
        let policy = members.remove("policy").unwrap_or_default();
        let policy: Option<UserPolicy> = serde_json::from_value(policy).map_err(|e| damaged(e.to_string()))?;
        members.insert("attached".into(), policy.map(UserPolicy::managed).into_iter().collect());
        Ok(json)
    }
}

impl UserRow {
    /// A user who may nothing.
    pub fn new(name: &str, path: &str, unique_id: String, created_s: i64) -> Self {
        Self {
            name: name.to_owned(),
            path: path.to_owned(),
            unique_id,
            created_s,
            grants: Grants::default(),
            tags: Vec::new(),
            groups: Vec::new(),
            login: None,
            mfa: Vec::new(),
        }
    }

    pub fn arn(&self, account: AccountId) -> Arn {
        Arn::user(account, &self.path, &self.name)
    }

    /// As the house's own commands show a user.
    pub(crate) fn into_user(self, account: AccountId) -> User {
        let policy = UserPolicy::of(&self.grants.attached);
        User { account, name: self.name, path: self.path, unique_id: self.unique_id, policy, created_s: self.created_s }
    }
}

impl UserPolicy {
    /// The AWS managed policy that it stands for.
    pub fn managed(self) -> &'static str {
        match self {
            Self::Admin => managed::ADMINISTRATOR,
            Self::ReadOnly => managed::READ_ONLY,
        }
    }

    /// The coarse policy that attached ones amount to.
    pub(crate) fn of(attached: &[String]) -> Option<Self> {
        [Self::Admin, Self::ReadOnly].into_iter().find(|policy| attached.iter().any(|arn| arn == policy.managed()))
    }
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRow {
    pub name: String,
    pub path: String,
    /// `AGPA…`
    pub unique_id: String,
    pub created_s: i64,
    #[serde(flatten)]
    pub grants: Grants,
}

impl Stored for GroupRow {
    const NAME: &'static str = "group";
    const VERSION: u16 = 1;
}

impl GroupRow {
    pub fn arn(&self, account: AccountId) -> Arn {
        Arn::iam(account, "group", &self.path, &self.name)
    }
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRow {
    pub name: String,
    pub path: String,
    /// `AROA…`
    pub unique_id: String,
    pub created_s: i64,
    #[serde(flatten)]
    pub grants: Grants,
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// The trust policy as it came.
    pub trust: String,
    /// Whom the trust policy meant when it was put: the text of each name to its unique id.
    #[serde(default)]
    pub trusted: BTreeMap<String, String>,
    #[serde(default)]
    pub description: Option<String>,
    pub max_session_s: i64,
    /// `cloudtrail.amazonaws.com`: the service that alone may change this role.
    #[serde(default)]
    pub linked_to: Option<String>,
}

impl Stored for RoleRow {
    const NAME: &'static str = "role";
    const VERSION: u16 = 1;
}

impl RoleRow {
    pub fn arn(&self, account: AccountId) -> Arn {
        Arn::iam(account, "role", &self.path, &self.name)
    }
}
