//! What the door needs to pass calls on to somebody who answers in our place.

use std::sync::Arc;

use opentrail_delivery::Upstream;
use opentrail_event::AccountId;
use opentrail_policy::{PassedSessions, Secret};
use opentrail_protocol::atlas::Atlas;

/// Calls that are passed on: where to, and by which rules.
pub struct Passage {
    pub atlas: Atlas,
    /// By the service's name in signatures.
    pub named: Vec<(String, Arc<dyn Upstream>)>,
    /// For services that are neither named nor ours.
    pub general: Option<Arc<dyn Upstream>>,
    /// Sessions whose credentials went past.
    pub sessions: Arc<PassedSessions>,
    pub settings: PassageSettings,
}

/// What an operator sets.
#[derive(Debug, Clone)]
pub struct PassageSettings {
    /// Whose records those are of callers whose key does not say its account.
    pub account: AccountId,
    /// Whether calls that are not signed are passed on.
    pub anonymous: bool,
    /// Bodies that do not stream are held up to so many bytes, to be recorded; longer ones pass with their sizes told.
    pub body_bytes_max: usize,
    /// Calls by keys that are not known here may be under way so many at a time: an upstream's places are for others too.
    pub guests_max: usize,
    pub on_failure: OnFailure,
    /// Calls are signed anew, by these keys; without it they go on as they were signed.
    pub signing: Option<Signing>,
}

/// What becomes of a call that cannot be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// It does not go on.
    Refuse,
    /// It goes on, and that it was missed is recorded later.
    Pass,
}

/// Keys for the upstream, and who may use them for what.
#[derive(Debug, Clone)]
pub struct Signing {
    pub access_key_id: String,
    pub secret: Secret,
    pub token: Option<Secret>,
    pub allowed: Vec<Allowed>,
}

/// What callers may have done with the upstream's keys. What no entry allows is denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// An ARN, in which `*` stands for anything: of a user, a root or a role.
    pub principal: String,
    /// `service:Operation`, in which `*` stands for anything: `dynamodb:*`, `ec2:Describe*`.
    pub actions: Vec<String>,
}

impl Signing {
    /// Whether an entry allows an operation. `principal` are the caller's ARNs: of a session, its own and the role's.
    pub(crate) fn allows(&self, principals: &[&str], service: &str, operation: &str) -> bool {
        let action = format!("{service}:{operation}");
        self.allowed.iter().any(|entry| {
            principals.iter().any(|arn| fits(&entry.principal, arn, false))
                && entry.actions.iter().any(|pattern| fits(pattern, &action, true))
        })
    }
}

/// Whether a text fits a pattern, in which `*` stands for any characters or none.
fn fits(pattern: &str, text: &str, fold: bool) -> bool {
    let lower = |text: &str| if fold { text.to_ascii_lowercase() } else { text.to_owned() };
    let (pattern, text) = (lower(pattern), lower(text));
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_what_they_say() {
        for (pattern, text, expect) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*", "", true),
            ("*b", "ab", true),
            ("*b", "ba", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("ab*ba", "aba", false),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, text, false), expect, "{pattern} {text}");
        }
    }

    #[test]
    fn nothing_is_allowed_but_what_is() {
        let signing = Signing {
            access_key_id: "AKIA".into(),
            secret: Secret::new("s".into()),
            token: None,
            allowed: vec![Allowed {
                principal: "arn:aws:iam::111122223333:user/*".into(),
                actions: vec!["dynamodb:*".into(), "ec2:Describe*".into(), "sts:*".into()],
            }],
        };
        let check = |arn: &str, service: &str, operation: &str, expect: bool| {
            assert_eq!(signing.allows(&[arn], service, operation), expect, "{arn} {service}:{operation}");
        };
        let ana = "arn:aws:iam::111122223333:user/ana";
        check(ana, "dynamodb", "DeleteTable", true);
        check(ana, "ec2", "DescribeInstances", true);
        check(ana, "ec2", "RunInstances", false);
        check(ana, "sts", "GetCallerIdentity", true);
        check("arn:aws:iam::999999999999:user/ana", "dynamodb", "DeleteTable", false);
    }
}
