//! Derived columns: made of the record's bytes when a part is written, and again wherever a part lacks them.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, new_null_array};
use arrow_schema::{DataType, Field, FieldRef, Fields};
use arrow_select::concat::concat;
use opentrail_table::{Error, Schema};
use parquet::arrow::{ArrowSchemaConverter, parquet_to_arrow_schema};

use crate::schema::{ID, RECORD, SEQ, TIME};

/// Why no columns could be made of some records.
pub type ShredError = Box<dyn std::error::Error + Send + Sync>;

/// Makes columns of records.
///
/// # Contract
/// The same record makes the same values, alone or among others. What a record does not hold is null, and so is everything of a
/// record that cannot be read: an error is for records that are too many at once, and costs those that fail alone their
/// derived columns, not their place in the table.
///
/// Each field may be null, and its type is one that Parquet gives back as it is: `Utf8`, `Boolean`, `Int64`, `Float64`,
/// `Timestamp(Millisecond, "UTC")`, and `Struct`, `List` and `Map` of these. For readers elsewhere name a list's field
/// `element`, a map's `key_value`, `key` and `value`.
pub trait Shred: Send + Sync {
    /// The columns, in their order. The same as long as the table is open.
    fn fields(&self) -> &Fields;
    /// Whether parts hold the column at this place of [`Shred::fields`]. One that they do not hold is made of the records by every
    /// scan that names it: for what is large, hardly ever asked for, and in the record anyway.
    fn is_stored(&self, _place: usize) -> bool {
        true
    }
    /// The columns at these places of [`Shred::fields`], in this order, with one value for each record.
    ///
    /// # Errors
    /// See the contract.
    fn shred(&self, records: &[&[u8]], places: &[usize]) -> Result<Vec<ArrayRef>, ShredError>;
}

/// A shredder whose columns can stand beside a table's own.
pub(crate) struct Derived {
    shred: Arc<dyn Shred>,
}

impl Derived {
    /// Refuses columns that could not be stored or told apart.
    pub(crate) fn new(schema: &Schema, shred: Arc<dyn Shred>) -> Result<Self, Error> {
        let refuse = |why: String| Error::BadQuestion(format!("derived columns of table {:?}: {why}", schema.table));
        let fields = shred.fields();
        for (place, field) in fields.iter().enumerate() {
            let name = field.name().as_str();
            let taken = [TIME, SEQ, ID, RECORD].contains(&name) || schema.column(name).is_some();
            if taken || name.is_empty() || fields.iter().position(|other| other.name() == name) != Some(place) {
                return Err(refuse(format!("{name:?} cannot name one")));
            }
            if !field.is_nullable() {
                return Err(refuse(format!("{name} must be able to be null")));
            }
        }
        let stored = ArrowSchemaConverter::new()
            .convert(&arrow_schema::Schema::new(fields.clone()))
            .and_then(|stored| parquet_to_arrow_schema(&stored, None))
            .map_err(|error| refuse(error.to_string()))?;
        let changed = fields.iter().zip(stored.fields()).find(|(one, back)| one.data_type() != back.data_type());
        match changed {
            Some((one, back)) => Err(refuse(format!(
                "{} of type {} would come back as {}",
                one.name(),
                one.data_type(),
                back.data_type()
            ))),
            None => Ok(Self { shred }),
        }
    }

    pub(crate) fn fields(&self) -> &Fields {
        self.shred.fields()
    }

    /// The fields that parts hold.
    pub(crate) fn stored(&self) -> impl Iterator<Item = &FieldRef> {
        self.fields().iter().enumerate().filter(|(place, _)| self.shred.is_stored(*place)).map(|(_, field)| field)
    }

    /// The columns that parts hold, of these records, whatever they are.
    pub(crate) fn stored_columns(&self, records: &[&[u8]]) -> Vec<ArrayRef> {
        let places: Vec<usize> = (0..self.fields().len()).filter(|place| self.shred.is_stored(*place)).collect();
        self.columns(records, &places)
    }

    /// The columns at these places, whatever the records hold.
    pub(crate) fn columns(&self, records: &[&[u8]], places: &[usize]) -> Vec<ArrayRef> {
        if records.is_empty() {
            return self.nulls(0, places);
        }
        match self.try_columns(records, places) {
            Ok(columns) => columns,
            Err(error) if records.len() == 1 => {
                tracing::warn!(bytes = records[0].len(), %error, "keeping a record without its derived columns");
                self.nulls(1, places)
            }
            // Halves find the one that fails without making all the others alone.
            Err(_) => {
                let (left, right) = records.split_at(records.len() / 2);
                let halves = self.columns(left, places).into_iter().zip(self.columns(right, places));
                let joined = halves.map(|(left, right)| concat(&[&left, &right])).collect::<Result<Vec<_>, _>>();
                joined.unwrap_or_else(|error| {
                    tracing::warn!(records = records.len(), %error, "keeping records without their derived columns");
                    self.nulls(records.len(), places)
                })
            }
        }
    }

    fn try_columns(&self, records: &[&[u8]], places: &[usize]) -> Result<Vec<ArrayRef>, ShredError> {
        let columns = self.shred.shred(records, places)?;
        if columns.len() != places.len() {
            return Err(format!("{} columns of {}", columns.len(), places.len()).into());
        }
        for (column, place) in columns.iter().zip(places) {
            let field = &self.fields()[*place];
            if column.len() != records.len() || column.data_type() != field.data_type() {
                let (rows, kind) = (column.len(), column.data_type());
                return Err(format!("{}: {rows} values of {} records, as {kind}", field.name(), records.len()).into());
            }
        }
        Ok(columns)
    }

    fn nulls(&self, rows: usize, places: &[usize]) -> Vec<ArrayRef> {
        places.iter().map(|place| new_null_array(self.fields()[*place].data_type(), rows)).collect()
    }
}

/// How many leaves a column of this type has in a part.
pub(crate) fn leaves(kind: &DataType) -> usize {
    match kind {
        DataType::Struct(members) => members.iter().map(|member| leaves(member.data_type())).sum(),
        DataType::List(item) | DataType::Map(item, _) => leaves(item.data_type()),
        _ => 1,
    }
}

/// The paths of the leaves of a field, as Parquet names them, and their types.
pub(crate) fn leaf_paths(field: &Field, above: &[String], out: &mut Vec<(Vec<String>, DataType)>) {
    let mut path = above.to_vec();
    path.push(field.name().clone());
    match field.data_type() {
        DataType::Struct(members) => members.iter().for_each(|member| leaf_paths(member, &path, out)),
        DataType::List(item) => {
            path.push("list".into());
            leaf_paths(item, &path, out);
        }
        DataType::Map(entries, _) => leaf_paths(entries, &path, out),
        kind => out.push((path, kind.clone())),
    }
}
