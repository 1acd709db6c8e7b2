//! The policy language: read, then asked.
//!
//! [`Policy::parse`] reads a document as AWS does, refusing what AWS refuses and in its words, with the place and what would
//! be right beside them. [`Policy::evaluate`] answers one [`Request`] in time linear in the policy and the request. It says
//! only what this policy says; who else is to be asked is [`judge`](crate::judge())'s part.
//!
//! Cast: `json` reads text, `parse` makes statements of it, `bucket`, `identity` and `trust` know what is allowed where,
//! `front`, `action`, `arn`, `condition`, `principal` and `value` match, by means of `template`, `late` and `glob`, `answer` puts
//! it together, `public` finds what is open to everybody, `shown` calls those who are named by the names that they have now.

mod action;
mod answer;
mod arn;
mod bucket;
mod condition;
mod front;
mod glob;
mod identity;
mod json;
mod late;
mod parse;
mod principal;
mod public;
mod request;
mod shown;
mod template;
#[cfg(test)]
mod tests;
mod trust;
mod value;

use std::collections::BTreeMap;

use action::Actions;
pub(crate) use action::Lowered;
pub(crate) use answer::{Answer, Asked};
pub use answer::{Matched, Miss, StatementName, Verdict};
use arn::ArnPattern;
use condition::Condition;
use front::Front;
use principal::Principals;
pub use principal::{Named, Reach};
pub use request::{Caller, Context, Request};
pub use shown::renamed;

/// What a policy is attached to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A bucket.
    Bucket { bucket: String },
    /// A user, a group, a role or a session: written into it, or handed over with the call that makes it.
    Identity,
    /// A policy of its own, to be attached to users, groups and roles or to bound them.
    Managed,
    /// A role: who may assume it.
    Trust,
}

/// The largest policy of a bucket.
pub const BUCKET_POLICY_BYTES_MAX: usize = 20 * 1024;
/// The longest document of an identity. IAM's quotas, which do not count white space, are IAM's to check.
pub const IDENTITY_POLICY_BYTES_MAX: usize = 131_072;

impl Kind {
    fn bytes_max(&self) -> usize {
        match self {
            Self::Bucket { .. } => BUCKET_POLICY_BYTES_MAX,
            Self::Identity | Self::Managed | Self::Trust => IDENTITY_POLICY_BYTES_MAX,
        }
    }

    /// Whether IAM reads it by the rules for policies of identities.
    fn is_iam(&self) -> bool {
        matches!(self, Self::Identity | Self::Managed)
    }

    /// IAM has one text for everything that is wrong with the form of an identity's document.
    fn error(&self, message: impl Into<String>, detail: impl Into<String>) -> PolicyError {
        match self {
            Self::Bucket { .. } | Self::Trust => PolicyError::new(message, detail),
            Self::Identity | Self::Managed => PolicyError::new("Syntax errors in policy.", detail),
        }
    }

    /// What is said of bytes that are no JSON.
    fn json_error(&self, bytes: &[u8], error: PolicyError) -> PolicyError {
        let is_indented = bytes.first().is_some_and(u8::is_ascii_whitespace);
        let message = match self {
            Self::Bucket { .. } => return error,
            Self::Identity if is_indented => "The policy failed legacy parsing",
            Self::Managed | Self::Trust if is_indented => "JSON strings must not have leading spaces",
            Self::Trust => "This policy contains invalid Json",
            Self::Identity | Self::Managed => "Syntax errors in policy.",
        };
        PolicyError::new(message, error.detail)
    }
}

/// The size of a document as IAM's quotas count it: its characters, white space left out.
pub fn counted_size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
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

/// Resource or NotResource.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Resources {
    not: bool,
    patterns: Vec<ArnPattern>,
    /// As they are written.
    texts: Vec<String>,
}

impl Resources {
    /// Where a policy has no such element, because it is about what it is attached to.
    fn every() -> Self {
        Self { not: true, patterns: Vec::new(), texts: Vec::new() }
    }
}

/// A place in a document. Both from 1; columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// Where a statement stands, as IAM's simulations tell it: right behind its opening brace, and right behind its closing one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: Position,
    pub end: Position,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    /// From 1.
    number: usize,
    sid: Option<String>,
    effect: Effect,
    principals: Option<Principals>,
    actions: Actions,
    resources: Resources,
    conditions: Vec<Condition>,
    span: Span,
}

/// A policy, ready to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    statements: Vec<Statement>,
    /// One for each statement.
    fronts: Vec<Front>,
}

impl Policy {
    /// Reads a policy that somebody wants to have, and refuses it for whatever AWS would refuse it for. Whether those whom it
    /// [names](Self::named) exist is the caller's to find out.
    pub fn parse(bytes: &[u8], kind: &Kind) -> Result<Self, PolicyError> {
        let document = parse::document(bytes, kind)?;
        match kind {
            Kind::Bucket { bucket } => bucket::check(&document.statements, bucket)?,
            Kind::Identity => identity::check(&document, false)?,
            Kind::Managed => identity::check(&document, true)?,
            Kind::Trust => trust::check(&document.statements)?,
        }
        Ok(Self::of(document))
    }

    /// Reads a policy that was taken before: what a later version of this program would no longer take still says what it
    /// said.
    pub fn reload(bytes: &[u8], kind: &Kind) -> Result<Self, PolicyError> {
        parse::document(bytes, kind).map(Self::of)
    }

    fn of(document: parse::Document) -> Self {
        let fronts = document.statements.iter().map(Front::of).collect();
        Self { statements: document.statements, fronts }
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

    /// The condition keys that it looks at, in its conditions and variables, each once and in the order of writing. Names know
    /// no case; those of variables are in lower case.
    pub fn context_keys(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for statement in &self.statements {
            let of_resources = statement.resources.patterns.iter().flat_map(ArnPattern::keys);
            let of_conditions = statement.conditions.iter().flat_map(Condition::keys_as_written);
            for key in of_resources.chain(of_conditions) {
                if seen.insert(key.to_ascii_lowercase()) {
                    all.push(key.to_owned());
                }
            }
        }
        all
    }
}
