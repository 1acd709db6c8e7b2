//! Writes rows as one Parquet file and its index, in bounded memory.

use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, FixedSizeBinaryBuilder, ListBuilder, StringBuilder, TimestampMillisecondBuilder,
    UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use opentrail_event::EventId;
use opentrail_table::{Cell, ColumnKind, Row, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use crate::index::IndexBuilder;
use crate::order::SortKey;
use crate::schema::{ID, RECORD, SEQ, TIME, arrow, list_item};

/// Rows of a row group at most.
pub(crate) const GROUP_ROWS_MAX: usize = 32_768;
/// Record bytes of a row group at most, save that one row always fits. A merge holds some of these at once.
pub(crate) const GROUP_RECORD_BYTES_MAX: usize = 48 << 20;
/// Rows and record bytes that are handed to the encoder at once.
const BATCH_ROWS_MAX: usize = 1024;
const BATCH_RECORD_BYTES_MAX: usize = 4 << 20;
/// A page of records before compression: what must be decoded to read one row.
const RECORD_PAGE_BYTES: usize = 64 << 10;
/// Rows of a page of the other columns.
const PAGE_ROWS: usize = 1024;
/// A dictionary is decoded whole for one row: beyond this, values are written plainly.
const DICTIONARY_BYTES_MAX: usize = 64 << 10;
/// The page limits are looked at once in so many rows.
const LOOK_ROWS: usize = 16;

/// What was written.
pub(crate) struct Written {
    pub(crate) rows: u32,
    pub(crate) first: SortKey,
    pub(crate) last: SortKey,
    pub(crate) seq_min: u64,
    pub(crate) seq_max: u64,
    pub(crate) data_bytes: u64,
    pub(crate) index: Vec<u8>,
}

/// Takes rows in their order.
pub(crate) struct PartWriter<W: Write + Send> {
    parquet: ArrowWriter<W>,
    index: IndexBuilder,
    batch: Batch,
    group_rows: usize,
    group_bytes: usize,
    rows: u32,
    span: Option<Span>,
}

#[derive(Clone, Copy)]
struct Span {
    first: SortKey,
    last: SortKey,
    seq_min: u64,
    seq_max: u64,
}

impl<W: Write + Send> PartWriter<W> {
    /// `level` is zstd's: higher is smaller and slower.
    pub(crate) fn new(schema: &Schema, salt: u64, level: i32, sink: W) -> Result<Self, ParquetError> {
        let arrow = Arc::new(arrow(schema));
        let options =
            ArrowWriterOptions::new().with_properties(properties(schema, level)?).with_skip_arrow_metadata(true);
        Ok(Self {
            parquet: ArrowWriter::try_new_with_options(sink, arrow.clone(), options)?,
            index: IndexBuilder::new(schema, salt),
            batch: Batch::new(schema, arrow),
            group_rows: 0,
            group_bytes: 0,
            rows: 0,
            span: None,
        })
    }

    /// Adds the next row, which must fit the schema.
    pub(crate) fn push(&mut self, row: &Row) -> Result<(), ParquetError> {
        let group_is_full =
            self.group_rows >= GROUP_ROWS_MAX || self.group_bytes + row.record.len() > GROUP_RECORD_BYTES_MAX;
        if group_is_full && self.group_rows > 0 {
            self.write_batch()?;
            self.parquet.flush()?;
            (self.group_rows, self.group_bytes) = (0, 0);
        }
        self.rows = self.rows.checked_add(1).ok_or_else(|| ParquetError::General("a part of 2^32 rows".into()))?;
        self.index.push(row);
        self.batch.push(row)?;
        self.group_rows += 1;
        self.group_bytes += row.record.len();
        let key = (row.time_s, row.seq);
        let span = self.span.get_or_insert(Span { first: key, last: key, seq_min: row.seq, seq_max: row.seq });
        *span = Span {
            last: key,
            seq_min: span.seq_min.min(row.seq),
            seq_max: span.seq_max.max(row.seq),
            first: span.first,
        };
        if self.batch.rows >= BATCH_ROWS_MAX || self.batch.record_bytes >= BATCH_RECORD_BYTES_MAX {
            self.write_batch()?;
        }
        Ok(())
    }

    /// Closes the file; `end` is what the sink wants to hear last, and answers with the checksums of what it took.
    pub(crate) fn finish(mut self, end: impl FnOnce(&mut W) -> io::Result<Vec<u32>>) -> Result<Written, ParquetError> {
        self.write_batch()?;
        let Some(span) = self.span else { return Err(ParquetError::General("a part without rows".into())) };
        self.parquet.finish()?;
        let data_bytes = self.parquet.bytes_written() as u64;
        let checks = end(self.parquet.inner_mut())?;
        let index = self.index.finish(&checks).map_err(ParquetError::General)?;
        let Span { first, last, seq_min, seq_max } = span;
        Ok(Written { rows: self.rows, first, last, seq_min, seq_max, data_bytes, index })
    }

    fn write_batch(&mut self) -> Result<(), ParquetError> {
        if self.batch.rows > 0 {
            let batch = self.batch.take()?;
            self.parquet.write(&batch)?;
        }
        Ok(())
    }
}

/// How the columns are encoded: records in small pages that stand alone; the others by dictionary or delta.
///
/// Only records and lists are compressed. To read one row, each compressed column costs a zstd context, and what
/// dictionaries leave of the other columns hardly shrinks.
fn properties(schema: &Schema, level: i32) -> Result<WriterProperties, ParquetError> {
    let column = |name: &str| ColumnPath::from(name);
    let plain = |builder: WriterPropertiesBuilder, name: &str, encoding| {
        builder.set_column_dictionary_enabled(column(name), false).set_column_encoding(column(name), encoding)
    };
    let mut builder = WriterProperties::builder()
        .set_created_by("opentrail".into())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(level)?))
        .set_max_row_group_row_count(None)
        .set_write_batch_size(LOOK_ROWS)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_data_page_size_limit(RECORD_PAGE_BYTES)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(Some(64))
        .set_column_statistics_enabled(column(ID), EnabledStatistics::None)
        .set_column_statistics_enabled(column(RECORD), EnabledStatistics::None)
        .set_sorting_columns(Some(vec![
            SortingColumn { column_idx: 0, descending: false, nulls_first: false },
            SortingColumn { column_idx: 1, descending: false, nulls_first: false },
        ]));
    for name in [TIME, SEQ] {
        builder = plain(builder, name, Encoding::DELTA_BINARY_PACKED);
    }
    for name in [TIME, SEQ, ID] {
        builder = builder.set_column_compression(column(name), Compression::UNCOMPRESSED);
    }
    for name in [ID, RECORD] {
        builder = plain(builder, name, Encoding::PLAIN);
    }
    for column in &schema.columns {
        let name = ColumnPath::from(column.name);
        builder = match column.kind {
            ColumnKind::Text => builder.set_column_compression(name, Compression::UNCOMPRESSED),
            ColumnKind::TextList => builder,
            ColumnKind::Bool => builder
                .set_column_compression(name.clone(), Compression::UNCOMPRESSED)
                .set_column_dictionary_enabled(name, false),
        };
    }
    Ok(builder.build())
}

