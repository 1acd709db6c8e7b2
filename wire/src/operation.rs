//! Services that are tables of operations: awsJson and Query, driven by their model.

use std::borrow::Cow;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{AccountId, Arn, Category, RawJson, RecordResource};
use opentrail_policy::{Context, Policy, Principal, ResourceKind};
use opentrail_protocol::{Document, ServiceModel, Violation};

use crate::{Cx, Fault};

/// What is fixed about an operation.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// `LookupEvents`, as in the model.
    pub name: &'static str,
    /// `cloudtrail:LookupEvents`
    pub action: &'static str,
    pub read_only: bool,
    pub category: Category,
    /// Mints credentials, and so is announced and keeps its response in the record.
    pub mints_credentials: bool,
    /// Open to every proven caller.
    pub open: bool,
    /// The errors it answers of itself, for the compatibility page and its test.
    pub errors: &'static [&'static str],
}

/// What an operation gives back.
#[derive(Debug, Clone)]
pub struct RpcAnswer {
    /// Of the model's output shape.
    pub output: Document,
    /// In place of what [`Operation::resources`] said.
    pub resources: Option<Vec<RecordResource>>,
    /// The record's `additionalEventData`; `None` leaves the member out.
    pub additional_event_data: Option<RawJson>,
    /// A change of another account: it gets a copy of the record.
    pub copy_for: Option<AccountId>,
}

impl From<Document> for RpcAnswer {
    fn from(output: Document) -> Self {
        Self { output, resources: None, additional_event_data: None, copy_for: None }
    }
}

/// One more thing that must be allowed before a call runs: `iam:PassRole` of the role that it hands on, for one.
#[derive(Debug, Clone)]
pub struct Need {
    /// `iam:PassRole`
    pub action: Cow<'static, str>,
    /// What the action touches; empty where it is about no resource in particular.
    pub arns: Vec<Arn>,
    /// The account that owns it, where it is known and not the caller's.
    pub owner: Option<AccountId>,
    /// The policy of what is touched, where it has one.
    pub policy: Option<Arc<Policy>>,
    /// How much that policy decides.
    pub kind: ResourceKind,
    /// Condition keys of this need alone, such as `iam:PassedToService`; they win over the call's.
    pub context: Context,
}

impl Need {
    /// To be allowed `action` on all of `arns`.
    pub fn new(action: impl Into<Cow<'static, str>>, arns: Vec<Arn>) -> Self {
        let (kind, context) = (ResourceKind::Ordinary, Context::new());
        Self { action: action.into(), arns, owner: None, policy: None, kind, context }
    }

    /// With one more condition key.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.context.set(key, value);
        self
    }
}

/// How a call proves its caller by what it carries, where no signature has to (`spec/sts.md` 2.5 and 2.6).
///
/// # Contract
/// What comes back is proven: the door believes it, decides by it and records it. A fault below 500 means that it proves nobody;
/// whoever sent it is a stranger, or, where the call is signed as well, the signer.
pub trait Bearer: Send + Sync {
    /// Who the caller is. `input` satisfies the model.
    fn prove<'a>(&'a self, input: &'a Document) -> BoxFuture<'a, Result<Principal, Fault>>;
}

/// What a call touches beyond its ARNs, found out before the decision.
#[derive(Debug, Default)]
pub struct Touched {
    /// In place of what [`Operation::arns`] said, where that cannot be said without asking: a path is part of an ARN of IAM's.
    pub arns: Option<Vec<Arn>>,
    /// The account that owns what is touched, where it is known and not the caller's.
    pub owner: Option<AccountId>,
    /// The policy of what is touched, where it has one: a role's trust policy.
    pub policy: Option<Arc<Policy>>,
    /// How much that policy decides.
    pub kind: ResourceKind,
    /// The operation's own condition keys: `iam:PolicyARN`, `aws:RequestTag/k`, `aws:TagKeys`, `sts:ExternalId`. The door
    /// adds those that every call has.
    pub context: Context,
    /// What must be allowed too.
    pub also: Vec<Need>,
    /// How a denial names what is touched, where that is not the first ARN: `user ann` (`spec/policy.md` 5).
    pub shown: Option<String>,
    /// What records show among the request's parameters that is no member of the request: what a token asks for.
    pub parameters: Vec<(&'static str, RawJson)>,
}

/// One operation: one file in `services/<service>/src/op/`, one line in its service's table.
pub trait Operation: Send + Sync {
    /// What is fixed about it.
    fn facts(&self) -> &'static Facts;
    /// How a call of it proves its caller without a signature. It does not, unless said otherwise.
    fn bearer(&self) -> Option<&dyn Bearer> {
        None
    }
    /// What the decider is asked about. Nothing in particular, unless said otherwise.
    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        let _ = (cx, input);
        Vec::new()
    }
    /// What else it touches. `input` satisfies the model.
    ///
    /// `Err` is answered as it is, and the decider is not asked: it is for what cannot be found out, and for what AWS looks at
    /// before it decides. What is not there is no error here: whoever may not do this at all is to be told that, and nothing of
    /// what there is.
    fn touches<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<Touched, Fault>> {
        let _ = (cx, input);
        std::future::ready(Ok(Touched::default())).boxed()
    }
    /// The record's `resources`.
    fn resources(&self, cx: &Cx, input: &Document) -> Vec<RecordResource> {
        let _ = (cx, input);
        Vec::new()
    }
    /// The service's own error for a constraint of the model that does not hold, where it has one.
    fn refuse(&self, violation: &Violation) -> Option<Fault> {
        let _ = violation;
        None
    }
    /// Runs it. `input` satisfies the model.
    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>>;
}

/// A service made of its model and a table of operations. An operation that is in the model and not in the table is
/// answered with an error that names it.
pub struct RpcService {
    pub(crate) model: Arc<ServiceModel>,
    pub(crate) operations: Vec<Box<dyn Operation>>,
    pub(crate) global: bool,
    /// Whether any of the operations proves its caller by what it carries.
    pub(crate) bears: bool,
    pub(crate) knows: fn(&Principal) -> bool,
}

impl RpcService {
    /// Panics if an operation is not in the model, or is twice in the table: a mistake of the program, found at start.
    pub fn new(model: Arc<ServiceModel>, operations: Vec<Box<dyn Operation>>) -> Self {
        for (i, operation) in operations.iter().enumerate() {
            let name = operation.facts().name;
            assert!(model.operation(name).is_some(), "{name} is not in the model of {}", model.signing_name);
            assert!(operations[..i].iter().all(|o| o.facts().name != name), "{name} is twice in the table");
        }
        let bears = operations.iter().any(|operation| operation.bearer().is_some());
        Self { model, operations, global: false, bears, knows: |_| true }
    }

    /// The same service, [global](crate::Service::global).
    #[must_use]
    pub fn into_global(self) -> Self {
        Self { global: true, ..self }
    }

    /// The same service, which [knows](crate::Service::knows) only those callers.
    #[must_use]
    pub fn known_to(self, knows: fn(&Principal) -> bool) -> Self {
        Self { knows, ..self }
    }

    /// The table.
    pub fn operations(&self) -> impl Iterator<Item = &'static Facts> {
        self.operations.iter().map(|o| o.facts())
    }
}
