//! From a document to statements: everything that is the same for policies of all kinds.

use std::cell::OnceCell;

use super::action::Actions;
use super::arn::ArnPattern;
use super::condition::{Condition, Operator};
use super::json::{self, Json, Value};
use super::principal::{Principal, Principals, invalid_principal};
use super::{Effect, Kind, PolicyError, Position, Resources, Span, Statement};

/// A document taken apart.
pub(super) struct Document {
    pub(super) statements: Vec<Statement>,
    /// Whether it says to be of version 2012-10-17.
    pub(super) is_newest: bool,
    /// What IAM's first reader could not take, which it says only when the rest of the form is good.
    pub(super) legacy: Option<String>,
}

/// Reads the elements of one document.
struct Reader<'a> {
    kind: &'a Kind,
    /// The first thing for [`Document::legacy`].
    legacy: OnceCell<String>,
    /// Variables are known since version 2012-10-17.
    variables: bool,
}

/// Takes a document apart.
pub(super) fn document(bytes: &[u8], kind: &Kind) -> Result<Document, PolicyError> {
    let bytes_max = kind.bytes_max();
    if bytes.len() > bytes_max {
        let detail = format!("the policy has {} bytes; at most {bytes_max} are taken", bytes.len());
        return Err(kind.error("Policy exceeds the maximum allowed document size.", detail));
    }
    let root = json::read(bytes).map_err(|error| kind.json_error(bytes, error))?;
    let Value::Object(members) = root.value else { return Err(kind.error("Invalid policy syntax.", "not an object")) };
    let mut reader = Reader { kind, legacy: OnceCell::new(), variables: false };
    let mut statements = None;
    for (name, json) in &members {
        match name.as_str() {
            "Version" => match &json.value {
                Value::Text(version) if version == "2012-10-17" => reader.variables = true,
                Value::Text(version) if version == "2008-10-17" => {}
                _ => {
                    let detail = format!("byte {}: Version is \"2012-10-17\" or \"2008-10-17\"", json.at);
                    return Err(kind.error("The policy must contain a valid version string", detail));
                }
            },
            "Id" => drop(reader.text("Id", json)?),
            "Statement" => statements = Some(json),
            other => return Err(reader.unknown_field(other, json)),
        }
    }
    let missing = || kind.error("Missing required field Statement", "a policy has at least one statement");
    let statements = statements.ok_or_else(missing)?;
    let list = match &statements.value {
        Value::Object(_) => std::slice::from_ref(statements),
        Value::Array(list) if !list.is_empty() => list.as_slice(),
        Value::Array(_) => return Err(kind.error("Could not parse the policy: Statement is empty!", "an empty array")),
        _ => return Err(reader.wrong("Statement", statements, "an object or an array of objects")),
    };
    let mut cursor = Cursor::new(bytes);
    let mut taken = Vec::with_capacity(list.len());
    for (i, json) in list.iter().enumerate() {
        let span = Span { start: cursor.behind(json.at), end: cursor.behind(json.end.saturating_sub(1)) };
        taken.push(reader.statement(i + 1, json, span)?);
    }
    if !kind.is_iam() {
        unique_sids(&taken)?;
    }
    Ok(Document { statements: taken, is_newest: reader.variables, legacy: reader.legacy.into_inner() })
}

/// No two statements have one Sid; an empty one is none.
pub(super) fn unique_sids(statements: &[Statement]) -> Result<(), PolicyError> {
    let mut sids = std::collections::HashSet::new();
    for sid in statements.iter().filter_map(|s| s.sid.as_deref()).filter(|sid| !sid.is_empty()) {
        if !sids.insert(sid) {
            let detail = format!("\"{sid}\" is the Sid of two statements");
            return Err(PolicyError::new("Statement IDs (SID) in a single policy must be unique.", detail));
        }
    }
    Ok(())
}

/// From places in bytes to lines and columns, forwards only.
struct Cursor<'a> {
    rest: &'a [u8],
    at: usize,
    position: Position,
}

