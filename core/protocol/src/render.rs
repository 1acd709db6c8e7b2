//! How CloudTrail writes inputs and outputs down: lowerCamel members, dates as ISO 8601 seconds, secrets hidden.

use opentrail_event::{RawJson, write_text};

use crate::json::{separate, write_plain};
use crate::model::shape::{Kind, Member, Shape, ShapeId};
use crate::{Document, OperationModel, ServiceModel, time};

/// What stands in place of a secret.
pub const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Services whose records leave secrets out altogether, where others show [`HIDDEN`]: real records of IAM's
/// CreateLoginProfile, CreateAccessKey and ChangePassword, and of STS, have no member for them (`spec/sts.md` 4).
const LEAVE_OUT: &[&str] = &["iam", "sts"];

/// Secrets that the models do not mark as such: (signing name, member).
const EXTRA_SECRETS: &[(&str, &str)] = &[
    // One-time codes: absent from real EnableMFADevice records.
    ("iam", "AuthenticationCode1"),
    ("iam", "AuthenticationCode2"),
    // `spec/sts.md` 4: never recorded.
    ("sts", "TokenCode"),
    ("sts", "SAMLAssertion"),
    ("sts", "WebIdentityToken"),
];

/// `requestParameters`; `None` for null (an operation without input, or with an empty one).
pub fn request_parameters(service: &ServiceModel, operation: &OperationModel, input: &Document) -> Option<RawJson> {
    render(service, operation.input, input)
}

/// `responseElements` of an operation that is recorded with them; `None` for null.
pub fn response_elements(service: &ServiceModel, operation: &OperationModel, output: &Document) -> Option<RawJson> {
    render(service, operation.output, output)
}

/// `AWSAccountId` → `aWSAccountId`: the first letter alone is lowered (`spec/recorded.md` 9).
pub(crate) fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + chars.as_str())
}

/// By the model or by our own list.
pub(crate) fn is_secret(service: &ServiceModel, member: &Member) -> bool {
    service.shape(member.shape).sensitive || EXTRA_SECRETS.contains(&(service.signing_name.as_str(), member.name))
}

fn render(service: &ServiceModel, shape: Option<ShapeId>, value: &Document) -> Option<RawJson> {
    let shape = service.shape(shape?);
    let mut out = Vec::with_capacity(256);
    let leave_out = LEAVE_OUT.contains(&service.signing_name.as_str());
    Rendering { service, leave_out }.write(&mut out, shape, value);
    // A structure of which nothing is left is null too, and so is what is no structure at all.
    (out.starts_with(b"{") && out != b"{}").then(|| RawJson::from_written(out))
}

struct Rendering<'a> {
    service: &'a ServiceModel,
    leave_out: bool,
}

impl Rendering<'_> {
    fn write(&self, out: &mut Vec<u8>, shape: &Shape, value: &Document) {
        match (&shape.kind, value) {
            (Kind::Structure(members), Document::Map(values)) => self.structure(out, members, values),
            (Kind::List(member), Document::List(items)) => {
                out.push(b'[');
                let mut first = true;
                for item in items {
                    separate(out, &mut first);
                    self.part(out, member, item);
                }
                out.push(b']');
            }
            (Kind::Map(parts), Document::Map(entries)) => {
                out.push(b'{');
                let mut first = true;
                for (key, value) in entries {
                    separate(out, &mut first);
                    write_text(out, key);
                    out.push(b':');
                    self.part(out, &parts[1], value);
                }
                out.push(b'}');
            }
            (_, value) => write_plain(out, value, &|out, at| write_text(out, &time::to_iso(at))),
        }
    }

    fn structure(&self, out: &mut Vec<u8>, members: &[Member], values: &[(String, Document)]) {
        out.push(b'{');
        let mut first = true;
        for (name, value) in values {
            let Some(member) = members.iter().find(|m| m.name == name) else { continue };
            let secret = is_secret(self.service, member);
            // A body that streams is no parameter.
            if *value == Document::Null || member.streaming() || (secret && self.leave_out) {
                continue;
            }
            separate(out, &mut first);
            write_text(out, &lower_first(name));
            out.push(b':');
            if secret {
                write_text(out, HIDDEN);
            } else {
                self.write(out, self.service.shape(member.shape), value);
            }
        }
        out.push(b'}');
    }

    /// An element of a list, or a value of a map.
    fn part(&self, out: &mut Vec<u8>, member: &Member, value: &Document) {
        let shape = self.service.shape(member.shape);
        if shape.sensitive {
            write_text(out, HIDDEN);
        } else {
            self.write(out, shape, value);
        }
    }
}

#[cfg(test)]
mod tests;
