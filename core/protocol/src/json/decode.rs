//! JSON in: straight into a [`Document`], driven by the operation's input shape.
//!
//! Members that the model does not have are skipped, and a member that is null counts as absent. A member that comes twice is
//! refused: whichever of the two were taken, somebody who reads the body the other way would be deceived.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;

use base64::Engine as _;
use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::model::shape::{Kind, ShapeId};
use crate::{Document, Malformed, OperationModel, ServiceModel, time};

/// How deep arrays and objects may nest, ignored ones included.
pub const DEPTH_MAX: usize = 64;
/// How many values a body may hold, ignored ones aside: a value costs more memory than its bytes.
pub const VALUES_MAX: usize = 100_000;

/// Reads a request body. Members that the model does not have are ignored, as AWS does.
pub fn decode(service: &ServiceModel, operation: &OperationModel, body: &[u8]) -> Result<Document, Malformed> {
    decode_shape(service, operation.input, body)
}

/// Reads a body that is a value of `shape`; without one, any object.
pub(crate) fn decode_shape(service: &ServiceModel, shape: Option<ShapeId>, body: &[u8]) -> Result<Document, Malformed> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Document::structure());
    }
    if depth(body) > DEPTH_MAX {
        return Err(Malformed::new(format!("the body is nested more than {DEPTH_MAX} levels deep")));
    }
    let context = Context { service, refusal: RefCell::default(), values: Cell::new(0) };
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = match shape {
        Some(shape) => Value { context: &context, shape }.deserialize(&mut json),
        None => NoInput.deserialize(&mut json),
    };
    let read = read.and_then(|document| json.end().map(|()| document));
    match read {
        Ok(Document::Null) => Ok(Document::structure()),
        Ok(document) => Ok(document),
        Err(error) => Err(Malformed::new(match context.refusal.take() {
            Some(refusal) => refusal,
            None if error.is_eof() => "the body ends before the JSON value does".to_owned(),
            None => "the body is not valid JSON".to_owned(),
        })),
    }
}

/// The deepest nesting of brackets outside strings; for bytes that are no JSON, some number.
pub(crate) fn depth(body: &[u8]) -> usize {
    let (mut open, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for &byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

struct Context<'a> {
    service: &'a ServiceModel,
    /// Why the body is refused, in AWS's words; serde's own errors would add line and column.
    refusal: RefCell<Option<String>>,
    values: Cell<usize>,
}

impl Context<'_> {
    fn refuse<E: serde::de::Error>(&self, message: impl Into<String>) -> E {
        *self.refusal.borrow_mut() = Some(message.into());
        E::custom("refused")
    }

    fn count<E: serde::de::Error>(&self) -> Result<(), E> {
        self.values.set(self.values.get() + 1);
        if self.values.get() > VALUES_MAX {
            return Err(self.refuse(format!("the body holds more than {VALUES_MAX} values")));
        }
        Ok(())
    }
}

/// One value of a shape.
#[derive(Clone, Copy)]
struct Value<'a> {
    context: &'a Context<'a>,
    shape: ShapeId,
}

