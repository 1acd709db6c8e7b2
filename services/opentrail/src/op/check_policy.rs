//! CheckPolicy: whether somebody may do something, decided as the door decides it, with every step to it.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{AccountId, Arn, Category};
use opentrail_policy::{Decision, Principal, PrincipalKind, Question, ResourceKind, Session};
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Facts, Fault, Operation, RpcAnswer};

use super::fault;
use crate::{Desk, Known};

pub(crate) struct CheckPolicy(pub(crate) Arc<Desk>);

const FACTS: Facts = Facts {
    name: "CheckPolicy",
    action: "opentrail:CheckPolicy",
    read_only: true,
    category: Category::Management,
    mints_credentials: false,
    open: false,
    errors: &["AccessDeniedException", "InvalidInputException", "NoSuchEntityException", "ServiceUnavailableException"],
};

/// The session that is taken to be asking, where only its role is named.
const SESSION: &str = "check";

impl Operation for CheckPolicy {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, cx: &Cx, input: &Document) -> Vec<Arn> {
        let named = Named::read(input.text("Principal").unwrap_or_default());
        let account = named.map_or(cx.account(), |named| named.account);
        vec![Arn::regional("opentrail", &cx.region, account, "account")]
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        self.check(cx, input).boxed()
    }
}

/// Somebody as an ARN names them.
struct Named<'a> {
    account: AccountId,
    /// `root`, `user/NAME`, `role/PATH/NAME`, `assumed-role/ROLE/SESSION`
    resource: &'a str,
}

impl<'a> Named<'a> {
    fn read(arn: &'a str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", "aws", "iam" | "sts", "", account, resource] = parts.as_slice() else { return None };
        Some(Self { account: account.parse().ok()?, resource })
    }
}

impl CheckPolicy {
    async fn check(&self, cx: &Cx, input: &Document) -> Result<RpcAnswer, Fault> {
        let principal = self.principal(cx, input.text("Principal").unwrap_or_default()).await?;
        let action = input.text("Action").unwrap_or_default();
        let resource = input.text("Resource").filter(|resource| *resource != "*");
        if let Some(why) = no_question(action, resource) {
            return Err(Fault::client("InvalidInputException", why));
        }
        let known = match resource {
            Some(resource) => self.0.policies.of(resource).await.map_err(unavailable)?,
            None => Known::default(),
        };
        let owner = known.owner.filter(|owner| *owner != principal.account);
        // What another account wrote is not for this one to read.
        let readable = cx.principal.is_operator() || known.owner.is_none_or(|owner| owner == cx.account());
        let resources: Vec<Arn> = resource.map(Arn::given).into_iter().collect();
        let mut context = Cx { principal: Arc::new(principal.clone()), ..cx.clone() }.context();
        context.set("aws:ResourceAccount", owner.unwrap_or(principal.account).as_str());
        for entry in input.list("Context") {
            let key = entry.text("Key").unwrap_or_default();
            for (i, value) in entry.list("Values").iter().enumerate() {
                match value {
                    // In place of what the call itself has.
                    Document::Text(value) if i == 0 => context.set(key, value.as_str()),
                    Document::Text(value) => context.add(key, value.as_str()),
                    _ => {}
                }
            }
        }
        let is_assumed = action.eq_ignore_ascii_case("sts:AssumeRole");
        let question = Question {
            principal: &principal,
            action,
            resources: &resources,
            resource_account: owner,
            policy: known.policy.as_deref().filter(|_| readable),
            // A role's trust policy speaks of who may become it, and of nothing else that is done to it.
            kind: if is_assumed { ResourceKind::Trust } else { ResourceKind::Ordinary },
            context: &context,
        };
        let explained = self.0.authority.explain(question).await;
        let (decision, mut explained) = explained.map_err(|error| unavailable(error.to_string()))?;
        let reason = match &decision {
            Decision::Allow => None,
            Decision::Deny { because, .. } => Some(because.clone()),
            Decision::Unavailable { why } => return Err(unavailable(why.clone())),
        };
        let (steps, missing) = explained.pop().map_or_else(Default::default, |one| (one.steps, one.missing));
        let steps = steps.into_iter().map(|step| {
            let says =
                |(source, says): (String, String)| Document::structure().with("Source", source).with("Says", says);
            Document::structure()
                .with("Layer", step.layer)
                .with("Outcome", step.outcome)
                .with("Policies", step.policies.into_iter().map(says).collect::<Vec<_>>())
        });
        let output = Document::structure()
            .with("Principal", principal.arn().as_str())
            .with("Allowed", decision == Decision::Allow)
            .with("Reason", reason)
            .with("Steps", steps.collect::<Vec<_>>())
            .with("MissingContextKeys", missing.into_iter().map(Document::from).collect::<Vec<_>>());
        Ok(output.into())
    }

    /// Whom an ARN names, as if they were calling now.
    async fn principal(&self, cx: &Cx, arn: &str) -> Result<Principal, Fault> {
        let unreadable = || {
            let message = format!("'{arn}' is not the ARN of a user, a role, a role's session or a root");
            Fault::client("InvalidInputException", message)
        };
        let named = Named::read(arn).ok_or_else(unreadable)?;
        let (account, directory) = (named.account, &self.0.directory);
        let missing = || Fault::client("NoSuchEntityException", format!("{arn} does not exist"));
        let role = async |name: &str, session_name: &str| {
            let role = directory.role(account, name).await.map_err(fault)?.ok_or_else(missing)?;
            let (name, path, unique_id) = (role.name, role.path, role.unique_id);
            Ok::<_, Fault>(PrincipalKind::Role { name, path, unique_id, session_name: session_name.to_owned() })
        };
        let last = named.resource.rsplit('/').next().unwrap_or_default();
        let kind = match named.resource.split('/').collect::<Vec<_>>().as_slice() {
            ["root"] if directory.account(account).await.map_err(fault)?.is_some() => PrincipalKind::Root,
            ["root"] => return Err(missing()),
            ["user", "operator"] if account == AccountId::OPERATOR => PrincipalKind::Operator,
            ["user", ..] => {
                let user = directory.user(account, last).await.map_err(fault)?.ok_or_else(missing)?;
                PrincipalKind::User { name: user.name, path: user.path, unique_id: user.unique_id }
            }
            ["role", ..] => role(last, SESSION).await?,
            ["assumed-role", name, session] => role(name, session).await?,
            _ => return Err(unreadable()),
        };
        let issued_s = cx.received_at.as_second();
        let session = matches!(kind, PrincipalKind::Role { .. })
            .then(|| Arc::new(Session { issued_s, expires_s: issued_s + 3_600, ..Session::default() }));
        let principal = Principal { kind, account, access_key_id: String::new(), session };
        let is_them = principal.arn().as_str() == arn || principal.entity_arn().as_str() == arn;
        if is_them { Ok(principal) } else { Err(missing()) }
    }
}

/// Why nothing can be decided about it: an answer would be right, and about something else than was meant.
fn no_question(action: &str, resource: Option<&str>) -> Option<String> {
    if action.contains(['*', '?']) {
        return Some(format!("'{action}' is a pattern: name one action, such as s3:GetObject"));
    }
    let is_arn = |text: &str| text.starts_with("arn:") && text.splitn(6, ':').count() == 6;
    let stray = resource.filter(|resource| !is_arn(resource))?;
    let example = "arn:aws:s3:::bucket/key";
    Some(format!(
        "'{stray}' is no ARN, such as {example}: leave it out where the action is about nothing in particular"
    ))
}

fn unavailable(why: String) -> Fault {
    Fault::new("ServiceUnavailableException", 503, why)
}
