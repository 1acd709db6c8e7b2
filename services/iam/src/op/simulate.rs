//! SimulatePrincipalPolicy and SimulateCustomPolicy: what would be decided, and by which statements; and the condition keys that
//! policies look at.

use std::sync::Arc;

use opentrail_event::{AccountId, Arn};
use opentrail_policy::{
    Attached, Caller, Case, Context, Explanation, Holder, Kind as PolicyKind, Layer, Outcome, Policy, Rights, Ruling,
    Source, explain,
};
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Fault};

use crate::entity::{self, Entity, Kind};
use crate::faults::{invalid_input, no_such, unavailable};
use crate::page::Page;
use crate::verb::{Answer, Draft};

/// Statements that one page of results names; a page with more ends early.
const STATEMENTS_MAX: usize = 10_000;
/// Bytes of the request's own policies that one page compares with, once for each result; a page ends early with more.
const COMPARED_BYTES_MAX: usize = 32 << 20;

fn texts<'i>(input: &'i Document, member: &str) -> Vec<&'i str> {
    let text = |item: &'i Document| match item {
        Document::Text(text) => Some(text.as_str()),
        _ => None,
    };
    input.list(member).iter().filter_map(text).collect()
}

fn compile(text: &str, kind: &PolicyKind) -> Result<Arc<Policy>, Fault> {
    Policy::parse(text.as_bytes(), kind).map(Arc::new).map_err(|error| invalid_input(error.message))
}

/// Policies of a request, under the names that answers give them.
fn given(input: &Document, member: &str) -> Result<Vec<Attached>, Fault> {
    let each = texts(input, member).into_iter().enumerate();
    each.map(|(i, text)| {
        let source = Source::Given(format!("{member}.{}", i + 1));
        Ok(Attached { source, policy: compile(text, &PolicyKind::Identity)? })
    })
    .collect()
}

/// The control policies of a request, a level for each of its lists.
fn organization(input: &Document) -> Result<Vec<Vec<Attached>>, Fault> {
    let levels = input.list("OrderedOrganizationPolicyInputList").iter();
    levels.map(|level| given(level, "ServiceControlPolicyInputList")).collect()
}

/// Takes away the policies that the request leaves out.
fn exclude(input: &Document, policies: &mut Vec<Attached>) {
    for item in input.list("PolicyExclusionList") {
        let inline = item.get("InlinePolicyIdentifier");
        policies.retain(|attached| match &attached.source {
            Source::Managed(arn) => item.text("PolicyArn") != Some(arn.as_str()),
            Source::Inline { of, name } => {
                let (kind, holder) = match of {
                    Holder::User(holder) => ("user", holder),
                    Holder::Group(holder) => ("group", holder),
                    Holder::Role(holder) => ("role", holder),
                };
                let is = |member, text: &str| inline.and_then(|inline| inline.text(member)) == Some(text);
                !(is("PolicyName", name) && is("AttachmentType", kind) && is("AttachmentName", holder))
            }
            _ => true,
        });
    }
}

/// The user, group or role that an ARN of this account names.
async fn source(d: &mut Draft<'_>, arn: &str) -> Result<Entity, Fault> {
    let found = [Kind::User, Kind::Group, Kind::Role]
        .into_iter()
        .find(|kind| arn.starts_with(&format!("arn:aws:iam::{}:{}/", d.account, kind.word())));
    let name = arn.rsplit('/').next().unwrap_or_default();
    let missing = || no_such(format!("The entity with ARN {arn} cannot be found."));
    let Some(kind) = found else {
        return Err(invalid_input(format!("Invalid Entity Arn: {arn} does not clearly define entity type and name.")));
    };
    let entity = Entity::find(d, kind, name).await?.ok_or_else(missing)?;
    if entity.arn(d.account).as_str() == arn { Ok(entity) } else { Err(missing()) }
}

async fn rights(d: &Draft<'_>, entity: &Entity) -> Result<Rights, Fault> {
    let (account, name, id) = (d.account, entity.name(), entity.id());
    let rights = match entity {
        Entity::User(_) => d.directory().user_rights(account, name, id).await,
        Entity::Group(_) => d.directory().group_rights(account, name).await,
        Entity::Role(_) => d.directory().role_rights(account, name, id).await,
    };
    rights.map_err(unavailable)
}

/// The caller that a simulation is about.
fn caller(account: AccountId, entity: &Entity) -> Caller {
    match entity {
        Entity::Role(role) => Caller::Role {
            account,
            role_arn: role.arn(account),
            role_id: role.unique_id.clone(),
            session_arn: Arn::given(&format!("arn:aws:sts::{account}:assumed-role/{}/simulation", role.name)),
            session_name: "simulation".into(),
        },
        other => Caller::User { account, arn: other.arn(account), unique_id: other.id().to_owned() },
    }
}

