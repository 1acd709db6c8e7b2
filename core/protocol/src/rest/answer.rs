//! A REST answer into a [`Document`]: status, headers, body.

use http::HeaderMap;

use super::{location, of_body, of_header};
use crate::model::shape::{Kind, Location};
use crate::{Document, OperationModel, ServiceModel};

/// Members in the order status, headers, body; `None` where the body was not understood.
pub(crate) fn decode_answer(
    service: &ServiceModel,
    operation: &OperationModel,
    status: u16,
    headers: &HeaderMap,
    body: Option<&[u8]>,
) -> Option<Document> {
    let Some(output) = operation.output else { return Some(Document::structure()) };
    let Kind::Structure(members) = &service.shape(output).kind else { return Some(Document::structure()) };
    let mut read = Vec::new();
    let at = |place| members.iter().filter(move |member| location(member) == Some(place));
    read.extend(at(Location::Status).map(|member| (member.name.to_owned(), Document::Int(status.into()))));
    let named = at(Location::Header).chain(at(Location::HeadersByPrefix));
    read.extend(named.filter_map(|member| of_header(service, member, headers)));
    let understood = body.is_none_or(|body| of_body(service, output, members, body, &mut read));
    understood.then_some(Document::Map(read))
}
