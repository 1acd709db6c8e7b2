//! Questions to the decider from within a call.

use std::sync::Arc;

use opentrail_event::Arn;
use opentrail_policy::{Context, Decide, Decision, Policy, Question, ResourceKind};
use opentrail_wire::{Cx, Fault};

use crate::faults;
use crate::store::{Bucket, Store};

/// Asks whether a caller may, where the door could not ask.
pub(crate) struct Authorizer {
    pub(crate) store: Arc<Store>,
    pub(crate) decide: Arc<dyn Decide>,
}

impl Authorizer {
    /// Whether the caller may do `action` to `arn`, which is `bucket` or lies in it. `context` has all circumstances of the call.
    /// `Err` is the fault to be answered: the denial, or why it could not be found out.
    pub(crate) async fn may(
        &self,
        cx: &Cx,
        context: &Context,
        action: &str,
        arn: &Arn,
        bucket: &Bucket,
    ) -> Result<(), Fault> {
        let policy = self.store.policy(bucket).await?;
        let mut context = context.clone();
        super::circumstances::of_bucket(&mut context, bucket);
        let decision = self.decide.decide(Question {
            principal: &cx.principal,
            action,
            resources: std::slice::from_ref(arn),
            resource_account: Some(bucket.account).filter(|owner| *owner != cx.account()),
            policy: policy.as_ref().map(|policy| &*policy.policy),
            kind: ResourceKind::Ordinary,
            context: &context,
        });
        match decision.await {
            Decision::Allow => Ok(()),
            Decision::Unavailable { why } => Err(faults::undecided("decide", why)),
            Decision::Deny { .. } if bucket.account != cx.account() => Err(faults::access_denied()),
            Decision::Deny { because, .. } => {
                let who = cx.principal.arn();
                let message =
                    format!("User: {who} is not authorized to perform: {action} on resource: \"{arn}\" {because}");
                Err(Fault::new("AccessDenied", 403, message))
            }
        }
    }

    /// Whether the caller could do `action` to the bucket if its policy were this one.
    pub(super) async fn could(
        &self,
        cx: &Cx,
        context: &Context,
        action: &str,
        bucket: &Bucket,
        policy: &Policy,
    ) -> Result<bool, Fault> {
        let arn = Arn::bucket(&bucket.name);
        let decision = self.decide.decide(Question {
            principal: &cx.principal,
            action,
            resources: std::slice::from_ref(&arn),
            resource_account: Some(bucket.account).filter(|owner| *owner != cx.account()),
            policy: Some(policy),
            kind: ResourceKind::Ordinary,
            context,
        });
        match decision.await {
            Decision::Allow => Ok(true),
            Decision::Deny { .. } => Ok(false),
            Decision::Unavailable { why } => Err(faults::undecided("decide about a new policy", why)),
        }
    }
}
