//! What is decided about: who wants to do what to what, and everything that has a say.

use opentrail_event::{AccountId, Arn};

use super::{Attached, Layer, Rights};
use crate::{Caller, Context, Policy};

/// How much the policy of what is touched decides (`spec/policy.md` 4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResourceKind {
    /// Within an account, the caller's own policies are enough.
    #[default]
    Ordinary,
    /// A role, about to be assumed: nothing goes without its trust policy.
    Trust,
    /// A key of KMS: nothing goes without its key policy.
    Key,
}

/// One call, ready to be judged. A call that needs several actions is several cases.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    pub caller: &'a Caller,
    /// Nobody asks for those of callers without policies of their own: services, the anonymous, holders of foreign tokens.
    pub rights: &'a Rights,
    /// What narrows the caller's session: the policy handed over when it was made, and the managed ones named then. `None`
    /// where none was, which leaves a role everything it has and a federated user nothing.
    pub session: Option<&'a [Attached]>,
    /// `s3:GetObject`
    pub action: &'a str,
    /// What is touched; all must be allowed. None: the action is about no resource in particular.
    pub resources: &'a [Arn],
    /// Who owns what is touched, where the ARNs do not say so (as those of buckets do not).
    pub resource_account: Option<AccountId>,
    /// The policy of what is touched, where it has one.
    pub resource_policy: Option<&'a Policy>,
    pub resource_kind: ResourceKind,
    /// The resource control policies of the owner's account, as [`Rights::service_control`].
    pub resource_control: &'a [Vec<Attached>],
    pub context: &'a Context,
}

impl<'a> Case<'a> {
    /// A case in which nothing but the caller's rights has a say.
    pub fn new(caller: &'a Caller, rights: &'a Rights, action: &'a str, context: &'a Context) -> Self {
        Self {
            caller,
            rights,
            session: None,
            action,
            resources: &[],
            resource_account: None,
            resource_policy: None,
            resource_kind: ResourceKind::default(),
            resource_control: &[],
            context,
        }
    }

    /// Whether any of what is touched belongs to another account than the caller's.
    pub fn is_cross_account(&self) -> bool {
        self.is_foreign_to("*") || self.resources.iter().any(|arn| self.is_foreign_to(arn.as_str()))
    }

    /// Whether `resource` belongs to another account: the owner is named, or stands in the ARN's fifth field. Names without an
    /// account there (buckets) say nothing, nor do those of AWS itself (`arn:aws:iam::aws:policy/…`).
    pub(super) fn is_foreign_to(&self, resource: &str) -> bool {
        let is_another = |owner: AccountId| self.caller.account() != Some(owner);
        self.resource_account.is_some_and(is_another)
            || resource.split(':').nth(4).and_then(|owner| owner.parse().ok()).is_some_and(is_another)
    }

    pub(super) fn caller_is_root(&self) -> bool {
        matches!(self.caller, Caller::Root { .. })
    }

    /// The layer that the policy of what is touched speaks as.
    pub(super) fn owner_layer(&self) -> Layer {
        match self.resource_kind {
            ResourceKind::Trust => Layer::Trust,
            ResourceKind::Ordinary | ResourceKind::Key => Layer::Resource,
        }
    }

    /// Why a layer has no say about this caller; `None` where it has one.
    pub(super) fn not_asked(&self, layer: Layer) -> Option<&'static str> {
        let is_linked = matches!(self.caller, Caller::Role { role_arn, .. }
            if role_arn.as_str().split_once(":role/").is_some_and(|(_, path)| path.starts_with("aws-service-role/")));
        let is_outsider = self.caller.account().is_none();
        match layer {
            Layer::ServiceControl | Layer::ResourceControl if is_linked => Some("the role belongs to a service"),
            Layer::ServiceControl | Layer::Identity | Layer::Boundary if is_outsider => {
                Some("the caller belongs to no account")
            }
            Layer::Identity | Layer::Boundary if self.caller_is_root() => Some("the root of an account needs none"),
            Layer::Identity | Layer::Boundary if matches!(self.caller, Caller::Federated { user_id: None, .. }) => {
                Some("it was made by the root of the account, who needs none")
            }
            _ => None,
        }
    }
}
