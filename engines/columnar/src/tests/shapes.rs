//! A shredder for records of any bytes: every kind of nesting, and nulls.

use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, Int64Builder, ListBuilder, MapBuilder, MapFieldNames, StringBuilder, StructBuilder,
    TimestampMillisecondBuilder,
};
use arrow_array::{ArrayRef, new_null_array};
use arrow_schema::{DataType, Field, Fields, TimeUnit};

use crate::{Shred, ShredError};

/// `shape`: struct of `bytes`, `at` and `ends` (struct of `first`, `last`); `words`: list of structs; `marks`: map; `even`.
pub(super) struct Shapes {
    fields: Fields,
    /// Columns that parts do not hold.
    pub(super) unstored: Vec<usize>,
    /// Fails on a batch that holds this record.
    pub(super) fails_at: Option<Vec<u8>>,
}

fn ends() -> Fields {
    Fields::from(vec![Field::new("first", DataType::Utf8, true), Field::new("last", DataType::Utf8, true)])
}

fn shape() -> Fields {
    Fields::from(vec![
        Field::new("bytes", DataType::Int64, true),
        Field::new("at", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), true),
        Field::new("ends", DataType::Struct(ends()), true),
    ])
}

fn word() -> Fields {
    Fields::from(vec![Field::new("text", DataType::Utf8, true), Field::new("place", DataType::Int64, true)])
}

fn marks() -> DataType {
    let entry = Fields::from(vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Utf8, true)]);
    DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(entry), false)), false)
}

impl Shapes {
    pub(super) fn new() -> Self {
        let element = Arc::new(Field::new("element", DataType::Struct(word()), true));
        let fields = Fields::from(vec![
            Field::new("shape", DataType::Struct(shape()), true),
            Field::new("words", DataType::List(element), true),
            Field::new("marks", marks(), true),
            Field::new("even", DataType::Boolean, true),
        ]);
        Self { fields, unstored: vec![], fails_at: None }
    }

    /// Only some of the columns: an earlier version.
    pub(super) fn only(names: &[&str]) -> Self {
        let mut this = Self::new();
        this.fields = this.fields.iter().filter(|field| names.contains(&field.name().as_str())).cloned().collect();
        this
    }

    /// A version whose `shape` knew no `ends`.
    pub(super) fn without_ends() -> Self {
        let mut this = Self::new();
        let shape = Field::new("shape", DataType::Struct(shape().iter().take(2).cloned().collect()), true);
        this.fields = this
            .fields
            .iter()
            .map(|field| if field.name() == "shape" { Arc::new(shape.clone()) } else { field.clone() })
            .collect();
        this
    }
}

fn text(byte: Option<&u8>) -> Option<String> {
    byte.map(|byte| format!("{byte:02x}"))
}

impl Shred for Shapes {
    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn is_stored(&self, place: usize) -> bool {
        !self.unstored.contains(&place)
    }

    fn shred(&self, records: &[&[u8]], places: &[usize]) -> Result<Vec<ArrayRef>, ShredError> {
        if let Some(bad) = &self.fails_at
            && records.iter().any(|record| record == bad)
        {
            return Err("cannot make anything of it".into());
        }
        Ok(places.iter().map(|place| column(&self.fields[*place], records)).collect())
    }
}

fn column(field: &Field, records: &[&[u8]]) -> ArrayRef {
    match field.name().as_str() {
        "shape" => shapes(field, records),
        "words" => words(field, records),
        "marks" => marked(records),
        "even" => {
            let mut even = BooleanBuilder::new();
            records.iter().for_each(|record| even.append_option((!record.is_empty()).then_some(record.len() % 2 == 0)));
            Arc::new(even.finish())
        }
        _ => new_null_array(field.data_type(), records.len()),
    }
}

fn shapes(field: &Field, records: &[&[u8]]) -> ArrayRef {
    let DataType::Struct(members) = field.data_type() else { unreachable!("a struct") };
    let children: Vec<Box<dyn ArrayBuilder>> = vec![
        Box::new(Int64Builder::new()),
        Box::new(TimestampMillisecondBuilder::new().with_timezone("UTC")),
        Box::new(StructBuilder::from_fields(ends(), records.len())),
    ];
    let mut shape = StructBuilder::new(members.clone(), children.into_iter().take(members.len()).collect());
    for record in records {
        shape.field_builder::<Int64Builder>(0).expect("bytes").append_value(record.len() as i64);
        let at = shape.field_builder::<TimestampMillisecondBuilder>(1).expect("at");
        at.append_option(record.first().map(|byte| i64::from(*byte) * 1000));
        if members.len() > 2 {
            let ends = shape.field_builder::<StructBuilder>(2).expect("ends");
            ends.field_builder::<StringBuilder>(0).expect("first").append_option(text(record.first()));
            ends.field_builder::<StringBuilder>(1).expect("last").append_option(text(record.last()));
            ends.append(!record.is_empty());
        }
        shape.append(record.len() != 1);
    }
    Arc::new(shape.finish())
}

fn words(field: &Field, records: &[&[u8]]) -> ArrayRef {
    let DataType::List(element) = field.data_type() else { unreachable!("a list") };
    let mut lists = ListBuilder::new(StructBuilder::from_fields(word(), 0)).with_field(element.clone());
    for record in records {
        for (place, piece) in record.chunks(200).enumerate() {
            let word = lists.values();
            word.field_builder::<StringBuilder>(0).expect("text").append_option(text(piece.first()));
            word.field_builder::<Int64Builder>(1).expect("place").append_value(place as i64);
            word.append(true);
        }
        lists.append(record.len() % 7 != 3);
    }
    Arc::new(lists.finish())
}

fn marked(records: &[&[u8]]) -> ArrayRef {
    let names = MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
    let mut maps = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for record in records {
        if !record.is_empty() {
            maps.keys().append_value("length");
            maps.values().append_value(record.len().to_string());
            maps.keys().append_value("nothing");
            maps.values().append_null();
        }
        maps.append(record.len() % 5 != 1).expect("as many values as keys");
    }
    Arc::new(maps.finish())
}
