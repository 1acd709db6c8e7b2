//! What one policy says about one request: the short answer, which costs no memory, and the long one.

use std::fmt;

use super::action::{Lowered, Name};

use super::arn::Parts;
use super::condition::Condition;
use super::{Caller, Context, Effect, Policy, Reach, Request, Span, Statement};

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

/// A statement that is about a request, whatever the others say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    pub statement: StatementName,
    pub effect: Effect,
    pub span: Span,
}

/// Explanations of silence list at most so many statements.
const EXPLAINED_MAX: usize = 16;

/// A request, made ready once for all policies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    caller: &'a Caller,
    action: Name<'a>,
    resource: &'a str,
    parts: Parts<'a>,
    context: &'a Context,
}

impl<'a> Asked<'a> {
    pub(crate) fn new(caller: &'a Caller, action: &'a Lowered, resource: &'a str, context: &'a Context) -> Self {
        Self { caller, action: action.name(), resource, parts: Parts::of(resource), context }
    }
}

/// The short answer. Each names the statement by its number, from 1, and its Sid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer<'p> {
    Denied { statement: usize, sid: Option<&'p str> },
    Allowed { statement: usize, sid: Option<&'p str>, reach: Reach },
    Silent,
}

enum Missed<'p> {
    Principal,
    Action,
    Resource,
    Condition(&'p Condition),
}

impl Policy {
    /// What it says, in short.
    pub(crate) fn answer(&self, asked: &Asked<'_>) -> Answer<'_> {
        let mut best = Answer::Silent;
        for (statement, front) in self.statements.iter().zip(&self.fronts) {
            if !front.may_cover(&asked.action, asked.resource) {
                continue;
            }
            let Ok(reach) = statement.matches(asked) else { continue };
            let (number, sid) = (statement.number, statement.sid.as_deref());
            if statement.effect == Effect::Deny {
                return Answer::Denied { statement: number, sid };
            }
            if !matches!(best, Answer::Allowed { reach: had, .. } if had >= reach) {
                best = Answer::Allowed { statement: number, sid, reach };
            }
        }
        best
    }

    /// What it says, and if that is nothing, why.
    pub fn evaluate(&self, request: &Request<'_>) -> Verdict {
        let action = Lowered::new(request.action);
        let asked = Asked::new(request.caller, &action, request.resource, request.context);
        self.verdict(&asked)
    }

    pub(crate) fn verdict(&self, asked: &Asked<'_>) -> Verdict {
        let name = |number, sid: Option<&str>| StatementName { number, sid: sid.map(str::to_owned) };
        match self.answer(asked) {
            Answer::Denied { statement, sid } => Verdict::Denied { by: name(statement, sid) },
            Answer::Allowed { statement, sid, reach } => Verdict::Allowed { by: name(statement, sid), reach },
            Answer::Silent => {
                let allowing = self.statements.iter().filter(|statement| statement.effect == Effect::Allow);
                let why =
                    allowing.filter_map(|statement| Some((statement.name(), statement.matches(asked).err()?.into())));
                Verdict::Silent { why: why.take(EXPLAINED_MAX).collect() }
            }
        }
    }

    /// Every statement that is about it.
    pub(crate) fn matched(&self, asked: &Asked<'_>) -> Vec<Matched> {
        let about = self.statements.iter().filter(|statement| statement.matches(asked).is_ok());
        about.map(|s| Matched { statement: s.name(), effect: s.effect, span: s.span }).collect()
    }

    /// The condition keys without a value, as they are written, of statements that are about it but for their conditions. Keys
    /// of variables in resources are among them: those of statements about the action.
    pub(crate) fn missing(&self, asked: &Asked<'_>) -> Vec<&str> {
        let mut all = Vec::new();
        for statement in &self.statements {
            let about = statement.matches(asked);
            if matches!(about, Err(Missed::Principal | Missed::Action)) {
                continue;
            }
            all.extend(statement.resources.patterns.iter().flat_map(super::ArnPattern::keys));
            if !matches!(about, Err(Missed::Resource)) {
                all.extend(statement.conditions.iter().flat_map(Condition::keys_as_written));
            }
        }
        all.retain(|key| asked.context.values(key).is_empty());
        all
    }
}

impl Statement {
    pub(super) fn name(&self) -> StatementName {
        StatementName { number: self.number, sid: self.sid.clone() }
    }

    fn matches(&self, asked: &Asked<'_>) -> Result<Reach, Missed<'_>> {
        let reach = match &self.principals {
            // The policy of an identity is about that identity.
            None => Reach::Direct,
            Some(principals) => {
                principals.reaches(asked.caller, self.effect == Effect::Deny).ok_or(Missed::Principal)?
            }
        };
        if !self.actions.covers(&asked.action) {
            return Err(Missed::Action);
        }
        let named = self.resources.patterns.iter().any(|pattern| pattern.matches(&asked.parts, asked.context));
        if named == self.resources.not {
            return Err(Missed::Resource);
        }
        match self.conditions.iter().find(|condition| !condition.holds(asked.context)) {
            Some(condition) => Err(Missed::Condition(condition)),
            None => Ok(reach),
        }
    }
}

impl From<Missed<'_>> for Miss {
    fn from(missed: Missed<'_>) -> Self {
        match missed {
            Missed::Principal => Self::Principal,
            Missed::Action => Self::Action,
            Missed::Resource => Self::Resource,
            Missed::Condition(condition) => Self::Condition(condition.name()),
        }
    }
}
