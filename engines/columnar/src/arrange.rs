//! Which parts are merged into one, and how.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use opentrail_table::{Error, Row};
use tokio::runtime::Handle;

use crate::failure::unwritten;
use crate::manifest::PartRow;
use crate::order::SortKey;
use crate::part::{Part, Store};
use crate::read;
use crate::settings::Settings;
use crate::stage::Filling;

/// The most parts that one merge takes.
const PARTS_MAX: usize = 16;
/// Parts below this size are of the smallest class; each further class is four times as large.
const SMALLEST_CLASS_BYTES: u64 = 64 << 10;
/// Record bytes, about, that a merge holds of each part whose time it has come to.
const HELD_BYTES: u64 = 1 << 20;
/// Rows that a merge holds of each part at most: a page of the small columns.
const HELD_ROWS_MAX: u64 = 1024;

/// The parts to merge next: neighbours in time, of one size class, of the smallest class that has enough of them.
pub(crate) fn choose(parts: &[Arc<Part>], settings: &Settings) -> Option<Vec<Arc<Part>>> {
    let mut by_time: Vec<&Arc<Part>> = parts.iter().collect();
    by_time.sort_by_key(|part| (part.row.first, part.row.id));
    let classes = by_time.iter().map(|part| class(&part.row)).max()?;
    for class_wanted in 0..=classes {
        let alike: Vec<&Arc<Part>> = by_time.iter().filter(|part| class(&part.row) == class_wanted).copied().collect();
        for start in 0..alike.len() {
            let chosen = fitting(&alike[start..], settings);
            if chosen.len() >= settings.merge_parts_min.max(2) {
                return Some(chosen);
            }
        }
    }
    None
}

/// As many of the first parts as one merged part may hold.
fn fitting(parts: &[&Arc<Part>], settings: &Settings) -> Vec<Arc<Part>> {
    let (mut rows, mut bytes) = (0u64, 0u64);
    let fits = |part: &&&Arc<Part>| {
        rows += u64::from(part.row.rows);
        bytes += part.row.data_bytes;
        rows <= settings.merge_rows_max && bytes <= settings.merge_bytes_max
    };
    parts.iter().take(PARTS_MAX).take_while(fits).map(|part| Arc::clone(part)).collect()
}

fn class(part: &PartRow) -> u32 {
    (part.data_bytes / SMALLEST_CLASS_BYTES).max(1).ilog(4)
}

/// Writes the rows of all parts in order. Runs on a worker thread; `io` is where reads are awaited.
pub(crate) fn merge_into(
    writer: Filling<'_>,
    store: &Arc<Store>,
    parts: Vec<Arc<Part>>,
    io: &Handle,
) -> Result<(), Error> {
    let mut readers: Vec<Reader> = parts.into_iter().map(Reader::new).collect();
    let mut heads: BinaryHeap<Reverse<(SortKey, usize)>> = BinaryHeap::new();
    // A part is not opened before its time: neighbours hardly overlap, and each that is open holds rows in memory.
    heads.extend(readers.iter().enumerate().map(|(at, reader)| Reverse((reader.part.row.first, at))));
    while let Some(Reverse((key, at))) = heads.pop() {
        match readers[at].head(store, io)? {
            Some(first) if first > key => {
                heads.push(Reverse((first, at)));
                continue;
            }
            _ => {}
        }
        if let Some(row) = readers[at].rows.pop_front() {
            writer.push(&row).map_err(unwritten)?;
        }
        heads.extend(readers[at].head(store, io)?.map(|key| Reverse((key, at))));
    }
    Ok(())
}

/// Reads a part from its first row to its last, a little at a time.
struct Reader {
    part: Arc<Part>,
    next: u32,
    /// How many rows are read at once; 0 while that is not known.
    step: u32,
    rows: VecDeque<Row>,
}

impl Reader {
    fn new(part: Arc<Part>) -> Self {
        Self { part, next: 0, step: 0, rows: VecDeque::new() }
    }

    fn head(&mut self, store: &Arc<Store>, io: &Handle) -> Result<Option<SortKey>, Error> {
        if self.rows.is_empty() && self.next < self.part.row.rows {
            if self.step == 0 {
                let per_row = io.block_on(read::record_bytes(store, &self.part))? / u64::from(self.part.row.rows);
                self.step = (HELD_BYTES / per_row.max(1)).clamp(1, HELD_ROWS_MAX) as u32;
            }
            let end = self.next.saturating_add(self.step).min(self.part.row.rows);
            let numbers: Vec<u32> = (self.next..end).collect();
            self.rows = read::rows_on_worker(store, &self.part, &numbers, io)?.into();
            self.next = end;
        }
        Ok(self.rows.front().map(|row| (row.time_s, row.seq)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(id: u64, data_bytes: u64, rows: u32, first: i64) -> Arc<Part> {
        let row = PartRow {
            id,
            data: format!("table/t/{id}.parquet"),
            data_bytes,
            index: format!("table/t/{id}.index"),
            index_bytes: 1,
            rows,
            first: (first, 0),
            last: (first, 1),
            seq_min: 0,
            seq_max: 1,
        };
        Arc::new(Part::new(row).expect("plain names"))
    }

    fn check(parts: &[(u64, u32)], expect: Option<&[u64]>) {
        let settings = Settings { merge_rows_max: 100, merge_bytes_max: 100 << 20, ..Settings::default() };
        let parts: Vec<_> =
            parts.iter().zip(0..).map(|((mib, rows), id)| part(id, mib << 20, *rows, id as i64)).collect();
        let chosen = choose(&parts, &settings).map(|parts| parts.iter().map(|p| p.row.id).collect::<Vec<_>>());
        assert_eq!(chosen.as_deref(), expect, "{parts:?}");
    }

    #[test]
    fn four_of_a_size_are_merged_and_no_fewer() {
        check(&[], None);
        check(&[(1, 5); 3], None);
        check(&[(1, 5); 4], Some(&[0, 1, 2, 3]));
        check(&[(1, 5), (30, 5), (1, 5), (30, 5), (1, 5), (1, 5)], Some(&[0, 2, 4, 5]));
        check(&[(30, 5), (30, 5), (30, 5), (30, 5)], None);
    }

    #[test]
    fn a_merged_part_stays_within_its_limits() {
        check(&[(1, 40); 4], None);
        check(&[(1, 90), (1, 20), (1, 20), (1, 20), (1, 20)], Some(&[1, 2, 3, 4]));
        check(&[(1, 25); 6], Some(&[0, 1, 2, 3]));
    }
}
