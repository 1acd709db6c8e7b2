//! CBOR (RFC 8949) into a [`Document`], driven by a shape: bodies of Smithy's RPC.
//!
//! Definite and indefinite lengths, all widths of numbers, and tags, of which only that of epoch times says anything here.

use bytes::Bytes;

use crate::model::shape::{Kind, Member, ShapeId};
use crate::{Document, ServiceModel, time};

/// Values may nest so deep,
const DEPTH_MAX: usize = 64;
/// and be so many.
const VALUES_MAX: usize = 100_000;

/// Reads a body that is a value of `shape`. `None` for what is not one whole CBOR item, or is not of the shape. Members
/// that the shape does not have are skipped.
pub(crate) fn decode(service: &ServiceModel, shape: ShapeId, body: &[u8]) -> Option<Document> {
    let mut reading = Reading { service, rest: body, left: VALUES_MAX };
    let document = reading.value(Some(shape), 0)?;
    reading.rest.is_empty().then_some(document)
}

/// Reads a body whatever it is: maps, lists and scalars as they come.
pub(crate) fn decode_any(service: &ServiceModel, body: &[u8]) -> Option<Document> {
    let mut reading = Reading { service, rest: body, left: VALUES_MAX };
    let document = reading.value(None, 0)?;
    reading.rest.is_empty().then_some(document)
}

struct Reading<'a> {
    service: &'a ServiceModel,
    rest: &'a [u8],
    left: usize,
}

/// What stands before an item's content.
enum Length {
    Of(u64),
    /// Until a break.
    Open,
}

const BREAK: u8 = 0xff;

