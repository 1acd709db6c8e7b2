//! Reads some columns of a row group: their pages are fetched at once, and decoded a batch at a time.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow_array::RecordBatch;
use opentrail_table::Error;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection, RowSelectionPolicy,
};
use roaring::RoaringBitmap;

use super::Counts;
use super::project::Projection;
use crate::failure::damaged;
use crate::part::{Part, Store};
use crate::read::{Pages, footer, runs};

/// Bytes, about, of a decoded batch: records are large, and a batch of them is smaller than asked for.
pub(super) const BATCH_BYTES: u64 = 8 << 20;
/// Rows that are apart are picked one by one if they are fewer than this share of the group's; else all are read.
const PICKED_SHARE: usize = 16;

/// The rows of a group that a scan wants.
#[derive(Clone)]
pub(crate) struct Group {
    pub(crate) part: Arc<Part>,
    pub(crate) number: usize,
    /// The number of its first row in the part.
    pub(crate) first_row: u32,
    /// Rows within the window, counted from the first of the group.
    pub(crate) rows: Range<u32>,
    /// Rows of the part that may fit, where an index tells.
    pub(crate) candidates: Option<Arc<RoaringBitmap>>,
}

/// A group that was fetched.
pub(crate) struct Batches {
    part: Arc<Part>,
    projection: Arc<Projection>,
    counts: Arc<Counts>,
    reader: ParquetRecordBatchReader,
}

impl Group {
    /// How many rows may come, for sharing them out.
    pub(crate) fn weight(&self) -> u64 {
        match &self.candidates {
            None => u64::from(self.rows.end - self.rows.start),
            Some(rows) => rows.range_cardinality(self.first_row + self.rows.start..self.first_row + self.rows.end),
        }
    }

    /// Ranges of wanted rows, counted from the group's first; `None`: all of them.
    fn wanted(&self, group_rows: usize) -> Option<Vec<Range<usize>>> {
        let within = self.rows.start as usize..self.rows.end as usize;
        if let Some(candidates) = &self.candidates {
            let rows = self.first_row + self.rows.start..self.first_row + self.rows.end;
            let picked: Vec<u32> = candidates.range(rows).collect();
            let picked = runs(&picked, u64::from(self.first_row));
            if picked.len() <= (group_rows / PICKED_SHARE).max(1) {
                return Some(picked);
            }
        }
        (within != (0..group_rows)).then(|| vec![within])
    }

    /// Fetches what the scan needs of the group.
    pub(crate) async fn fetch(
        self,
        store: &Store,
        projection: Arc<Projection>,
        batch_rows: usize,
        counts: Arc<Counts>,
    ) -> Result<Batches, Error> {
        let part = self.part.clone();
        let footer = footer(store, &part).await?;
        let metadata = footer.metadata();
        let missing = || damaged(&part.data, "page locations are missing");
        let group = metadata.row_groups().get(self.number).ok_or_else(missing)?;
        let pages_of = metadata.offset_index().and_then(|groups| groups.get(self.number)).ok_or_else(missing)?;
        let group_rows = group.num_rows().unsigned_abs() as usize;
        let wanted = self.wanted(group_rows);
        let selection = wanted.map(|rows| RowSelection::from_consecutive_ranges(rows.into_iter(), group_rows));

        let leaves = projection.needs(footer.schema()).leaves;
        let (mut ranges, mut decoded) = (Vec::new(), 0);
        for &leaf in &leaves {
            let chunk = group.column(leaf);
            let (start, bytes) = chunk.byte_range();
            decoded += chunk.uncompressed_size().unsigned_abs();
            match &selection {
                None => ranges.push(start..start + bytes),
                Some(selection) => {
                    let pages = pages_of.get(leaf).ok_or_else(missing)?.page_locations();
                    // What stands before the first page is the dictionary.
                    let first = pages.first().map(|page| page.offset.unsigned_abs());
                    ranges.extend(first.filter(|first| start < *first).map(|first| start..first));
                    ranges.extend(selection.scan_ranges(pages));
                }
            }
        }
        let pages = Pages::read(store, &part, ranges).await?;
        counts.bytes.fetch_add(pages.held_bytes(), Ordering::Relaxed);
        let per_row = (decoded / group_rows.max(1) as u64).max(1);
        let batch_rows = batch_rows.min(usize::try_from(BATCH_BYTES / per_row).unwrap_or(usize::MAX)).max(1);
        let projected = ProjectionMask::leaves(metadata.file_metadata().schema_descr(), leaves);
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(pages, (*footer).clone())
            .with_row_groups(vec![self.number])
            .with_row_selection_policy(RowSelectionPolicy::Selectors)
            .with_projection(projected)
            .with_batch_size(batch_rows);
        let builder = match selection {
            Some(selection) => builder.with_row_selection(selection),
            None => builder,
        };
        let reader = builder.build().map_err(|e| damaged(format_args!("part {}", part.data), e))?;
        Ok(Batches { part, projection, counts, reader })
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let damaged = |why: String| damaged(format_args!("part {}", self.part.data), why);
        let batch = self.reader.next()?.map_err(|e| damaged(e.to_string()));
        Some(batch.and_then(|batch| {
            self.counts.rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
            self.projection.assemble(&batch).map_err(damaged)
        }))
    }
}
