//! JSON out: members in the order the service gave them, times as epoch seconds.

use base64::Engine as _;
use bytes::Bytes;
use opentrail_event::write_text;

use crate::model::shape::{Kind, Shape, TimeFormat};
use crate::{Document, OperationModel, ServiceModel, time};

/// Writes an answer's body.
pub fn encode(service: &ServiceModel, operation: &OperationModel, output: &Document) -> Bytes {
    let mut out = Vec::with_capacity(256);
    match (operation.output, output) {
        (Some(shape), Document::Map(_)) => write(&mut out, service, service.shape(shape), output),
        _ => out.extend_from_slice(b"{}"),
    }
    Bytes::from(out)
}

fn write(out: &mut Vec<u8>, service: &ServiceModel, shape: &Shape, value: &Document) {
    match (&shape.kind, value) {
        (Kind::Structure(members), Document::Map(values)) => {
            out.push(b'{');
            let mut first = true;
            for (name, value) in values {
                let member = members.iter().find(|m| m.name == name);
                debug_assert!(member.is_some(), "the output has no member {name}");
                if let Some(member) = member
                    && *value != Document::Null
                {
                    separate(out, &mut first);
                    write_text(out, member.wire_name());
                    out.push(b':');
                    write(out, service, service.shape(member.shape), value);
                }
            }
            out.push(b'}');
        }
        (Kind::List(member), Document::List(items)) => {
            out.push(b'[');
            let mut first = true;
            for item in items {
                separate(out, &mut first);
                write(out, service, service.shape(member.shape), item);
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
                write(out, service, service.shape(parts[1].shape), value);
            }
            out.push(b'}');
        }
        (Kind::Timestamp(Some(TimeFormat::Iso8601)), Document::Time(at)) => write_text(out, &time::to_iso(*at)),
        (Kind::Timestamp(Some(TimeFormat::Rfc822)), Document::Time(at)) => write_text(out, &time::to_rfc822(*at)),
        (_, value) => write_plain(out, value, &|out, at| out.extend_from_slice(time::to_epoch(at).as_bytes())),
    }
}

/// Writes a value by what it is, times as `write_time` has them.
pub(crate) fn write_plain(out: &mut Vec<u8>, value: &Document, write_time: &dyn Fn(&mut Vec<u8>, jiff::Timestamp)) {
    match value {
        Document::Null => out.extend_from_slice(b"null"),
        Document::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Document::Int(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Document::Float(number) => write_float(out, *number),
        Document::Text(text) => write_text(out, text),
        Document::Blob(bytes) => write_text(out, &base64::engine::general_purpose::STANDARD.encode(bytes)),
        Document::Time(at) => write_time(out, *at),
        Document::List(items) => {
            out.push(b'[');
            let mut first = true;
            for item in items {
                separate(out, &mut first);
                write_plain(out, item, write_time);
            }
            out.push(b']');
        }
        Document::Map(entries) => {
            out.push(b'{');
            let mut first = true;
            for (key, value) in entries {
                separate(out, &mut first);
                write_text(out, key);
                out.push(b':');
                write_plain(out, value, write_time);
            }
            out.push(b'}');
        }
    }
}

/// A comma, but before the first.
pub(crate) fn separate(out: &mut Vec<u8>, first: &mut bool) {
    if !std::mem::take(first) {
        out.push(b',');
    }
}

/// JSON has no words for numbers that are not finite; AWS writes these three as texts.
fn write_float(out: &mut Vec<u8>, number: f64) {
    if number.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else if number.is_infinite() {
        out.extend_from_slice(if number > 0.0 { b"\"Infinity\"" } else { b"\"-Infinity\"" });
    } else {
        let mut text = format!("{number:?}");
        // Rust writes 1e300 and 1.0; both are JSON.
        if text == "-0.0" {
            text = "0.0".to_owned();
        }
        out.extend_from_slice(text.as_bytes());
    }
}
