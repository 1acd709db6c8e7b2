//! What a schema and its rows must keep to, and their spelling in Arrow.

use std::sync::Arc;

use arrow_schema::{DataType, Field, TimeUnit};
use opentrail_event::EventId;
use opentrail_table::{Cell, ColumnKind, Error, Row, Schema};

use crate::derived::Derived;

/// The columns that every table has, in their places; `record` comes behind the schema's own, derived columns behind it.
pub(crate) const TIME: &str = "time";
pub(crate) const SEQ: &str = "seq";
pub(crate) const ID: &str = "id";
pub(crate) const RECORD: &str = "record";

/// The most bytes of one record. Far above CloudTrail's own limit; it bounds what one row can make us hold.
pub(crate) const RECORD_BYTES_MAX: usize = 16 << 20;
/// The most bytes of one text in a cell.
pub(crate) const TEXT_BYTES_MAX: usize = 1 << 20;
/// The most texts in one list.
pub(crate) const LIST_ITEMS_MAX: usize = 65_536;
/// Years 1 to 9999: what every reader of Parquet can show.
pub(crate) const TIME_S_MIN: i64 = -62_135_596_800;
pub(crate) const TIME_S_MAX: i64 = 253_402_300_799;

/// Refuses a schema that could not name blobs or columns.
pub(crate) fn check(schema: &Schema) -> Result<(), Error> {
    let refuse = |why: String| Err(Error::BadQuestion(format!("schema of table {:?}: {why}", schema.table)));
    check_name(&schema.table)?;
    for (place, column) in schema.columns.iter().enumerate() {
        if column.name.is_empty() || [TIME, SEQ, ID, RECORD].contains(&column.name) {
            return refuse(format!("{:?} cannot name a column", column.name));
        }
        if schema.column(column.name) != Some(place) {
            return refuse(format!("column {} is there twice", column.name));
        }
    }
    Ok(())
}

/// Refuses a name that could not name blobs.
pub(crate) fn check_name(table: &str) -> Result<(), Error> {
    let named = (1..=80).contains(&table.len())
        && table.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if named {
        return Ok(());
    }
    let why = "name a table with 1 to 80 lower-case letters, digits and hyphens";
    Err(Error::BadQuestion(format!("table {table:?}: {why}")))
}

/// Refuses a row that the schema does not describe.
pub(crate) fn check_row(schema: &Schema, row: &Row) -> Result<(), Error> {
    let refuse = |why: String| Err(Error::BadRow(format!("{}: {why}", row.id)));
    if !(TIME_S_MIN..=TIME_S_MAX).contains(&row.time_s) {
        return refuse(format!("time {} lies outside the years 1 to 9999", row.time_s));
    }
    if row.record.len() > RECORD_BYTES_MAX {
        return refuse(format!("a record of {} bytes; the most is {RECORD_BYTES_MAX}", row.record.len()));
    }
    if row.cells.len() != schema.columns.len() {
        return refuse(format!("{} cells for {} columns", row.cells.len(), schema.columns.len()));
    }
    for (cell, column) in row.cells.iter().zip(&schema.columns) {
        let fits = match (cell, column.kind) {
            (Cell::Null, _) | (Cell::Bool(_), ColumnKind::Bool) => true,
            (Cell::Text(text), ColumnKind::Text) => text.len() <= TEXT_BYTES_MAX,
            (Cell::TextList(texts), ColumnKind::TextList) => {
                texts.len() <= LIST_ITEMS_MAX && texts.iter().map(|t| t.len()).sum::<usize>() <= TEXT_BYTES_MAX
            }
            _ => false,
        };
        if !fits {
            return refuse(format!("column {} cannot hold its cell: wrong kind or too large", column.name));
        }
    }
    Ok(())
}

/// The columns of a part, derived ones aside.
pub(crate) fn arrow(schema: &Schema) -> arrow_schema::Schema {
    let mut fields = vec![
        Field::new(TIME, DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), false),
        Field::new(SEQ, DataType::UInt64, false),
        Field::new(ID, DataType::FixedSizeBinary(size_of::<EventId>() as i32), false),
    ];
    fields.extend(schema.columns.iter().map(|column| {
        let kind = match column.kind {
            ColumnKind::Text => DataType::Utf8,
            ColumnKind::TextList => DataType::List(list_item()),
            ColumnKind::Bool => DataType::Boolean,
        };
        Field::new(column.name, kind, true)
    }));
    fields.push(Field::new(RECORD, DataType::Binary, false));
    arrow_schema::Schema::new(fields)
}

/// The columns of a part that is written now.
pub(crate) fn stored(schema: &Schema, derived: Option<&Derived>) -> arrow_schema::Schema {
    let own = arrow(schema);
    let derived = derived.iter().flat_map(|derived| derived.stored());
    arrow_schema::Schema::new(own.fields().iter().chain(derived).cloned().collect::<Vec<_>>())
}

/// The field inside a list, named as the Parquet format wants it.
pub(crate) fn list_item() -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Utf8, false))
}
