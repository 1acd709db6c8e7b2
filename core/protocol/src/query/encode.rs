//! XML out, in the envelope of the Query protocol.

use base64::Engine as _;
use bytes::Bytes;

use crate::model::shape::{Kind, Member, Shape, TimeFormat};
use crate::xml::{close, escape, open};
use crate::{Document, OperationModel, ServiceModel, time};

/// Writes `<OpResponse><OpResult>…</OpResult><ResponseMetadata>…`.
pub fn encode(service: &ServiceModel, operation: &OperationModel, output: &Document, request_id: &str) -> Bytes {
    let mut out = String::with_capacity(512);
    let name = &operation.name;
    out.push_str(&format!("<{name}Response xmlns=\""));
    escape(&mut out, &service.xml_namespace);
    out.push_str("\">");
    if let Some(shape) = operation.output {
        let result = format!("{name}Result");
        open(&mut out, &result);
        if let (Kind::Structure(members), Document::Map(values)) = (&service.shape(shape).kind, output) {
            write_members(&mut out, service, members, values);
        }
        close(&mut out, &result);
    }
    out.push_str("<ResponseMetadata><RequestId>");
    escape(&mut out, request_id);
    out.push_str("</RequestId></ResponseMetadata>");
    close(&mut out, &format!("{name}Response"));
    Bytes::from(out)
}

fn write_members(out: &mut String, service: &ServiceModel, members: &[Member], values: &[(String, Document)]) {
    for (name, value) in values {
        let member = members.iter().find(|m| m.name == name);
        debug_assert!(member.is_some(), "the output has no member {name}");
        if let Some(member) = member
            && *value != Document::Null
        {
            write_member(out, service, member, member.wire_name(), value);
        }
    }
}

/// An element called `name`; for a flattened list, as many as it has items.
fn write_member(out: &mut String, service: &ServiceModel, member: &Member, name: &str, value: &Document) {
    let shape = service.shape(member.shape);
    let flattened = shape.flattened || member.flattened();
    match (&shape.kind, value) {
        (Kind::List(element), Document::List(items)) if flattened => {
            for item in items {
                write_member(out, service, element, name, item);
            }
        }
        (Kind::Map(parts), Document::Map(entries)) if flattened => {
            for (key, value) in entries {
                write_entry(out, service, parts, name, key, value);
            }
        }
        _ => {
            open(out, name);
            match (&shape.kind, value) {
                (Kind::Structure(members), Document::Map(values)) => write_members(out, service, members, values),
                (Kind::List(element), Document::List(items)) => {
                    for item in items {
                        write_member(out, service, element, name_or(element, "member"), item);
                    }
                }
                (Kind::Map(parts), Document::Map(entries)) => {
                    for (key, value) in entries {
                        write_entry(out, service, parts, "entry", key, value);
                    }
                }
                (_, value) => write_scalar(out, shape, value),
            }
            close(out, name);
        }
    }
}

fn write_entry(out: &mut String, service: &ServiceModel, parts: &[Member; 2], name: &str, key: &str, value: &Document) {
    open(out, name);
    let key_name = name_or(&parts[0], "key");
    open(out, key_name);
    escape(out, key);
    close(out, key_name);
    write_member(out, service, &parts[1], name_or(&parts[1], "value"), value);
    close(out, name);
}

fn name_or(member: &Member, default: &'static str) -> &'static str {
    match member.wire_name() {
        "" => default,
        name => name,
    }
}

fn write_scalar(out: &mut String, shape: &Shape, value: &Document) {
    match value {
        Document::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Document::Int(number) => out.push_str(&number.to_string()),
        Document::Float(number) => out.push_str(&number.to_string()),
        Document::Text(text) => escape(out, text),
        Document::Blob(bytes) => out.push_str(&base64::engine::general_purpose::STANDARD.encode(bytes)),
        Document::Time(at) => out.push_str(&match shape.kind {
            Kind::Timestamp(Some(TimeFormat::Epoch)) => time::to_epoch(*at),
            Kind::Timestamp(Some(TimeFormat::Rfc822)) => time::to_rfc822(*at),
            _ => time::to_iso(*at),
        }),
        Document::Null | Document::List(_) | Document::Map(_) => {}
    }
}
