//! Reads chosen rows of a part: their pages are fetched, and nothing else.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampMillisecondType, UInt64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use bytes::{Buf, Bytes};
use futures::stream::{self, StreamExt, TryStreamExt};
use opentrail_event::EventId;
use opentrail_table::{Cell, Column, ColumnKind, Error, Row, Schema};
use parquet::DecodeResult;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelectionPolicy,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataPushDecoder};
use parquet::file::reader::{ChunkReader, Length};
use tokio::runtime::Handle;

use crate::cache::{Loaded, Piece};
use crate::failure::{damaged, of_blob, of_worker};
use crate::index::{CHECKED_BYTES, Index};
use crate::part::{Part, Store};
use crate::schema::{ID, RECORD, SEQ, TIME};

/// Bytes that are read rather than asked for separately when they lie between two wanted ranges.
const GAP_BYTES_MAX: u64 = 32 << 10;
/// Ranges of one part that are read at once.
const READS_AT_ONCE: usize = 8;
/// The end of the file that is read at first: the footer of a small part.
const FOOTER_BYTES: u64 = 64 << 10;
/// Rows that are decoded in place; more go to a worker thread.
const ROWS_IN_PLACE: usize = 4;

/// Whole rows, in the order of `rows`, which ascend.
pub(crate) async fn rows(store: &Arc<Store>, part: &Arc<Part>, rows: &[u32]) -> Result<Vec<Row>, Error> {
    let fetched = Fetched::new(store, part, rows, |name| is_own(&store.schema, name)).await?;
    let (store, wanted) = (store.clone(), rows.len());
    decode(wanted, move || fetched.rows(&store.schema.columns, wanted)).await
}

/// [`rows`] for a worker thread, which decodes them itself; `io` is where reads are awaited.
pub(crate) fn rows_on_worker(
    store: &Arc<Store>,
    part: &Arc<Part>,
    rows: &[u32],
    io: &Handle,
) -> Result<Vec<Row>, Error> {
    let fetched = io.block_on(Fetched::new(store, part, rows, |name| is_own(&store.schema, name)))?;
    fetched.rows(&store.schema.columns, rows.len())
}

/// The records alone, in the order of `rows`, which ascend.
pub(crate) async fn records(store: &Arc<Store>, part: &Arc<Part>, rows: &[u32]) -> Result<Vec<Bytes>, Error> {
    let fetched = Fetched::new(store, part, rows, |name| name == RECORD).await?;
    let wanted = rows.len();
    let work = move || {
        let mut out = Vec::with_capacity(wanted);
        for batch in fetched.batches()? {
            let column = batch.column_by_name(RECORD).and_then(|column| column.as_binary_opt::<i32>());
            let column = column.ok_or_else(|| fetched.damaged("column record"))?;
            out.extend((0..column.len()).map(|at| Bytes::copy_from_slice(column.value(at))));
        }
        if out.len() == wanted { Ok(out) } else { Err(fetched.damaged("it has fewer rows than its index says")) }
    };
    decode(wanted, work).await
}

/// Whether a column belongs to a row: derived columns do not, nor those that the schema has no more.
fn is_own(schema: &Schema, name: &str) -> bool {
    [TIME, SEQ, ID, RECORD].contains(&name) || schema.column(name).is_some()
}

/// The record bytes of a part, as its footer says; for sizing reads.
pub(crate) async fn record_bytes(store: &Store, part: &Part) -> Result<u64, Error> {
    let footer = footer(store, part).await?;
    let of_group = |group: &parquet::file::metadata::RowGroupMetaData| {
        let records = group.columns().iter().find(|column| column.column_path().parts() == [RECORD]);
        records.map_or(0, |column| column.uncompressed_size().unsigned_abs())
    };
    Ok(footer.metadata().row_groups().iter().map(of_group).sum())
}

async fn decode<T: Send + 'static>(
    rows: usize,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    if rows <= ROWS_IN_PLACE { work() } else { tokio::task::spawn_blocking(work).await.map_err(of_worker)? }
}

/// The pages of some rows, in memory.
struct Fetched {
    part: Arc<Part>,
    footer: Arc<ArrowReaderMetadata>,
    groups: Vec<usize>,
    selection: RowSelection,
    projection: ProjectionMask,
    pages: Pages,
}