fn circumstances(input: &Document, caller: &Caller, name: Option<&str>) -> Context {
    let mut context = Context::new();
    if let Caller::User { account, arn, unique_id } = caller {
        context.set("aws:PrincipalArn", arn.as_str());
        context.set("aws:PrincipalAccount", account.as_str());
        context.set("aws:userid", unique_id.as_str());
        if let Some(name) = name {
            context.set("aws:username", name);
        }
    }
    if let Caller::Role { account, role_arn, .. } = caller {
        context.set("aws:PrincipalArn", role_arn.as_str());
        context.set("aws:PrincipalAccount", account.as_str());
    }
    let mut said = Context::new();
    for entry in input.list("ContextEntries") {
        let key = entry.text("ContextKeyName").unwrap_or_default();
        for value in texts(entry, "ContextKeyValues") {
            said.add(key, value);
        }
    }
    context.merge(said);
    context
}

pub(crate) async fn principal(d: &mut Draft<'_>, input: &Document) -> Answer {
    let entity = source(d, entity::name(input, "PolicySourceArn")).await?;
    let mut rights = rights(d, &entity).await?;
    rights.identity.extend(given(input, "PolicyInputList")?);
    let user = match &entity {
        Entity::User(user) => Some(user.name.clone()),
        _ => None,
    };
    let own = caller(d.account, &entity);
    let who = named_caller(d, input).await?;
    let (who, user) = who.unwrap_or((own, user));
    answer("SimulatePrincipalPolicy", input, rights, who, user.as_deref())
}

pub(crate) async fn custom(d: &mut Draft<'_>, cx: &Cx, input: &Document) -> Answer {
    let rights = Rights { identity: given(input, "PolicyInputList")?, ..Rights::default() };
    let nobody = Caller::User { account: d.account, arn: cx.principal.arn(), unique_id: cx.principal.unique_id() };
    let (who, user) = named_caller(d, input).await?.unwrap_or((nobody, None));
    answer("SimulateCustomPolicy", input, rights, who, user.as_deref())
}

/// `CallerArn`, where it is given: a user.
async fn named_caller(d: &mut Draft<'_>, input: &Document) -> Result<Option<(Caller, Option<String>)>, Fault> {
    let Some(arn) = input.text("CallerArn") else { return Ok(None) };
    match source(d, arn).await? {
        Entity::User(user) => {
            let name = user.name.clone();
            Ok(Some((caller(d.account, &Entity::User(user)), Some(name))))
        }
        _ => Err(invalid_input("CallerArn must be the ARN of an IAM user.")),
    }
}

fn answer(operation: &'static str, input: &Document, mut rights: Rights, caller: Caller, user: Option<&str>) -> Answer {
    let page = Page::read(operation, input)?;
    let mut boundaries = given(input, "PermissionsBoundaryPolicyInputList")?;
    if boundaries.len() > 1 {
        return Err(invalid_input("Only one permissions boundary can be given."));
    }
    // It takes the place of what there is.
    rights.boundary = boundaries.pop().or(rights.boundary);
    rights.service_control = organization(input)?;
    exclude(input, &mut rights.identity);
    let resource_policy = match input.text("ResourcePolicy") {
        Some(text) => Some(
            Policy::reload(text.as_bytes(), &PolicyKind::Bucket { bucket: String::new() })
                .map_err(|error| invalid_input(error.message))?,
        ),
        None => None,
    };
    let owner = match input.text("ResourceOwner") {
        Some(owner) => {
            let id = owner.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root")).unwrap_or(owner);
            let bad = || invalid_input(format!("Invalid ResourceOwner: {owner}"));
            Some(id.parse::<AccountId>().map_err(|_| bad())?)
        }
        None => None,
    };
    let context = circumstances(input, &caller, user);
    let actions = texts(input, "ActionNames");
    if let Some(bad) = actions.iter().find(|action| !is_action(action)) {
        return Err(invalid_input(format!("Invalid Action: {bad}")));
    }
    let mut resources = texts(input, "ResourceArns");
    if resources.is_empty() {
        resources.push("*");
    }
    // Every action with every resource, counted: together they can be more than there is memory for.
    let total = actions.len().saturating_mul(resources.len());
    let places = page.places(total);
    let results_max = (COMPARED_BYTES_MAX / bytes_of_policies(input).max(1)).max(1);
    let (mut end, mut told, mut results) = (places.start, 0, Vec::new());
    for place in places.take(results_max) {
        if told >= STATEMENTS_MAX {
            break;
        }
        let (action, resource) = (actions[place / resources.len()], resources[place % resources.len()]);
        let arns: Vec<Arn> = if resource == "*" { Vec::new() } else { vec![Arn::given(resource)] };
        let case = Case {
            resources: &arns,
            resource_account: owner,
            resource_policy: resource_policy.as_ref(),
            ..Case::new(&caller, &rights, action, &context)
        };
        let explained = explain(&case);
        let Some(explanation) = explained.first() else { continue };
        told += explanation.steps.iter().flat_map(|step| &step.opinions).map(|one| one.matched.len()).sum::<usize>();
        results.push(result(action, resource, explanation, &rights));
        end = place + 1;
    }
    Ok(page.rest_of_places(end, total).onto(Document::structure().with("EvaluationResults", results)))
}

