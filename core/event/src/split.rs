//! Takes files of records apart, a piece of bytes at a time: trail log files (`{"Records":[…]}`), downloads of LookupEvents
//! (`{"Events":[{"CloudTrailEvent":"…"}]}`), arrays of records, and records one after the other, one on a line or not.
//!
//! Records are told apart by their braces alone; whether one is a record its reader finds out. What holds no record is told with
//! its place, and never keeps those behind it from being found. Nothing is held but the record that is being read, up to a limit.

use std::borrow::Cow;

use memchr::{memchr2, memchr3};

use crate::scan::Scanner;

/// What was found in a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// The bytes of what may be a record, as they stand in the file, or as they stood before they were put into a text.
    Record { at: u64, bytes: Cow<'a, [u8]> },
    /// Something else.
    Bad { at: u64, why: BadPiece },
}

/// Why there is no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPiece {
    #[error("larger than {0} bytes")]
    TooLarge(usize),
    #[error("not closed before the file ends")]
    NotClosed,
    #[error("not closed before the line ends")]
    LineEnds,
    #[error("no object stands here")]
    NoObject,
    #[error("an event of LookupEvents without its record")]
    NoCloudTrailEvent,
}

/// Members that hold a list of records.
const LISTS: [&[u8]; 2] = [b"Records", b"Events"];
const LOOKED_UP: &[u8] = b"Events";
const KEY_BYTES_MAX: usize = 8;

/// Between two objects, or within one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Between values that are in nothing.
    Top,
    /// In an object that is in nothing: a record, unless a list of records is found in it.
    Maybe,
    /// Between the elements of a list.
    List,
    /// In an object of a list.
    Element,
    /// In something else of a list.
    Other,
    /// Behind the list of an object.
    Rest,
    /// In a line that is no object.
    Line,
}

/// See the module.
#[derive(Debug)]
pub struct Splitter {
    record_max: usize,
    mode: Mode,
    /// Where the next byte stands in the file.
    offset: u64,
    /// Where the object that is being read begins.
    began: u64,
    /// Its bytes from earlier pieces.
    held: Vec<u8>,
    too_large: bool,
    /// Open braces and brackets of it.
    depth: usize,
    in_text: bool,
    escaped: bool,
    /// Of an object that is in nothing: whether the next text is a name, and the name that was read last, as far as it counts.
    name_next: bool,
    in_name: bool,
    name: Vec<u8>,
    value_next: bool,
    /// The list is in an object.
    wrapped: bool,
    looked_up: bool,
    line_begins: bool,
}

impl Splitter {
    /// Records of more than `record_max` bytes are told and passed over.
    pub fn new(record_max: usize) -> Self {
        Self {
            record_max,
            mode: Mode::Top,
            offset: 0,
            began: 0,
            held: Vec::new(),
            too_large: false,
            depth: 0,
            in_text: false,
            escaped: false,
            name_next: false,
            in_name: false,
            name: Vec::new(),
            value_next: false,
            wrapped: false,
            looked_up: false,
            line_begins: true,
        }
    }

    /// Where the next byte stands.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next bytes of the file.
    pub fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(Piece<'_>)) {
        let mut at = 0;
        // What the object that is being read has of these bytes begins here.
        let mut from = 0;
        while at < bytes.len() {
            match self.mode {
                Mode::Top => at = self.between(bytes, at, &mut from, each),
                Mode::List => at = self.in_list(bytes, at, &mut from, each),
                Mode::Line => match memchr::memchr(b'\n', &bytes[at..]) {
                    Some(end) => {
                        self.mode = Mode::Top;
                        at += end + 1;
                    }
                    None => at = bytes.len(),
                },
                Mode::Maybe | Mode::Element | Mode::Other | Mode::Rest => {
                    at = self.within(bytes, at, &mut from, each);
                }
            }
        }
        if matches!(self.mode, Mode::Maybe | Mode::Element) {
            self.hold(&bytes[from..]);
        }
        self.offset += bytes.len() as u64;
    }

