//! Scenes for the tables: a caller, everything that has a say, and the ruling in a word.

mod explained;
mod properties;
mod rules;
mod vectors;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use opentrail_event::{AccountId, Arn};

use super::*;
use crate::{Caller, Context, Kind, Named, Policy};

const A: &str = "111111111111";
const B: &str = "222222222222";

fn account(id: &str) -> AccountId {
    id.parse().expect("an account")
}

fn arn(text: &str) -> Arn {
    serde_json::from_value(text.into()).expect("a name")
}

fn root(id: &str) -> Caller {
    Caller::Root { account: account(id) }
}

fn user(id: &str, name: &str) -> Caller {
    Caller::User {
        account: account(id),
        arn: Arn::user(account(id), "/", name),
        unique_id: format!("AIDA{}", name.to_uppercase()),
    }
}

/// A session `x` of the role at `path`, which ends with its name.
fn role(id: &str, path: &str) -> Caller {
    let name = path.rsplit('/').next().expect("a name");
    Caller::Role {
        account: account(id),
        role_arn: arn(&format!("arn:aws:iam::{id}:role/{path}")),
        role_id: format!("AROA{}", name.to_uppercase()),
        session_arn: arn(&format!("arn:aws:sts::{id}:assumed-role/{name}/x")),
        session_name: "x".into(),
    }
}

/// A session `f` that the user `maker` has made, or else the root.
fn federated(id: &str, maker: Option<&str>) -> Caller {
    Caller::Federated {
        account: account(id),
        arn: arn(&format!("arn:aws:sts::{id}:federated-user/f")),
        user_id: maker.map(|name| format!("AIDA{}", name.to_uppercase())),
    }
}

fn service(name: &str) -> Caller {
    Caller::Service { name: name.into() }
}

