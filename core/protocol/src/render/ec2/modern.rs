//! The later operations: the form and the XML as they were, turned into JSON.

use std::borrow::Cow;

use opentrail_event::{RawJson, write_text};

use super::{REMOVED, is_secret};
use crate::json::{separate, write_plain};
use crate::model::shape::{Kind, Member};
use crate::query::form_name;
use crate::s3::body::{write_element, write_typed};
use crate::tree::{Element, Node, read_xml};
use crate::{Document, OperationModel, ServiceModel, time};

/// Requests under another name than that of their operation.
const RENAMED: &[(&str, &str)] = &[("DeleteTransitGatewayVpcAttachment", "DelTGwVpcAttachReq")];

/// `{"CreateNatGatewayRequest":{…}}`; a request that says nothing is `""`.
pub(super) fn request_parameters(
    service: &ServiceModel,
    operation: &OperationModel,
    input: &Document,
) -> Option<RawJson> {
    let mut out = vec![b'{'];
    let renamed = RENAMED.iter().find(|(name, _)| *name == &*operation.name);
    let title = renamed.map_or_else(|| format!("{}Request", operation.name), |(_, title)| (*title).to_owned());
    write_text(&mut out, &title);
    out.push(b':');
    let shape = operation.input.map(|input| &service.shape(input).kind);
    match (shape, input) {
        (Some(Kind::Structure(members)), Document::Map(values)) if !values.is_empty() => {
            Writing { service, operation: &operation.name }.structure(&mut out, members, values, None);
        }
        _ => out.extend_from_slice(b"\"\""),
    }
    out.push(b'}');
    Some(RawJson::from_written(out))
}

struct Writing<'a> {
    service: &'a ServiceModel,
    operation: &'a str,
}

impl Writing<'_> {
    /// `tag` is the number of an element among its list.
    fn structure(&self, out: &mut Vec<u8>, members: &[Member], values: &[(String, Document)], tag: Option<usize>) {
        out.push(b'{');
        let mut first = true;
        for (name, value) in values {
            let Some(member) = members.iter().find(|m| m.name == name) else { continue };
            let empty = matches!(value, Document::List(items) if items.is_empty());
            if *value == Document::Null || member.streaming() || empty {
                continue;
            }
            separate(out, &mut first);
            let written: Cow<'_, str> = form_name(self.service, member);
            write_text(out, &written);
            out.push(b':');
            match is_secret(self.service, self.operation, member) {
                true => write_text(out, REMOVED),
                false => self.value(out, member, value, None),
            }
        }
        if let Some(tag) = tag {
            separate(out, &mut first);
            out.extend_from_slice(format!("\"tag\":{tag}").as_bytes());
        }
        out.push(b'}');
    }

    fn value(&self, out: &mut Vec<u8>, member: &Member, value: &Document, tag: Option<usize>) {
        match (&self.service.shape(member.shape).kind, value) {
            (Kind::Structure(members), Document::Map(values)) => self.structure(out, members, values, tag),
            (Kind::List(element), Document::List(items)) => match items.as_slice() {
                [item] => self.value(out, element, item, Some(1)),
                items => {
                    out.push(b'[');
                    let mut first = true;
                    for (i, item) in items.iter().enumerate() {
                        separate(out, &mut first);
                        self.value(out, element, item, Some(i + 1));
                    }
                    out.push(b']');
                }
            },
            (_, value) => {
                if let Some(tag) = tag {
                    out.extend_from_slice(format!("{{\"tag\":{tag},\"content\":").as_bytes());
                }
                match value {
                    Document::Text(text) => write_typed(out, text),
                    value => write_plain(out, value, &|out, at| write_text(out, &time::to_iso(at))),
                }
                if tag.is_some() {
                    out.push(b'}');
                }
            }
        }
    }
}

/// `{"CreateNatGatewayResponse":{"xmlns":…,"requestId":…,…}}`, from the answer's XML; `None` for what is none. Secrets are
/// known by their elements' names.
pub(crate) fn response_elements(body: &[u8]) -> Option<RawJson> {
    let (name, mut root) = read_xml(body)?;
    hide(&mut root);
    let mut out = vec![b'{'];
    write_text(&mut out, &name);
    out.push(b':');
    write_element(&mut out, &root);
    out.push(b'}');
    Some(RawJson::from_written(out))
}

fn hide(element: &mut Element) {
    for (name, nodes) in &mut element.members {
        let lower = name.to_ascii_lowercase();
        let secret = ["keymaterial", "userdata", "passworddata", "privatekey", "presharedkey", "sessiontoken"];
        if secret.contains(&lower.as_str()) || lower.ends_with("password") || lower.ends_with("secretaccesskey") {
            *nodes = vec![Node::Text(REMOVED.to_owned())];
            continue;
        }
        for node in nodes {
            if let Node::Element(inner) = node {
                hide(inner);
            }
        }
    }
}
