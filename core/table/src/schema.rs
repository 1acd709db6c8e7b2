//! What the rows of a table look like.

use bytes::Bytes;
use opentrail_event::EventId;

/// How a column's values are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// UTF-8 text.
    Text,
    /// Several texts.
    TextList,
    /// True or false.
    Bool,
}

/// One column beside the four that every table has (`time`, `seq`, `id`, `record`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name in parts and questions.
    pub name: &'static str,
    pub kind: ColumnKind,
    /// Whether [`Find`](crate::Find) may ask for a value of it.
    pub indexed: bool,
    /// What it holds, for people.
    pub doc: &'static str,
}

/// A table's name and columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// Lower-case letters, digits and hyphens: it names blobs and catalog rows.
    pub table: String,
    pub columns: Vec<Column>,
}

impl Schema {
    /// The place of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Null,
    Text(Box<str>),
    TextList(Vec<Box<str>>),
    Bool(bool),
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Seconds since 1970, UTC: what rows are ordered by.
    pub time_s: i64,
    /// Orders rows of the same second; unique within a table.
    pub seq: u64,
    pub id: EventId,
    /// In the schema's order.
    pub cells: Vec<Cell>,
    /// The exact bytes of the record.
    pub record: Bytes,
}
