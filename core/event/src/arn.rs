//! Amazon resource names, built in one place so that no caller concatenates its own.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AccountId, Region};

/// A resource name. Always the `aws` partition here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Arn(String);

impl Arn {
    /// `arn:aws:iam::ACCOUNT:root`
    pub fn root(account: AccountId) -> Self {
        Self(format!("arn:aws:iam::{account}:root"))
    }

    /// `arn:aws:iam::ACCOUNT:user/PATH/NAME`; `path` begins and ends with a slash.
    pub fn user(account: AccountId, path: &str, name: &str) -> Self {
        Self(format!("arn:aws:iam::{account}:user{path}{name}"))
    }

    /// `arn:aws:iam::ACCOUNT:KIND/PATH/NAME`; `path` begins and ends with a slash.
    pub fn iam(account: AccountId, kind: &str, path: &str, name: &str) -> Self {
        Self(format!("arn:aws:iam::{account}:{kind}{path}{name}"))
    }

    /// `arn:aws:iam::aws:policy/PATH/NAME`: a policy that every account has.
    pub fn iam_managed(path: &str, name: &str) -> Self {
        Self(format!("arn:aws:iam::aws:policy{path}{name}"))
    }

    /// `arn:aws:iam::ACCOUNT:access-key/ID`: IAM names no keys, and only records of our own service do so.
    pub fn access_key(account: AccountId, id: &str) -> Self {
        Self(format!("arn:aws:iam::{account}:access-key/{id}"))
    }

    /// `arn:aws:s3:::BUCKET`
    pub fn bucket(bucket: &str) -> Self {
        Self(format!("arn:aws:s3:::{bucket}"))
    }

    /// `arn:aws:s3:::BUCKET/KEY`
    pub fn object(bucket: &str, key: &str) -> Self {
        Self(format!("arn:aws:s3:::{bucket}/{key}"))
    }

    /// `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE`
    pub fn regional(service: &str, region: &Region, account: AccountId, resource: &str) -> Self {
        Self(format!("arn:aws:{service}:{region}:{account}:{resource}"))
    }

    /// `arn:aws:iam::ACCOUNT:role/PATH/NAME`; `path` begins and ends with a slash.
    pub fn role(account: AccountId, path: &str, name: &str) -> Self {
        Self(format!("arn:aws:iam::{account}:role{path}{name}"))
    }

    /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`: a session of a role, whose path is not named.
    pub fn assumed_role(account: AccountId, role: &str, session: &str) -> Self {
        Self(format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"))
    }

    /// `arn:aws:sts::ACCOUNT:federated-user/NAME`
    pub fn federated_user(account: AccountId, name: &str) -> Self {
        Self(format!("arn:aws:sts::{account}:federated-user/{name}"))
    }

    /// As somebody wrote it: it may be the name of nothing.
    pub fn given(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
