//! The port to the policies of things: whose a thing is, and who may.

use std::sync::Arc;

use futures::future::BoxFuture;
use opentrail_event::AccountId;
use opentrail_policy::Policy;

/// What is known of a thing that a decision is about. Nothing, where it is of no kind that has policies.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub owner: Option<AccountId>,
    pub policy: Option<Arc<Policy>>,
}

/// The port.
pub trait Policies: Send + Sync {
    /// Of the thing with this ARN. `Err` says why it could not be found out.
    fn of<'a>(&'a self, arn: &'a str) -> BoxFuture<'a, Result<Known, String>>;
}
