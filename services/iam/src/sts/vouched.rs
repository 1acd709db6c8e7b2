//! Sessions of roles for those for whom an identity provider speaks: what a token and an assertion have in common once they are
//! proven.

use std::sync::Arc;

use opentrail_event::{Arn, RawJson};
use opentrail_policy::{Kind, Policy, PrincipalKind, ResourceKind, Vouched, WebFederation};
use opentrail_protocol::Document;
use opentrail_wire::{Fault, Need, Touched};

use super::ask::{RoleName, Tags, has_policies, tag_session};
use super::assume_role::{lifetime, role_tags};
use super::{Desk, denied, invalid, unavailable};

/// A token or an assertion proves nobody.
pub(super) fn unproven(message: impl Into<String>) -> Fault {
    Fault::client("InvalidIdentityToken", message)
}

/// The role that is asked for.
pub(super) fn role_name(input: &Document) -> Result<RoleName, Fault> {
    let name = RoleName::read(input.text("RoleArn").unwrap_or_default())?;
    name.ok_or_else(|| invalid("Request ARN is invalid"))
}

/// Checks what a provider asks for, before anybody is told that its token is right.
pub(super) fn check(vouched: &Vouched) -> Result<(), Fault> {
    let fits = |text: &str| {
        (2..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
            && !text.to_ascii_lowercase().starts_with("aws:")
    };
    if !vouched.source_identity.as_deref().is_none_or(fits) {
        return Err(unproven("Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with \"aws:\""));
    }
    Tags::vouched(vouched).map(drop).map_err(unproven)
}

/// A session, asked for by whoever an identity provider vouches for.
pub(super) struct Wish<'a> {
    pub(super) vouched: &'a Vouched,
    /// The action that a denial names: `sts:AssumeRoleWithWebIdentity`.
    pub(super) action: &'static str,
    pub(super) session_name: &'a str,
    /// Seconds that the caller asks for.
    pub(super) lasts_s: Option<i64>,
    /// Seconds that the provider lets it last at most.
    pub(super) lasts_s_max: Option<i64>,
    /// What later calls of the session know of it.
    pub(super) federation: WebFederation,
}

impl Wish<'_> {
    /// What the decider has to know.
    pub(super) async fn look(&self, desk: &Desk, input: &Document) -> Result<Touched, Fault> {
        let name = role_name(input)?;
        let tags = Tags::vouched(self.vouched).map_err(unproven)?;
        let shown = Some(name.arn().to_string());
        let mut touched = Touched { shown, kind: ResourceKind::Trust, ..Touched::default() };
        touched.parameters = recorded(self.vouched);
        let context = &mut touched.context;
        context.set("sts:RoleSessionName", self.session_name);
        if let Some(seconds) = input.int("DurationSeconds") {
            context.set("sts:DurationSeconds", seconds.to_string());
        }
        if let Some(source) = &self.vouched.source_identity {
            context.set("sts:SourceIdentity", source.as_str());
            touched.also.push(Need::new("sts:SetSourceIdentity", vec![name.arn()]));
        }
        touched.also.extend(tag_session(&tags, &[name.arn()]));
        tags.into_context(context);
        // Of a role that is not there nothing is told: nobody may assume it.
        let Some(role) = desk.role(&name).await? else { return Ok(touched) };
        role_tags(&mut touched.context, &role);
        let trust =
            Policy::reload(role.trust.as_bytes(), &Kind::Trust).map_err(|e| unavailable("read trust policy", &e))?;
        let trust = Arc::new(trust.bind(&role.trusted));
        for need in &mut touched.also {
            need.policy = Some(trust.clone());
            need.kind = ResourceKind::Trust;
        }
        touched.policy = Some(trust);
        Ok(touched)
    }

    /// Makes the session. What is common to both answers: `Credentials`, `AssumedRoleUser`, `PackedPolicySize`, `SourceIdentity`.
    pub(super) async fn grant(self, desk: &Desk, input: &Document) -> Result<Granted, Fault> {
        let name = role_name(input)?;
        // Deleted since it was decided.
        let Some(role) = desk.role(&name).await? else {
            return Err(denied(format!("Not authorized to perform {}", self.action)));
        };
        let lasts_s = lifetime(self.lasts_s, role.max_session_s, false)?;
        let mut session = desk.begin(self.lasts_s_max.map_or(lasts_s, |most_s| lasts_s.min(most_s)));
        let tags = Tags::vouched(self.vouched).map_err(unproven)?;
        let packs = tags.are_passed() || has_policies(input);
        tags.into_session(&mut session);
        session.source_identity = self.vouched.source_identity.clone();
        session.web = Some(self.federation);
        let percent = desk.narrow(input, name.account, &mut session).await?;
        let user = Document::structure()
            .with("AssumedRoleId", format!("{}:{}", role.unique_id, self.session_name))
            .with("Arn", Arn::assumed_role(name.account, &role.name, self.session_name).as_str());
        let source_identity = session.source_identity.clone();
        let kind = PrincipalKind::Role {
            name: role.name,
            path: role.path,
            unique_id: role.unique_id,
            session_name: self.session_name.to_owned(),
        };
        Ok(Granted {
            credentials: desk.issue(kind, name.account, session)?,
            user,
            percent: packs.then_some(percent as i64),
            source_identity,
        })
    }
}

/// A session that was made.
pub(super) struct Granted {
    pub(super) credentials: Document,
    pub(super) user: Document,
    /// Of the place for policies and tags, in per cent; `None` where none were passed.
    pub(super) percent: Option<i64>,
    pub(super) source_identity: Option<String>,
}

/// What the token asks for, as records show it among the request's parameters.
fn recorded(vouched: &Vouched) -> Vec<(&'static str, RawJson)> {
    let text = |out: &mut Vec<u8>, text: &str| opentrail_event::write_text(out, text);
    let mut all = Vec::new();
    if let Some(source) = &vouched.source_identity {
        let mut out = Vec::new();
        text(&mut out, source);
        all.push(("sourceIdentity", RawJson::from_written(out)));
    }
    if !vouched.tags.is_empty() {
        let mut out = Vec::new();
        for (key, value) in &vouched.tags {
            out.push(if out.is_empty() { b'{' } else { b',' });
            text(&mut out, key);
            out.push(b':');
            text(&mut out, value);
        }
        out.push(b'}');
        all.push(("principalTags", RawJson::from_written(out)));
    }
    if !vouched.transitive.is_empty() {
        let mut out = Vec::new();
        for key in &vouched.transitive {
            out.push(if out.is_empty() { b'[' } else { b',' });
            text(&mut out, key);
        }
        out.push(b']');
        all.push(("transitiveTagKeys", RawJson::from_written(out)));
    }
    all
}

/// The attributes of a session: what conditions of later calls can name.
pub(super) fn attributes(keys: Vec<(String, Vec<String>)>) -> Vec<(String, String)> {
    keys.into_iter().flat_map(|(key, values)| values.into_iter().map(move |value| (key.clone(), value))).collect()
}

/// Those of the context that a session keeps of whoever assumed the role: `HOST:sub` and the like.
pub(super) fn kept(keys: Vec<(String, Vec<String>)>, names: &[&str]) -> Vec<(String, Vec<String>)> {
    let is_kept = |key: &str| names.iter().any(|name| key.rsplit_once(':').is_some_and(|(_, own)| own == *name));
    keys.into_iter().filter(|(key, _)| is_kept(key)).collect()
}