impl<'a> Value<'a> {
    fn kind(&self) -> &'a Kind {
        &self.context.service.shape(self.shape).kind
    }

    fn of(&self, shape: ShapeId) -> Self {
        Self { context: self.context, shape }
    }

    /// `NUMBER_VALUE can not be converted to a String`
    fn mismatch<E: serde::de::Error>(&self, found: &str) -> E {
        let expected = match self.kind() {
            Kind::Structure(_) => "a Structure",
            Kind::List(_) => "a List",
            Kind::Map(_) => "a Map",
            Kind::Text => "a String",
            Kind::Blob => "a Blob",
            Kind::Bool => "a Boolean",
            Kind::Integer => "an Integer",
            Kind::Long => "a Long",
            Kind::Float => "a Double",
            Kind::Timestamp(_) => "a Timestamp",
            Kind::Any => "a Document",
        };
        self.context.refuse(format!("{found} can not be converted to {expected}"))
    }

    fn whole<E: serde::de::Error>(&self, number: i64) -> Result<Document, E> {
        match self.kind() {
            Kind::Integer if i32::try_from(number).is_err() => Err(self.mismatch("NUMBER_VALUE")),
            Kind::Integer | Kind::Long | Kind::Any => Ok(Document::Int(number)),
            Kind::Float => Ok(Document::Float(number as f64)),
            Kind::Timestamp(_) => {
                time::from_epoch_ms(number.checked_mul(1000)).ok_or_else(|| self.mismatch("NUMBER_VALUE"))
            }
            _ => Err(self.mismatch("NUMBER_VALUE")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Document;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Document, D::Error> {
        self.context.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of the model")
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Document, E> {
        match self.kind() {
            Kind::Bool | Kind::Any => Ok(Document::Bool(value)),
            _ => Err(self.mismatch(if value { "TRUE_VALUE" } else { "FALSE_VALUE" })),
        }
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Document, E> {
        self.whole(value)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Document, E> {
        match i64::try_from(value) {
            Ok(value) => self.whole(value),
            Err(_) => self.visit_f64(value as f64),
        }
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Document, E> {
        match self.kind() {
            Kind::Float | Kind::Any => Ok(Document::Float(value)),
            Kind::Timestamp(_) => time::from_epoch(value).ok_or_else(|| self.mismatch("NUMBER_VALUE")),
            // A fraction is cut off, as AWS does; what does not fit is refused. i64::MAX is not a float, 2^63 is.
            Kind::Integer | Kind::Long if value > -(2_f64.powi(63)) && value < 2_f64.powi(63) => {
                self.whole(value as i64)
            }
            _ => Err(self.mismatch("NUMBER_VALUE")),
        }
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Document, E> {
        let engine = base64::engine::general_purpose::STANDARD;
        match self.kind() {
            Kind::Text | Kind::Any => Ok(Document::Text(value.to_owned())),
            Kind::Blob => match engine.decode(value) {
                Ok(bytes) => Ok(Document::Blob(Bytes::from(bytes))),
                Err(_) => Err(self.context.refuse("STRING_VALUE is not valid base64")),
            },
            Kind::Timestamp(_) => time::from_text(value).ok_or_else(|| self.mismatch("STRING_VALUE")),
            Kind::Float => match value {
                "NaN" => Ok(Document::Float(f64::NAN)),
                "Infinity" => Ok(Document::Float(f64::INFINITY)),
                "-Infinity" => Ok(Document::Float(f64::NEG_INFINITY)),
                _ => Err(self.mismatch("STRING_VALUE")),
            },
            _ => Err(self.mismatch("STRING_VALUE")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Document, A::Error> {
        let element = match self.kind() {
            Kind::List(member) => self.of(member.shape),
            Kind::Any => self,
            _ => return Err(self.context.refuse("Start of list found where not expected")),
        };
        let mut list = Vec::new();
        while let Some(value) = elements.next_element_seed(element)? {
            list.push(value);
        }
        Ok(Document::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Document, A::Error> {
        match self.kind() {
            Kind::Structure(shapes) => {
                let known = |name: &str| {
                    let member = shapes.iter().find(|m| m.wire_name() == name)?;
                    Some((member.name, self.of(member.shape)))
                };
                read_structure(members, known)
            }
            Kind::Map(parts) => read_map(members, self.of(parts[1].shape)),
            Kind::Any => read_map(members, self),
            _ => Err(self.context.refuse("Start of structure or map found where not expected.")),
        }
    }
}

fn read_structure<'de, 'a, A: MapAccess<'de>>(
    mut members: A,
    known: impl Fn(&str) -> Option<(&'static str, Value<'a>)>,
) -> Result<Document, A::Error> {
    let mut read: Vec<(String, Document)> = Vec::new();
    let mut seen: Vec<&'static str> = Vec::new();
    while let Some(name) = members.next_key::<Key>()? {
        let Some((name, seed)) = known(&name.0) else {
            members.next_value::<IgnoredAny>()?;
            continue;
        };
        if seen.contains(&name) {
            return Err(seed.context.refuse(format!("member {name} is there twice")));
        }
        seen.push(name);
        let value = members.next_value_seed(seed)?;
        if value != Document::Null {
            read.push((name.to_owned(), value));
        }
    }
    Ok(Document::Map(read))
}

fn read_map<'de, A: MapAccess<'de>>(mut entries: A, seed: Value<'_>) -> Result<Document, A::Error> {
    let mut read: Vec<(String, Document)> = Vec::new();
    // Found by their keys in constant time: a map may have as many entries as a body holds.
    let mut seen: HashSet<String> = HashSet::new();
    while let Some(Key(key)) = entries.next_key::<Key>()? {
        if !seen.insert(key.clone()) {
            return Err(seed.context.refuse("a key of a map is there twice"));
        }
        let value = entries.next_value_seed(seed)?;
        read.push((key, value));
    }
    Ok(Document::Map(read))
}

#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Key(String);

/// The body of an operation that has no input: any object, ignored.
struct NoInput;

impl<'de> DeserializeSeed<'de> for NoInput {
    type Value = Document;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Document, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for NoInput {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Document, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Document::structure())
    }
}
