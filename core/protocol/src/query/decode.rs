//! Parameters with dotted names into a [`Document`], driven by the operation's input shape.
//!
//! `Tags.member.1.Key=a` is the member `Key` of the first element of `Tags`; a flattened list leaves out `member`, a
//! map has `entry.1.key` and `entry.1.value`. EC2 has a form of its own: lists are always flattened, and names begin with a
//! capital. Parameters that the model does not have are ignored, as AWS does; one
//! that comes twice is refused, for who is to say which one was meant.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use bytes::Bytes;

use crate::model::shape::{Kind, Member, Shape};
use crate::{Document, Malformed, OperationModel, Protocol, ServiceModel, time};

/// A parameter's name may have so many parts.
const PARTS_MAX: usize = 24;

/// Reads the parameters of an operation (`Action` and `Version` aside).
pub fn decode(
    service: &ServiceModel,
    operation: &OperationModel,
    form: &[(String, String)],
) -> Result<Document, Malformed> {
    let Some(input) = operation.input else {
        return Ok(Document::structure());
    };
    let mut root = Node::default();
    for (order, (name, value)) in form.iter().enumerate() {
        if matches!(name.as_str(), "Action" | "Version") {
            continue;
        }
        root.insert(name, value, order)?;
    }
    match &service.shape(input).kind {
        Kind::Structure(members) => read_structure(service, members, &root),
        _ => Ok(Document::structure()),
    }
}

/// Parameters as a tree over the parts of their names.
#[derive(Default)]
struct Node<'a> {
    value: Option<&'a str>,
    /// Of the first parameter that came this way.
    order: usize,
    children: BTreeMap<&'a str, Node<'a>>,
}

impl<'a> Node<'a> {
    fn insert(&mut self, name: &'a str, value: &'a str, order: usize) -> Result<(), Malformed> {
        let mut node = self;
        for (depth, part) in name.split('.').enumerate() {
            if depth == PARTS_MAX {
                return Err(Malformed::new(format!("a parameter's name has more than {PARTS_MAX} parts")));
            }
            node = node.children.entry(part).or_insert_with(|| Node { order, ..Node::default() });
        }
        if node.value.replace(value).is_some() {
            return Err(Malformed::new("a parameter is given more than once"));
        }
        Ok(())
    }

    /// The children whose names are numbers, by number.
    fn numbered(&self) -> Vec<&Node<'a>> {
        let mut numbered: Vec<(u32, &Node<'a>)> =
            self.children.iter().filter_map(|(name, node)| Some((name.parse().ok()?, node))).collect();
        numbered.sort_by_key(|&(number, node)| (number, node.order));
        numbered.into_iter().map(|(_, node)| node).collect()
    }
}

fn read_structure(service: &ServiceModel, members: &[Member], node: &Node<'_>) -> Result<Document, Malformed> {
    let mut sent: Vec<(&Member, &Node<'_>)> =
        members.iter().filter_map(|m| Some((m, node.children.get(&*form_name(service, m))?))).collect();
    sent.sort_by_key(|(_, node)| node.order);
    let mut read = Vec::with_capacity(sent.len());
    for (member, node) in sent {
        let value = read_member(service, member, node)?;
        if value != Document::Null {
            read.push((member.name.to_owned(), value));
        }
    }
    Ok(Document::Map(read))
}

/// The name of a member in a form.
pub(crate) fn form_name(service: &ServiceModel, member: &Member) -> Cow<'static, str> {
    if service.protocol == Protocol::Ec2Query {
        let given = member.binding.as_ref().and_then(|b| b.query_name);
        return match (given, member.wire_name().split_at_checked(1)) {
            (None, Some((first, rest))) if first != first.to_ascii_uppercase() => {
                Cow::Owned(first.to_ascii_uppercase() + rest)
            }
            (given, _) => Cow::Borrowed(given.unwrap_or_else(|| member.wire_name())),
        };
    }
    // The elements of a flattened list may have a name, which then stands in place of the list's.
    let shape = service.shape(member.shape);
    match &shape.kind {
        Kind::List(element) if (shape.flattened || member.flattened()) && !element.form_name().is_empty() => {
            Cow::Borrowed(element.form_name())
        }
        _ => Cow::Borrowed(member.form_name()),
    }
}

fn read_member(service: &ServiceModel, member: &Member, node: &Node<'_>) -> Result<Document, Malformed> {
    let shape = service.shape(member.shape);
    let flattened = shape.flattened || member.flattened() || service.protocol == Protocol::Ec2Query;
    match &shape.kind {
        Kind::Structure(members) => match node.value {
            Some(value) if !value.is_empty() => Err(refuse("a Structure")),
            _ => read_structure(service, members, node),
        },
        Kind::List(element) => match node.value {
            Some(value) if !value.is_empty() => Err(refuse("a List")),
            _ => {
                let items = match (flattened, node.children.get(name_or(element, "member"))) {
                    (true, _) => node.numbered(),
                    (false, Some(items)) => items.numbered(),
                    (false, None) => Vec::new(),
                };
                items
                    .into_iter()
                    .map(|item| read_member(service, element, item))
                    .collect::<Result<_, _>>()
                    .map(Document::List)
            }
        },
        Kind::Map(parts) => {
            let entries = match (flattened, node.children.get("entry")) {
                (true, _) => node.numbered(),
                (false, Some(entries)) => entries.numbered(),
                (false, None) => Vec::new(),
            };
            let mut read = Vec::with_capacity(entries.len());
            for entry in entries {
                let key = entry.children.get(name_or(&parts[0], "key")).and_then(|key| key.value);
                let key = key.ok_or_else(|| Malformed::new("an entry of a map has no key"))?;
                let value = match entry.children.get(name_or(&parts[1], "value")) {
                    Some(value) => read_member(service, &parts[1], value)?,
                    None => Document::Null,
                };
                read.push((key.to_owned(), value));
            }
            Ok(Document::Map(read))
        }
        _ => match node.value {
            Some(value) => read_scalar(shape, value),
            None => Err(Malformed::new("Start of structure or map found where not expected.")),
        },
    }
}

/// The name of a list's element, or of a map's key or value.
fn name_or(member: &Member, default: &'static str) -> &'static str {
    match member.form_name() {
        "" => default,
        name => name,
    }
}

pub(crate) fn read_scalar(shape: &Shape, value: &str) -> Result<Document, Malformed> {
    match &shape.kind {
        Kind::Text | Kind::Any => Ok(Document::Text(value.to_owned())),
        Kind::Bool => match value {
            "true" | "True" | "TRUE" => Ok(Document::Bool(true)),
            "false" | "False" | "FALSE" => Ok(Document::Bool(false)),
            _ => Err(refuse("a Boolean")),
        },
        Kind::Integer => value.parse::<i32>().map(|n| Document::Int(n.into())).map_err(|_| refuse("an Integer")),
        Kind::Long => value.parse().map(Document::Int).map_err(|_| refuse("a Long")),
        Kind::Float => value.parse().map(Document::Float).map_err(|_| refuse("a Double")),
        Kind::Timestamp(_) => time::from_text(value).ok_or_else(|| refuse("a Timestamp")),
        Kind::Blob => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(value);
            bytes.map(|bytes| Document::Blob(Bytes::from(bytes))).map_err(|_| refuse("a Blob"))
        }
        Kind::Structure(_) | Kind::List(_) | Kind::Map(_) => Err(refuse("a collection")),
    }
}

fn refuse(expected: &str) -> Malformed {
    Malformed::new(format!("STRING_VALUE can not be converted to {expected}"))
}
