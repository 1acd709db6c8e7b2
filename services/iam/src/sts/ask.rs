//! What calls that make sessions are asked for: a role, tags, policies (`spec/sts.md` 2).

use std::sync::Arc;

use opentrail_event::{AccountId, Arn, Owner, RecordResource};
use opentrail_policy::{Context, Kind, Policy, Session, SessionPolicy, Sessions, Vouched};
use opentrail_protocol::Document;
use opentrail_wire::{Fault, Need};

use super::{Desk, invalid, unavailable};

/// Of an inline session policy, in characters.
const POLICY_CHARS_MAX: usize = 2_048;

/// Of one session.
const TAGS_MAX: usize = 50;

/// A role as its ARN names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RoleName {
    pub(super) account: AccountId,
    /// Begins and ends with a slash.
    path: String,
    pub(super) name: String,
}

impl RoleName {
    /// `Ok(None)`: an ARN, but not of a role.
    pub(super) fn read(text: &str) -> Result<Option<Self>, Fault> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, service, _, account, resource] = parts.as_slice() else {
            return Err(invalid(format!("{text} is invalid")));
        };
        if partition.is_empty() || service.is_empty() || resource.is_empty() {
            return Err(invalid(format!("{text} is invalid")));
        }
        let Some(rest) = resource.strip_prefix("role").filter(|_| *partition == "aws" && *service == "iam") else {
            return Ok(None);
        };
        let found = rest.rfind('/').zip(account.parse().ok());
        Ok(found.filter(|_| rest.starts_with('/')).map(|(at, account)| Self {
            account,
            path: rest[..=at].to_owned(),
            name: rest[at + 1..].to_owned(),
        }))
    }

    pub(super) fn arn(&self) -> Arn {
        Arn::role(self.account, &self.path, &self.name)
    }

    /// As records list it.
    pub(super) fn resource(&self) -> RecordResource {
        RecordResource { owner: Owner::Account(self.account), kind: "AWS::IAM::Role", arn: self.arn(), prefix: false }
    }
}

/// Tags for a session, and which of them sessions made from it inherit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tags {
    /// As they were passed.
    passed: Vec<(String, String)>,
    passed_transitive: Vec<String>,
    /// From the calling session.
    inherited: Vec<(String, String)>,
}

