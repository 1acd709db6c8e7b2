//! Rows as an Arrow batch.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, FixedSizeBinaryBuilder, ListBuilder, StringBuilder, TimestampMillisecondBuilder,
    UInt64Builder,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use opentrail_event::EventId;
use opentrail_table::{Cell, ColumnKind, Row, Schema};
use parquet::errors::ParquetError;

use crate::derived::Derived;
use crate::schema::{list_item, stored};

/// Rows on their way to the encoder.
pub(crate) struct Batch {
    schema: Arc<arrow_schema::Schema>,
    derived: Option<Arc<Derived>>,
    pub(crate) rows: usize,
    pub(crate) record_bytes: usize,
    time: TimestampMillisecondBuilder,
    seq: UInt64Builder,
    id: FixedSizeBinaryBuilder,
    cells: Vec<CellBuilder>,
    record: BinaryBuilder,
}

enum CellBuilder {
    Text(StringBuilder),
    TextList(ListBuilder<StringBuilder>),
    Bool(BooleanBuilder),
}

impl Batch {
    /// An empty batch; with `derived`, their columns are made behind the others.
    pub(crate) fn new(schema: &Schema, derived: Option<Arc<Derived>>) -> Self {
        let cells = schema.columns.iter().map(|column| match column.kind {
            ColumnKind::Text => CellBuilder::Text(StringBuilder::new()),
            ColumnKind::TextList => {
                CellBuilder::TextList(ListBuilder::new(StringBuilder::new()).with_field(list_item()))
            }
            ColumnKind::Bool => CellBuilder::Bool(BooleanBuilder::new()),
        });
        Self {
            schema: Arc::new(stored(schema, derived.as_deref())),
            derived,
            rows: 0,
            record_bytes: 0,
            time: TimestampMillisecondBuilder::new().with_timezone("UTC"),
            seq: UInt64Builder::new(),
            id: FixedSizeBinaryBuilder::new(size_of::<EventId>() as i32),
            cells: cells.collect(),
            record: BinaryBuilder::new(),
        }
    }

    /// Adds a row, which must fit the schema.
    pub(crate) fn push(&mut self, row: &Row) -> Result<(), ParquetError> {
        let misfit = || ParquetError::General(format!("row {} does not fit the schema", row.id));
        let millis = row.time_s.checked_mul(1000).ok_or_else(misfit)?;
        if row.cells.len() != self.cells.len() {
            return Err(misfit());
        }
        for (builder, cell) in self.cells.iter_mut().zip(&row.cells) {
            match (builder, cell) {
                (CellBuilder::Text(texts), Cell::Text(text)) => texts.append_value(text),
                (CellBuilder::Text(texts), Cell::Null) => texts.append_null(),
                (CellBuilder::TextList(lists), Cell::TextList(list)) => {
                    list.iter().for_each(|text| lists.values().append_value(text));
                    lists.append(true);
                }
                (CellBuilder::TextList(lists), Cell::Null) => lists.append(false),
                (CellBuilder::Bool(bools), Cell::Bool(value)) => bools.append_value(*value),
                (CellBuilder::Bool(bools), Cell::Null) => bools.append_null(),
                _ => return Err(misfit()),
            }
        }
        self.time.append_value(millis);
        self.seq.append_value(row.seq);
        self.id.append_value(row.id.as_bytes())?;
        self.record.append_value(&row.record);
        self.rows += 1;
        self.record_bytes += row.record.len();
        Ok(())
    }

    /// The rows so far; there are none behind it.
    pub(crate) fn take(&mut self) -> Result<RecordBatch, ParquetError> {
        let mut columns: Vec<ArrayRef> =
            vec![Arc::new(self.time.finish()), Arc::new(self.seq.finish()), Arc::new(self.id.finish())];
        columns.extend(self.cells.iter_mut().map(|builder| match builder {
            CellBuilder::Text(texts) => Arc::new(texts.finish()) as ArrayRef,
            CellBuilder::TextList(lists) => Arc::new(lists.finish()),
            CellBuilder::Bool(bools) => Arc::new(bools.finish()),
        }));
        let records = self.record.finish();
        let made = self.derived.as_ref().map(|derived| {
            let records: Vec<&[u8]> = (0..records.len()).map(|at| records.value(at)).collect();
            derived.stored_columns(&records)
        });
        columns.push(Arc::new(records));
        columns.extend(made.unwrap_or_default());
        (self.rows, self.record_bytes) = (0, 0);
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }
}
