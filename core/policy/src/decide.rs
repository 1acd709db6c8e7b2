//! The port that decides, and the first decider: coarse grants to users, until the policy language is here.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{AccountId, Arn};

use crate::{Directory, Principal, PrincipalKind, UserPolicy};

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

/// Decides by the coarse grant that each user has in the [`Directory`].
///
/// | who | may |
/// |---|---|
/// | operator | every action of `opentrail`, on any account; any action of other services in its own account |
/// | root, user with `admin` | every action in the own account, save the operator's |
/// | user with `read-only` | actions that only read, in the own account, save the operator's |
/// | user without a policy | nothing |
pub struct Grants {
    directory: Arc<Directory>,
}

/// Actions of `opentrail` that are about the house, not about one account.
const OPERATOR_ONLY: [&str; 2] = ["opentrail:CreateAccount", "opentrail:ListAccounts"];

impl Grants {
    /// Decides by what `directory` says.
    pub fn new(directory: Arc<Directory>) -> Self {
        Self { directory }
    }

    async fn allows(&self, question: &Question<'_>) -> bool {
        match &question.principal.kind {
            PrincipalKind::Operator | PrincipalKind::Root => true,
            PrincipalKind::User { name, .. } => {
                match self.directory.policy_of(question.principal.account, name).await {
                    Ok(Some(UserPolicy::Admin)) => true,
                    Ok(Some(UserPolicy::ReadOnly)) => question.read_only,
                    // A policy that cannot be read allows nothing.
                    Ok(None) | Err(_) => false,
                }
            }
        }
    }
}

impl Decide for Grants {
    fn decide<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Decision> {
        async move {
            let action = question.action;
            if question.principal.is_operator() && action.starts_with("opentrail:") {
                return Decision::Allow;
            }
            let account = question.principal.account;
            let foreign = question.resource_account.is_some_and(|owner| owner != account)
                || question.resources.iter().any(|arn| names_another(arn, account));
            if foreign {
                return Decision::Deny {
                    because: format!("because no resource-based policy allows the {action} action"),
                };
            }
            if !OPERATOR_ONLY.contains(&action) && self.allows(&question).await {
                return Decision::Allow;
            }
            Decision::Deny { because: format!("because no identity-based policy allows the {action} action") }
        }
        .boxed()
    }
}

/// Whether an ARN has another account in its fifth field. Names without an account there (buckets) say nothing.
fn names_another(arn: &Arn, account: AccountId) -> bool {
    arn.as_str().split(':').nth(4).is_some_and(|owner| !owner.is_empty() && owner != account.as_str())
}