impl<'a> Reading<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn take(&mut self, bytes: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(bytes).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    /// Major type, and the number or length beside it.
    fn head(&mut self) -> Option<(u8, u8, Length)> {
        let first = self.byte()?;
        let (major, info) = (first >> 5, first & 31);
        let length = match info {
            0..24 => Length::Of(info.into()),
            24..=27 => {
                let bytes = self.take(1 << (info - 24))?;
                Length::Of(bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
            }
            31 if (2..=5).contains(&major) => Length::Open,
            _ => return None,
        };
        Some((major, info, length))
    }

    /// Whether a break comes, and past it if so.
    fn ends(&mut self) -> bool {
        let ends = self.rest.first() == Some(&BREAK);
        if ends {
            self.rest = &self.rest[1..];
        }
        ends
    }

    /// One item. Without a shape it is taken as it is.
    fn value(&mut self, shape: Option<ShapeId>, depth: usize) -> Option<Document> {
        if depth > DEPTH_MAX || self.left == 0 {
            return None;
        }
        self.left -= 1;
        let service = self.service;
        let kind = shape.map(|id| &service.shape(id).kind);
        let kind = kind.filter(|kind| !matches!(kind, Kind::Any));
        let (major, info, length) = self.head()?;
        match (major, length) {
            (0, Length::Of(number)) => whole(kind, i64::try_from(number).ok()?),
            (1, Length::Of(number)) => whole(kind, -1 - i64::try_from(number).ok()?),
            (2, length) => {
                let bytes = self.string(2, length)?;
                matches!(kind, None | Some(Kind::Blob)).then(|| Document::Blob(Bytes::from(bytes)))
            }
            (3, length) => {
                let text = String::from_utf8(self.string(3, length)?).ok()?;
                matches!(kind, None | Some(Kind::Text)).then_some(Document::Text(text))
            }
            (4, length) => {
                let part = match kind {
                    None => None,
                    Some(Kind::List(member)) => Some(member.shape),
                    Some(_) => return None,
                };
                let mut items = Vec::new();
                self.each(length, |reading| {
                    items.push(reading.value(part, depth + 1)?);
                    Some(())
                })?;
                Some(Document::List(items))
            }
            (5, length) => self.map(kind, length, depth),
            (6, Length::Of(tag)) => {
                let inner = self.value(shape.filter(|_| tag != 1), depth + 1)?;
                match (tag, kind, inner) {
                    (1, Some(Kind::Timestamp(_)) | None, Document::Int(seconds)) => {
                        time::from_epoch_ms(seconds.checked_mul(1000))
                    }
                    (1, Some(Kind::Timestamp(_)) | None, Document::Float(seconds)) => time::from_epoch(seconds),
                    (1, ..) => None,
                    (_, _, inner) => Some(inner),
                }
            }
            (7, Length::Of(bits)) => self.simple(kind, info, bits),
            _ => None,
        }
    }

    fn simple(&self, kind: Option<&Kind>, info: u8, bits: u64) -> Option<Document> {
        match info {
            20 | 21 => matches!(kind, None | Some(Kind::Bool)).then_some(Document::Bool(info == 21)),
            22 | 23 => Some(Document::Null),
            25 => fraction(kind, half(u16::try_from(bits).ok()?)),
            26 => fraction(kind, f32::from_bits(u32::try_from(bits).ok()?).into()),
            27 => fraction(kind, f64::from_bits(bits)),
            _ => None,
        }
    }

    /// The bytes of a string, whose chunks are strings of the same kind.
    fn string(&mut self, major: u8, length: Length) -> Option<Vec<u8>> {
        match length {
            Length::Of(bytes) => self.take(bytes).map(<[u8]>::to_vec),
            Length::Open => {
                let mut whole = Vec::new();
                while !self.ends() {
                    match self.head()? {
                        (kind, _, Length::Of(bytes)) if kind == major => whole.extend_from_slice(self.take(bytes)?),
                        _ => return None,
                    }
                }
                Some(whole)
            }
        }
    }

    /// Goes through the items of a collection.
    fn each(&mut self, length: Length, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        match length {
            Length::Of(items) => (0..items).try_for_each(|_| item(self)),
            Length::Open => {
                while !self.ends() {
                    item(self)?;
                }
                Some(())
            }
        }
    }

    fn map(&mut self, kind: Option<&'a Kind>, length: Length, depth: usize) -> Option<Document> {
        let (members, values): (&[Member], Option<ShapeId>) = match kind {
            None => (&[], None),
            Some(Kind::Structure(members)) => (members, None),
            Some(Kind::Map(parts)) => (&[], Some(parts[1].shape)),
            Some(_) => return None,
        };
        let structure = matches!(kind, Some(Kind::Structure(_)));
        let mut read: Vec<(String, Document)> = Vec::new();
        self.each(length, |reading| {
            let Some(Document::Text(key)) = reading.value(None, depth + 1) else { return None };
            let member = members.iter().find(|m| m.wire_name() == key);
            let known = member.filter(|m| !read.iter().any(|(name, _)| name == m.name));
            let value = reading.value(member.map(|m| m.shape).or(values), depth + 1)?;
            match (structure, known) {
                (false, _) => read.push((key, value)),
                (true, Some(member)) if value != Document::Null => read.push((member.name.to_owned(), value)),
                (true, _) => {}
            }
            Some(())
        })?;
        Some(Document::Map(read))
    }
}

fn whole(kind: Option<&Kind>, number: i64) -> Option<Document> {
    match kind {
        None | Some(Kind::Integer | Kind::Long) => Some(Document::Int(number)),
        Some(Kind::Float) => Some(Document::Float(number as f64)),
        Some(Kind::Timestamp(_)) => time::from_epoch_ms(number.checked_mul(1000)),
        Some(_) => None,
    }
}

fn fraction(kind: Option<&Kind>, number: f64) -> Option<Document> {
    match kind {
        None | Some(Kind::Float) => Some(Document::Float(number)),
        Some(Kind::Timestamp(_)) => time::from_epoch(number),
        Some(_) => None,
    }
}

/// A number of sixteen bits.
fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    sign * match exponent {
        0 => mantissa * 2_f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + mantissa / 1024.0) * 2_f64.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests;
