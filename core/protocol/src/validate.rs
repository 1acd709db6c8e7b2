//! What is wrong with an input, and where.

use crate::model::shape::{Kind, Limits, Member, Shape};
use crate::render::{is_secret, lower_first};
use crate::{Document, OperationModel, ServiceModel};

/// So many violations are told; AWS lists them all, but an answer must not grow with the mistakes of a request.
const VIOLATIONS_MAX: usize = 32;
/// So many characters of a refused value are echoed.
const ECHO_CHARS_MAX: usize = 4096;

/// Bytes that are not an input of the operation at all: not the syntax, or a value of the wrong type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Malformed {
    /// In AWS's words where they are known.
    pub message: String,
}

impl Malformed {
    /// With its message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// A member that breaks one of the model's constraints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// `lookupAttributes.1.member.attributeKey`, as AWS writes paths in its messages.
    pub path: String,
    /// The member's name as in the model: `AttributeKey`.
    pub member: String,
    /// One validation error as AWS words it: `Value '51' at 'maxResults' failed to satisfy constraint: Member must have
    /// value less than or equal to 50`.
    pub message: String,
}

/// `2 validation errors detected: Value …; Value …`
pub fn summary(violations: &[Violation]) -> String {
    let messages: Vec<&str> = violations.iter().map(|v| v.message.as_str()).collect();
    let errors = if violations.len() == 1 { "error" } else { "errors" };
    format!("{} validation {errors} detected: {}", violations.len(), messages.join("; "))
}

/// Checks required members, lengths, ranges, patterns and enumerations. Empty when all hold.
pub fn validate(service: &ServiceModel, operation: &OperationModel, input: &Document) -> Vec<Violation> {
    let mut check = Check { service, found: Vec::new() };
    if let Some(shape) = operation.input {
        check.value(&At { path: "", member: "", secret: false }, service.shape(shape), input);
    }
    check.found
}

#[derive(Clone, Copy)]
struct At<'a> {
    path: &'a str,
    member: &'a str,
    /// The value is secret, whatever its shape says.
    secret: bool,
}

struct Check<'a> {
    service: &'a ServiceModel,
    found: Vec<Violation>,
}

impl Check<'_> {
    fn value(&mut self, at: &At<'_>, shape: &Shape, value: &Document) {
        if self.found.len() >= VIOLATIONS_MAX {
            return;
        }
        if let Some(limits) = &shape.limits {
            for constraint in broken(shape, limits, value) {
                // Nor does IAM list what an enumeration allows.
                let cut = constraint.find(": [").filter(|_| self.service.signing_name == "iam");
                let cut = cut.filter(|_| constraint.starts_with("Member must satisfy enum value set"));
                self.add(at, &self.echo(at, shape, value), &constraint[..cut.unwrap_or(constraint.len())]);
            }
        }
        match (&shape.kind, value) {
            (Kind::Structure(members), Document::Map(_)) => self.structure(at, members, value),
            (Kind::List(member), Document::List(items)) => self.list(at, shape, member, items),
            (Kind::Map(parts), Document::Map(entries)) => self.map(at, shape, parts, entries),
            _ => {}
        }
    }

    fn structure(&mut self, at: &At<'_>, members: &[Member], value: &Document) {
        for member in members {
            let path = match at.path {
                "" => lower_first(member.name),
                path => format!("{path}.{}", lower_first(member.name)),
            };
            let at = At { path: &path, member: member.name, secret: is_secret(self.service, member) };
            match value.get(member.name) {
                None | Some(Document::Null) if member.required => self.add(&at, " null", "Member must not be null"),
                None | Some(Document::Null) => {}
                Some(value) => self.value(&at, self.service.shape(member.shape), value),
            }
        }
    }

    /// Elements that are scalars are told of once, with all their constraints; others by their place.
    fn list(&mut self, at: &At<'_>, list: &Shape, member: &Member, items: &[Document]) {
        let element = self.service.shape(member.shape);
        if matches!(element.kind, Kind::Structure(_) | Kind::List(_) | Kind::Map(_)) {
            for (i, item) in items.iter().enumerate() {
                let path = format!("{}.{}.member", at.path, i + 1);
                let at = At { path: &path, member: at.member, secret: at.secret };
                match item {
                    Document::Null => self.add(&at, " null", "Member must not be null"),
                    item => self.value(&at, element, item),
                }
            }
            return;
        }
        let value = Document::List(items.to_vec());
        if items.contains(&Document::Null) {
            let echo = self.echo(at, list, &value);
            self.add(at, &echo, "Member must satisfy constraint: [Member must not be null]");
        } else if let Some(limits) = &element.limits
            && items.iter().any(|item| !broken(element, limits, item).is_empty())
        {
            let echo = self.echo(at, list, &value);
            self.add(at, &echo, &format!("Member must satisfy constraint: [{}]", all(element, limits)));
        }
    }

    fn map(&mut self, at: &At<'_>, map: &Shape, parts: &[Member; 2], entries: &[(String, Document)]) {
        let [key, value] = [self.service.shape(parts[0].shape), self.service.shape(parts[1].shape)];
        let echo = |check: &Self| check.echo(at, map, &Document::Map(entries.to_vec()));
        if let Some(limits) = &key.limits
            && entries.iter().any(|(name, _)| !broken(key, limits, &Document::Text(name.clone())).is_empty())
        {
            self.add(at, &echo(self), &format!("Map keys must satisfy constraint: [{}]", all(key, limits)));
        }
        if matches!(value.kind, Kind::Structure(_) | Kind::List(_) | Kind::Map(_)) {
            for (name, item) in entries {
                let path = format!("{}.{}.member", at.path, shorten(name, ECHO_CHARS_MAX));
                self.value(&At { path: &path, member: at.member, secret: at.secret }, value, item);
            }
        } else if let Some(limits) = &value.limits
            && entries.iter().any(|(_, item)| !broken(value, limits, item).is_empty())
        {
            self.add(at, &echo(self), &format!("Map value must satisfy constraint: [{}]", all(value, limits)));
        }
    }

    /// The refused value with a space before it; nothing where it, or what it holds, is secret.
    fn echo(&self, at: &At<'_>, shape: &Shape, value: &Document) -> String {
        let sensitive = |member: &Member| self.service.shape(member.shape).sensitive;
        let secret = at.secret
            || shape.sensitive
            || match &shape.kind {
                Kind::List(member) => sensitive(member),
                Kind::Map(parts) => parts.iter().any(sensitive),
                _ => false,
            };
        // IAM has stopped to repeat values (`spec/iam.md` 1.1).
        if secret || self.service.signing_name == "iam" {
            return String::new();
        }
        let mut text = String::new();
        write_echo(&mut text, value);
        format!(" '{}'", shorten(&text, ECHO_CHARS_MAX))
    }

    fn add(&mut self, at: &At<'_>, echo: &str, constraint: &str) {
        if self.found.len() < VIOLATIONS_MAX {
            self.found.push(Violation {
                path: at.path.to_owned(),
                member: at.member.to_owned(),
                message: format!("Value{echo} at '{}' failed to satisfy constraint: {constraint}", at.path),
            });
        }
    }
}

