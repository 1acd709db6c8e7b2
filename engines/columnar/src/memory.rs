//! Rows that are not in a part yet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, RwLock, RwLockReadGuard};
use std::time::Duration;

use opentrail_event::EventId;
use opentrail_table::{Cell, Error, Order, Row, Unsealed};

use crate::order::{SortKey, Window};

/// Memory that a row takes beyond its texts and its record: nodes of both trees, the row itself, its cells.
const ROW_OVERHEAD_BYTES: u64 = 400;

/// Rows in order. Grows while it is hot, stays as it is once frozen.
#[derive(Default)]
pub(crate) struct Memory {
    rows: RwLock<Rows>,
}

#[derive(Default)]
struct Rows {
    by_key: BTreeMap<SortKey, Arc<Row>>,
    by_id: BTreeSet<(EventId, SortKey)>,
    record_bytes: u64,
    held_bytes: u64,
    since: Option<Duration>,
}

impl Memory {
    /// Adds the batch whole or not at all. A row that is here already is passed over; another row in its place is an
    /// error.
    pub(crate) fn append(&self, batch: Vec<Row>, now: Duration) -> Result<(), Error> {
        let mut rows = self.rows.write().expect("nothing panics while it holds the rows");
        let mut fresh: BTreeMap<SortKey, Row> = BTreeMap::new();
        for row in batch {
            let key = (row.time_s, row.seq);
            match rows.by_key.get(&key).map(Arc::as_ref).or_else(|| fresh.get(&key)) {
                Some(there) if *there == row => continue,
                Some(there) => return Err(taken(&row, there)),
                None => fresh.insert(key, row),
            };
        }
        if !fresh.is_empty() {
            rows.since.get_or_insert(now);
        }
        for (key, row) in fresh {
            rows.record_bytes += row.record.len() as u64;
            rows.held_bytes += held_bytes(&row);
            rows.by_id.insert((row.id, key));
            rows.by_key.insert(key, Arc::new(row));
        }
        Ok(())
    }

    /// The row at `key`.
    pub(crate) fn get(&self, key: SortKey) -> Option<Arc<Row>> {
        self.rows().by_key.get(&key).cloned()
    }

    /// Counts for [`opentrail_table::Table::unsealed`].
    pub(crate) fn unsealed(&self) -> Unsealed {
        let rows = self.rows();
        Unsealed { rows: rows.by_key.len() as u64, bytes: rows.record_bytes, since: rows.since }
    }

    /// About how much memory the rows take.
    pub(crate) fn held_bytes(&self) -> u64 {
        self.rows().held_bytes
    }

    /// Every row in order.
    pub(crate) fn all(&self) -> Vec<Arc<Row>> {
        self.rows().by_key.values().cloned().collect()
    }

    /// Every row of the window, in order.
    pub(crate) fn within(&self, window: Window) -> Vec<Arc<Row>> {
        self.rows().by_key.range(window.lo..=window.hi).map(|(_, row)| row.clone()).collect()
    }

    /// Rows with this id within the window, oldest first.
    pub(crate) fn with_id(&self, id: EventId, window: Window) -> Vec<Arc<Row>> {
        let rows = self.rows();
        let keys = rows.by_id.range((id, window.lo)..=(id, window.hi));
        keys.filter_map(|(_, key)| rows.by_key.get(key).cloned()).collect()
    }

    /// Looks at up to `examined_max` rows of the window from its `order` end, and returns those that `wanted` wants
    /// and the window that is left.
    pub(crate) fn scan(
        &self,
        order: Order,
        window: Window,
        examined_max: usize,
        mut wanted: impl FnMut(&Row) -> bool,
    ) -> (Vec<Arc<Row>>, Option<Window>) {
        let rows = self.rows();
        let mut range = rows.by_key.range(window.lo..=window.hi);
        let mut found = Vec::new();
        let mut last = None;
        for _ in 0..examined_max {
            let next = match order {
                Order::NewestFirst => range.next_back(),
                Order::OldestFirst => range.next(),
            };
            let Some((&key, row)) = next else { return (found, None) };
            last = Some(key);
            if wanted(row) {
                found.push(row.clone());
            }
        }
        (found, last.and_then(|last| window.behind(order, last)))
    }

    fn rows(&self) -> RwLockReadGuard<'_, Rows> {
        self.rows.read().expect("nothing panics while it holds the rows")
    }
}

/// Two rows claim one place.
pub(crate) fn taken(row: &Row, there: &Row) -> Error {
    Error::BadRow(format!("{} has the time and sequence number of {}", row.id, there.id))
}

/// About how much memory a row takes while it waits.
pub(crate) fn held_bytes(row: &Row) -> u64 {
    let cells: usize = row
        .cells
        .iter()
        .map(|cell| match cell {
            Cell::Text(text) => text.len(),
            Cell::TextList(texts) => texts.iter().map(|text| text.len() + size_of::<Box<str>>()).sum(),
            Cell::Null | Cell::Bool(_) => 0,
        })
        .sum();
    ROW_OVERHEAD_BYTES + (row.record.len() + cells + row.cells.len() * size_of::<Cell>()) as u64
}