impl Tags {
    pub(super) fn read(input: &Document, calling: Option<&Session>) -> Result<Self, Fault> {
        let text = |tag: &Document, name: &str| tag.text(name).unwrap_or_default().to_owned();
        let passed: Vec<_> = input.list("Tags").iter().map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect();
        let refuse = |message: &str| Err(Fault::client("InvalidParameterValue", message));
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        if passed.iter().enumerate().any(|(i, (key, _))| passed[..i].iter().any(|(other, _)| same(key, other))) {
            return refuse("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
        }
        if passed.iter().any(|(key, _)| key.to_lowercase().starts_with("aws:")) {
            return refuse("Tag keys that begin with aws: are reserved for system use.");
        }
        let passed_transitive: Vec<String> = input.list("TransitiveTagKeys").iter().filter_map(text_of).collect();
        if !passed_transitive.iter().all(|wanted| passed.iter().any(|(key, _)| same(key, wanted))) {
            return refuse("The specified transitive tag key must be included in the requested tags.");
        }
        let inherited: Vec<_> = calling.map(|session| session.inherited().cloned().collect()).unwrap_or_default();
        if passed.iter().any(|(key, _)| inherited.iter().any(|(other, _)| same(key, other))) {
            return refuse(
                "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key \
                 from the calling session.",
            );
        }
        Ok(Self { passed, passed_transitive, inherited })
    }

    /// What an identity provider asks for. `Err` says what is wrong with it.
    pub(super) fn vouched(vouched: &Vouched) -> Result<Self, &'static str> {
        let (passed, transitive) = (&vouched.tags, &vouched.transitive);
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        let fits = |(key, value): &(String, String)| {
            (1..=128).contains(&key.chars().count())
                && value.chars().count() <= 256
                && !key.to_lowercase().starts_with("aws:")
        };
        if passed.len() > TAGS_MAX || transitive.len() > TAGS_MAX || !passed.iter().all(fits) {
            return Err(
                "Session tags have keys of 1 to 128 characters that do not begin with aws:, values of up to 256, and \
                        are 50 at most.",
            );
        }
        if passed.iter().enumerate().any(|(i, (key, _))| passed[..i].iter().any(|(other, _)| same(key, other))) {
            return Err("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
        }
        if !transitive.iter().all(|wanted| passed.iter().any(|(key, _)| same(key, wanted))) {
            return Err("The specified transitive tag key must be included in the requested tags.");
        }
        Ok(Self { passed: passed.clone(), passed_transitive: transitive.clone(), inherited: Vec::new() })
    }

    /// Whether there is anything that `sts:TagSession` is about.
    pub(super) fn is_empty(&self) -> bool {
        self.passed.is_empty() && self.inherited.is_empty()
    }

    /// Whether the call passed some.
    pub(super) fn are_passed(&self) -> bool {
        !self.passed.is_empty()
    }

    /// What policies see of them.
    pub(super) fn into_context(self, context: &mut Context) {
        for (key, value) in self.passed.iter().chain(&self.inherited) {
            context.set(&format!("aws:RequestTag/{key}"), value.as_str());
            context.add("aws:TagKeys", key.as_str());
        }
        for key in self.passed_transitive.iter().chain(self.inherited.iter().map(|(key, _)| key)) {
            context.add("sts:TransitiveTagKeys", key.as_str());
        }
    }

    pub(super) fn into_session(self, session: &mut Session) {
        session.transitive = self.passed_transitive;
        session.transitive.extend(self.inherited.iter().map(|(key, _)| key.clone()));
        session.tags = self.passed;
        session.tags.extend(self.inherited);
    }
}

fn text_of(document: &Document) -> Option<String> {
    match document {
        Document::Text(text) => Some(text.clone()),
        _ => None,
    }
}

/// Whether the call hands policies over.
pub(super) fn has_policies(input: &Document) -> bool {
    input.text("Policy").is_some() || !input.list("PolicyArns").is_empty()
}

/// `sts:TagSession` on the same, where there are tags.
pub(super) fn tag_session(tags: &Tags, arns: &[Arn]) -> Option<Need> {
    (!tags.is_empty()).then(|| Need::new("sts:TagSession", arns.to_vec()))
}

impl Desk {
    /// Reads the policies that narrow a session of `account`, and looks whether everything fits into a token. Gives back the
    /// part of it that is taken, in per cent.
    pub(super) async fn narrow(
        &self,
        input: &Document,
        account: AccountId,
        session: &mut Session,
    ) -> Result<usize, Fault> {
        if let Some(text) = input.text("Policy") {
            if text.chars().count() > POLICY_CHARS_MAX {
                return Err(invalid(format!(
                    "1 validation error detected: Value '{text}' at 'policy' failed to satisfy constraint: Member must \
                     have length less than or equal to {POLICY_CHARS_MAX}"
                )));
            }
            let policy = Policy::parse(text.as_bytes(), &Kind::Identity)
                .map_err(|error| Fault::client("MalformedPolicyDocument", error.message))?;
            session.inline = Some(SessionPolicy { text: text.to_owned(), policy: Arc::new(policy) });
        }
        for arn in input.list("PolicyArns") {
            let arn = arn.text("arn").unwrap_or_default();
            let found =
                self.directory.managed_policy(account, arn).await.map_err(|e| unavailable("read policy", &e))?;
            if found.is_none() {
                return Err(invalid(format!("{arn} is invalid")));
            }
            session.managed.push(arn.to_owned());
        }
        Sessions::packed_percent(session).map_err(|large| {
            let message = match session.is_narrowed() {
                true => {
                    format!("Packed policy consumes {}% of allotted space, please use smaller policy.", large.percent)
                }
                false => format!("Packed size of session tags consumes {}% of allotted space.", large.percent),
            };
            Fault::client("PackedPolicyTooLarge", message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_from_their_arns() {
        let read = |text: &str| RoleName::read(text).map(|found| found.map(|role| role.arn().to_string()));
        for arn in ["arn:aws:iam::111122223333:role/ops", "arn:aws:iam::111122223333:role/a/b/ops"] {
            assert_eq!(read(arn), Ok(Some(arn.to_owned())));
        }
        for other in [
            "arn:aws:iam::111122223333:user/ann",
            "arn:aws:iam::1:role/x",
            "arn:aws:s3:::role/x",
            "arn:aws:iam::111122223333:roles",
        ] {
            assert_eq!(read(other), Ok(None), "{other}");
        }
        for bad in ["ops", "arn:aws:iam:role", "arn::iam::111122223333:role/x", "arn:aws:::1:role/x", "arn:aws:iam::1:"]
        {
            assert_eq!(read(bad), Err(invalid(format!("{bad} is invalid"))));
        }
    }

    fn asked(tags: &[(&str, &str)], transitive: &[&str]) -> Document {
        let tag = |(key, value): &(&str, &str)| Document::structure().with("Key", *key).with("Value", *value);
        Document::structure()
            .with("Tags", Document::List(tags.iter().map(tag).collect()))
            .with("TransitiveTagKeys", Document::List(transitive.iter().map(|key| Document::from(*key)).collect()))
    }

    #[test]
    fn tags_are_inherited_and_never_replaced() {
        let calling = Session {
            tags: vec![("Team".into(), "red".into()), ("own".into(), "x".into())],
            transitive: vec!["Team".into()],
            ..Session::default()
        };
        let mut session = Session::default();
        let tags = Tags::read(&asked(&[("cost", "7")], &["cost"]), Some(&calling)).expect("good tags");
        tags.into_session(&mut session);
        assert_eq!(session.tags, [("cost".to_owned(), "7".to_owned()), ("Team".to_owned(), "red".to_owned())]);
        assert_eq!(session.transitive, ["cost", "Team"]);
        let refused = |input: Document| Tags::read(&input, Some(&calling)).expect_err("refused").message;
        assert!(refused(asked(&[("a", "1"), ("A", "2")], &[])).starts_with("Duplicate tag keys found."));
        assert!(refused(asked(&[("a", "1")], &["b"])).contains("must be included"));
        assert!(refused(asked(&[("team", "blue")], &[])).contains("conflicts with a transitive tag key"));
        assert!(refused(asked(&[("AWS:x", "1")], &[])).contains("reserved"));
    }
}
