//! XML into a [`Document`], driven by a shape: bodies of REST-XML services, and what Query and EC2 services answer.
//!
//! Somebody else's service has written it or will read it: what a shape does not have is skipped, and a value of the wrong
//! kind is left out rather than refused.

use crate::Document;
use crate::ServiceModel;
use crate::model::shape::{Kind, Member, Shape, ShapeId};
use crate::query::read_scalar;
use crate::tree::{Element, Node, read_xml};

/// So many values of a body are taken in; the rest is skipped.
const VALUES_MAX: usize = 100_000;

/// Reads a body whose root is a value of `shape`. `None` for what is no XML, or has another root than those.
pub(crate) fn decode(service: &ServiceModel, shape: ShapeId, body: &[u8]) -> Option<Document> {
    let (_, root) = read_xml(body)?;
    Some(Reading { service, left: VALUES_MAX }.element(service.shape(shape), &root))
}

/// Reads an answer in the envelope of the Query protocol, or without one as EC2 has it.
pub(crate) fn decode_answer(service: &ServiceModel, operation: &str, shape: ShapeId, body: &[u8]) -> Option<Document> {
    let (_, root) = read_xml(body)?;
    let result = root.child(&format!("{operation}Result")).unwrap_or(&root);
    Some(Reading { service, left: VALUES_MAX }.element(service.shape(shape), result))
}

struct Reading<'a> {
    service: &'a ServiceModel,
    left: usize,
}

impl Reading<'_> {
    fn element(&mut self, shape: &Shape, element: &Element) -> Document {
        match &shape.kind {
            Kind::Structure(members) => self.structure(members, element),
            Kind::List(member) => {
                let named = element.named(name_or(member, "member"));
                let nodes = match named.is_empty() {
                    // Whatever the elements are called: EC2 says `item` where its model says otherwise.
                    true => element.members.first().map_or(&[][..], |(_, nodes)| nodes),
                    false => named,
                };
                self.list(member, nodes)
            }
            Kind::Map(parts) => self.map(parts, element.named("entry")),
            _ => read_scalar(shape, element.text.trim()).unwrap_or(Document::Null),
        }
    }

    fn structure(&mut self, members: &[Member], element: &Element) -> Document {
        let mut read = Vec::new();
        for (name, nodes) in &element.members {
            let Some(member) = members.iter().find(|m| m.wire_name() == name) else { continue };
            let value = self.member(member, nodes);
            if value != Document::Null {
                read.push((member.name.to_owned(), value));
            }
        }
        // A flattened or renamed list may be missed by its member's name: its elements bear their own.
        for member in members.iter().filter(|m| m.flattened() || self.service.shape(m.shape).flattened) {
            if read.iter().any(|(name, _)| name == member.name) {
                continue;
            }
            if let Kind::List(part) = &self.service.shape(member.shape).kind {
                let nodes = element.named(name_or(part, "member"));
                if !nodes.is_empty() {
                    read.push((member.name.to_owned(), self.list(part, nodes)));
                }
            }
        }
        Document::Map(read)
    }

    fn member(&mut self, member: &Member, nodes: &[Node]) -> Document {
        if self.left == 0 {
            return Document::Null;
        }
        self.left -= 1;
        let shape = self.service.shape(member.shape);
        match &shape.kind {
            Kind::List(part) if member.flattened() || shape.flattened => self.list(part, nodes),
            Kind::Map(parts) if member.flattened() || shape.flattened => self.map(parts, nodes),
            _ => match nodes.first() {
                Some(Node::Element(element)) => self.element(shape, element),
                Some(Node::Text(text)) => read_scalar(shape, text).unwrap_or(Document::Null),
                None => Document::Null,
            },
        }
    }

    fn list(&mut self, member: &Member, nodes: &[Node]) -> Document {
        Document::List(nodes.iter().map(|node| self.member(member, std::slice::from_ref(node))).collect())
    }

    fn map(&mut self, parts: &[Member; 2], nodes: &[Node]) -> Document {
        let mut read = Vec::new();
        for entry in nodes.iter().filter_map(Node::element) {
            let Some(key) = entry.named(name_or(&parts[0], "key")).first() else { continue };
            let value = self.member(&parts[1], entry.named(name_or(&parts[1], "value")));
            read.push((key.text().to_owned(), value));
        }
        Document::Map(read)
    }
}

fn name_or(member: &Member, default: &'static str) -> &'static str {
    match member.wire_name() {
        "" => default,
        name => name,
    }
}

#[cfg(test)]
mod tests;