impl Fetched {
    async fn new(
        store: &Arc<Store>,
        part: &Arc<Part>,
        rows: &[u32],
        wants: impl Fn(&str) -> bool,
    ) -> Result<Self, Error> {
        let footer = footer(store, part).await?;
        let metadata = footer.metadata();
        let columns = metadata.file_metadata().schema_descr();
        let leaves: Vec<usize> =
            (0..columns.num_columns()).filter(|&leaf| wants(columns.get_column_root(leaf).name())).collect();
        let offsets = metadata.offset_index().ok_or_else(|| damaged(&part.data, "it has no page locations"))?;

        let (mut groups, mut selected, mut ranges) = (Vec::new(), Vec::new(), Vec::new());
        let (mut first_row, mut rest, mut rows_before) = (0u64, rows, 0usize);
        for (number, group) in metadata.row_groups().iter().enumerate() {
            let group_rows = group.num_rows().unsigned_abs();
            let end = first_row + group_rows;
            let (here, later) = rest.split_at(rest.partition_point(|&row| u64::from(row) < end));
            rest = later;
            if !here.is_empty() {
                let runs = runs(here, first_row);
                let selection = RowSelection::from_consecutive_ranges(runs.iter().cloned(), group_rows as usize);
                for &leaf in &leaves {
                    let pages = offsets.get(number).and_then(|group| group.get(leaf));
                    let pages =
                        pages.ok_or_else(|| damaged(&part.data, "page locations are missing"))?.page_locations();
                    let (start, _) = group.column(leaf).byte_range();
                    if let Some(first) = pages.first().map(|page| page.offset.unsigned_abs())
                        && start < first
                    {
                        ranges.push(start..first);
                    }
                    ranges.extend(selection.scan_ranges(pages));
                }
                selected.extend(runs.into_iter().map(|run| run.start + rows_before..run.end + rows_before));
                groups.push(number);
                rows_before += group_rows as usize;
            }
            first_row = end;
        }
        if !rest.is_empty() {
            return Err(damaged(&part.data, "it has fewer rows than its index says"));
        }
        let pages = Pages::read(store, part, ranges).await?;
        let selection = RowSelection::from_consecutive_ranges(selected.into_iter(), rows_before);
        let projection = ProjectionMask::leaves(columns, leaves);
        Ok(Self { part: part.clone(), footer, groups, selection, projection, pages })
    }

    fn rows(&self, columns: &[Column], wanted: usize) -> Result<Vec<Row>, Error> {
        let mut out = Vec::with_capacity(wanted);
        for batch in self.batches()? {
            append_rows(columns, &batch, &mut out).map_err(|why| self.damaged(why))?;
        }
        if out.len() == wanted { Ok(out) } else { Err(self.damaged("it has fewer rows than its index says")) }
    }

    fn batches(&self) -> Result<Vec<RecordBatch>, Error> {
        ParquetRecordBatchReaderBuilder::new_with_metadata(self.pages.clone(), (*self.footer).clone())
            .with_row_groups(self.groups.clone())
            .with_row_selection_policy(RowSelectionPolicy::Selectors)
            .with_row_selection(self.selection.clone())
            .with_projection(self.projection.clone())
            .with_batch_size(self.selection.row_count().max(1))
            .build()
            .map_err(|e| self.damaged(e))?
            .map(|batch| batch.map_err(|e| self.damaged(e)))
            .collect()
    }

    fn damaged(&self, why: impl std::fmt::Display) -> Error {
        damaged(format_args!("part {}", self.part.data), why)
    }
}

/// Ascending row numbers as ranges that count from the first row of their row group.
pub(crate) fn runs(rows: &[u32], first_row: u64) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for &row in rows {
        let row = (u64::from(row) - first_row) as usize;
        match runs.last_mut() {
            Some(run) if run.end == row => run.end += 1,
            _ => runs.push(row..row + 1),
        }
    }
    runs
}

/// The footer with the page locations, from the cache or the blob.
pub(crate) async fn footer(store: &Store, part: &Part) -> Result<Arc<ArrowReaderMetadata>, Error> {
    if let Some(Loaded::Footer(footer)) = store.cache.get(part.row.id, Piece::Footer) {
        return Ok(footer);
    }
    let broken = |e: ParquetError| damaged(format_args!("footer of part {}", part.data), e);
    let bytes = part.row.data_bytes;
    let mut decoder = ParquetMetaDataPushDecoder::try_new(bytes)
        .map_err(broken)?
        .with_column_index_policy(PageIndexPolicy::Skip)
        .with_offset_index_policy(PageIndexPolicy::Required);
    let (start, tail) = checked(store, part, bytes.saturating_sub(FOOTER_BYTES)..bytes).await?;
    decoder.push_range(start..bytes, tail).map_err(broken)?;
    let metadata = loop {
        match decoder.try_decode().map_err(broken)? {
            DecodeResult::Data(metadata) => break metadata,
            DecodeResult::NeedsData(ranges) => {
                for range in ranges {
                    let (start, piece) = checked(store, part, range).await?;
                    decoder.push_range(start..start + piece.len() as u64, piece).map_err(broken)?;
                }
            }
            DecodeResult::Finished => return Err(broken(ParquetError::EOF("it ends early".into()))),
        }
    };
    let held = metadata.memory_size();
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let footer = Arc::new(ArrowReaderMetadata::try_new(Arc::new(metadata), options).map_err(broken)?);
    store.cache.put(part.row.id, Piece::Footer, Loaded::Footer(footer.clone()), held);
    Ok(footer)
}

