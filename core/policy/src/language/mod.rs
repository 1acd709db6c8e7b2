//! The policy language: read, then asked.
//!
//! [`Policy::parse`] reads a document as AWS does, refusing what AWS refuses and in its words, with the place and what would
//! be right beside them. [`Policy::evaluate`] answers one [`Request`] in time linear in the policy and the request. It says
//! only what this policy says; who else is to be asked is [`Grants`](crate::Grants)' part.
//!
//! Cast: `json` reads text, `parse` makes statements of it, `bucket` and `identity` know what is allowed where, `glob`,
//! `condition`, `principal` and `value` match, `public` finds what is open to everybody.

mod bucket;
mod condition;
mod glob;
mod identity;
mod json;
mod parse;
mod principal;
mod public;
mod request;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;
use std::fmt;

use condition::Condition;
use glob::{ArnPattern, Glob};
use principal::Principals;
pub use principal::{Named, Reach};
pub use request::{Caller, Context, Request};

/// What a policy is attached to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A bucket.
    Bucket { bucket: String },
    /// A user, a group or a role.
    Identity,
}

/// The largest policy of a bucket.
pub const BUCKET_POLICY_BYTES_MAX: usize = 20 * 1024;
/// The longest document of an identity. IAM's quotas, which do not count white space, are IAM's to check.
pub const IDENTITY_POLICY_BYTES_MAX: usize = 131_072;

impl Kind {
    fn bytes_max(&self) -> usize {
        match self {
            Self::Bucket { .. } => BUCKET_POLICY_BYTES_MAX,
            Self::Identity => IDENTITY_POLICY_BYTES_MAX,
        }
    }

    /// IAM has one text for everything that is wrong with a document's form.
    fn error(&self, message: impl Into<String>, detail: impl Into<String>) -> PolicyError {
        match self {
            Self::Bucket { .. } => PolicyError::new(message, detail),
            Self::Identity => PolicyError::new("Syntax errors in policy.", detail),
        }
    }
}

/// Why a document is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PolicyError {
    /// In AWS's words.
    pub message: String,
    /// Where, and what would be right.
    pub detail: String,
}

impl PolicyError {
    fn new(message: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { message: message.into(), detail: detail.into() }
    }
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

/// Action or NotAction, Resource or NotResource.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Element<P> {
    not: bool,
    patterns: Vec<P>,
    /// As they are written.
    texts: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    /// From 1.
    number: usize,
    sid: Option<String>,
    effect: Effect,
    principals: Option<Principals>,
    actions: Element<Glob>,
    resources: Element<ArnPattern>,
    conditions: Vec<Condition>,
}

/// A policy, ready to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    statements: Vec<Statement>,
}

/// Which statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementName {
    /// From 1, in the order of writing.
    pub number: usize,
    pub sid: Option<String>,
}

impl fmt::Display for StatementName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sid.as_deref().filter(|sid| !sid.is_empty()) {
            Some(sid) => write!(f, "statement {sid}"),
            None => write!(f, "statement {}", self.number),
        }
    }
}

/// What a policy says about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A statement denies it: nothing else counts.
    Denied { by: StatementName },
    /// A statement allows it and none denies it.
    Allowed { by: StatementName, reach: Reach },
    /// No statement is about it. For each that allows something, in order: why it is not about this.
    Silent { why: Vec<(StatementName, Miss)> },
}

/// Why a statement is not about a request: the first part of it that does not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    Principal,
    Action,
    Resource,
    /// Operator and key.
    Condition(String),
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal => f.write_str("is about other principals"),
            Self::Action => f.write_str("is about other actions"),
            Self::Resource => f.write_str("is about other resources"),
            Self::Condition(what) => write!(f, "has the condition {what}, which does not hold"),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied { by } => write!(f, "{by} denies it"),
            Self::Allowed { by, .. } => write!(f, "{by} allows it"),
            Self::Silent { why } if why.is_empty() => f.write_str("no statement allows anything"),
            Self::Silent { why } => {
                for (i, (statement, miss)) in why.iter().enumerate() {
                    write!(f, "{}{statement} {miss}", if i == 0 { "" } else { "; " })?;
                }
                Ok(())
            }
        }
    }
}

