//! AssumeRole: a session of a role, for whoever its trust policy and the caller's own policies let.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use opentrail_event::{Arn, Category};
use opentrail_policy::{Context, Kind, Policy, Principal, PrincipalKind, ResourceKind, Session, rows};
use opentrail_protocol::Document;
use opentrail_wire::{Cx, Facts, Fault, Need, Operation, RpcAnswer, Touched};

use super::ask::{RoleName, Tags, has_policies, tag_session};
use super::issue::details;
use super::{Desk, denied_outright, invalid, unavailable};

/// Without a wish, and the most that a session made from a session lasts.
const HOUR_S: i64 = 3_600;

pub(crate) struct AssumeRole(pub(super) Arc<Desk>);

const FACTS: Facts = Facts {
    name: "AssumeRole",
    action: "sts:AssumeRole",
    read_only: true,
    category: Category::Management,
    mints_credentials: true,
    open: false,
    errors: &[
        "AccessDenied",
        "InvalidParameterValue",
        "MalformedPolicyDocument",
        "PackedPolicyTooLarge",
        "ValidationError",
    ],
};

impl Operation for AssumeRole {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn arns(&self, _cx: &Cx, input: &Document) -> Vec<Arn> {
        let role = RoleName::read(input.text("RoleArn").unwrap_or_default());
        role.ok().flatten().map(|role| role.arn()).into_iter().collect()
    }

    fn touches<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<Touched, Fault>> {
        self.look(cx, input).boxed()
    }

    fn run<'a>(&'a self, cx: &'a Cx, input: &'a Document) -> BoxFuture<'a, Result<RpcAnswer, Fault>> {
        self.assume(cx, input).boxed()
    }
}

impl AssumeRole {
    async fn look(&self, cx: &Cx, input: &Document) -> Result<Touched, Fault> {
        let given = input.text("RoleArn").unwrap_or_default();
        let name = RoleName::read(given)?;
        if cx.principal.kind == PrincipalKind::Root {
            return Err(denied_outright("Roles may not be assumed by root accounts."));
        }
        if let PrincipalKind::Federated { .. } = cx.principal.kind {
            return Err(not_allowed(cx, given));
        }
        let shows = self.0.second_factor(&cx.principal, input).await?;
        let calling = cx.principal.session.as_deref();
        let tags = Tags::read(input, calling)?;
        let mut touched = Touched { shown: Some(given.to_owned()), kind: ResourceKind::Trust, ..Touched::default() };
        let Some(name) = name else { return Ok(touched) };
        touched.owner = Some(name.account).filter(|owner| *owner != cx.account());
        let Some(role) = self.0.role(&name).await? else { return Ok(touched) };
        let trust =
            Policy::reload(role.trust.as_bytes(), &Kind::Trust).map_err(|e| unavailable("read trust policy", &e))?;
        touched.policy = Some(Arc::new(trust.bind(&role.trusted)));
        touched.context = circumstances(cx, input, &role);
        if shows {
            touched.context.set("aws:MultiFactorAuthPresent", "true");
            touched.context.set("aws:MultiFactorAuthAge", "0");
        }
        touched.also.extend(tag_session(&tags, &[name.arn()]));
        tags.into_context(&mut touched.context);
        if source_identity(cx, input)?.is_some() {
            touched.also.push(Need::new("sts:SetSourceIdentity", vec![name.arn()]));
        }
        for need in &mut touched.also {
            need.owner = touched.owner;
            need.policy = touched.policy.clone();
            need.kind = ResourceKind::Trust;
        }
        Ok(touched)
    }