/// A statement: its effect, an action, a resource, and what follows.
fn says(effect: &str, action: &str, resource: &str, more: &str) -> String {
    format!(r#"{{"Effect":"{effect}","Action":"{action}","Resource":"{resource}"{more}}}"#)
}

fn allow(action: &str, resource: &str) -> String {
    says("Allow", action, resource, "")
}

fn deny(action: &str, resource: &str) -> String {
    says("Deny", action, resource, "")
}

/// With a condition.
fn allow_if(condition: &str) -> String {
    says("Allow", "*", "*", &format!(r#","Condition":{{{condition}}}"#))
}

fn deny_if(condition: &str) -> String {
    says("Deny", "*", "*", &format!(r#","Condition":{{{condition}}}"#))
}

/// Of a resource's policy: `"*"`, or `{"AWS":"…"}`.
fn grants(principal: &str, action: &str) -> String {
    says("Allow", action, "*", &format!(r#","Principal":{principal}"#))
}

fn forbids(principal: &str, action: &str) -> String {
    says("Deny", action, "*", &format!(r#","Principal":{principal}"#))
}

fn trusts(principal: &str) -> String {
    format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}"#)
}

fn read(version: &str, statements: &[String], kind: &Kind) -> Policy {
    let text = format!(r#"{{{version}"Statement":[{}]}}"#, statements.join(","));
    let policy = Policy::reload(text.as_bytes(), kind).unwrap_or_else(|e| panic!("{text}: {e} ({})", e.detail));
    let bound = policy.named().into_iter().filter_map(|named| match &named {
        Named::User { name, .. } => Some((named.text(), format!("AIDA{}", name.to_uppercase()))),
        Named::Role { name, .. } => Some((named.text(), format!("AROA{}", name.to_uppercase()))),
        _ => None,
    });
    let bindings: BTreeMap<String, String> = bound.collect();
    policy.bind(&bindings)
}

const NEWEST: &str = r#""Version":"2012-10-17","#;

fn attached(source: Source, statements: &[String]) -> Attached {
    Attached { source, policy: Arc::new(read(NEWEST, statements, &Kind::Identity)) }
}

fn managed(name: &str) -> Source {
    Source::Managed(arn(&format!("arn:aws:iam::{A}:policy/{name}")))
}

/// Who asks, and everything that has a say.
#[derive(Debug, Clone)]
struct Scene {
    caller: Caller,
    rights: Rights,
    session: Option<Vec<Attached>>,
    resource: Option<Policy>,
    kind: ResourceKind,
    owner: Option<AccountId>,
    resource_control: Vec<Vec<Attached>>,
    context: Context,
}

impl Scene {
    fn of(caller: Caller) -> Self {
        Self {
            caller,
            rights: Rights::default(),
            session: None,
            resource: None,
            kind: ResourceKind::Ordinary,
            owner: Some(account(A)),
            resource_control: Vec::new(),
            context: Context::new(),
        }
    }

    /// With an identity policy.
    fn identity(mut self, statement: String) -> Self {
        self.rights.identity.push(attached(managed("i"), &[statement]));
        self
    }

    fn boundary(mut self, statement: String) -> Self {
        self.rights.boundary = Some(attached(managed("b"), &[statement]));
        self
    }

    /// With one more session policy.
    fn session(mut self, statement: String) -> Self {
        self.session.get_or_insert_default().push(attached(Source::Session, &[statement]));
        self
    }

    /// With a further level of service control policies.
    fn service_control(mut self, statements: &[String]) -> Self {
        self.rights.service_control.push(vec![attached(managed("scp"), statements)]);
        self
    }

    fn resource_control(mut self, statements: &[String]) -> Self {
        self.resource_control.push(vec![attached(managed("rcp"), statements)]);
        self
    }

    /// With the policy of what is touched.
    fn resource(mut self, statement: String) -> Self {
        self.resource = Some(read(NEWEST, &[statement], &Kind::Bucket { bucket: "b".into() }));
        self
    }

    /// About a role with this trust policy.
    fn trust(mut self, statement: String) -> Self {
        self.resource = Some(read(NEWEST, &[statement], &Kind::Trust));
        self.kind = ResourceKind::Trust;
        self
    }

    /// About a key with the resource policy.
    fn key(mut self) -> Self {
        self.kind = ResourceKind::Key;
        self
    }

    fn owner(mut self, id: &str) -> Self {
        self.owner = Some(account(id));
        self
    }

    fn with(mut self, key: &str, value: &str) -> Self {
        self.context.add(key, value);
        self
    }

    fn case<'a>(&'a self, action: &'a str, resources: &'a [Arn]) -> Case<'a> {
        Case {
            session: self.session.as_deref(),
            resources,
            resource_account: self.owner,
            resource_policy: self.resource.as_ref(),
            resource_kind: self.kind,
            resource_control: &self.resource_control,
            ..Case::new(&self.caller, &self.rights, action, &self.context)
        }
    }

    /// `allow Identity`, `deny Boundary`, or `DENY Resource` where a statement denies. The explanation must agree.
    fn ask(&self, action: &str, resource: &str) -> String {
        let resources = if resource == "*" { vec![] } else { vec![arn(resource)] };
        let case = self.case(action, &resources);
        let ruling = judge(&case);
        let explained = explain(&case);
        assert_eq!(explained.len(), 1);
        assert_eq!(explained[0].ruling, ruling, "{action} {resource}");
        word_of(&ruling)
    }

    fn get(&self) -> String {
        self.ask("s3:GetObject", "arn:aws:s3:::b/k")
    }

    fn assume(&self) -> String {
        self.ask("sts:AssumeRole", &format!("arn:aws:iam::{A}:role/r"))
    }
}

fn word_of(ruling: &Ruling<'_>) -> String {
    match ruling {
        Ruling::Allow { layer, .. } => format!("allow {layer:?}"),
        Ruling::Deny { layer, explicit: true, .. } => format!("DENY {layer:?}"),
        Ruling::Deny { layer, explicit: false, .. } => format!("deny {layer:?}"),
    }
}