/// Explanations of silence list at most so many statements.
const EXPLAINED_MAX: usize = 16;

impl Policy {
    /// Reads a policy that somebody wants to have, and refuses it for whatever AWS would refuse it for. Whether those whom it
    /// [names](Self::named) exist is the caller's to find out.
    pub fn parse(bytes: &[u8], kind: &Kind) -> Result<Self, PolicyError> {
        let policy = Self { statements: parse::document(bytes, kind)?.statements };
        match kind {
            Kind::Bucket { bucket } => bucket::check(&policy.statements, bucket)?,
            Kind::Identity => identity::check(&policy.statements)?,
        }
        Ok(policy)
    }

    /// Reads a policy that was taken before: what a later version of this program would no longer take still says what it
    /// said.
    pub fn reload(bytes: &[u8], kind: &Kind) -> Result<Self, PolicyError> {
        Ok(Self { statements: parse::document(bytes, kind)?.statements })
    }

    /// Whom it names, each once.
    pub fn named(&self) -> Vec<Named> {
        let mut all: Vec<Named> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for named in self.statements.iter().filter_map(|s| s.principals.as_ref()).flat_map(Principals::named) {
            if seen.insert(named.text()) {
                all.push(named);
            }
        }
        all
    }

    /// Fixes who is meant: [`Named::text`] to the unique id of a user, or the account of a canonical id. A user or canonical id
    /// that is not bound is nobody.
    #[must_use]
    pub fn bind(mut self, bindings: &BTreeMap<String, String>) -> Self {
        self.statements.iter_mut().filter_map(|s| s.principals.as_mut()).for_each(|p| p.bind(bindings));
        self
    }

    /// Whether a statement allows something to everybody, whoever and wherever it is.
    pub fn is_public(&self) -> bool {
        self.statements.iter().any(public::is_public)
    }

    /// What it says.
    pub fn evaluate(&self, request: &Request<'_>) -> Verdict {
        let action = request.action.to_ascii_lowercase();
        let mut allowed: Option<(&Statement, Reach)> = None;
        let mut why = Vec::new();
        for statement in &self.statements {
            match statement.matches(request, &action) {
                Ok(_) if statement.effect == Effect::Deny => return Verdict::Denied { by: statement.name() },
                Ok(reach) if allowed.is_none_or(|(_, best)| reach > best) => allowed = Some((statement, reach)),
                Err(miss) if statement.effect == Effect::Allow && why.len() < EXPLAINED_MAX => {
                    why.push((statement.name(), miss));
                }
                Ok(_) | Err(_) => {}
            }
        }
        match allowed {
            Some((statement, reach)) => Verdict::Allowed { by: statement.name(), reach },
            None => Verdict::Silent { why },
        }
    }
}

impl Statement {
    fn name(&self) -> StatementName {
        StatementName { number: self.number, sid: self.sid.clone() }
    }

    /// `action` in lower case.
    fn matches(&self, request: &Request<'_>, action: &str) -> Result<Reach, Miss> {
        let reach = match &self.principals {
            // The policy of an identity is about that identity.
            None => Reach::Direct,
            Some(principals) => {
                principals.reaches(request.caller, self.effect == Effect::Deny).ok_or(Miss::Principal)?
            }
        };
        let named = self.actions.patterns.iter().any(|pattern| pattern.matches(action));
        if named == self.actions.not {
            return Err(Miss::Action);
        }
        let patterns = &self.resources.patterns;
        let named = patterns.iter().any(|pattern| pattern.matches(request.resource, request.context));
        if named == self.resources.not {
            return Err(Miss::Resource);
        }
        match self.conditions.iter().find(|condition| !condition.holds(request.context)) {
            Some(condition) => Err(Miss::Condition(condition.name())),
            None => Ok(reach),
        }
    }
}
