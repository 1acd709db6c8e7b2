//! How CloudTrail writes inputs and outputs down: lowerCamel members, dates as ISO 8601 seconds, secrets hidden.
//!
//! - [`secrets`] says what is hidden, or left out;
//! - [`spelling`] how names are spelled, with the few services that do it in a way of their own;
//! - [`ec2`] writes the calls of EC2, which look like nobody else's.

pub(crate) mod ec2;
mod secrets;
mod spelling;

use opentrail_event::{RawJson, write_text};

use crate::json::{separate, write_plain};
use crate::model::shape::{Kind, Member, Shape, ShapeId};
use crate::{Document, OperationModel, Protocol, ServiceModel, time};

pub(crate) use secrets::is_secret;

/// What stands in place of a secret.
pub const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// `requestParameters`; `None` for null (an operation without input, or with an empty one).
pub fn request_parameters(service: &ServiceModel, operation: &OperationModel, input: &Document) -> Option<RawJson> {
    if service.protocol == Protocol::Ec2Query {
        return ec2::request_parameters(service, operation, input);
    }
    if spelling::wraps_body(service) {
        return spelling::with_wrapped_body(service, operation, input);
    }
    let hidden = secrets::never_shown(service, operation, false);
    render(service, operation, hidden, operation.input, input)
}

/// `responseElements` of an operation that is recorded with them; `None` for null.
pub fn response_elements(service: &ServiceModel, operation: &OperationModel, output: &Document) -> Option<RawJson> {
    // What only wraps the answer is not shown: `dBInstance` of CreateDBInstance.
    let shape = service.shape(operation.output?);
    if let (Kind::Structure(members), Document::Map(values)) = (&shape.kind, output)
        && let ([member], [(_, inner)]) = (&**members, values.as_slice())
        && service.shape(member.shape).wrapper
    {
        return render(service, operation, &[], Some(member.shape), inner);
    }
    let hidden = secrets::never_shown(service, operation, true);
    render(service, operation, hidden, operation.output, output)
}

/// `AWSAccountId` → `aWSAccountId`: the first letter alone is lowered (`spec/recorded.md` 9).
pub(crate) fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + chars.as_str())
}

/// `unseen` are members of the whole that records do not have.
fn render(
    service: &ServiceModel,
    operation: &OperationModel,
    unseen: &[&str],
    shape: Option<ShapeId>,
    value: &Document,
) -> Option<RawJson> {
    let shape = service.shape(shape?);
    let mut out = Vec::with_capacity(256);
    let rendering = Rendering { service, operation: &operation.name, leave_out: secrets::are_left_out(service) };
    match (&shape.kind, value) {
        (Kind::Structure(members), Document::Map(values)) if !unseen.is_empty() => {
            let seen: Vec<_> = values.iter().filter(|(name, _)| !unseen.contains(&name.as_str())).cloned().collect();
            rendering.structure(&mut out, members, &seen);
        }
        _ => rendering.write(&mut out, shape, value),
    }
    // A structure of which nothing is left is null too, and so is what is no structure at all.
    (out.starts_with(b"{") && out != b"{}").then(|| RawJson::from_written(out))
}

struct Rendering<'a> {
    service: &'a ServiceModel,
    operation: &'a str,
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
                    match secrets::is_secret_key(self.service, key) {
                        true => write_text(out, HIDDEN),
                        false => self.part(out, &parts[1], value),
                    }
                }
                out.push(b'}');
            }
            (Kind::Text, Document::Text(text)) if secrets::has_password(self.service, text) => write_text(out, HIDDEN),
            (_, value) => write_plain(out, value, &|out, at| write_text(out, &time::to_iso(at))),
        }
    }

    fn structure(&self, out: &mut Vec<u8>, members: &[Member], values: &[(String, Document)]) {
        out.push(b'{');
        let mut first = true;
        for (name, value) in values {
            let Some(member) = members.iter().find(|m| m.name == name) else { continue };
            let secret = is_secret(self.service, member);
            // A body that streams is no parameter, and a status no element.
            let apart = member.streaming() || member.is_status();
            if *value == Document::Null || apart || (secret && self.leaves_out(member)) {
                continue;
            }
            separate(out, &mut first);
            write_text(out, &spelling::member(self.service, self.operation, member));
            out.push(b':');
            if secret {
                write_text(out, HIDDEN);
            } else {
                self.write(out, self.service.shape(member.shape), value);
            }
        }
        out.push(b'}');
    }

    fn leaves_out(&self, member: &Member) -> bool {
        self.leave_out && !secrets::is_shown_hidden(self.service, member)
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
