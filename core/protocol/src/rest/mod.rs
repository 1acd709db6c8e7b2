//! REST-JSON and REST-XML: members that stand in the path, the query, the headers, and in the body.

mod answer;
mod request;

pub(crate) use answer::decode_answer;
pub(crate) use request::{Parts, decode_request};

use http::HeaderMap;

use crate::json;
use crate::markup;
use crate::model::shape::{Kind, Location, Member, ShapeId};
use crate::query::read_scalar;
use crate::{Document, Protocol, ServiceModel};

/// A member and its value; `None` where there is no value, or none that fits.
type Read = Option<(String, Document)>;

/// What a header says, or the headers of a prefix say.
fn of_header(service: &ServiceModel, member: &Member, headers: &HeaderMap) -> Read {
    let shape = service.shape(member.shape);
    if member.binding.as_ref().and_then(|b| b.location) == Some(Location::HeadersByPrefix) {
        let prefix = member.wire_name().to_ascii_lowercase();
        let entries: Vec<(String, Document)> = headers
            .iter()
            .filter_map(|(name, value)| {
                let name = name.as_str().strip_prefix(&prefix)?;
                Some((name.to_owned(), Document::Text(value.to_str().ok()?.to_owned())))
            })
            .collect();
        return (!entries.is_empty()).then(|| (member.name.to_owned(), Document::Map(entries)));
    }
    let text = headers.get(member.wire_name())?.to_str().ok()?;
    let value = match &shape.kind {
        Kind::List(element) => {
            let element = service.shape(element.shape);
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Document::List(items.filter_map(|item| read_scalar(element, item.trim_matches('"')).ok()).collect())
        }
        _ => read_scalar(shape, text).ok()?,
    };
    Some((member.name.to_owned(), value))
}

/// What the body says: one member's value where that is the payload, else all members that stand nowhere else. The second
/// is whether the body was understood.
fn of_body(
    service: &ServiceModel,
    shape: ShapeId,
    members: &[Member],
    body: &[u8],
    read: &mut Vec<(String, Document)>,
) -> bool {
    let json = service.protocol != Protocol::RestXml;
    let decode = |shape| match json {
        true => json::decode_shape(service, Some(shape), body).ok(),
        false => markup::decode(service, shape, body),
    };
    if let Some(payload) = members.iter().find(|member| member.payload) {
        let kind = &service.shape(payload.shape).kind;
        let value = match kind {
            _ if payload.streaming() || body.is_empty() => return true,
            // Bytes are nobody's parameter.
            Kind::Blob => return true,
            Kind::Text => String::from_utf8(body.to_vec()).ok().map(Document::Text),
            _ => decode(payload.shape),
        };
        let understood = value.is_some();
        read.extend(value.map(|value| (payload.name.to_owned(), value)));
        return understood;
    }
    let in_body = |name: &str| members.iter().any(|m| m.name == name && location(m).is_none());
    if body.iter().all(u8::is_ascii_whitespace) || !members.iter().any(|member| location(member).is_none()) {
        return true;
    }
    match decode(shape) {
        Some(Document::Map(values)) => {
            read.extend(values.into_iter().filter(|(name, _)| in_body(name)));
            true
        }
        _ => false,
    }
}

fn location(member: &Member) -> Option<Location> {
    member.binding.as_ref().and_then(|binding| binding.location)
}
