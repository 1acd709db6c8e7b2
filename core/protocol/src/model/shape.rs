//! Shapes: what a value may look like, and how it is bound to a protocol. Names borrow from the table.

use std::borrow::Cow;
use std::sync::OnceLock;

use regex_lite::{Regex, RegexBuilder};

/// A compiled pattern may take so many bytes; one that would take more is not checked.
const PATTERN_BYTES_MAX: usize = 256 * 1024;

/// A shape's place in its service's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShapeId(pub(super) u32);

impl ShapeId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A shape: its kind, and what all kinds may have.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    pub(crate) sensitive: bool,
    pub(crate) flattened: bool,
    /// A structure around what is answered, which records do not show.
    pub(crate) wrapper: bool,
    pub(crate) limits: Option<Box<Limits>>,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Structure(Box<[Member]>),
    List(Member),
    Map(Box<[Member; 2]>),
    Text,
    Blob,
    Bool,
    /// 32 bits.
    Integer,
    /// 64 bits.
    Long,
    /// 32 or 64 bits.
    Float,
    Timestamp(Option<TimeFormat>),
    /// Any JSON value.
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeFormat {
    Iso8601,
    Rfc822,
    Epoch,
}

/// Constraints of a shape.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    /// Of a length, a count or a number.
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    values: Option<&'static str>,
    pattern: Option<&'static str>,
    compiled: OnceLock<Option<Regex>>,
}

impl Limits {
    pub(super) fn set_values(&mut self, values: &'static str) {
        self.values = Some(values);
    }

    pub(super) fn set_pattern(&mut self, pattern: &'static str) {
        self.pattern = Some(pattern);
    }

    /// The allowed values, where the shape is an enumeration.
    pub(crate) fn values(&self) -> Option<impl Iterator<Item = Cow<'static, str>>> {
        self.values.map(|values| values.split(',').map(unescape))
    }

    /// The pattern as the model writes it.
    pub(crate) fn pattern(&self) -> Option<Cow<'static, str>> {
        self.pattern.map(unescape)
    }

    /// The pattern, to match whole values with; `None` where there is none, or one that the engine cannot compile
    /// (Unicode classes, look-ahead, surrogates): such a pattern is not checked.
    pub(crate) fn regex(&self) -> Option<&Regex> {
        let compile = || {
            let pattern = self.pattern()?;
            RegexBuilder::new(&format!(r"\A(?:{pattern})\z")).size_limit(PATTERN_BYTES_MAX).build().ok()
        };
        self.compiled.get_or_init(compile).as_ref()
    }
}

/// A member of a structure, the element of a list, or the key or value of a map.
#[derive(Debug)]
pub(crate) struct Member {
    /// Empty outside structures.
    pub(crate) name: &'static str,
    pub(crate) shape: ShapeId,
    pub(crate) required: bool,
    /// The body itself is this member.
    pub(crate) payload: bool,
    pub(crate) binding: Option<Box<Binding>>,
}

impl Member {
    /// The name on the wire.
    pub(crate) fn wire_name(&self) -> &'static str {
        self.binding.as_ref().and_then(|b| b.location_name).unwrap_or(self.name)
    }

    /// The name in a Query form.
    pub(crate) fn form_name(&self) -> &'static str {
        self.binding.as_ref().and_then(|b| b.query_name).unwrap_or_else(|| self.wire_name())
    }

    pub(crate) fn flattened(&self) -> bool {
        self.binding.as_ref().is_some_and(|b| b.flattened)
    }

    pub(crate) fn streaming(&self) -> bool {
        self.binding.as_ref().is_some_and(|b| b.streaming)
    }

    /// It is the answer's status.
    pub(crate) fn is_status(&self) -> bool {
        self.binding.as_ref().is_some_and(|b| b.location == Some(Location::Status))
    }
}

/// How a member is bound to its protocol, where it is not by its name alone.
#[derive(Debug, Default)]
pub(crate) struct Binding {
    pub(crate) location_name: Option<&'static str>,
    pub(crate) query_name: Option<&'static str>,
    pub(crate) location: Option<Location>,
    pub(crate) flattened: bool,
    pub(crate) streaming: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Location {
    Header,
    HeadersByPrefix,
    Query,
    Path,
    Status,
}

/// Takes the table's %XX back.
pub(super) fn unescape(token: &'static str) -> Cow<'static, str> {
    percent_encoding::percent_decode_str(token).decode_utf8_lossy()
}