/// The constraints that a value breaks, in AWS's words. A value of another kind breaks none: decoders see to kinds.
fn broken(shape: &Shape, limits: &Limits, value: &Document) -> Vec<String> {
    let mut broken = Vec::new();
    let (size, what) = match (&shape.kind, value) {
        (Kind::Text, Document::Text(text)) => (text.chars().count() as f64, "length"),
        (Kind::Blob, Document::Blob(bytes)) => (bytes.len() as f64, "length"),
        (Kind::List(_), Document::List(items)) => (items.len() as f64, "length"),
        (Kind::Map(_), Document::Map(entries)) => (entries.len() as f64, "length"),
        (_, Document::Int(number)) => (*number as f64, "value"),
        (_, Document::Float(number)) => (*number, "value"),
        _ => return broken,
    };
    if let Document::Text(text) = value {
        if limits.values().is_some_and(|mut values| !values.any(|v| v == text.as_str())) {
            broken.extend(enumeration(limits));
        }
        if limits.regex().is_some_and(|regex| !regex.is_match(text)) {
            broken.extend(pattern(limits));
        }
    }
    if limits.max.is_some_and(|max| size > max) {
        broken.extend(at_most(limits, what));
    }
    if limits.min.is_some_and(|min| size < min) {
        broken.extend(at_least(limits, what));
    }
    broken
}

/// All constraints of a shape, as AWS lists them for elements.
fn all(shape: &Shape, limits: &Limits) -> String {
    let what = match shape.kind {
        Kind::Integer | Kind::Long | Kind::Float => "value",
        _ => "length",
    };
    let all = [at_most(limits, what), at_least(limits, what), pattern(limits), enumeration(limits)];
    all.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn at_most(limits: &Limits, what: &str) -> Option<String> {
    limits.max.map(|max| format!("Member must have {what} less than or equal to {max}"))
}

fn at_least(limits: &Limits, what: &str) -> Option<String> {
    limits.min.map(|min| format!("Member must have {what} greater than or equal to {min}"))
}

fn pattern(limits: &Limits) -> Option<String> {
    limits.pattern().map(|pattern| format!("Member must satisfy regular expression pattern: {pattern}"))
}

fn enumeration(limits: &Limits) -> Option<String> {
    let values: Vec<_> = limits.values()?.collect();
    Some(format!("Member must satisfy enum value set: [{}]", values.join(", ")))
}

fn write_echo(out: &mut String, value: &Document) {
    // Cut to the exact number of characters later.
    if out.len() > ECHO_CHARS_MAX * 4 {
        return;
    }
    match value {
        Document::Null => out.push_str("null"),
        Document::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Document::Int(number) => out.push_str(&number.to_string()),
        Document::Float(number) => out.push_str(&number.to_string()),
        Document::Text(text) => out.push_str(text),
        Document::Blob(bytes) => out.push_str(&format!("{} bytes", bytes.len())),
        Document::Time(at) => out.push_str(&crate::time::to_iso(*at)),
        Document::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                // What is inside a structure may be secret; its own members are told of by themselves.
                match item {
                    Document::Map(_) | Document::List(_) => out.push('…'),
                    item => write_echo(out, item),
                }
            }
            out.push(']');
        }
        Document::Map(entries) => {
            out.push('{');
            for (i, (key, item)) in entries.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                out.push_str(key);
                out.push('=');
                match item {
                    Document::Map(_) | Document::List(_) => out.push('…'),
                    item => write_echo(out, item),
                }
            }
            out.push('}');
        }
    }
}

fn shorten(text: &str, chars_max: usize) -> &str {
    text.char_indices().nth(chars_max).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests;