impl<'a> Cursor<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, at: 0, position: Position { line: 1, column: 1 } }
    }

    /// The position behind the byte at `at`, which is no earlier than the last one.
    fn behind(&mut self, at: usize) -> Position {
        let count = (at + 1).saturating_sub(self.at).min(self.rest.len());
        let (passed, rest) = self.rest.split_at(count);
        for byte in passed {
            match byte {
                b'\n' => self.position = Position { line: self.position.line + 1, column: 1 },
                // What continues a character is no column of its own.
                0x80..0xc0 => {}
                _ => self.position.column += 1,
            }
        }
        self.rest = rest;
        self.at += count;
        self.position
    }
}

impl Reader<'_> {
    fn unknown_field(&self, name: &str, json: &Json) -> PolicyError {
        self.kind
            .error(format!("Unknown field {name}"), format!("byte {}: \"{name}\" is no element of a policy", json.at))
    }

    fn wrong(&self, what: &str, json: &Json, wanted: &str) -> PolicyError {
        let detail = format!("byte {}: {what} is {}, and has to be {wanted}", json.at, json.kind());
        self.kind.error("Invalid policy syntax.", detail)
    }

    fn text<'j>(&self, what: &str, json: &'j Json) -> Result<&'j str, PolicyError> {
        match &json.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.wrong(what, json, "a string")),
        }
    }

    /// A string, or an array of strings.
    fn texts(&self, what: &str, json: &Json) -> Result<Vec<String>, PolicyError> {
        match &json.value {
            Value::Array(list) => list.iter().map(|item| self.text(what, item).map(str::to_owned)).collect(),
            _ => Ok(vec![self.text(what, json)?.to_owned()]),
        }
    }

    fn statement(&self, number: usize, json: &Json, span: Span) -> Result<Statement, PolicyError> {
        let Value::Object(members) = &json.value else { return Err(self.wrong("a statement", json, "an object")) };
        let mut sid = None;
        let mut effect = None;
        let mut principals = None;
        let mut actions: Option<(bool, Vec<String>)> = None;
        let mut resources: Option<(bool, Vec<String>)> = None;
        let mut conditions = Vec::new();
        let twice = |what: &str, json: &Json| {
            let detail = format!("byte {}: statement {number} has both {what} and Not{what}", json.at);
            self.kind.error("Invalid policy syntax.", detail)
        };
        for (name, json) in members {
            match name.as_str() {
                "Sid" => sid = Some(self.text("Sid", json)?.to_owned()),
                "Effect" => effect = Some(self.effect(json)?),
                "Principal" | "NotPrincipal" if principals.is_some() => return Err(twice("Principal", json)),
                "Principal" | "NotPrincipal" => principals = Some(self.principals(name == "NotPrincipal", json)?),
                "Action" | "NotAction" if actions.is_some() => return Err(twice("Action", json)),
                "Action" | "NotAction" => actions = Some((name == "NotAction", self.texts(name, json)?)),
                "Resource" | "NotResource" if *self.kind == Kind::Trust => {
                    let detail = format!("byte {}: a trust policy is about its role", json.at);
                    return Err(self.kind.error(format!("Has prohibited field {name}"), detail));
                }
                "Resource" | "NotResource" if resources.is_some() => return Err(twice("Resource", json)),
                "Resource" | "NotResource" => resources = Some((name == "NotResource", self.texts(name, json)?)),
                "Condition" => conditions = self.conditions(json)?,
                other => return Err(self.unknown_field(other, json)),
            }
        }
        let at = json.at;
        let missing = |what: &str| {
            self.kind.error(format!("Missing required field {what}"), format!("byte {at}: statement {number} has none"))
        };
        let effect = effect.ok_or_else(|| missing("Effect"))?;
        let present = |element: Option<(bool, Vec<String>)>| element.filter(|(_, texts)| !texts.is_empty());
        let (actions, resources) = (present(actions), present(resources));
        // IAM's own documents are looked over when all of them is read.
        let (is_resource, is_trust) = (!self.kind.is_iam(), *self.kind == Kind::Trust);
        let absent = [
            ("Principal", principals.is_none()),
            ("Action", actions.is_none()),
            ("Resource", !is_trust && resources.is_none()),
        ];
        if let Some((what, _)) = absent.into_iter().find(|(_, is_absent)| is_resource && *is_absent) {
            return Err(missing(what));
        }
        let (not_actions, actions) = actions.unwrap_or_default();
        let (not_resources, resources) = resources.unwrap_or_default();
        Ok(Statement {
            number,
            sid,
            effect,
            principals,
            actions: Actions::new(not_actions, actions),
            resources: match is_trust {
                true => Resources::every(),
                false => Resources {
                    not: not_resources,
                    patterns: resources.iter().map(|text| ArnPattern::new(text, self.variables)).collect(),
                    texts: resources,
                },
            },
            span,
            conditions,
        })
    }

    fn effect(&self, json: &Json) -> Result<Effect, PolicyError> {
        let text = self.text("Effect", json)?;
        let detail = format!("byte {}: Effect is \"Allow\" or \"Deny\"", json.at);
        let effects = [("Allow", Effect::Allow), ("Deny", Effect::Deny)];
        match effects.into_iter().find(|(name, _)| text.eq_ignore_ascii_case(name)) {
            Some((name, effect)) if name == text => Ok(effect),
            Some((_, effect)) if self.kind.is_iam() => {
                self.note_legacy(detail);
                Ok(effect)
            }
            _ => Err(self.kind.error(format!("Invalid effect: {text}"), detail)),
        }
    }

    fn note_legacy(&self, detail: String) {
        // The first one is told.
        let _ = self.legacy.set(detail);
    }

    fn principals(&self, not: bool, json: &Json) -> Result<Principals, PolicyError> {
        let invalid = |kind: &str, text: &str, at: usize| {
            let detail = format!("\"{kind}\" : \"{text}\" (byte {at}) names nobody that a policy can be about");
            let message = match (self.kind, kind) {
                (Kind::Trust, "Federated") => {
                    "Federated principals must be valid domain names or SAML metadata ARNs".to_owned()
                }
                (Kind::Trust, _) => invalid_principal(kind, text),
                _ => "Invalid principal in policy".to_owned(),
            };
            self.kind.error(message, detail)
        };
        let list = match &json.value {
            Value::Text(text) if text == "*" => vec![Principal::Anyone],
            Value::Object(kinds) if !kinds.is_empty() => {
                let mut list = Vec::new();
                for (kind, json) in kinds {
                    for text in self.texts(kind, json)? {
                        list.push(Principal::read(kind, &text).ok_or_else(|| invalid(kind, &text, json.at))?);
                    }
                }
                list
            }
            _ => return Err(invalid("AWS", json.kind(), json.at)),
        };
        if list.is_empty() {
            return Err(invalid("AWS", "", json.at));
        }
        Ok(Principals { not, list })
    }

    fn conditions(&self, json: &Json) -> Result<Vec<Condition>, PolicyError> {
        let Value::Object(operators) = &json.value else { return Err(self.wrong("Condition", json, "an object")) };
        let mut conditions = Vec::new();
        for (name, json) in operators {
            let Value::Object(keys) = &json.value else { return Err(self.wrong(name, json, "an object of keys")) };
            // An operator is looked at only where it is used.
            let Some((_, first)) = keys.first() else { continue };
            let operator = Operator::read(name).ok_or_else(|| {
                let detail = format!("byte {}: \"{name}\" is no condition operator", first.at);
                self.kind.error(format!("Invalid Condition type : {name}"), detail)
            })?;
            for (key, json) in keys {
                let texts = self.values(key, json)?;
                let complaint = texts.iter().find_map(|text| Some((text, operator.complaint(text)?)));
                if let Some((text, wanted)) = complaint {
                    let detail = format!("byte {}: \"{text}\" of {name} {key} is not {wanted}", json.at);
                    if !(self.kind.is_iam() && operator.is_about_dates()) {
                        return Err(self.kind.error("Invalid policy syntax.", detail));
                    }
                    self.note_legacy(detail);
                }
                let condition = Condition::new(operator.clone(), key, texts, self.variables);
                conditions.push(condition.ok_or_else(|| self.wrong(key, json, "values of its operator"))?);
            }
        }
        Ok(conditions)
    }

    /// Strings, numbers and truth values, each as a text.
    fn values(&self, key: &str, json: &Json) -> Result<Vec<String>, PolicyError> {
        let one = |json: &Json| match &json.value {
            Value::Text(text) | Value::Number(text) => Ok(text.clone()),
            Value::Bool(truth) => Ok(truth.to_string()),
            _ => Err(self.wrong(key, json, "a string, a number or a truth value")),
        };
        match &json.value {
            Value::Array(list) => list.iter().map(one).collect(),
            _ => Ok(vec![one(json)?]),
        }
    }
}