    /// Nothing comes any more.
    pub fn finish(self, each: &mut dyn FnMut(Piece<'_>)) {
        if !matches!(self.mode, Mode::Top | Mode::Line) {
            let at = if matches!(self.mode, Mode::List | Mode::Rest) { self.offset } else { self.began };
            each(Piece::Bad { at, why: BadPiece::NotClosed });
        }
    }

    fn between(&mut self, bytes: &[u8], at: usize, from: &mut usize, each: &mut dyn FnMut(Piece<'_>)) -> usize {
        match bytes[at] {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {}
            // A byte order mark.
            0xef | 0xbb | 0xbf if self.offset + (at as u64) < 3 => {}
            b'{' => self.begin(Mode::Maybe, at, from),
            b'[' => {
                (self.mode, self.wrapped, self.looked_up) = (Mode::List, false, false);
            }
            _ => {
                each(Piece::Bad { at: self.offset + at as u64, why: BadPiece::NoObject });
                self.mode = Mode::Line;
                return at;
            }
        }
        at + 1
    }

    fn in_list(&mut self, bytes: &[u8], at: usize, from: &mut usize, each: &mut dyn FnMut(Piece<'_>)) -> usize {
        match bytes[at] {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {}
            b'{' => self.begin(Mode::Element, at, from),
            b']' if self.wrapped => (self.mode, self.depth) = (Mode::Rest, 1),
            b']' => self.mode = Mode::Top,
            b'}' => each(Piece::Bad { at: self.offset + at as u64, why: BadPiece::NoObject }),
            _ => {
                each(Piece::Bad { at: self.offset + at as u64, why: BadPiece::NoObject });
                self.begin(Mode::Other, at, from);
                self.depth = 0;
                return at;
            }
        }
        at + 1
    }

    /// An object begins at `at`.
    fn begin(&mut self, mode: Mode, at: usize, from: &mut usize) {
        self.mode = mode;
        self.began = self.offset + at as u64;
        *from = at;
        self.held.clear();
        (self.too_large, self.in_text, self.escaped) = (false, false, false);
        self.depth = 1;
        (self.name_next, self.in_name, self.value_next, self.line_begins) = (true, false, false, false);
    }

    /// Goes on within an object to its end, or to that of the bytes.
    fn within(&mut self, bytes: &[u8], mut at: usize, from: &mut usize, each: &mut dyn FnMut(Piece<'_>)) -> usize {
        while at < bytes.len() {
            if self.in_text {
                at = self.text(bytes, at);
                if self.in_text || at >= bytes.len() {
                    if at < bytes.len() && bytes[at] == b'\n' {
                        return self.line_ends(at, each);
                    }
                    continue;
                }
            }
            let byte = bytes[at];
            let line_begins = std::mem::replace(&mut self.line_begins, byte == b'\n');
            let whole = self.mode == Mode::Maybe && self.depth == 1;
            if whole && self.value_next && !byte.is_ascii_whitespace() {
                self.value_next = false;
                if byte == b'[' && LISTS.contains(&self.name.as_slice()) {
                    self.held.clear();
                    (self.mode, self.wrapped, self.looked_up) = (Mode::List, true, self.name == LOOKED_UP);
                    return at + 1;
                }
            }
            match byte {
                b'"' => {
                    self.in_text = true;
                    self.in_name = whole && self.name_next;
                    if self.in_name {
                        self.name.clear();
                        self.name_next = false;
                    }
                }
                // A line that begins an object while one is open: what is open was cut off.
                b'{' if line_begins && self.mode == Mode::Maybe => {
                    each(Piece::Bad { at: self.began, why: BadPiece::LineEnds });
                    self.mode = Mode::Top;
                    return at;
                }
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    if self.mode == Mode::Other && self.depth == 0 {
                        self.mode = Mode::List;
                        return at;
                    }
                    self.depth -= 1;
                    if self.depth == 0 {
                        return self.end(bytes, at + 1, *from, each);
                    }
                }
                b':' if whole => self.value_next = true,
                b',' if whole => self.name_next = true,
                b',' if self.mode == Mode::Other && self.depth == 0 => {
                    self.mode = Mode::List;
                    return at;
                }
                _ => {}
            }
            at += 1;
            // Deep inside, only what opens and closes counts.
            if self.depth > 1 && !self.in_text {
                at += skipped(&bytes[at..], &mut self.line_begins);
            }
        }
        at
    }

    /// Goes on within a text; stands behind its end, at a line break, which no text has, or at the end of the bytes.
    fn text(&mut self, bytes: &[u8], mut at: usize) -> usize {
        while at < bytes.len() {
            if std::mem::take(&mut self.escaped) {
                self.note(&bytes[at..=at]);
                at += 1;
                continue;
            }
            let Some(end) = memchr3(b'"', b'\\', b'\n', &bytes[at..]).map(|end| at + end) else {
                self.note(&bytes[at..]);
                return bytes.len();
            };
            self.note(&bytes[at..end]);
            match bytes[end] {
                b'"' => {
                    (self.in_text, self.in_name) = (false, false);
                    return end + 1;
                }
                b'\\' => self.escaped = true,
                _ => return end,
            }
            at = end + 1;
        }
        at
    }

    /// Remembers a name as far as it could be one of those that count.
    fn note(&mut self, bytes: &[u8]) {
        if self.in_name {
            let room = KEY_BYTES_MAX.saturating_sub(self.name.len());
            self.name.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    /// A line break in a text: what is open was cut off. In a list the text ends there, and its record will be none.
    fn line_ends(&mut self, at: usize, each: &mut dyn FnMut(Piece<'_>)) -> usize {
        (self.in_text, self.in_name) = (false, false);
        if self.mode == Mode::Maybe {
            each(Piece::Bad { at: self.began, why: BadPiece::LineEnds });
            self.mode = Mode::Top;
        }
        at
    }

    /// The object ends before `end`.
    fn end(&mut self, bytes: &[u8], end: usize, from: usize, each: &mut dyn FnMut(Piece<'_>)) -> usize {
        let mode = self.mode;
        self.mode = if mode == Mode::Element || mode == Mode::Other { Mode::List } else { Mode::Top };
        if !matches!(mode, Mode::Maybe | Mode::Element) {
            return end;
        }
        let own = &bytes[from..end];
        let at = self.began;
        if self.too_large || self.held.len() + own.len() > self.record_max {
            self.held.clear();
            each(Piece::Bad { at, why: BadPiece::TooLarge(self.record_max) });
            return end;
        }
        let whole: &[u8] = if self.held.is_empty() {
            own
        } else {
            self.held.extend_from_slice(own);
            &self.held
        };
        let record = if self.looked_up && mode == Mode::Element { cloudtrail_event(whole) } else { Some(whole.into()) };
        each(match record {
            Some(bytes) => Piece::Record { at, bytes },
            None => Piece::Bad { at, why: BadPiece::NoCloudTrailEvent },
        });
        self.held.clear();
        end
    }

    fn hold(&mut self, bytes: &[u8]) {
        if self.too_large || self.held.len() + bytes.len() > self.record_max {
            self.too_large = true;
            self.held = Vec::new();
        } else {
            self.held.extend_from_slice(bytes);
        }
    }
}

/// How many bytes neither open nor close anything.
fn skipped(bytes: &[u8], line_begins: &mut bool) -> usize {
    let is_mark = |b: &u8| matches!(b, b'"' | b'{' | b'}' | b'[' | b']' | b'\n');
    let count = bytes.iter().position(is_mark).unwrap_or(bytes.len());
    if count > 0 {
        *line_begins = false;
    }
    count
}

/// The record within an event of LookupEvents, which is a text.
fn cloudtrail_event(event: &[u8]) -> Option<Cow<'static, [u8]>> {
    let text = std::str::from_utf8(event).ok()?;
    memchr2(b'{', b'"', event)?;
    let mut record = None;
    let read = Scanner::new(text).object(|s, key| {
        if &*key.cow() == "CloudTrailEvent" && s.peek() == Some(b'"') {
            record = Some(s.string()?.cow().into_owned());
            return Ok(());
        }
        s.skip()
    });
    read.ok()?;
    record.map(|record| Cow::Owned(record.into_bytes()))
}

#[cfg(test)]
mod tests;
