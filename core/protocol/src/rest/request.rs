//! A REST request into a [`Document`]: labels of the path, parameters, headers, body.

use http::HeaderMap;

use super::{Read, location, of_body, of_header};
use crate::model::shape::{Kind, Location, Member, Shape};
use crate::query::read_scalar;
use crate::{Document, OperationModel, ServiceModel};

/// A request taken apart.
pub(crate) struct Parts<'a> {
    /// Names as in the operation's URI, decoded values.
    pub(crate) labels: &'a [(&'a str, String)],
    /// Decoded parameters.
    pub(crate) query: &'a [(String, String)],
    pub(crate) headers: &'a HeaderMap,
    /// `None` where it is not looked at: a stream, or one that is too long.
    pub(crate) body: Option<&'a [u8]>,
}

/// Members in the order path, query, headers, body, and whether the body was understood. A value that is not of its
/// member's kind is left out.
pub(crate) fn decode_request(
    service: &ServiceModel,
    operation: &OperationModel,
    parts: &Parts<'_>,
) -> (Document, bool) {
    let Some(input) = operation.input else { return (Document::structure(), true) };
    let Kind::Structure(members) = &service.shape(input).kind else { return (Document::structure(), true) };
    let mut read = Vec::new();
    let at = |place| members.iter().filter(move |member| location(member) == Some(place));
    read.extend(at(Location::Path).filter_map(|member| of_label(service, member, parts.labels)));
    read.extend(at(Location::Query).filter_map(|member| of_query(service, members, member, parts.query)));
    let headers = at(Location::Header).chain(at(Location::HeadersByPrefix));
    read.extend(headers.filter_map(|member| of_header(service, member, parts.headers)));
    let understood = parts.body.is_none_or(|body| of_body(service, input, members, body, &mut read));
    (Document::Map(read), understood)
}

fn of_label(service: &ServiceModel, member: &Member, labels: &[(&str, String)]) -> Read {
    let (_, text) = labels.iter().find(|(name, _)| *name == member.wire_name())?;
    Some((member.name.to_owned(), read_scalar(service.shape(member.shape), text).ok()?))
}

fn of_query(service: &ServiceModel, members: &[Member], member: &Member, query: &[(String, String)]) -> Read {
    let shape = service.shape(member.shape);
    let mut sent = query.iter().filter(|(name, _)| name == member.wire_name());
    let value = match &shape.kind {
        Kind::List(element) => {
            let element = service.shape(element.shape);
            let items: Vec<Document> = sent.filter_map(|(_, text)| read_scalar(element, text).ok()).collect();
            Some(Document::List(items)).filter(|list| *list != Document::List(Vec::new()))?
        }
        // A map takes the parameters that are no other member's.
        Kind::Map(parts) => of_rest_of_query(service.shape(parts[1].shape), members, query)?,
        _ => read_scalar(shape, &sent.next()?.1).ok()?,
    };
    Some((member.name.to_owned(), value))
}

fn of_rest_of_query(value: &Shape, members: &[Member], query: &[(String, String)]) -> Option<Document> {
    let mut entries: Vec<(String, Document)> = Vec::new();
    for (name, text) in query {
        let named = members.iter().any(|m| location(m) == Some(Location::Query) && m.wire_name() == name);
        // Those of a presigned URL are nobody's.
        if named || name.to_ascii_lowercase().starts_with("x-amz-") {
            continue;
        }
        let text = Document::Text(text.clone());
        match entries.iter_mut().find(|(n, _)| n == name) {
            Some((_, Document::List(items))) => items.push(text),
            Some(_) => {}
            None if matches!(value.kind, Kind::List(_)) => entries.push((name.clone(), Document::List(vec![text]))),
            None => entries.push((name.clone(), text)),
        }
    }
    (!entries.is_empty()).then_some(Document::Map(entries))
}
