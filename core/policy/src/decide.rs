//! The port that decides, and the one decider: coarse grants to users, and the policies of what they touch.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{AccountId, Arn};

use crate::{Caller, Context, Directory, Policy, Principal, PrincipalKind, Reach, Request, UserPolicy, Verdict};

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
    /// Whether the action only reads.
    pub read_only: bool,
    /// The policy of what is touched, where it has one.
    pub policy: Option<&'a Policy>,
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
}

/// The port.
pub trait Decide: Send + Sync {
    /// Decides; what cannot be found out is a denial.
    fn decide<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Decision>;
}

/// Decides by the coarse grant that each user has in the [`Directory`], and by the policy of the resource.
///
/// | who | may of itself |
/// |---|---|
/// | operator | every action of `opentrail`, on any account; any action of other services in its own account |
/// | root, user with `admin` | every action in the own account, save the operator's |
/// | user with `read-only` | actions that only read, in the own account, save the operator's |
/// | user without a policy | nothing |
///
/// A statement of the resource's policy that denies ends the matter, save that a root can always read, replace and delete the
/// policies of its own account's buckets. Within an account, what one may of itself or what the resource's policy allows one by
/// name (or anybody) is enough; across accounts both are needed (`spec/policy.md` 4).
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
            PrincipalKind::Role { .. } | PrincipalKind::Federated { .. } | PrincipalKind::WebIdentity { .. } => false,
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

/// What an account's root may do with its own buckets whatever their policies say: nobody could mend them else.
const ROOT_ALWAYS: [&str; 3] = ["s3:DeleteBucketPolicy", "s3:GetBucketPolicy", "s3:PutBucketPolicy"];

/// What the policy of what is touched says, over all that is touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spoken {
    Denied,
    Nothing,
    /// Through the account: its own policies decide.
    Delegated,
    Allowed,
}

fn ask_policy(question: &Question<'_>) -> Spoken {
    let Some(policy) = question.policy else { return Spoken::Nothing };
    let caller = Caller::from(question.principal);
    let ask = |resource: &str| {
        let request = Request { caller: &caller, action: question.action, resource, context: question.context };
        match policy.evaluate(&request) {
            Verdict::Denied { .. } => Spoken::Denied,
            Verdict::Silent { .. } => Spoken::Nothing,
            Verdict::Allowed { reach: Reach::Account | Reach::Owner, .. } => Spoken::Delegated,
            Verdict::Allowed { reach: Reach::Anyone | Reach::Direct, .. } => Spoken::Allowed,
        }
    };
    let mut least = if question.resources.is_empty() { ask("*") } else { Spoken::Allowed };
    for resource in question.resources {
        least = match (least, ask(resource.as_str())) {
            (Spoken::Denied, _) | (_, Spoken::Denied) => Spoken::Denied,
            (Spoken::Nothing, _) | (_, Spoken::Nothing) => Spoken::Nothing,
            (Spoken::Delegated, _) | (_, Spoken::Delegated) => Spoken::Delegated,
            (Spoken::Allowed, Spoken::Allowed) => Spoken::Allowed,
        };
    }
    least
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
            let is_root = question.principal.kind == PrincipalKind::Root;
            if is_root && !foreign && ROOT_ALWAYS.contains(&action) {
                return Decision::Allow;
            }
            let deny = |because: String| Decision::Deny { because, explicit: false };
            let own = !OPERATOR_ONLY.contains(&action) && self.allows(&question).await;
            match ask_policy(&question) {
                Spoken::Denied => Decision::Deny {
                    because: "with an explicit deny in a resource-based policy".into(),
                    explicit: true,
                },
                Spoken::Nothing if foreign => {
                    deny(format!("because no resource-based policy allows the {action} action"))
                }
                Spoken::Allowed if !foreign => Decision::Allow,
                _ if own => Decision::Allow,
                _ => deny(format!("because no identity-based policy allows the {action} action")),
            }
        }
        .boxed()
    }
}

/// Whether an ARN has another account in its fifth field. Names without an account there (buckets) say nothing.
fn names_another(arn: &Arn, account: AccountId) -> bool {
    arn.as_str().split(':').nth(4).is_some_and(|owner| !owner.is_empty() && owner != account.as_str())
}