/// Rows on their way to the encoder.
struct Batch {
    schema: Arc<arrow_schema::Schema>,
    rows: usize,
    record_bytes: usize,
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
    fn new(schema: &Schema, arrow: Arc<arrow_schema::Schema>) -> Self {
        let cells = schema.columns.iter().map(|column| match column.kind {
            ColumnKind::Text => CellBuilder::Text(StringBuilder::new()),
            ColumnKind::TextList => {
                CellBuilder::TextList(ListBuilder::new(StringBuilder::new()).with_field(list_item()))
            }
            ColumnKind::Bool => CellBuilder::Bool(BooleanBuilder::new()),
        });
        Self {
            schema: arrow,
            rows: 0,
            record_bytes: 0,
            time: TimestampMillisecondBuilder::new().with_timezone("UTC"),
            seq: UInt64Builder::new(),
            id: FixedSizeBinaryBuilder::new(size_of::<EventId>() as i32),
            cells: cells.collect(),
            record: BinaryBuilder::new(),
        }
    }

    fn push(&mut self, row: &Row) -> Result<(), ParquetError> {
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

    fn take(&mut self) -> Result<RecordBatch, ParquetError> {
        let mut columns: Vec<ArrayRef> =
            vec![Arc::new(self.time.finish()), Arc::new(self.seq.finish()), Arc::new(self.id.finish())];
        columns.extend(self.cells.iter_mut().map(|builder| match builder {
            CellBuilder::Text(texts) => Arc::new(texts.finish()) as ArrayRef,
            CellBuilder::TextList(lists) => Arc::new(lists.finish()),
            CellBuilder::Bool(bools) => Arc::new(bools.finish()),
        }));
        columns.push(Arc::new(self.record.finish()));
        (self.rows, self.record_bytes) = (0, 0);
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }
}
