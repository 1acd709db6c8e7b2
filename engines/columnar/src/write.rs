//! Writes rows as one Parquet file and its index, in bounded memory.

use std::io::{self, Write};
use std::sync::Arc;

use arrow_schema::DataType;
use opentrail_table::{ColumnKind, Row, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use crate::batch::Batch;
use crate::derived::{Derived, leaf_paths};
use crate::index::IndexBuilder;
use crate::order::SortKey;
use crate::schema::{ID, RECORD, SEQ, TIME, stored};

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
/// The same for tables that are scanned, which is what derived columns are for: they give a millisecond of finding one row for a
/// quarter of the bytes of all records, and for fewer pages to a scan.
const SCANNED_RECORD_PAGE_BYTES: usize = 512 << 10;
const SCANNED_PAGE_ROWS: usize = 8192;
/// Derived columns are read by scans alone, from one end of a group to the other.
const DERIVED_DICTIONARY_BYTES_MAX: usize = 512 << 10;
const DERIVED_PAGE_BYTES: usize = 512 << 10;
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
    pub(crate) fn new(
        schema: &Schema,
        derived: Option<Arc<Derived>>,
        salt: u64,
        level: i32,
        sink: W,
    ) -> Result<Self, ParquetError> {
        let arrow = Arc::new(stored(schema, derived.as_deref()));
        let properties = properties(schema, derived.as_deref(), level)?;
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        Ok(Self {
            parquet: ArrowWriter::try_new_with_options(sink, arrow, options)?,
            index: IndexBuilder::new(schema, salt),
            batch: Batch::new(schema, derived),
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
/// Records, lists, texts without an index and derived columns are compressed. To read one row, each compressed column costs a zstd
/// context, and what dictionaries leave of the other columns hardly shrinks.
fn properties(schema: &Schema, derived: Option<&Derived>, level: i32) -> Result<WriterProperties, ParquetError> {
    let scanned = derived.is_some();
    let column = |name: &str| ColumnPath::from(name);
    let plain = |builder: WriterPropertiesBuilder, name: &str, encoding| {
        builder.set_column_dictionary_enabled(column(name), false).set_column_encoding(column(name), encoding)
    };
    let mut builder = WriterProperties::builder()
        .set_created_by("opentrail".into())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(level)?))
        .set_max_row_group_row_count(None)
        .set_write_batch_size(LOOK_ROWS)
        .set_data_page_row_count_limit(if scanned { SCANNED_PAGE_ROWS } else { PAGE_ROWS })
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
    if scanned {
        builder = builder.set_column_data_page_size_limit(column(RECORD), SCANNED_RECORD_PAGE_BYTES);
    }
    for column in &schema.columns {
        let name = ColumnPath::from(column.name);
        builder = match column.kind {
            ColumnKind::Text if !column.indexed => builder,
            ColumnKind::Text => builder.set_column_compression(name, Compression::UNCOMPRESSED),
            ColumnKind::TextList => builder,
            ColumnKind::Bool => builder
                .set_column_compression(name.clone(), Compression::UNCOMPRESSED)
                .set_column_dictionary_enabled(name, false),
        };
    }
    for (path, kind) in derived.map(leaves_of).unwrap_or_default() {
        if kind == DataType::Utf8 {
            builder = builder.set_column_encoding(path.clone(), Encoding::DELTA_LENGTH_BYTE_ARRAY);
        }
        builder = builder
            .set_column_dictionary_page_size_limit(path.clone(), DERIVED_DICTIONARY_BYTES_MAX)
            .set_column_data_page_size_limit(path.clone(), DERIVED_PAGE_BYTES)
            .set_column_statistics_enabled(path, EnabledStatistics::None);
    }
    Ok(builder.build())
}

fn leaves_of(derived: &Derived) -> Vec<(ColumnPath, DataType)> {
    let mut paths = Vec::new();
    derived.stored().for_each(|field| leaf_paths(field, &[], &mut paths));
    paths.into_iter().map(|(path, kind)| (ColumnPath::new(path), kind)).collect()
}
