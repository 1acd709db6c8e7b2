//! The port that decides.

use futures::future::BoxFuture;
use opentrail_event::{AccountId, Arn};

use crate::{Context, Policy, Principal, ResourceKind};

/// May `principal` do this?
#[derive(Debug, Clone)]
pub struct Question<'a> {
    pub principal: &'a Principal,
    /// `s3:CreateBucket`
    pub action: &'a str,
    /// What the action touches; empty where it is about no resource in particular. All must be allowed.
    pub resources: &'a [Arn],
    /// The account that owns what is touched, where that is not the caller's own.
    pub resource_account: Option<AccountId>,
    /// The policy of what is touched, where it has one.
    pub policy: Option<&'a Policy>,
    /// How much that policy decides.
    pub kind: ResourceKind,
    /// The circumstances.
    pub context: &'a Context,
}

/// The answer, with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Allow,
    Deny {
        /// The reason as AWS words it behind "is not authorized to perform: … ", such as
        /// `because no identity-based policy allows the s3:CreateBucket action`.
        because: String,
        /// Whether the policy of what is touched denies it by a statement: its owner has spoken about this caller.
        explicit: bool,
    },
    /// Nobody decided: what the decision hangs on could not be read. Nothing is allowed by it, and nothing was denied either:
    /// the caller may retry, and no record may say that a policy kept anybody out.
    Unavailable {
        /// For the server's log, not for the caller.
        why: String,
    },
}

/// The port.
pub trait Decide: Send + Sync {
    /// Decides. What cannot be found out is [`Decision::Unavailable`], never a denial.
    fn decide<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Decision>;
}