/// Bytes of the Parquet file, compared with their checksums before anyone parses them. Widens the range to whole blocks.
async fn checked(store: &Store, part: &Part, range: Range<u64>) -> Result<(u64, Bytes), Error> {
    const BLOCK: u64 = CHECKED_BYTES as u64;
    let checks = Index { store, part }.data_checks().await?;
    let first = range.start / BLOCK;
    let wide = first * BLOCK..range.end.next_multiple_of(BLOCK).min(part.row.data_bytes);
    let start = wide.start;
    let bytes = store.blobs.read(&part.data, wide).await.map_err(of_blob)?;
    let mut right = bytes.chunks(CHECKED_BYTES).zip(checks.get(first as usize..).unwrap_or_default());
    match right.all(|(block, check)| crc32c::crc32c(block) == *check) {
        true => Ok((start, bytes)),
        false => Err(damaged(format_args!("part {}", part.data), "a checksum is wrong")),
    }
}

/// Pieces of a blob that stand for the whole of it.
#[derive(Clone)]
pub(crate) struct Pages {
    bytes: u64,
    /// Ascending by their offset.
    pieces: Arc<[(u64, Bytes)]>,
}

impl Pages {
    /// Fetches these ranges, near ones together.
    pub(crate) async fn read(store: &Store, part: &Part, mut ranges: Vec<Range<u64>>) -> Result<Self, Error> {
        ranges.sort_unstable_by_key(|range| range.start);
        let mut joined: Vec<Range<u64>> = Vec::new();
        for range in ranges {
            match joined.last_mut() {
                Some(last) if range.start <= last.end + GAP_BYTES_MAX => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
        let read = |range: Range<u64>| checked(store, part, range);
        let pieces: Vec<_> = stream::iter(joined).map(read).buffered(READS_AT_ONCE).try_collect().await?;
        Ok(Self { bytes: part.row.data_bytes, pieces: pieces.into() })
    }

    /// Bytes that were fetched.
    pub(crate) fn held_bytes(&self) -> u64 {
        self.pieces.iter().map(|(_, bytes)| bytes.len() as u64).sum()
    }

    fn from(&self, start: u64) -> Result<Bytes, ParquetError> {
        let piece = self.pieces[..self.pieces.partition_point(|(at, _)| *at <= start)].last();
        let inside = piece.and_then(|(at, bytes)| {
            let skip = usize::try_from(start - at).ok()?;
            (skip < bytes.len()).then(|| bytes.slice(skip..))
        });
        inside.ok_or_else(|| ParquetError::General(format!("offset {start} was not fetched")))
    }
}

impl Length for Pages {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for Pages {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.from(start)?;
        if bytes.len() < length {
            return Err(ParquetError::General(format!("{length} bytes at {start} were not fetched")));
        }
        Ok(bytes.slice(..length))
    }
}

/// Brings a batch back into rows. A column that the part does not have is null.
fn append_rows(columns: &[Column], batch: &RecordBatch, out: &mut Vec<Row>) -> Result<(), String> {
    let column = |name: &str| batch.column_by_name(name).ok_or_else(|| format!("column {name} is missing"));
    let kind = |name: &str| format!("column {name} is of another kind");
    let time = column(TIME)?.as_primitive_opt::<TimestampMillisecondType>().ok_or_else(|| kind(TIME))?;
    let seq = column(SEQ)?.as_primitive_opt::<UInt64Type>().ok_or_else(|| kind(SEQ))?;
    let id = column(ID)?.as_fixed_size_binary_opt().ok_or_else(|| kind(ID))?;
    let record = column(RECORD)?.as_binary_opt::<i32>().ok_or_else(|| kind(RECORD))?;
    let cells = columns.iter().map(|c| cells(c, batch).ok_or_else(|| kind(c.name)));
    let mut cells = cells.collect::<Result<Vec<_>, _>>()?;
    for at in 0..batch.num_rows() {
        out.push(Row {
            time_s: time.value(at).div_euclid(1000),
            seq: seq.value(at),
            id: EventId::from_bytes(id.value(at).try_into().map_err(|_| kind(ID))?),
            cells: cells.iter_mut().map(|column| column.next().unwrap_or(Cell::Null)).collect(),
            record: Bytes::copy_from_slice(record.value(at)),
        });
    }
    Ok(())
}

fn cells<'a>(column: &Column, batch: &'a RecordBatch) -> Option<Box<dyn Iterator<Item = Cell> + 'a>> {
    let Some(array) = batch.column_by_name(column.name) else { return Some(Box::new(std::iter::empty())) };
    Some(match (column.kind, array.data_type()) {
        (ColumnKind::Text, DataType::Utf8) => {
            let cell = |text: Option<&str>| text.map_or(Cell::Null, |text| Cell::Text(text.into()));
            Box::new(array.as_string_opt::<i32>()?.iter().map(cell))
        }
        (ColumnKind::TextList, DataType::List(_)) => {
            let lists = array.as_list_opt::<i32>()?;
            let texts = lists.values().as_string_opt::<i32>()?;
            let offsets = lists.value_offsets();
            Box::new((0..lists.len()).map(move |at| {
                if lists.is_null(at) {
                    return Cell::Null;
                }
                let items = offsets[at] as usize..offsets[at + 1] as usize;
                Cell::TextList(items.map(|item| texts.value(item).into()).collect())
            }))
        }
        (ColumnKind::Bool, DataType::Boolean) => {
            Box::new(array.as_boolean_opt()?.iter().map(|value| value.map_or(Cell::Null, Cell::Bool)))
        }
        _ => return None,
    })
}
