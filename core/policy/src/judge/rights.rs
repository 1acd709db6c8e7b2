//! What speaks for and against a principal: its policies, and where each comes from.

use std::fmt;
use std::sync::Arc;

use opentrail_event::Arn;

use crate::Policy;

/// Where a policy comes from, for whoever asks why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A policy of its own, attached to whom it speaks about: AWS's (`arn:aws:iam::aws:policy/…`), an account's, or one of an
    /// organization.
    Managed(Arn),
    /// Written into a user, group or role.
    Inline { of: Holder, name: String },
    /// Handed over with the call that made the session.
    Session,
    /// Of what is touched: a bucket's policy, a role's trust policy.
    Resource,
    /// Handed to a simulation, under the name that its answer uses: `PolicyInputList.1`.
    Given(String),
}

/// Whose inline policy it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    User(String),
    Group(String),
    Role(String),
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user {name}"),
            Self::Group(name) => write!(f, "group {name}"),
            Self::Role(name) => write!(f, "role {name}"),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Managed(arn) => write!(f, "policy {arn}"),
            Self::Inline { of, name } => write!(f, "inline policy {name} of {of}"),
            Self::Session => f.write_str("the session's policy"),
            Self::Resource => f.write_str("the policy of the resource"),
            Self::Given(name) => f.write_str(name),
        }
    }
}

/// A policy and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    pub source: Source,
    pub policy: Arc<Policy>,
}

/// What a principal has before anybody looks at what it touches. Made once for each version of its entities, and shared by its
/// calls; what one session narrows it to is that session's ([`Case::session`](crate::Case::session)).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// Its own policies, managed and inline, and those of its groups. A federated user has those of the user that made it.
    pub identity: Vec<Attached>,
    /// The most that `identity` can give.
    pub boundary: Option<Attached>,
    /// The service control policies of its account, from the root of the organization down: each level must allow. Empty
    /// where the account is in no organization, or manages it.
    pub service_control: Vec<Vec<Attached>>,
    /// Its tags, which policies see as `aws:PrincipalTag/…`. Nothing is judged by them here: whoever asks puts them into the
    /// context.
    pub tags: Vec<(String, String)>,
}