/// Of the policies that came with the request.
fn bytes_of_policies(input: &Document) -> usize {
    let lists =
        ["PolicyInputList", "PermissionsBoundaryPolicyInputList"].into_iter().flat_map(|list| texts(input, list));
    let levels = input.list("OrderedOrganizationPolicyInputList").iter();
    let levels = levels.flat_map(|level| texts(level, "ServiceControlPolicyInputList"));
    lists.chain(levels).chain(input.text("ResourcePolicy")).map(str::len).sum()
}

/// `service:Name`, without wildcards.
fn is_action(action: &str) -> bool {
    let legal = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    action.split_once(':').is_some_and(|(service, name)| legal(service) && legal(name))
}

fn result(action: &str, resource: &str, explanation: &Explanation<'_>, rights: &Rights) -> Document {
    let decision = match explanation.ruling {
        Ruling::Allow { .. } => "allowed",
        Ruling::Deny { by: Some(_), .. } => "explicitDeny",
        Ruling::Deny { .. } => "implicitDeny",
    };
    let missing: Vec<Document> = explanation.missing().into_iter().map(Document::from).collect();
    let statements = matched(explanation);
    let boundary = rights.boundary.as_ref().map(|_| {
        let step = explanation.steps.iter().find(|step| step.layer == Layer::Boundary);
        let allowed = step.is_some_and(|step| step.outcome == Outcome::Allows);
        Document::structure().with("AllowedByPermissionsBoundary", allowed)
    });
    let mut levels = explanation.steps.iter().filter(|step| step.layer == Layer::ServiceControl);
    let by_organization = levels.all(|step| step.outcome == Outcome::Allows);
    let specific = Document::structure()
        .with("EvalResourceName", resource)
        .with("EvalResourceDecision", decision)
        .with("MatchedStatements", statements.clone())
        .with("MissingContextValues", missing.clone());
    Document::structure()
        .with("EvalActionName", action)
        .with("EvalResourceName", resource)
        .with("EvalDecision", decision)
        .with("MatchedStatements", statements)
        .with("MissingContextValues", missing)
        .with("OrganizationsDecisionDetail", Document::structure().with("AllowedByOrganizations", by_organization))
        .with("PermissionsBoundaryDecisionDetail", boundary)
        .with("EvalDecisionDetails", Document::structure())
        .with("ResourceSpecificResults", vec![specific])
}

/// The statements that are about the request, with their places in the text.
fn matched(explanation: &Explanation<'_>) -> Vec<Document> {
    let opinions = explanation.steps.iter().flat_map(|step| &step.opinions);
    let place = |at: opentrail_policy::Position| {
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        Document::structure().with("Line", number(at.line)).with("Column", number(at.column))
    };
    opinions
        .flat_map(|opinion| {
            opinion.matched.iter().map(move |matched| {
                let kind = if *opinion.source == Source::Resource { "Resource Policy" } else { "IAM Policy" };
                Document::structure()
                    .with("SourcePolicyId", source_id(opinion.source))
                    .with("SourcePolicyType", kind)
                    .with("StartPosition", place(matched.span.start))
                    .with("EndPosition", place(matched.span.end))
            })
        })
        .collect()
}

/// `user_ann_reading` of an inline policy; the name of a managed one.
fn source_id(source: &Source) -> String {
    match source {
        Source::Managed(arn) => arn.as_str().rsplit('/').next().unwrap_or_default().to_owned(),
        Source::Inline { of: Holder::User(holder), name } => format!("user_{holder}_{name}"),
        Source::Inline { of: Holder::Group(holder), name } => format!("group_{holder}_{name}"),
        Source::Inline { of: Holder::Role(holder), name } => format!("role_{holder}_{name}"),
        Source::Given(name) => name.clone(),
        Source::Session => "SessionPolicy".into(),
        Source::Resource => "ResourcePolicy".into(),
    }
}

fn keys<'p>(policies: impl Iterator<Item = &'p Arc<Policy>>) -> Document {
    let mut names: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for key in policies.flat_map(|policy| policy.context_keys()) {
        if seen.insert(key.to_ascii_lowercase()) {
            names.push(key);
        }
    }
    Document::structure().with("ContextKeyNames", names.into_iter().map(Document::Text).collect::<Vec<_>>())
}

pub(crate) fn custom_keys(input: &Document) -> Answer {
    Ok(keys(given(input, "PolicyInputList")?.iter().map(|attached| &attached.policy)))
}

pub(crate) async fn principal_keys(d: &mut Draft<'_>, input: &Document) -> Answer {
    let entity = source(d, entity::name(input, "PolicySourceArn")).await?;
    let mut rights = rights(d, &entity).await?;
    rights.identity.extend(given(input, "PolicyInputList")?);
    Ok(keys(rights.identity.iter().map(|attached| &attached.policy)))
}
