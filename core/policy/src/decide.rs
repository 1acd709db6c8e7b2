//! The port that decides, and the first decider: coarse grants to users, until the policy language is here.

use futures::future::BoxFuture;
use opentrail_event::{AccountId, Arn};

use crate::Principal;

/// May `principal` do this?
#[derive(Debug, Clone)]
pub struct Question<'a> {
    pub principal: &'a Principal,
    /// `s3:CreateBucket`
    pub action: &'a str,
    /// What the action touches; empty where it is about no resource in particular.
    pub resources: &'a [Arn],
    /// The account that owns what is touched, where that is not the caller's own.
    pub resource_account: Option<AccountId>,
    /// Whether the action only reads.
    pub read_only: bool,
}

/// The answer, with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Allow,
    /// The reason as AWS words it behind "is not authorized to perform: … ", such as
    /// `because no identity-based policy allows the s3:CreateBucket action`.
    Deny {
        because: String,
    },
}

/// The port.
pub trait Decide: Send + Sync {
    /// Decides; what cannot be found out is a denial.
    fn decide<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Decision>;
}

/// Decides by the coarse grant that each user has in the [`Directory`](crate::Directory).
pub struct Grants {
    pub(crate) directory: std::sync::Arc<crate::Directory>,
}