    async fn assume(&self, cx: &Cx, input: &Document) -> Result<RpcAnswer, Fault> {
        let given = input.text("RoleArn").unwrap_or_default();
        let name = RoleName::read(given)?;
        let role = match &name {
            Some(name) => self.0.role(name).await?,
            None => None,
        };
        // Deleted since it was decided.
        let Some((name, role)) = name.zip(role) else {
            return Err(not_allowed(cx, given));
        };
        let calling = cx.principal.session.as_deref();
        let lasts_s = lifetime(input.int("DurationSeconds"), role.max_session_s, calling.is_some())?;
        let tags = Tags::read(input, calling)?;
        let mut session = self.0.begin(lasts_s);
        session.source_identity = source_identity(cx, input)?;
        session.mfa_s = match input.text("TokenCode") {
            // Taken before the decision.
            Some(_) => Some(session.issued_s),
            None => second_factor_of(&cx.principal),
        };
        let packs = tags.are_passed() || has_policies(input);
        tags.into_session(&mut session);
        let percent = self.0.narrow(input, name.account, &mut session).await?;
        let session_name = input.text("RoleSessionName").unwrap_or_default().to_owned();
        let kind = PrincipalKind::Role {
            name: role.name.clone(),
            path: role.path.clone(),
            unique_id: role.unique_id.clone(),
            session_name: session_name.clone(),
        };
        let user = Document::structure()
            .with("AssumedRoleId", format!("{}:{session_name}", role.unique_id))
            .with("Arn", Arn::assumed_role(name.account, &role.name, &session_name).as_str());
        let source_identity = session.source_identity.clone();
        let output = Document::structure()
            .with("Credentials", self.0.issue(kind, name.account, session)?)
            .with("AssumedRoleUser", user)
            .with("PackedPolicySize", packs.then_some(percent as i64))
            .with("SourceIdentity", source_identity);
        let additional_event_data = Some(details(cx));
        Ok(RpcAnswer { resources: Some(vec![name.resource()]), additional_event_data, ..RpcAnswer::from(output) })
    }
}

/// As a denial of the decider reads.
fn not_allowed(cx: &Cx, role: &str) -> Fault {
    denied_outright(format!(
        "User: {} is not authorized to perform: sts:AssumeRole on resource: {role}",
        cx.principal.arn()
    ))
}

impl Desk {
    /// A role by its whole ARN: with another path it is another role, and there is none.
    pub(super) async fn role(&self, name: &RoleName) -> Result<Option<rows::RoleRow>, Fault> {
        let role = self.directory.role(name.account, &name.name).await.map_err(|e| unavailable("read role", &e))?;
        Ok(role.filter(|role| role.arn(name.account) == name.arn()))
    }
}

/// The keys that policies of both sides may ask for, save those of tags of the session.
fn circumstances(cx: &Cx, input: &Document, role: &rows::RoleRow) -> Context {
    let mut context = Context::new();
    let texts = [
        ("sts:ExternalId", "ExternalId"),
        ("sts:RoleSessionName", "RoleSessionName"),
        ("sts:SourceIdentity", "SourceIdentity"),
    ];
    for (key, member) in texts {
        if let Some(text) = input.text(member) {
            context.set(key, text);
        }
    }
    if let Some(seconds) = input.int("DurationSeconds") {
        context.set("sts:DurationSeconds", seconds.to_string());
    }
    // Further down a chain the second factor is another's: neither that it was shown nor when.
    if cx.principal.session.is_some() && second_factor_of(&cx.principal).is_none() {
        context.set("aws:MultiFactorAuthPresent", "false");
        context.unset("aws:MultiFactorAuthAge");
    }
    role_tags(&mut context, role);
    context
}

/// The tags of the role that is assumed.
pub(super) fn role_tags(context: &mut Context, role: &rows::RoleRow) {
    for tag in &role.tags {
        context.set(&format!("aws:ResourceTag/{}", tag.key), tag.value.as_str());
        context.set(&format!("iam:ResourceTag/{}", tag.key), tag.value.as_str());
    }
}

/// When the caller showed a second factor of its own: what a role's session was given does not go further.
fn second_factor_of(caller: &Principal) -> Option<i64> {
    let session = caller.session.as_deref().filter(|_| matches!(caller.kind, PrincipalKind::User { .. }))?;
    session.mfa_s
}

/// Who stands behind the session: once said, it stays.
fn source_identity(cx: &Cx, input: &Document) -> Result<Option<String>, Fault> {
    let inherited = cx.principal.session.as_deref().and_then(|session: &Session| session.source_identity.as_deref());
    match (input.text("SourceIdentity"), inherited) {
        (Some(given), _) if given.to_ascii_lowercase().starts_with("aws:") => Err(invalid(format!(
            "1 validation error detected: Value '{given}' at 'sourceIdentity' failed to satisfy constraint: Member must not \
             begin with aws:"
        ))),
        (Some(given), Some(inherited)) if given != inherited => {
            Err(denied_outright("The source identity of the calling session cannot be changed."))
        }
        (given, inherited) => Ok(given.or(inherited).map(str::to_owned)),
    }
}

/// How long it lasts, in seconds.
pub(super) fn lifetime(asked_s: Option<i64>, role_max_s: i64, is_chained: bool) -> Result<i64, Fault> {
    let lasts_s = asked_s.unwrap_or(HOUR_S);
    if is_chained && lasts_s > HOUR_S {
        return Err(invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    if lasts_s > role_max_s {
        return Err(invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."));
    }
    Ok(lasts_s)
}
