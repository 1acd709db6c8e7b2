//! Questions to a table.

use opentrail_event::EventId;

use crate::Row;

/// Which end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    NewestFirst,
    OldestFirst,
}

/// A condition on one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// The row's id.
    Id(EventId),
    /// An indexed text column is exactly this, or an indexed list holds exactly this.
    Text { column: &'static str, value: String },
    /// An indexed bool column.
    Bool { column: &'static str, value: bool },
}

/// The place of a row in the order, to go on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    pub time_s: i64,
    pub seq: u64,
}

/// A question.
#[derive(Debug, Clone)]
pub struct Find {
    /// All must hold.
    pub terms: Vec<Term>,
    /// All must occur somewhere in the record's bytes, ASCII case ignored.
    pub words: Vec<String>,
    /// Inclusive, seconds since 1970.
    pub from_s: i64,
    /// Inclusive, seconds since 1970.
    pub to_s: i64,
    pub order: Order,
    /// Go on behind this row.
    pub after: Option<Cursor>,
    /// At most so many rows.
    pub limit: usize,
    /// At most so many bytes of records; a page that has any row has one, however large it is.
    pub bytes_max: usize,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Page {
    pub rows: Vec<Row>,
    /// Where to go on; `None` when there is nothing more. A page may hold fewer rows than asked for, even none, and
    /// still go on: a page is bounded by bytes too, and a question by words stops after a bounded amount of reading.
    pub next: Option<Cursor>,
}
